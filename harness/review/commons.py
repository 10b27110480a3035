"""What the features of one review share: ledger, governor, journal, and the door to answers."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from harness.replay.engine import replay
from harness.replay.governor import Governor
from harness.replay.ledger import Ledger
from harness.replay.run import WINDOW
from harness.replay.shared_crew import SharedCluster
from harness.review.engine import from_journal
from harness.review.lanes import lane_limits, price
from harness.review.starting import start

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping
    from decimal import Decimal

    from harness.cluster.crew import Cluster
    from harness.errors import Faults
    from harness.plan.model import Plan
    from harness.review.engine import Engine
    from harness.review.feature_run import FeatureRun
    from harness.trials import Outcome, Trial
    from providers.completion import TokenUsage


class Commons:
    """One review's means. Every call of it, by whatever pass, is admitted and paid here."""

    def __init__(self, plan: Plan, served: Mapping[str, str], engine: Engine) -> None:
        """Prepare; `served` has the address of each model that was started for this review."""
        self.engine = engine
        self.runs: Mapping[str, FeatureRun] = dict(_started(plan, served, engine.faults))
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
        """Into the journal before the first call; the same plan is written once.

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
        the rest see `harness.replay.engine.replay`.
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
        )
        with closing(replayed) as outcomes:
            yield from self.noted(outcomes)

    def noted(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The same outcomes, each told to whoever watches."""
        for outcome in outcomes:
            self.engine.progress.settled(spent_usd=self.ledger.spent_usd)
            yield outcome

    def govern(self, concurrency: int | None = None) -> Governor:
        """A governor of all lanes; `concurrency` in place of what is configured."""
        return Governor(
            lane_limits(self.runs.values(), concurrency=concurrency),
            share_of_rate_limit=self.engine.share_of_rate_limit,
        )

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
