"""The order that reviews once had, to hold today's against: one look of all features at a time.

No feature asks for its next look before every feature's look is answered. Without batches.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from harness.conduct.finding.records import write_record
from harness.conduct.reviewing.feature_review import standings_of
from harness.conduct.reviewing.latency_pass import LivePass
from harness.conduct.reviewing.prefetch import round_robin
from harness.conduct.reviewing.review import context
from harness.conduct.reviewing.session import ReviewSession, from_journal
from harness.judge.decision.standing import Ask, Confirm, Finished

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.ask.replay.ledger import Ledger
    from harness.conduct.reviewing.session import Runtime
    from harness.plan.model import Plan
    from harness.record.model import DecisionRecord
    from harness.workspace.workspace import Workspace


def review_in_lockstep(
    workspace: Workspace, plan: Plan, served: Mapping[str, str], engine: Runtime
) -> tuple[tuple[DecisionRecord, ...], Ledger]:
    """`harness.conduct.reviewing.review.review` in the old order."""
    commons = ReviewSession(plan, served, engine)
    commons.write_plans()
    live = LivePass(commons)
    live.measure_incumbents()
    while steps := _open_steps(commons):
        asks = {name: step for name, step in steps.items() if isinstance(step, Ask)}
        if asks:
            _ask(commons, asks)
            continue
        for name, step in steps.items():
            if isinstance(step, Confirm):
                for option in step.options:
                    if rest := commons.runs[name].rest_of_parts(option):
                        _ask(commons, {name: rest})
                live.confirm(commons.runs[name], step)
    records = [
        write_record(one, run, context(workspace, one, engine, run))
        for one, run in ((one, commons.runs.get(one.feature)) for one in plan.features)
    ]
    return tuple(records), commons.ledger


def _open_steps(commons: ReviewSession) -> dict[str, Ask | Confirm]:
    steps = {name: run.step() for name, run in commons.runs.items()}
    return {name: step for name, step in steps.items() if not isinstance(step, Finished)}


def _ask(commons: ReviewSession, asks: Mapping[str, Ask]) -> None:
    runs = {name: commons.runs[name] for name in asks}
    given = {name for name, run in runs.items() if run.plan.config.answers == "imported"}
    for name in given:
        trials = runs[name].trials(asks[name])
        for outcome in from_journal(trials, commons.engine.journal, or_missing=True):
            runs[name].take(outcome)
    wanted = [run.trials(asks[name]) for name, run in runs.items() if name not in given]
    with closing(commons.replay(round_robin(wanted))) as outcomes:
        for outcome in outcomes:
            runs[outcome.trial.feature].take(outcome)
    judgings = {name: run.judging for name, run in runs.items() if run.judging}
    rulings = [judging.trials() for judging in judgings.values()]
    with closing(commons.replay(round_robin(rulings))) as outcomes:
        for outcome in outcomes:
            judgings[outcome.trial.feature].take(outcome)
    for run in runs.values():
        run.judged()
        for standing in standings_of(run, commons.ledger.spent_usd):
            commons.engine.progress.stood(standing)
