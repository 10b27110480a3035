"""The figures of a record fit together, or it is not made; one of old is read, and says so."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from harness.errors import UsageError
from harness.record.base import Reason
from harness.record.model import (
    DecisionRecord,
    canonical,
    dump,
    finding_sha256,
    seal,
    sha256,
)
from harness.record.stored import read_record, read_records
from harness.record.trust import AuditFacts, FormFacts, GraderFacts
from harness.tell.page.titles import MIXED
from harness.tell.pages import to_document
from tests.support.document_text import texts
from tests.support.record_parts import a_break_even, a_cost, a_guardrail, a_slice, an_option
from tests.support.records import NOW, downgrade_record, justify_record, undecided_record

if TYPE_CHECKING:
    from pathlib import Path

LAWFUL = {
    "downgrade": downgrade_record(laws=1),
    "justify": justify_record(laws=1),
    "undecided": undecided_record(laws=1),
}
CHOSEN = 2
"""Place of the option that passes among those of the downgrade."""
BROKEN: dict[str, tuple[dict[str, object], str]] = {
    "table": ({"both_right": 510}, "510 both, 16 and 14 alone, 15 neither right are not 560 cases"),
    "difference of the counts": (
        {"both_right": None, "neither_right": None, "only_current_right": 20},
        "14 won and 20 lost of 560 cases are not -0.357143 points",
    ),
    "level of the counts": (
        {"current": 95.0, "candidate": 94.642857},
        "531 right of 560 cases are not 95 of 100",
    ),
    "difference of the levels": (
        {"both_right": None, "only_current_right": None, "current": 96.0},
        "94.4643 less 96 is not -0.357143 points",
    ),
    "one level": ({"current": None}, "one model's level is known and the other's is not"),
    "level without labels": (
        {"both_right": None, "only_current_right": None, "agreed_without_label": 3},
        "levels are told, but 3 cases have no label",
    ),
    "agreed": (
        {"both_right": None, "current": None, "candidate": None, "agreed_without_label": 531},
        "16 + 14 differ, 531 agree, of 560 cases",
    ),
    "lower bound": ({"worst": 0.1}, "-0.357143 points do not lie between +0.1 and +1.2"),
    "upper bound": ({"best": -0.5}, "-0.357143 points do not lie between -2.1 and -0.5"),
    "nothing missing": (
        {"worst_missing_as_zero": -2.4},
        "nothing is missing, but at worst is -2.1 and, so counted, -2.4",
    ),
    "nothing missing, not known": (
        {"worst_missing_as_zero": None, "missing_cases": 0},
        "nothing is missing, but at worst is -2.1 and, so counted, not known",
    ),
    "missing cases": ({"missing_cases": 2}, "2 cases lack an answer, but no trial does"),
    "clusters": ({"clusters": 561}, "561 clusters of 560 cases"),
    "pilot": (
        {"pilot_cases": 60, "deciding_cases": 560},
        "60 cases of the pilot and 560 that decide are not 560",
    ),
    "look of looks": ({"looks_planned": 2}, "look 3 of 2"),
}


def with_quality(over: dict[str, object]) -> dict[str, Any]:
    """A lawful record as JSON, with figures of the chosen option's quality changed."""
    raw = json.loads(dump(LAWFUL["downgrade"]))
    raw["options"][CHOSEN]["quality"] |= over
    return raw


FORM = AuditFacts(
    losses=tuple(map(str, range(16))), gains=("a",) * 14, form_losses=FormFacts(other=12, unread=5)
)


def with_option(over: dict[str, Any]) -> dict[str, Any]:
    """A lawful record as JSON, with parts of the chosen option replaced."""
    raw = json.loads(dump(LAWFUL["downgrade"]))
    raw["options"][CHOSEN] |= json.loads(an_option(**over).model_dump_json(include=set(over)))
    return raw


