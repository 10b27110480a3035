"""What the features of one review share: ledger, governor, journal, lanes, and who answers.

Where the journal has every answer, it is enough by itself: no cluster is opened.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from itertools import islice

from harness.ask.cluster.workers import Cluster
from harness.ask.replay.batches import BackOff
from harness.ask.replay.engine import WINDOW, replay
from harness.ask.replay.governor import Governor, lane_of
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.ask.replay.shared_workers import SharedCluster
from harness.ask.replay.throttle import LaneLimits
from harness.conduct.finding.cascades import cascades_of
from harness.conduct.finding.drift import anchored
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.scores import Measures, Scoreboard
from harness.conduct.reviewing.progress import Progress
from harness.errors import Faults, RightsizeError
from harness.journal.journal import Journal
from harness.journal.life import note_thresholds, thresholds_under, write_life
from harness.journal.trials import Lane, Missing, Outcome, Trial
from harness.money.prices.attempts import attempt_cost
from harness.plan.judging import OPTION as JUDGED_BY
from harness.plan.lives.identity import page_of
from harness.plan.model import FeaturePlan, Plan
from harness.plan.planned_options import PlannedOption
from harness.plan.rulings import Judging
from harness.record.model import DecisionRecord
from providers.completion import TokenUsage


def lane_limits(
    runs: Iterable[FeatureRun], *, concurrency: int | None = None
) -> dict[Lane, LaneLimits]:
    """What each lane grants by configuration; `concurrency` in place of the configured one."""
    limits: dict[Lane, LaneLimits] = {}
    features: defaultdict[Lane, set[str]] = defaultdict(set)
    for run in runs:
        first = run.plan.sample.deciding[0]
        for rung in (run.incumbent, *run.rungs.values()):
            trial = run.plan.asker.trial(rung, first, 0, "quality")
            limits[lane_of(trial)] = _limits(rung, concurrency)
            features[lane_of(trial)].add(trial.feature)
        for _, other in run.plan.others:
            lane = lane_of(run.plan.asker.trial(other, first, 0, "quality"))
            limits.setdefault(lane, _limits(other, concurrency))
            features[lane].add(run.plan.feature)
        for judge in run.plan.judges:
            lane = lane_of(judge.sample(judge.reader(), first, ""))
            limits.setdefault(lane, _limits(judge.rung, concurrency))
            features[lane].add(run.plan.feature)
    if concurrency is not None:
        return limits  # Latency is measured at this concurrency, of one feature at a time.
    return {lane: replace(one, features=len(features[lane])) for lane, one in limits.items()}


def price(run: FeatureRun, trial: Trial, usage: TokenUsage) -> Decimal:
    """What an attempt at a feature's trial cost, its judges' too."""
    judges = {f"{JUDGED_BY}{judge.rung.name}": judge.rung for judge in run.plan.judges}
    others = {other.name: other for _, other in run.plan.others}
    rungs = {**others, run.incumbent.name: run.incumbent, **run.rungs, **judges}
    return attempt_cost(usage, rungs[trial.option].priced(), batch=trial.batch)


def _limits(rung: PlannedOption, concurrency: int | None) -> LaneLimits:
    return LaneLimits(
        max_concurrency=concurrency or rung.config.max_concurrency,
        requests_per_minute=rung.config.requests_per_minute,
        tokens_per_minute=rung.config.tokens_per_minute,
    )


def start(plan: FeaturePlan, served: Mapping[str, str]) -> FeatureRun:
    """A feature before its first answer; `served` has the address of each model that was started.

    Raises:
        LookupError: the feature was not planned to be asked.
    """
    if plan.incumbent is None or plan.design is None:
        raise LookupError(f"{plan.feature} was not planned to be asked")
    judges = tuple(replace(judge, rung=_at(judge.rung, served)) for judge in plan.judges)
    cases = {case.id: case for case in plan.sample.deciding}
    judging = Judging.of(judges, cases, plan.incumbent.name)
    book = judging.book if judging else None
    # What was imported is all there, in whatever number, as soon as it was read.
    fewest = 1 if plan.config.answers == "imported" else plan.repeats
    measures = Measures.of(plan.evalset, plan.sample.folder, book)
    return FeatureRun(
        plan=replace(plan, asker=plan.asker.served(served)),
        design=plan.design,
        incumbent=_at(plan.incumbent, served),
        rungs={rung.name: _at(rung, served) for rung in plan.rungs},
        board=Scoreboard(measures=measures, cases=cases, fewest=fewest),
        judging=judging,
        cascades=cascades_of(plan, measures.primary),
    )


def _at(rung: PlannedOption, served: Mapping[str, str]) -> PlannedOption:
    address = served.get(rung.model)
    return rung if address is None else rung.served_at(address)


READING = "its answers could not be read"
"""What failed where a feature's review ends before its decision: all its answers are kept."""
CHUNK = 1000
"""Trials looked up in the journal at once."""


