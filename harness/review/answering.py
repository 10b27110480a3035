"""How the quality pass was asked: live, by the vendor's batch API, or offline by our engine."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

from harness.record.parts import AnswersFacts
from harness.replay.offline_desk import PREFIX

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.review.feature_run import FeatureRun
    from harness.trials import Attempt

Way: TypeAlias = Literal["live", "batch", "offline"]


def answers_facts(run: FeatureRun) -> tuple[AnswersFacts, ...] | None:
    """By model that was asked, today's first; None where every answer came live."""
    found = tuple(_of(run, option) for option in (run.incumbent.option, *run.rungs))
    return found if any(one.batch or one.offline for one in found) else None


def _of(run: FeatureRun, option: str) -> AnswersFacts:
    read = run.board.scored(option, run.design.order)
    ways = Counter(way_of(scored.attempts) for scored in read if scored.attempts)
    return AnswersFacts(
        option=option, live=ways["live"], batch=ways["batch"], offline=ways["offline"]
    )


def way_of(attempts: Sequence[Attempt]) -> Way:
    """How the attempt that ended a trial was made: what a batch lost is asked live."""
    batch = attempts[-1].batch
    if batch is None:
        return "live"
    return "offline" if batch.startswith(PREFIX) else "batch"
