"""Run a plan: ask, read, step, until every feature is decided."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from harness.costing.attempts import attempt_cost
from harness.decision.step import Ask, Confirm, Finished
from harness.errors import RightsizeError
from harness.plan.judging import OPTION as JUDGED_BY
from harness.plan.rulings import Judging
from harness.replay.batch_desk import BatchDesk
from harness.replay.batches import Batches, Patience
from harness.replay.engine import replay
from harness.replay.governor import Governor, Lane, LaneLimits, lane_of
from harness.replay.ledger import Ledger
from harness.replay.worker import OPENER
from harness.review.cascades import cascades_of
from harness.review.feature_run import FeatureRun
from harness.review.latency_pass import (
    MOST_ROUNDS,
    cascade_facts,
    lacking,
    latency_facts,
    latency_trials,
)
from harness.review.progress import Standing as Shown
from harness.review.scores import Measures, Scoreboard
from harness.review.vetoes import find_vetoes
from harness.trials import Missing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
    from datetime import datetime
    from decimal import Decimal

    from harness.cluster.crew import Cluster
    from harness.costing.rates import Rates
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan, Plan
    from harness.record.parts import LatencyFacts
    from harness.replay.journal import Journal
    from harness.replay.retry import RetryPolicy
    from harness.review.progress import Progress
    from harness.trials import Outcome, Trial
    from providers.completion import TokenUsage


class NotInJournalError(RightsizeError):
    """The review needs an answer that the journal does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What a review runs on."""

    cluster: Cluster | None
    """None: from the journal alone; a trial that is not in it ends the review."""
    journal: Journal
    retry: RetryPolicy
    progress: Progress
    now: datetime
    share_of_rate_limit: float
    patience: Patience = field(default_factory=Patience)
    """With the vendors' batches."""
    pause: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A review after its last call: what every ready feature found, and what was spent."""

    runs: Mapping[str, FeatureRun]
    ledger: Ledger


class ReviewRun:
    """One review's replaying."""

    def __init__(self, plan: Plan, served: Mapping[str, str], engine: Engine) -> None:
        """Prepare; `served` has the address of each model that was started for this review."""
        self._engine = engine
        self._runs = {feature.feature: _start(feature, served) for feature in plan.to_ask}
        earlier = engine.journal.spend(cycle=plan.cycle)
        self._ledger = Ledger(
            plan.cap_usd,
            self._price,
            spent_usd=earlier.known_usd,
            possibly_billed_usd=earlier.possibly_billed_usd,
        )
        self._governor = self._make_governor(None)
        self._batches = self._open_batches()
        self._waiting: dict[str, Ask] = {}
        """Features whose batches are under way, and what they asked."""

    def run(self) -> Replayed:
        """Ask until nothing is wanted."""
        self._write_plans()
        self._measure_incumbents()
        while (steps := self._open_steps()) or self._waiting:
            if not steps:
                self._read_batches()
                continue
            asks = {name: step for name, step in steps.items() if isinstance(step, Ask)}
            if asks:
                self._ask(asks)
                continue
            for name, step in steps.items():
                if isinstance(step, Confirm):
                    self._confirm(self._runs[name], step)
        return Replayed(runs=self._runs, ledger=self._ledger)

    def _open_steps(self) -> dict[str, Ask | Confirm]:
        steps = {n: run.step() for n, run in self._runs.items() if n not in self._waiting}
        return {name: step for name, step in steps.items() if not isinstance(step, Finished)}

    def _write_plans(self) -> None:
        """Into the journal before the first call; the same plan is written once."""
        journal, now = self._engine.journal, self._engine.now.isoformat()
        for run in self._runs.values():
            plan = run.plan
            known = journal.plans(plan.feature, plan.cycle)
            if not known or known[-1].sha256 != plan.plan_sha256:
                journal.write_plan(
                    journal.run_id, plan.feature, plan.plan_json, plan.plan_sha256, now
                )

    def _ask(self, asks: Mapping[str, Ask]) -> None:
        given = {name: ask for name, ask in asks.items() if self._is_imported(name)}
        asked = {name: ask for name, ask in asks.items() if name not in given}
        wanted = chain(*(self._runs[name].trials(ask) for name, ask in given.items()))
        self._take(_from_journal(wanted, self._engine.journal, or_missing=True))
        self._send_batches(asked)
        live = None if self._batches is None else False
        self._ask_live([self._runs[n].trials(ask, by_batch=live) for n, ask in asked.items()])
        for name in asks:
            if name not in self._waiting:
                self._tell(self._runs[name])

    def _ask_live(self, wanted: list[Iterator[Trial]]) -> None:
        with closing(self._replay(round_robin(wanted), self._governor)) as live:
            self._take(live)

    def _take(self, outcomes: Iterable[Outcome]) -> None:
        for outcome in outcomes:
            self._runs[outcome.trial.feature].take(outcome)
        self._judge()

    def _judge(self) -> None:
        """Let the judges see the answers that wait for them."""
        judged = {name: run for name, run in self._runs.items() if run.judging}
        if not judged:
            return
        wanted = [run.judging.trials() for run in judged.values() if run.judging]
        with closing(self._replay(round_robin(wanted), self._governor)) as rulings:
            for ruling in rulings:
                judging = judged[ruling.trial.feature].judging
                if judging is not None:
                    judging.take(ruling)
        for run in judged.values():
            run.judged()

    def _open_batches(self) -> Batches | None:
        """None where nothing is asked by batch, or nothing at all is asked."""
        engine = self._engine
        rungs = [
            rung for run in self._runs.values() for rung in (run.incumbent, *run.rungs.values())
        ]
        if engine.cluster is None or not any(rung.config.batch for rung in rungs):
            return None
        return Batches(
            BatchDesk(crew=engine.cluster.crew(OPENER), retry=engine.retry, pause=engine.pause),
            journal=engine.journal,
            ledger=self._ledger,
            tell=engine.progress.note,
            patience=engine.patience,
        )

    def _send_batches(self, asks: Mapping[str, Ask]) -> None:
        """One batch per model, for all features whose look is due; they wait for its end."""
        if self._batches is None:
            return
        wanted = [self._runs[name].trials(ask, by_batch=True) for name, ask in asks.items()]
        self._take(self._noted(self._batches.send(chain(*wanted))))
        self._waiting |= {
            name: ask
            for name, ask in asks.items()
            if next(self._runs[name].trials(ask, by_batch=True), None) is not None
        }

    def _read_batches(self) -> None:
        """Wait for all batches; what they did not answer is asked live."""
        if self._batches is not None:
            self._take(self._noted(self._batches.read()))
        waited, self._waiting = self._waiting, {}
        self._ask_live([self._runs[name].trials(ask) for name, ask in waited.items()])
        for name in waited:
            self._tell(self._runs[name])

    def _noted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            self._engine.progress.settled(spent_usd=self._ledger.spent_usd)
            yield outcome

    def _is_imported(self, feature: str) -> bool:
        return self._runs[feature].plan.config.answers == "imported"

    def _confirm(self, run: FeatureRun, step: Confirm) -> None:
        standings = {item.option: item for item in run.standings()}
        for option in step.options:
            latency = self._option_latency(run, option)
            run.vetoes[option] = find_vetoes(run, standings[option], latency=latency)

    def _option_latency(self, run: FeatureRun, option: str) -> LatencyFacts | None:
        """Of a cascade the mixture: the cheap model alone, or both one after the other."""
        alone = self._latency(run, run.rungs[run.asks(option)])
        cascade, config = run.cascades.get(option), run.plan.config.latency
        if cascade is None or alone is None or config is None:
            return alone
        incumbent = run.latencies.get(run.incumbent.option)
        return cascade_facts(config, cascade, run, incumbent)

    def _measure_incumbents(self) -> None:
        """First of all, while nothing else runs."""
        for run in self._runs.values():
            self._latency(run, run.incumbent)

    def _latency(self, run: FeatureRun, rung: Rung) -> LatencyFacts | None:
        config, plan = run.plan.config.latency, run.plan
        if config is None or plan.latency_requests == 0:
            return None
        if rung.option not in run.latencies:
            outcomes = self._live(plan, rung, config.concurrency)
            run.live += outcomes
            incumbent = run.latencies.get(run.incumbent.option)
            run.latencies[rung.option] = latency_facts(config, rung, outcomes, incumbent=incumbent)
        return run.latencies[rung.option]

    def _live(self, plan: FeaturePlan, rung: Rung, concurrency: int) -> list[Outcome]:
        """The live requests of one model, lost samples made up for."""
        governor = self._make_governor(concurrency)
        outcomes: list[Outcome] = []
        wanted = plan.latency_requests
        for _ in range(MOST_ROUNDS):
            start = len(outcomes)
            trials = latency_trials(plan, rung, start, start + wanted)
            with closing(self._replay(trials, governor)) as live:
                outcomes += live
            wanted = lacking(plan, outcomes)
        return outcomes

    def _replay(self, trials: Iterable[Trial], governor: Governor) -> Generator[Outcome]:
        """Outcomes as they settle; closed on the way out, so that what is in flight is kept."""
        engine = self._engine
        if engine.cluster is None:
            yield from _from_journal(trials, engine.journal)
            return
        replayed = replay(
            trials,
            cluster=engine.cluster,
            journal=engine.journal,
            governor=governor,
            ledger=self._ledger,
            retry=engine.retry,
        )
        with closing(replayed) as outcomes:
            for outcome in outcomes:
                engine.progress.settled(spent_usd=self._ledger.spent_usd)
                yield outcome

    def _make_governor(self, concurrency: int | None) -> Governor:
        limits: dict[Lane, LaneLimits] = {}
        for run in self._runs.values():
            for rung in (run.incumbent, *run.rungs.values()):
                trial = run.plan.asker.trial(rung, run.plan.sample.deciding[0], 0, "quality")
                limits[lane_of(trial)] = _limits(rung, concurrency)
            for judge in run.plan.judges:
                lane = lane_of(judge.sample(judge.reader(), run.plan.sample.deciding[0], ""))
                limits.setdefault(lane, _limits(judge.rung, concurrency))
        return Governor(limits, share_of_rate_limit=self._engine.share_of_rate_limit)

    def _price(self, trial: Trial, usage: TokenUsage) -> Decimal:
        return attempt_cost(usage, self._rates(trial.feature, trial.option), batch=trial.batch)

    def _rates(self, feature: str, option: str) -> Rates:
        run = self._runs[feature]
        judges = {f"{JUDGED_BY}{judge.rung.option}": judge.rung for judge in run.plan.judges}
        rungs = {run.incumbent.option: run.incumbent, **run.rungs, **judges}
        return rungs[option].priced()

    def _tell(self, run: FeatureRun) -> None:
        for standing in run.standings():
            if not standing.looks:
                continue
            look = standing.looks[-1]
            self._engine.progress.stood(
                Shown(
                    feature=run.plan.feature,
                    option=standing.option,
                    look=sum(end <= standing.asked for end in run.design.looks),
                    looks=len(run.design.looks),
                    cases=standing.asked,
                    of_cases=len(run.design.order),
                    worst=None if standing.worst is None else 100 * standing.worst,
                    margin=run.design.margin,
                    action=look.action,
                    spent_usd=self._ledger.spent_usd,
                )
            )