class NotInJournalError(RightsizeError):
    """The review needs an answer that the journal does not have."""

    ends_run = True


def _keep() -> None:
    """Whoever opened the cluster ends it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What a review runs on: cluster, journal, listener, clock."""

    cluster: Cluster | None
    """None: from the journal alone; a trial that is not in it ends the review."""
    journal: Journal
    retry: RetryPolicy
    progress: Progress
    now: datetime
    share_of_rate_limit: float
    back_off: BackOff = field(default_factory=BackOff)
    """With the vendors' batches."""
    pause: Callable[[float], None] = time.sleep
    faults: Faults = field(default_factory=lambda: Faults(contains=False))
    """Where one feature's fault is kept from the others."""
    in_order: bool = False
    """One feature after the other, as far as that keeps the models busy."""
    drafted: Callable[[DecisionRecord], None] | None = None
    """Told the record of each feature as its review ends, before those of all are written."""
    begin_shutdown: Callable[[], None] = _keep
    """Called when nothing more will be asked of the cluster, so that it ends beside the rest."""


def from_journal(
    trials: Iterable[Trial | None], journal: Journal, *, or_missing: bool = False
) -> Iterator[Outcome]:
    """What the journal has; what it lacks is missing (imported answers), or ends the review.

    None among the trials: there are no more before the outcomes of those before it are read.

    Raises:
        NotInJournalError: without `or_missing`, at the first trial that it lacks.
    """
    source = iter(trials)
    while asked := _chunk(source):
        settled = journal.settled(trial.fingerprint for trial in asked)
        for trial in asked:
            if trial.fingerprint in settled:
                yield settled[trial.fingerprint].outcome(trial)
            elif or_missing:
                yield Missing(trial=trial, attempts=(), reason="not among the imported answers")
            else:
                raise NotInJournalError(trial.option)


def _chunk(source: Iterator[Trial | None]) -> list[Trial]:
    chunk: list[Trial] = []
    for trial in islice(source, CHUNK):
        if trial is None:
            break
        chunk.append(trial)
    return chunk


