"""What `plan` says of cases that were tested before is what the review after it goes by."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.conduct.planning import plan
from harness.record.base import Reason
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.plan.model import FeaturePlan
    from harness.record.model import DecisionRecord

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

LATER = NOW + timedelta(days=90)
NEXT = "2027-Q1"
GOOD = Shape(cases=120, candidates="good")


class Company:
    """A workspace on a scripted server, written, planned and reviewed."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self.port, self.runs = root, port, 0

    def write(self, shape: Shape, *, tests: int = 4) -> None:
        write_review_workspace(self.root, self.port, shape)
        policy = self.root / "policy.yaml"
        text = policy.read_text("utf-8")
        policy.write_text(f"reviews_per_year: {tests}\n{text}", "utf-8")

    def planned(self, cycle: str) -> FeaturePlan:
        return plan(self.root, cycle=cycle, now=LATER).plan.features[-1]

    def reviewed(self, cycle: str) -> DecisionRecord:
        self.runs += 1
        now = NOW if cycle == CYCLE else LATER
        with inline_cluster() as cluster:
            found = run_review(self.root, cluster, run_id=f"run-{self.runs}", cycle=cycle, now=now)
        return found[-1]

    def told(self, cycle: str, capsys: pytest.CaptureFixture[str]) -> str:
        capsys.readouterr()
        assert run(["plan", "--workspace", str(self.root), "--cycle", cycle]) == 0
        return capsys.readouterr().out


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with OpenAIServer(answers) as server:
        yield Company(tmp_path, server.port)


def renamed(company: Company) -> None:
    """The same cases under the name of another feature."""
    root = company.root
    for kind in ("prompts", "evalsets"):
        shutil.copytree(root / kind / "tickets", root / kind / "zickets")
    shutil.copy(root / "features/tickets.yaml", root / "features/zickets.yaml")


def two_options(company: Company) -> None:
    """One of them was tested on some of the cases before."""
    company.write(replace(GOOD, cases=200, candidates="bad, good"))


WAYS = (
    (renamed, "first test on this set again, in the same order"),
    (two_options, "good: second test on this set"),
)


@pytest.mark.parametrize(("change", "said"), WAYS, ids=lambda one: getattr(one, "__name__", ""))
def test_the_level_of_the_plan_is_the_review_s(
    company: Company,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Company], None],
    said: str,
) -> None:
    company.write(GOOD)
    company.reviewed(CYCLE)
    change(company)
    text, planned = company.told(NEXT, capsys), company.planned(NEXT)
    record = company.reviewed(NEXT)
    used = record.evidence.eval_set
    if used.life is not None:
        assert (planned.life, planned.lives) == (used.life, used.lives or ())
    assert record.evidence.confidence == pytest.approx(1 - planned.alpha)
    assert f"tickets: {said}" in text


def test_as_many_added_cases_as_the_plan_names_have_the_chance_that_it_names(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.write(GOOD)
    first = company.planned(CYCLE).cases_missing
    company.reviewed(CYCLE)
    planned, text = company.planned(CYCLE), company.told(NEXT, capsys)
    missing, fresh = planned.cases_missing, planned.new_cases
    assert missing is not None
    assert fresh is not None
    assert first is not None
    assert missing > first, "added ones have less of the error than a first test"
    assert f"{missing} more, tested with these at 0.33 %, make it 80 %" in text
    assert f"about {fresh} new ones make it 80 %, in a set of their own" in text
    company.write(replace(GOOD, cases=GOOD.cases + missing))
    enough = company.planned(NEXT)
    assert enough.life is not None
    assert enough.life.level == pytest.approx(0.333333)
    assert enough.power is not None
    assert enough.power.chance is not None
    assert enough.power.chance > 0.75
    shutil.rmtree(company.root / ".rightsize")
    company.write(replace(GOOD, cases=fresh))
    alone = company.planned(NEXT)
    assert alone.life is not None
    assert (alone.life.test, alone.life.level) == (1, 4.0)
    assert alone.power is not None
    assert alone.power.chance is not None
    assert alone.power.chance > 0.75


def test_the_level_of_added_cases_is_that_of_the_option_that_no_test_asked(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.write(GOOD)
    company.reviewed(CYCLE)
    two_options(company)
    text, planned = company.told(NEXT, capsys), company.planned(NEXT)
    assert planned.cases_missing
    assert max(planned.added_levels, key=planned.added_levels.__getitem__) == "bad"
    assert f"{planned.cases_missing} more, tested with these at 4 %, make it 80 %" in text


def test_cases_that_are_spent_are_named_before_any_cost(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.write(replace(GOOD, cases=90), tests=1)
    company.reviewed(CYCLE)
    again = company.told(NEXT, capsys)
    assert "no added case changes that: the error that tests on these share is used up" in again
    company.write(replace(GOOD, cases=130, candidates="bad, good"), tests=1)
    text = company.told(NEXT, capsys)
    partly = "good: EVALSET_SPENT, not asked: 1 test of it on these cases has spent the 5 %"
    assert text.index(partly) < text.index("Cost USD")
    company.write(replace(GOOD, cases=130), tests=1)
    text, planned = company.told(NEXT, capsys), company.planned(NEXT)
    assert text.index("tickets: EVALSET_SPENT: 1 test of it") < text.index("Cost USD 0.00 expected")
    assert f"about {planned.new_cases} of them show an equal candidate" in text
    record = company.reviewed(NEXT)
    assert record.reason_codes == (Reason.EVALSET_SPENT,)
    assert record.still_needed is not None
    assert record.still_needed.new_cases == planned.new_cases is not None
    assert record.still_needed.note == planned.note


def test_a_level_that_these_cases_cannot_reach_is_said_with_how_many_would(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    company.write(replace(GOOD, cases=80))
    company.reviewed(CYCLE)
    company.write(replace(GOOD, cases=90))
    text, planned = company.told(NEXT, capsys), company.planned(NEXT)
    record = company.reviewed(NEXT)
    assert record.reason_codes == (Reason.SAMPLE_TOO_SMALL,)
    needed = record.still_needed
    assert needed is not None
    assert (needed.cases, needed.new_cases) == (planned.cases_missing, planned.new_cases)
    assert "tickets: SAMPLE_TOO_SMALL: 90 of 90 cases are left to decide" in text
    assert "tickets: second test on this set; of the 5 % risk" in text
    assert f"{needed.cases} more, or about {needed.new_cases} new ones, in a set of" in text
