"""The quality pass of a model without its server: into the journal, before the review.

An engine that reads requests from a file is loaded once for all features and answers every case
that the review may want; the review then finds the answers in the journal, as it does those of a
model that took its turn on the GPUs. Its server answers the latency pass, and what was left.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from harness.replay.batch_waits import Patience
from harness.replay.batches import Batches
from harness.review.ahead import everything
from harness.review.commons import Commons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan, Plan
    from harness.replay.journal import Journal
    from harness.replay.offline_desk import OfflineDesk
    from harness.review.engine import Engine
    from harness.review.feature_run import FeatureRun


PATIENCE = Patience(first_s=0.5, most_s=5.0)
"""A look at our own processes costs next to nothing."""


def answer_offline(plan: Plan, model: str, desk: OfflineDesk, engine: Engine) -> int:
    """Ask a model all that the plan may ask of it, through `desk`; returns the outcomes.

    Once; and once more where an earlier run had left a batch that ended with it.

    Raises:
        InterruptedRunError: stopped; what was answered is in the journal.
    """
    outcomes = _answer(plan, model, desk, engine)
    return outcomes + (_answer(plan, model, desk, engine) if desk.lost else 0)


def is_answered(plan: Plan, model: str, journal: Journal) -> bool:
    """Does the journal have every answer of the quality pass that the plan may want of a model?"""
    wanted = {
        plan_.asker.trial(rung, case, repeat, "quality").fingerprint
        for plan_, rung in asked(plan, model)
        for case in plan_.sample.deciding
        for repeat in range(plan_.repeats)
    }
    return len(journal.settled(wanted)) == len(wanted)


def needs_server(plan: Plan, model: str, journal: Journal) -> bool:
    """Is a model's server wanted at all: as a judge, for its latency, or for what was left?"""
    judges = {judge.rung.model for feature in plan.to_ask for judge in feature.judges}
    timed = any(feature.latency_requests for feature, _ in asked(plan, model))
    return model in judges or timed or not is_answered(plan, model, journal)


def asked(plan: Plan, model: str) -> Iterator[tuple[FeaturePlan, Rung]]:
    """The features that ask a model for answers, each with the way in which it does."""
    for feature in plan.to_ask:
        if feature.config.answers == "replayed" and feature.incumbent is not None:
            for rung in (feature.incumbent, *feature.rungs):
                if rung.model == model:
                    yield feature, rung


def _answer(plan: Plan, model: str, desk: OfflineDesk, engine: Engine) -> int:
    """Once, by a ledger of its own, which knows what loading cost before."""
    commons = Commons(plan, {}, engine)
    commons.write_plans()
    batches = Batches(
        desk,
        journal=engine.journal,
        ledger=commons.ledger,
        tell=engine.progress.note,
        patience=PATIENCE,
    )
    wanted = chain(*(everything(run, rung) for run, rung in _asking(commons, model)))
    outcomes = chain(batches.send(wanted), batches.read())
    return sum(1 for _ in commons.noted(outcomes))


def _asking(commons: Commons, model: str) -> Iterator[tuple[FeatureRun, Rung]]:
    for run in commons.runs.values():
        if run.plan.config.answers == "replayed":
            for rung in (run.incumbent, *run.rungs.values()):
                if rung.model == model:
                    yield run, rung
