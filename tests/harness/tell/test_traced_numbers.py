"""Each number that people read comes from the record, and each of the record's is read."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, get_args

import pytest

from harness.record.base import Reason, Recorded
from harness.record.life import OptionLife
from harness.record.model import DecisionRecord
from harness.record.money import CascadeMonth, LeverBasis, PortionFacts, TierFacts
from harness.record.parts import Registered
from harness.record.quality_parts import AbsentFacts, ReliabilityFacts, SureBand
from harness.record.trust import (
    AnswersFacts,
    AuditFacts,
    CascadeFacts,
    FormFacts,
    GraderFacts,
    Missingness,
    MixFacts,
    NoiseFacts,
    ProgramFacts,
    SpreadFacts,
)
from harness.tell.page.titles import MIXED
from harness.tell.pages import to_document
from tests.support.document_text import texts
from tests.support.floors import a_floor, a_hopeless_floor, an_alike_floor
from tests.support.record_numbers import change, numbers
from tests.support.record_parts import (
    a_cost,
    a_design,
    a_guardrail,
    a_hosting,
    a_judge,
    a_latency,
    a_life,
    a_power,
    a_proof,
    a_quality,
    a_rate,
    a_slice,
    a_stop,
    a_target,
    an_anchor,
    an_eval_set,
    an_evidence,
    an_option,
    some_labels,
)
from tests.support.records import (
    NOW,
    decided,
    downgrade_record,
    justify_record,
    record_for,
    undecided_record,
)

if TYPE_CHECKING:
    from tests.support.record_numbers import Path

TIER = TierFacts(
    from_input_tokens=1000,
    input=Decimal(1),
    output=Decimal(2),
    cache_read=Decimal(3),
    cache_write=Decimal(4),
    cache_write_1h=Decimal(5),
)


def full_record() -> DecisionRecord:
    """A record in which nothing that can be a number is absent."""
    record = downgrade_record()
    cost = a_cost(
        rates=a_rate(
            tiers=(TIER,),
            batch_bands=(TIER,),
            as_of=date(2026, 11, 1),
            minimum_per_request=Decimal("0.01"),
        ),
        success_share=Decimal("0.945"),
        per_million_tokens=Decimal("1.31"),
        hosting=a_hosting(),
        portions=(PortionFacts(cases=40, input_tokens=Decimal(900), output_tokens=Decimal(300)),),
    )
    option = an_option(
        target=a_target("claude-haiku-4-5", retires_on=date(2027, 9, 1)),
        latency=a_latency(p99_s=4.0, p99_upper_s=5.0, slo_ttft_p95_s=2.0, slo_p99_s=9.0),
        cost=cost,
        slices=(a_slice(of=61, could_show=9.8),),
        guardrails=(a_guardrail(of=563, could_show=2.3),),
        saving_at_most=Decimal("2900.00"),
        quality=a_quality(
            pilot_cases=4,
            deciding_cases=556,
            missing_cases=3,
            looks_planned=5,
            looks=tuple(
                look.model_copy(update={"lost": 30 + place, "won": 20 + place})
                for place, look in enumerate(a_quality().looks)
            ),
            best_level=0.0125,
            corrected=-1.7,
            absent=AbsentFacts(
                left_out=1, unanswered=2, unlabelled=3, worst=(4, 1, 0), best=(0, 2, 3)
            ),
            spread_current=SpreadFacts(
                cases=540, repeats=3, between=21.4, within=7.3, mean=94.1, every=55.3
            ),
            mix=MixFacts(
                key="layout", shares=(("printed", 71.0),), n=543, difference=-0.8, worst=-2.7
            ),
            spread_candidate=SpreadFacts(
                cases=530, repeats=4, between=22.6, within=9.1, mean=93.2, every=52.6
            ),
        ),
        cascade=CascadeFacts(
            first="claude-haiku-4-5",
            accept_when="probability-0.9",
            unsure=None,
            threshold=0.9317,
            threshold_cases=57,
            escalates_to="claude-opus-4-5",
            answers=561,
            escalated=11.8,
            first_per_request=Decimal("0.0073"),
            escalation_per_request=Decimal("0.0043"),
            month=CascadeMonth(
                first=(
                    PortionFacts(cases=41, input_tokens=Decimal(901), output_tokens=Decimal(301)),
                ),
                again=(
                    PortionFacts(cases=42, input_tokens=Decimal(92), output_tokens=Decimal(32)),
                ),
                cases=560,
                gone_on=66,
                first_rates=cost.rates,
                first_hosting=a_hosting(),
            ),
        ),
        missing=Missingness(
            current=6,
            candidate=4,
            failed_current=1,
            failed_candidate=2,
            why_current=(("AuthRejectedError", 6),),
            why_candidate=(("BudgetExhausted", 4),),
        ),
        proof=a_proof(),
        audit=AuditFacts(
            losses=("inv-003", "inv-118", "inv-119"),
            gains=("inv-042", "inv-043", "inv-044"),
            form_losses=FormFacts(other=1, unread=1),
            form_gains=FormFacts(other=1, unread=1),
        ),
        grader=GraderFacts(
            grader="number",
            cases=559,
            current=85.7,
            candidate=63.8,
            current_again=88.9,
            candidate_again=64.0,
            tilt=-3.1,
            changed_current=("inv-007",),
            changed_candidate=(),
        ),
    )
    basis = LeverBasis(
        batch=True,
        output_factor=Decimal("0.8"),
        cached_share=Decimal("0.5"),
        cache_written_share=Decimal("0.05"),
    )
    assert record.savings is not None
    needed = undecided_record().still_needed
    assert needed is not None
    whole = record.model_copy(
        update={
            "current_cases": 544,
            "anchor": an_anchor(),
            "noise": NoiseFacts(cases=541, disagreement=4.4, difference=-0.6, error=0.9),
            "options": (option,),
            "current": a_target("claude-opus-4-5", retires_on=date(2027, 10, 1)),
            "current_cost": cost,
            "current_latency": option.latency,
            "levers": (record.levers[0].model_copy(update={"basis": basis}),),
            "still_needed": needed.model_copy(update={"labels": 12, "fewest": 2, "new_cases": 290}),
            "savings": record.savings.model_copy(
                update={
                    "realised": Decimal(2500),
                    "verified_at": datetime(2027, 1, 5, tzinfo=UTC),
                }
            ),
            "evidence": an_evidence(
                eval_set=an_eval_set(
                    labels_sha256="9a" * 32,
                    rows=7000,
                    worth=310.5,
                    life=a_life(),
                    lives=(
                        OptionLife(
                            option="claude-haiku-4-5", life=a_life(test=2, level=0.34, left=0.66)
                        ),
                    ),
                ),
                imported_in_part=True,
                judge=a_judge(),
                labels=some_labels(),
                answers=(AnswersFacts(option="claude-haiku-4-5", live=4, batch=533, offline=6),),
                reliability=(
                    ReliabilityFacts(
                        option="claude-haiku-4-5",
                        answers=549,
                        brier=0.0412,
                        gap=2.6,
                        bands=(
                            SureBand(
                                low=0.95,
                                high=0.99,
                                n=549,
                                said=97.3,
                                right=94.7,
                                squared_error=0.0412,
                            ),
                        ),
                    ),
                ),
                program=(
                    ProgramFacts(
                        option="claude-haiku-4-5",
                        runs=547,
                        calls=1203,
                        most_calls=7,
                        beside=211,
                        input_tokens=641_000,
                        output_tokens=52_300,
                        usd=Decimal("4.21"),
                        successes=300.5,
                        unused_calls=19,
                        unused_usd=Decimal("0.07"),
                    ),
                ),
                floor=a_floor(),
                design=a_design(
                    options=(("claude-haiku-4-5", 0.71), ("claude-sonnet-5", 0.43)),
                    at_most=(0.0034, None),
                ),
                power=a_power(),
                power_note=a_power().note,
                registered=Registered(
                    plan_sha256="ab" * 32,
                    commit="cd" * 20,
                    committed_on=date(2026, 9, 30),
                    first_asked_on=date(2026, 10, 1),
                ),
            ),
        }
    )
    return decided(whole, until=date(2027, 2, 1))


def given_up_record() -> DecisionRecord:
    """An option whose part of the error allowed was too small."""
    record = record_for(Reason.UNLIKELY_TO_PASS)
    (option,) = record.options
    stop = a_stop(chance=0.314, share=0.011, least_share=0.02)
    return record.model_copy(update={"options": (option.model_copy(update={"stopped": stop}),)})


RECORDS = {
    "full": full_record(),
    "given up": given_up_record(),
    "downgrade": downgrade_record(),
    "justify": decided(justify_record()),
    "undecided": undecided_record(),
}
CASES = [
    (name, path)
    for name, record in RECORDS.items()
    for path in numbers(record)
    # A floor with one number changed is none: test_floor_words.py changes several together.
    if path[:2] != ("evidence", "floor")
    # Nor is what tests share on their cases: test_life_words.py.
    and "life" not in path
    # And a stop neither: test_stop_words.py.
    and "stopped" not in path
    # Nor is a part of a calibration curve: its bands sum to the whole.
    and "reliability" not in path
    # Nor is a probability above 1 one: test_sure_enough.py.
    and path[-1] != "threshold"
    # Nor one of the cases that are absent: they are counted twice.
    and path[-3:-1] != ("absent", "worst")
    and path[-3:-1] != ("absent", "best")
    and path[-1] not in {"unanswered", "unlabelled"}
    # Nor is a part of the power without its sentence: a record holds both.
    and not (path[:2] == ("evidence", "power") and path[-1] not in {"looks", "pilot"})
    # Nor is a count of missing trials without its reasons: test_missing_words.py.
    and not (name == "full" and "missing" in path and "failed" not in str(path[-1]))
]


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize(
    ("name", "path"), CASES, ids=[".".join([name, *map(str, path)]) for name, path in CASES]
)
def test_a_changed_number_changes_the_text(name: str, path: Path) -> None:
    record = RECORDS[name]
    assert told(change(record, path)) != told(record)


def told(record: DecisionRecord) -> list[str]:
    """The texts of a document, without the notice that a changed figure fits no other."""
    return [text for text in texts(to_document(record, NOW)) if text != MIXED]


def numeric_fields(model: type[Recorded], prefix: str = "") -> set[str]:
    """Dotted names of a record's numbers and dates, list positions left out."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        for part in parts_of(field.annotation):
            if isinstance(part, type) and issubclass(part, Recorded):
                found |= numeric_fields(part, f"{prefix}{name}.")
            elif part in {int, float, bool, Decimal, date, datetime}:
                found.add(f"{prefix}{name}")
    return found


def parts_of(annotation: object) -> list[object]:
    inner = [part for part in get_args(annotation) if part is not type(None)]
    return [leaf for part in inner for leaf in parts_of(part)] if inner else [annotation]


def test_no_number_is_forgotten() -> None:
    """A new field of the record needs a value in `full_record`, and so a place on the page."""
    told = (a_hopeless_floor(), an_alike_floor(unlabelled=2, fewest_labels=1))
    floors = [an_evidence(floor=floor) for floor in told]
    records = [full_record(), decided(justify_record()), given_up_record()]
    records += [undecided_record(evidence=evidence) for evidence in floors]
    seen = {
        ".".join(str(key) for key in path if not isinstance(key, int))
        for record in records
        for path in numbers(record)
    }
    assert numeric_fields(DecisionRecord) - seen == set()


def test_an_absent_number_is_a_dash_and_never_zero() -> None:
    record = record_for(list(RECORDS["justify"].reason_codes)[1])
    shown = " ".join(texts(to_document(record, NOW)))
    assert "\u2013" in shown
    assert "USD 0 " not in shown
    assert "None" not in shown
    assert not {"nan", "inf", "null"} & set(shown.lower().split())