class ReviewSession:
    """What all calls of a review share, by whichever pass: each is admitted and paid here."""

    def __init__(self, plan: Plan, served: Mapping[str, str], engine: Runtime) -> None:
        """Prepare; `served` has the address of each model that was started for this review."""
        self.engine = engine
        self.runs: Mapping[str, FeatureRun] = dict(_started(plan, served, engine.faults))
        for run in self.runs.values():
            run.anchor_arm = anchored(run, engine.journal)
        earlier = engine.journal.spend(cycle=plan.cycle)
        self.ledger = Ledger(
            plan.cap_usd,
            self._price,
            spent_usd=earlier.known_usd,
            possibly_billed_usd=earlier.possibly_billed_usd,
        )
        self.cluster = _shared(engine.cluster) if self.asks_by_batch else engine.cluster
        """None: from the journal alone."""
        self.governor = self.govern()
        """Of the quality pass, the judges' too."""

    @property
    def asks_by_batch(self) -> bool:
        """Whether some model is asked by its vendor's batches."""
        return any(
            rung.config.batch
            for run in self.runs.values()
            for rung in (run.incumbent, *run.rungs.values())
        )

    def write_plans(self) -> None:
        """Write the plans into the journal before the first call; the same plan is written once.

        A journal that is only read holds no one to anything.
        """
        journal, now = self.engine.journal, self.engine.now.isoformat()
        if journal.is_read_only:
            return
        for run in self.runs.values():
            plan = run.plan
            known = journal.plans(plan.feature, plan.cycle)
            if not known or known[-1].sha256 != plan.plan_sha256:
                journal.write_plan(
                    journal.run_id, plan.feature, plan.plan_json, plan.plan_sha256, now
                )
                write_life(journal, plan.feature, page_of(plan), now)

    def fix_thresholds(self, run: FeatureRun) -> None:
        """Fix how sure models must be, and write it down before the first case that decides.

        From the journal alone nothing is asked, and nothing is written.
        """
        engine, plan = self.engine, run.plan
        kept = thresholds_under(engine.journal, plan.feature, plan.plan_sha256)
        fixed = run.fix_thresholds(kept)
        if engine.cluster is not None:
            now = engine.now.isoformat()
            note_thresholds(engine.journal, plan.feature, plan.plan_sha256, fixed, now)

    def replay(
        self,
        trials: Iterable[Trial | None],
        governor: Governor | None = None,
        *,
        window: int = WINDOW,
        others_settle: bool = False,
    ) -> Generator[Outcome]:
        """Outcomes as they settle; closed on the way out, so that what is in flight is kept.

        Without a cluster, from the journal alone. `governor`: in place of the quality pass's; for
        the rest see `harness.ask.replay.engine.replay`.
        """
        engine = self.engine
        if self.cluster is None:
            yield from from_journal(trials, engine.journal)
            return
        replayed = replay(
            trials,
            cluster=self.cluster,
            journal=engine.journal,
            governor=governor or self.governor,
            ledger=self.ledger,
            retry=engine.retry,
            window=window,
            others_settle=others_settle,
            tell=engine.progress.note,
        )
        with closing(replayed) as outcomes:
            yield from self.noted(outcomes)

    def noted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The same outcomes, each told to the listener."""
        for outcome in outcomes:
            self.engine.progress.settled(
                spent_usd=self.ledger.spent_usd,
                answered=not isinstance(outcome, Missing),
                usd=self._expected_usd(outcome.trial),
                stored=not isinstance(outcome, Missing) and outcome.stored,
            )
            yield outcome

    def govern(self, concurrency: int | None = None) -> Governor:
        """A governor of all lanes; `concurrency` in place of what is configured."""
        return Governor(
            lane_limits(self.runs.values(), concurrency=concurrency),
            share_of_rate_limit=self.engine.share_of_rate_limit,
        )

    def _expected_usd(self, trial: Trial) -> Decimal:
        money = self.runs[trial.feature].plan.money
        return Decimal(0) if money is None else money.usd_of(trial.option, batch=trial.batch)

    def _price(self, trial: Trial, usage: TokenUsage) -> Decimal:
        return price(self.runs[trial.feature], trial, usage)


def _started(
    plan: Plan, served: Mapping[str, str], faults: Faults
) -> Iterator[tuple[str, FeatureRun]]:
    """The features that can be asked; one that cannot is kept from the others."""
    for feature in plan.to_ask:
        if not faults.has(feature.feature):
            begin = partial(start, feature, served)
            run = faults.attempt(feature.feature, "its review could not begin", begin)
            if run is not None:
                yield feature.feature, run


def _shared(cluster: Cluster | None) -> Cluster | None:
    return None if cluster is None else SharedCluster(cluster)