def _start(plan: FeaturePlan, served: Mapping[str, str]) -> FeatureRun:
    if plan.incumbent is None or plan.design is None:
        raise LookupError(f"{plan.feature} was not planned to be asked")
    judges = tuple(replace(judge, rung=_at(judge.rung, served)) for judge in plan.judges)
    cases = {case.id: case for case in plan.sample.deciding}
    judging = Judging.of(judges, cases, plan.incumbent.option)
    book = judging.book if judging else None
    measures = Measures.of(plan.evalset, plan.sample.folder, book)
    return FeatureRun(
        plan=plan,
        design=plan.design,
        incumbent=_at(plan.incumbent, served),
        rungs={rung.option: _at(rung, served) for rung in plan.rungs},
        board=Scoreboard(measures=measures, cases=cases, repeats=plan.repeats),
        judging=judging,
        cascades=cascades_of(plan, measures.primary),
    )


def _limits(rung: Rung, concurrency: int | None) -> LaneLimits:
    return LaneLimits(
        max_concurrency=concurrency or rung.config.max_concurrency,
        requests_per_minute=rung.config.requests_per_minute,
        tokens_per_minute=rung.config.tokens_per_minute,
    )


def _at(rung: Rung, served: Mapping[str, str]) -> Rung:
    address = served.get(rung.model)
    return rung if address is None else rung.served_at(address)


def _from_journal(
    trials: Iterable[Trial], journal: Journal, *, or_missing: bool = False
) -> Iterator[Outcome]:
    """What the journal has; what it lacks is missing (imported answers), or ends the review."""
    asked = list(trials)
    settled = journal.settled(trial.fingerprint for trial in asked)
    for trial in asked:
        if trial.fingerprint in settled:
            yield settled[trial.fingerprint].outcome(trial)
        elif or_missing:
            yield Missing(trial=trial, attempts=(), reason="not among the imported answers")
        else:
            raise NotInJournalError(trial.option)


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
