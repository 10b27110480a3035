"""Run a plan: ask, read, step, until every feature is decided."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.review.batch_post import BatchPost
from harness.review.commons import Commons
from harness.review.course import Course
from harness.review.lanes import lane_limits
from harness.review.live_pass import LivePass
from harness.review.rooms import Rooms
from harness.review.rota import Rota

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.plan.model import Plan
    from harness.replay.ledger import Ledger
    from harness.review.engine import Engine
    from harness.review.feature_run import FeatureRun


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A review after its last call: what every ready feature found, and what was spent."""

    runs: Mapping[str, FeatureRun]
    ledger: Ledger


def run_plan(plan: Plan, served: Mapping[str, str], engine: Engine) -> Replayed:
    """Ask until nothing is wanted, each feature at its own pace.

    Latency is measured while nothing else runs: of the incumbents first of all, and of an option
    that passed on quality when no feature has anything to ask; our own load, or a worker that is
    busy with other lanes, would make a model look slow.

    Args:
        plan: what to ask.
        served: address of each model that was started for this review, by model.
        engine: what it runs on.

    Raises:
        InterruptedRunError: stopped; what was answered is in the journal.
        NotInJournalError: without a cluster, at the first answer that the journal lacks.
    """
    commons = Commons(plan, served, engine)
    if engine.cluster is not None:
        commons.write_plans()
    live, post = LivePass(commons), BatchPost.of(commons)
    live.measure_incumbents()
    courses = {
        name: Course(run=run, commons=commons, live=live, post=post).stages()
        for name, run in commons.runs.items()
    }
    rooms = Rooms(lane_limits(commons.runs.values()))
    rota = Rota(courses, rooms, post)
    while not rota.has_ended:
        answers = commons.replay(rota, window=rooms.window, others_settle=post is not None)
        with closing(answers) as outcomes:
            for outcome in outcomes:
                rota.take(outcome)
        rota.quiet()
    # From the journal alone nothing is asked: a review that it cannot make leaves no plan.
    commons.write_plans()
    return Replayed(runs=commons.runs, ledger=commons.ledger)