def with_record(over: dict[str, object]) -> dict[str, Any]:
    """A lawful record as JSON, with keys of its own replaced."""
    return json.loads(dump(LAWFUL["downgrade"])) | over


def with_looks(change: dict[int, dict[str, object]]) -> dict[str, Any]:
    raw = json.loads(dump(LAWFUL["downgrade"]))
    for place, over in change.items():
        raw["options"][CHOSEN]["quality"]["looks"][place] |= over
    return raw


def with_rail(**over: object) -> list[dict[str, Any]]:
    """The options of a lawful record, another guardrail and no missing case at the chosen one."""
    options = with_option({"guardrails": (a_guardrail(**over),)})["options"]
    options[CHOSEN]["quality"]["missing_cases"] = 0
    return options


def a_grader(**over: Any) -> GraderFacts:
    """A second grader of the same cases, by which the candidate is a case worse."""
    figures: dict[str, Any] = {
        "grader": "number",
        "cases": 560,
        "current": 94.821429,
        "candidate": 94.464286,
        "current_again": 90.5,
        "candidate_again": 90.0,
        "tilt": -0.142857,
        "changed_current": (),
        "changed_candidate": (),
    }
    return GraderFacts(**(figures | over))


BY_LAW = {
    **{name: (with_quality(over), line) for name, (over, line) in BROKEN.items()},
    "order of looks": (with_looks({1: {"number": 4}}), "looks are numbered 1, 4, 3"),
    "growth of looks": (
        with_looks({1: {"n": 600}}),
        "look 3 rests on 560 cases, the one before it on 600",
    ),
    "bound of a look": (with_looks({0: {"worst": 0.5}}), "look 1: -0.6 lies under +0.5"),
    "look that passed": (
        with_looks({2: {"n": 336}}),
        (
            "it passed at look 3 with -0.357143, at worst -2.1, on 336 cases; "
            "shown are -0.357143, -2.1 and 560"
        ),
    ),
    "parts": (
        with_option({"slices": (a_slice(), a_slice(value="printed", n=443))}),
        "parts by layout hold 561 of 560 cases",
    ),
    "differences of parts": (
        with_option({"slices": (a_slice(only_current_right=17, only_candidate_right=15),)}),
        "parts by layout differ 17 times where all cases do 16 times",
    ),
    "difference of a part": (
        with_option({"slices": (a_slice(difference=-1.5),)}),
        "layout handwritten: 4 won and 6 lost of 118 cases are not -1.5 points",
    ),
    "bounds of a part": (
        with_option({"slices": (a_slice(best=-2.0),)}),
        "layout handwritten: -1.69491 points do not lie between its bounds",
    ),
    "levels of a guardrail": (
        with_option({"guardrails": (a_guardrail(candidate=99.0),)}),
        "guardrail json-schema: 99 less 99.8 is not -0.2 points",
    ),
    "bound of a guardrail": (
        with_option({"guardrails": (a_guardrail(worst=0.0),)}),
        "guardrail json-schema: -0.2 points lie under +0",
    ),
    "cases of a guardrail": (
        with_quality({"missing_cases": 0}) | {"options": with_rail(n=563)},
        "guardrail json-schema rests on 563 cases, the option on 560",
    ),
    "cases to read": (
        with_option({"audit": AuditFacts(losses=("a",), gains=())}),
        "1 cases to read where today's model scores more, but it is 16 times",
    ),
    "replies that fail by their form": (
        with_option({"audit": FORM}),
        "12 and 5 replies fail by their form on 16 cases",
    ),
    "graded cases": (
        with_option({"grader": a_grader(cases=561)}),
        "a second grader has seen 561 of 560 cases",
    ),
    "tilt": (
        with_option({"grader": a_grader(tilt=1.0)}),
        "the second grader moves the difference by -0.142857 points, not +1",
    ),
    "level of the graded": (
        with_option({"grader": a_grader(current=95.0, tilt=0.035714)}),
        "a model scored 94.8214 and, beside another grader, 95 of 100",
    ),
    "share of successes": (
        with_option({"cost": a_cost(success_share=Decimal("0.9"))}),
        "its answers: 90 % are priced as right, the score is 94.4643 of 100",
    ),
    "price of a success": (
        with_option({"cost": a_cost(success_share=Decimal("0.94464286"))}),
        "its answers: USD 0.00775 a success at 0.94464286 is not USD 0.00732 a request",
    ),
    "limit": (with_quality({"margin": 4.0}), "a limit of 4 where 3 was agreed on"),
    "passed": (
        with_quality({"worst": -3.5, "worst_missing_as_zero": -3.5, "looks": []}),
        "it passed at worst -3.5 points, with a limit of 3",
    ),
    "shown to be worse": (
        with_option({"reason_codes": (Reason.QUALITY_INFERIOR,)}),
        "it is shown to be worse at best +1.2 points, with a limit of 3",
    ),
    "pilot of the eval set": (
        with_quality({"pilot_cases": 40, "deciding_cases": 520}),
        "40 cases of the pilot, where the eval set has 30",
    ),
    "further errors": (
        with_option({"error_break_even": a_break_even(more_errors_per_month=900.0)}),
        "900 more errors a month, where 0.357143 points are 343",
    ),
}


