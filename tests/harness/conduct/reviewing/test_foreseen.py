"""What a review says it will still ask, against what it then asked."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.ask.cluster.workers import InlineCluster
from harness.conduct.reviewing.progress import Silent, Upcoming
from harness.conduct.reviewing.review import review
from tests.support.reviews import Shape, answers, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.ask.replay.ledger import Ledger
    from harness.conduct.reviewing.session import Runtime
    from harness.plan.model import Plan
    from harness.record.model import DecisionRecord
    from harness.workspace.workspace import Workspace

BAD_ONLY = ("letters", "mails")
SHAPE = Shape(
    cases=120, candidates="bad, good", kind="ladder", features=(*BAD_ONLY, "chats", "tickets")
)
FACTOR = 1.5


class Counting(Silent):
    """Remembers after each answer how many more were expected, and their cost."""

    def __init__(self) -> None:
        self.ahead = Upcoming(most=0, expected=0)
        self.seen: list[Upcoming] = []
        self.stored = 0

    def ordered(
        self, workspace: Workspace, plan: Plan, served: Mapping[str, str], engine: Runtime
    ) -> tuple[tuple[DecisionRecord, ...], Ledger]:
        """The review, one feature after the other; what its plan expects is told first."""
        asked = [one.money for one in plan.to_ask if one.money is not None]
        self.ahead = Upcoming(
            most=sum(money.calls for money in asked),
            expected=sum(money.expected_calls for money in asked),
            usd=sum((money.expected_usd for money in asked), Decimal(0)),
        )
        return review(workspace, plan, served, replace(engine, in_order=True))

    def spared(self, less: Upcoming) -> None:
        self.ahead -= less

    def settled(
        self,
        *,
        spent_usd: Decimal,  # noqa: ARG002
        answered: bool = True,  # noqa: ARG002
        usd: Decimal = Decimal(0),
        stored: bool = False,
    ) -> None:
        self.stored += stored
        self.ahead -= Upcoming(most=1, expected=1, usd=usd)
        self.seen.append(self.ahead)


def test_what_is_left_is_right_within_a_half_from_the_first_tenth_on(tmp_path: Path) -> None:
    """Two features are given up early, two go to the end with one of two options."""
    told = Counting()
    with OpenAIServer(answers) as server, InlineCluster() as cluster:
        write_review_workspace(tmp_path, server.port, SHAPE)
        for feature in (tmp_path / "features").iterdir():
            text = feature.read_text("utf-8").replace("risk: medium", "risk: low")
            if feature.stem in BAD_ONLY:
                text = text.replace("candidates: [bad, good]", "candidates: [bad]")
            feature.write_text(text, encoding="utf-8")
        run_review(tmp_path, cluster, progress=told, reviewer=told.ordered)
    whole = len(told.seen)
    assert (told.ahead.expected, told.ahead.most, round(told.ahead.usd, 9)) == (0, 0, 0)
    for number, ahead in enumerate(told.seen, 1):
        left = whole - number
        assert left <= ahead.most
        if number > whole // 10 and left > whole // 20:
            assert left / FACTOR < ahead.expected < left * FACTOR, number


def test_live_requests_of_an_option_that_has_just_passed_are_still_to_come(tmp_path: Path) -> None:
    """Its times are measured after it passed, as those of today's model are: 60 requests each."""
    told = Counting()
    shape = replace(SHAPE, candidates="good", features=("tickets",), extra="latency: {p95_s: 60}")
    with OpenAIServer(answers) as server, InlineCluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape)
        (record,) = run_review(tmp_path, cluster, progress=told, reviewer=told.ordered)
    assert record.options[0].latency is not None
    assert record.options[0].latency.n >= 60
    expected = [ahead.expected for ahead in told.seen]
    # Samples that our own event loop spoilt are made up for, and were not expected.
    after_the_first = list(range(119, -1, -1))
    windows = (expected[at : at + len(after_the_first)] for at in range(len(expected)))
    assert after_the_first in windows


def test_answers_that_an_earlier_run_asked_are_told_as_stored(tmp_path: Path) -> None:
    """The second run asks the cases that were added, and reads the others from the journal."""
    shape = replace(SHAPE, candidates="good", features=("tickets",), kind="holm")
    first, second = Counting(), Counting()
    with OpenAIServer(answers) as server, InlineCluster() as cluster:
        write_review_workspace(tmp_path, server.port, shape)
        run_review(tmp_path, cluster, progress=first)
        before = len(server.log.calls)
        write_review_workspace(tmp_path, server.port, replace(shape, cases=160))
        run_review(tmp_path, cluster, progress=second, run_id="run-2")
        asked = len(server.log.calls) - before
    assert (first.stored, len(first.seen)) == (0, before)
    assert (second.stored, len(second.seen)) == (before, before + asked)
    assert asked > 0
