"""What a plan says an eval set can decide, against the exact test and against a longer one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from time import perf_counter
from typing import TYPE_CHECKING

import pytest
from scipy.stats import norm

from harness.cli.plan_text import plan_lines
from harness.plan.expecting import (
    ASSUMED,
    DIFFERENCES,
    Expectation,
    differences_in,
    expectations,
)
from harness.plan.model import Status
from harness.plan.planning import Selection, plan_review
from harness.plan.rehearsing import WANTED_POWER, power_of
from harness.record.stored import write_records
from harness.stats.sequential.rehearsal import Truth
from harness.stats.sequential.sample_size import pass_rate
from harness.workspace.workspace import load_workspace
from tests.support.records import a_record
from tests.support.reviews import CYCLE, NOW, Shape, write_review_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from harness.plan.model import FeaturePlan, Plan


def planned(root: Path, shape: Shape) -> Plan:
    write_review_workspace(root, 9, shape)
    return plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())


def one(root: Path, shape: Shape) -> FeaturePlan:
    (found,) = planned(root, shape).features
    return found


def unprotected(root: Path, shape: Shape) -> FeaturePlan:
    """The same without its guardrail and slice, which would be asked in full."""
    write_review_workspace(root, 9, shape)
    path = root / "evalsets" / "tickets" / "evalset.yaml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(("guardrails:", "slices:"))]
    assert len(kept) == len(lines) - 2
    path.write_text("".join(kept), encoding="utf-8")
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    (found,) = plan.features
    return found


def test_power_of_a_single_option_is_near_that_of_one_exact_look(tmp_path: Path) -> None:
    plan = unprotected(tmp_path, Shape(cases=400, candidates="good", kind="ladder"))
    assert plan.power is not None
    assert plan.power.chance is not None
    exact = pass_rate(Truth(difference=0.0, discordance=0.08), 380, 0.05, 0.05)
    assert exact - 0.1 < plan.power.chance < exact + 0.04
    assert 0.1 < plan.power.expected_share_of_calls < 0.9


def test_missing_cases_have_a_number_and_a_price(tmp_path: Path) -> None:
    plan = planned(tmp_path, Shape(cases=120, candidates="good", kind="ladder"))
    (feature,) = plan.features
    assert feature.power is not None
    assert feature.cases_missing is not None
    assert 60 < feature.cases_missing < 250
    assert feature.missing_usd is not None
    assert feature.money is not None
    assert feature.missing_usd == feature.money.equal_usd * feature.cases_missing / 120
    assert feature.money.expected_usd < feature.money.equal_usd < feature.money.worst_usd
    text = "\n".join(plan_lines(plan, details=True))
    assert f"{feature.cases_missing} more make it 80 %, about USD " in text
    assert f"{feature.money.expected_calls} of {feature.money.calls} calls expected" in text


def test_with_so_many_more_cases_the_plan_has_what_it_wants(tmp_path: Path) -> None:
    short = one(tmp_path / "short", Shape(cases=120, candidates="good", kind="ladder"))
    assert short.power is not None
    assert short.power.cases_needed is not None
    enough = Shape(cases=short.power.cases_needed, candidates="good", kind="ladder")
    longer = one(tmp_path / "long", enough)
    assert longer.power is not None
    assert longer.power.chance is not None
    assert longer.power.chance >= WANTED_POWER - 0.02
    assert longer.cases_missing == 0 or longer.power.chance < WANTED_POWER


def test_the_smallest_margin_is_one_that_the_cases_can_tell(tmp_path: Path) -> None:
    plan = one(tmp_path, Shape(cases=300, candidates="bad, good", kind="ladder"))
    assert plan.power is not None
    assert plan.power.smallest_margin is not None
    assert plan.design is not None
    wider = replace(plan, design=replace(plan.design, margin=plan.power.smallest_margin))
    narrower = replace(plan, design=replace(plan.design, margin=plan.power.smallest_margin * 0.8))
    chances = [power_of(each, ASSUMED).chance for each in (narrower, wider)]
    assert None not in chances
    assert chances[0] < WANTED_POWER <= chances[1] + 0.03  # type: ignore[operator]


def test_dollars_expected_stop_early_and_dollars_at_worst_do_not(tmp_path: Path) -> None:
    ladder = unprotected(tmp_path / "a", Shape(cases=600, candidates="bad, good", kind="ladder"))
    holm = one(tmp_path / "b", Shape(cases=600, candidates="bad, good", kind="holm"))
    assert ladder.money is not None
    assert holm.money is not None
    assert ladder.money.worst_usd == holm.money.worst_usd
    assert ladder.money.expected_calls < 0.7 * ladder.money.calls
    assert holm.money.expected_calls == holm.money.calls
    assert ladder.money.expected_usd < 0.8 * float(holm.money.expected_usd)
    guarded = one(tmp_path / "c", Shape(cases=600, candidates="bad, good", kind="ladder"))
    assert guarded.money is not None
    assert ladder.money.expected_calls < guarded.money.expected_calls < guarded.money.calls


def test_a_part_to_be_proven_with_too_few_cases_is_refused(tmp_path: Path) -> None:
    root = write_review_workspace(tmp_path, 9, Shape(cases=300, kind="ladder"))
    path = root / "evalsets" / "tickets" / "evalset.yaml"
    proven = "{chat: {margin: 2, protect: proven}}"
    path.write_text(path.read_text().replace("{mail: {margin: 30}}", proven))
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    (feature,) = plan.features
    assert feature.status is Status.TOO_SMALL
    assert "channel = chat is to be proven within 2 points and has " in feature.note


def test_an_option_that_lost_much_last_quarter_is_expected_to_be_asked_little(
    tmp_path: Path,
) -> None:
    plan = unprotected(tmp_path, Shape(cases=300, candidates="good", kind="ladder"))
    shares = [
        power_of(plan, replace(ASSUMED, differences={"good": around})).shares
        for around in ((-30.0, -25.0, -20.0), DIFFERENCES, (-1.0, 0.0, 1.0))
    ]
    good, big = ([each[name].expected for each in shares] for name in ("good", "big"))
    assert good[0] < 0.5 * good[1] < 0.5 * good[2]
    assert good[0] == big[0] < 0.2


def test_what_an_option_may_differ_by_is_its_newest_review_give_or_take_its_error() -> None:
    record = a_record()
    found = differences_in([record])
    for option in record.options:
        if option.quality is not None:
            low, middle, high = found[option.target.option]
            assert low < middle < high <= option.quality.best
            assert middle == option.quality.difference


def test_an_error_is_that_of_the_level_of_its_bound() -> None:
    """A bound at 1 in 10 lies 1.28 standard errors from the estimate, one at 1 in 20 lies 1.64."""
    record = a_record()
    evidence = record.evidence.model_copy(update={"confidence": 0.9})
    looser = record.model_copy(update={"evidence": evidence})
    for option in record.options:
        if option.quality is None:
            continue
        each = [differences_in([one])[option.target.option] for one in (record, looser)]
        errors = [middle - low for low, middle, _ in each]
        gap = option.quality.best - option.quality.difference
        level = option.quality.best_level
        bounds = (1.6449, 1.2816) if level is None else (norm.isf(level),) * 2
        assert errors == pytest.approx([gap / z for z in bounds], rel=1e-4)


def test_an_earlier_quarter_says_how_often_models_disagree(tmp_path: Path) -> None:
    past = a_record()
    write_records([past], tmp_path / "reviews" / past.cycle)
    assert expectations(tmp_path, past.cycle) == {}
    found = expectations(tmp_path, "2027-Q4")[past.feature.id]
    assert found.source == f"as measured in {past.cycle}"
    tested = [option.quality for option in past.options if option.quality]
    nearest = max(tested, key=lambda quality: quality.difference)
    assert nearest.only_current_right is not None
    assert nearest.only_candidate_right is not None
    both = nearest.only_current_right + nearest.only_candidate_right
    assert found.discordance == pytest.approx(both / nearest.n)


def test_more_disagreement_is_less_power(tmp_path: Path) -> None:
    plan = one(tmp_path, Shape(cases=300, candidates="good", kind="ladder"))
    calm, noisy = (
        power_of(plan, Expectation(discordance=share, source="measured")) for share in (0.03, 0.2)
    )
    assert calm.chance is not None
    assert noisy.chance is not None
    assert calm.chance > noisy.chance + 0.2
    assert "differs on 20 % of the cases (measured)" in noisy.note


@pytest.mark.bench
def test_two_hundred_features_are_planned_in_seconds(tmp_path: Path) -> None:
    names = tuple(f"tickets-{number:03}" for number in range(200))
    root = write_review_workspace(tmp_path, 9, Shape(cases=40, kind="ladder", features=names))
    for number, name in enumerate(names):
        folder = root / "evalsets" / name
        lines = (folder / "cases.jsonl").read_text().splitlines()
        more = [
            line.replace('"t-', f'"x{k}-').replace("Ticket", f"Ticket {k} of")
            for k in range(3 + number % 9)
            for line in lines
        ]
        (folder / "cases.jsonl").write_text("\n".join([*lines, *more][: 130 + number]) + "\n")
    loaded = load_workspace(root)
    begun = perf_counter()
    plan = plan_review(loaded, cycle=CYCLE, on=datetime.now(UTC).date(), wanted=Selection())
    print(f"200 features of 130 to 329 cases planned in {perf_counter() - begun:.1f} s")  # noqa: T201
    assert len(plan.having(Status.READY)) == 200