def stored(raw: dict[str, Any], folder: Path) -> Path:
    """A file as somebody would leave it who also makes its hashes anew."""
    raw["finding_sha256"] = finding_sha256(raw)
    raw["etag"] = sha256({key: value for key, value in raw.items() if key != "etag"})
    path = folder / "records" / "invoice-extraction.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(canonical(raw))
    return path


@pytest.mark.parametrize("name", LAWFUL)
def test_a_lawful_record_is_made_and_read(name: str, tmp_path: Path) -> None:
    record = LAWFUL[name]
    assert record.laws == 1
    assert read_record(stored(json.loads(dump(record)), tmp_path)) == record
    assert MIXED not in texts(to_document(record, NOW))


@pytest.mark.parametrize("law", BY_LAW)
def test_a_broken_law_is_refused_in_one_line(law: str, tmp_path: Path) -> None:
    raw, line = BY_LAW[law]
    path = stored(raw, tmp_path)
    with pytest.raises(UsageError) as refused:
        read_record(path)
    said = str(refused.value)
    assert said.startswith(f"{path}: its figures do not fit together: claude-haiku-4-5: {line}; ")
    assert "\n" not in said


@pytest.mark.parametrize("law", BY_LAW)
def test_the_same_figures_made_before_the_laws_are_read_and_say_so(
    law: str, tmp_path: Path
) -> None:
    raw = dict(BY_LAW[law][0])
    del raw["laws"]
    stored(raw, tmp_path)
    (record,) = read_records(tmp_path)
    assert texts(to_document(record, NOW)).count(MIXED) == 1


@pytest.mark.parametrize("law", BY_LAW)
def test_nobody_can_seal_a_broken_record(law: str) -> None:
    raw = dict(BY_LAW[law][0])
    del raw["laws"]
    old = DecisionRecord.model_validate_json(json.dumps(raw))
    assert seal(old).options == old.options
    with pytest.raises(ValidationError, match="1 validation error"):
        seal(old.model_copy(update={"laws": 1}))


def test_today_s_level_on_the_same_cases_is_one(tmp_path: Path) -> None:
    raw = with_record({"current_quality": 94.821429, "current_cases": 560})
    assert read_record(stored(raw, tmp_path)).current_cases == 560
    raw = with_record({"current_quality": 95.0, "current_cases": 560})
    with pytest.raises(UsageError, match=r"today's model scored .* of 100 on the same 560"):
        read_record(stored(raw, tmp_path))
    raw = with_record({"current_quality": 95.0, "current_cases": 590})
    assert read_record(stored(raw, tmp_path)).current_quality == 95.0
