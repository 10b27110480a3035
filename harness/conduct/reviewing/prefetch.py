"""Answers before the review: every case that it may want, while a model is loaded.

Models that do not fit on the GPUs at once are loaded in waves, each once, and an engine that reads
requests from a file is loaded once for all features. Which cases a review asks depends on answers,
so such a model answers them all, and the review finds them in the journal. Looks are taken on the
first cases of the seeded order, as ever: further answers change nothing that it decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import chain

from harness.ask.replay.batches import BackOff, Batches
from harness.ask.replay.offline_backend import OfflineBackend
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.reviewing.latency_pass import LivePass
from harness.conduct.reviewing.session import ReviewSession, Runtime
from harness.journal.journal import Journal
from harness.journal.trials import Missing, Trial
from harness.plan.model import FeaturePlan, Plan
from harness.plan.planned_options import PlannedOption


def answer_ahead(plan: Plan, served: Mapping[str, str], engine: Runtime) -> int:
    """Ask the served models everything that the plan may ask of them; returns the outcomes.

    Latency first, while nothing else runs; then the tune cases that fix how sure a model must be;
    then every case, as fast as the models can. A model whose tune answers did not all come is asked
    no case that decides.
    """
    session = ReviewSession(plan, served, engine)
    session.write_plans()
    loaded = [
        (run, rung)
        for run in session.runs.values()
        if run.plan.config.answers == "replayed"
        for rung in (run.incumbent, *run.rungs.values())
        if rung.model in served
    ]
    outcomes, unanswered = 0, set[tuple[str, str]]()
    for run, rung in loaded:
        latency = run.plan.config.latency
        if latency is not None and run.plan.latency_requests:
            outcomes += len(LivePass(session).answer(run.plan, rung, latency.concurrency))
    with closing(
        session.replay(round_robin([tuning(run.plan, rung) for run, rung in loaded]))
    ) as told:
        for outcome in told:
            outcomes += 1
            if isinstance(outcome, Missing):
                unanswered.add((outcome.trial.feature, outcome.trial.option))
    wanted = [
        deciding(run.plan, rung)
        for run, rung in loaded
        if (run.plan.feature, rung.name) not in unanswered
    ]
    with closing(session.replay(round_robin(wanted))) as live:
        return outcomes + sum(1 for _ in live)


def tuning(plan: FeaturePlan, rung: PlannedOption) -> Iterator[Trial]:
    """A model's trials on tune cases; none where nothing fixes how sure it must be."""
    return plan.tune_trials([rung] if rung.name in plan.tuned else [])


def deciding(plan: FeaturePlan, rung: PlannedOption) -> Iterator[Trial]:
    """Every trial on deciding cases that a review may want of a model."""
    for case in plan.sample.deciding:
        for repeat in range(plan.repeats):
            yield plan.asker.trial(rung, case, repeat, "quality")


def everything(plan: FeaturePlan, rung: PlannedOption) -> Iterator[Trial]:
    """Every trial of the quality pass that a review may want of a model."""
    yield from tuning(plan, rung)
    yield from deciding(plan, rung)


def round_robin(sources: list[Iterator[Trial]]) -> Iterator[Trial]:
    """One trial of each source in turn, so that features share the lanes fairly."""
    while sources:
        alive: list[Iterator[Trial]] = []
        for source in sources:
            trial = next(source, None)
            if trial is not None:
                yield trial
                alive.append(source)
        sources = alive


BACK_OFF = BackOff(first_s=0.5, most_s=5.0)
"""A look at our own processes costs next to nothing."""


def answer_offline(plan: Plan, model: str, backend: OfflineBackend, engine: Runtime) -> int:
    """Ask a model all that the plan may ask of it, through `backend`; returns the outcomes.

    Once; and once more where an earlier run had left a batch that ended with it.

    Raises:
        InterruptedRunError: stopped; what was answered is in the journal.
    """
    outcomes = _answer(plan, model, backend, engine)
    return outcomes + (_answer(plan, model, backend, engine) if backend.lost else 0)


def is_answered(plan: Plan, model: str, journal: Journal) -> bool:
    """Whether the journal has every answer of the quality pass that a plan may want of a model."""
    wanted = {
        trial.fingerprint for plan_, rung in asked(plan, model) for trial in everything(plan_, rung)
    }
    return len(journal.settled(wanted)) == len(wanted)


def needs_server(plan: Plan, model: str, journal: Journal) -> bool:
    """Whether a model's server is needed: as a judge, for its latency, or for lacking answers."""
    judges = {judge.rung.model for feature in plan.to_ask for judge in feature.judges}
    timed = any(feature.latency_requests for feature, _ in asked(plan, model))
    return model in judges or timed or not is_answered(plan, model, journal)


def asked(plan: Plan, model: str) -> Iterator[tuple[FeaturePlan, PlannedOption]]:
    """The features that ask a model for answers, and the options by which they do."""
    for feature in plan.to_ask:
        if feature.config.answers == "replayed" and feature.incumbent is not None:
            for rung in (feature.incumbent, *feature.rungs):
                if rung.model == model:
                    yield feature, rung


def _answer(plan: Plan, model: str, backend: OfflineBackend, engine: Runtime) -> int:
    """Ask once, on a session of its own, whose ledger knows what loading has cost so far."""
    session = ReviewSession(plan, {}, engine)
    session.write_plans()
    batches = Batches(
        backend,
        journal=engine.journal,
        ledger=session.ledger,
        tell=engine.progress.note,
        back_off=BACK_OFF,
    )
    wanted = chain(*(everything(run.plan, rung) for run, rung in _asking(session, model)))
    outcomes = chain(batches.send(wanted), batches.read())
    return sum(1 for _ in session.noted(outcomes))


def _asking(session: ReviewSession, model: str) -> Iterator[tuple[FeatureRun, PlannedOption]]:
    for run in session.runs.values():
        if run.plan.config.answers == "replayed":
            for rung in (run.incumbent, *run.rungs.values()):
                if rung.model == model:
                    yield run, rung
