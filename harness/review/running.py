"""Run a plan: ask, read, step, until every feature is decided."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from harness.decision.step import Ask, Confirm, Finished
from harness.replay.batch_desk import BatchDesk
from harness.replay.batches import Batches
from harness.replay.worker import OPENER
from harness.review.ahead import round_robin
from harness.review.commons import Commons
from harness.review.engine import from_journal
from harness.review.live_pass import LivePass
from harness.review.progress import Standing as Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.plan.model import Plan
    from harness.replay.ledger import Ledger
    from harness.review.engine import Engine
    from harness.review.feature_run import FeatureRun
    from harness.trials import Outcome, Trial


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
        self._commons = Commons(plan, served, engine)
        self._runs = self._commons.runs
        self._live = LivePass(self._commons)
        self._batches = self._open_batches()
        self._waiting: dict[str, Ask] = {}
        """Features whose batches are under way, and what they asked."""

    def run(self) -> Replayed:
        """Ask until nothing is wanted."""
        self._commons.write_plans()
        self._live.measure_incumbents()
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
                    self._live.confirm(self._runs[name], step)
        return Replayed(runs=self._runs, ledger=self._commons.ledger)

    def _open_steps(self) -> dict[str, Ask | Confirm]:
        steps = {n: run.step() for n, run in self._runs.items() if n not in self._waiting}
        return {name: step for name, step in steps.items() if not isinstance(step, Finished)}

    def _ask(self, asks: Mapping[str, Ask]) -> None:
        given = {name: ask for name, ask in asks.items() if self._is_imported(name)}
        asked = {name: ask for name, ask in asks.items() if name not in given}
        wanted = chain(*(self._runs[name].trials(ask) for name, ask in given.items()))
        self._take(from_journal(wanted, self._engine.journal, or_missing=True))
        self._send_batches(asked)
        live = None if self._batches is None else False
        self._ask_live([self._runs[n].trials(ask, by_batch=live) for n, ask in asked.items()])
        for name in asks:
            if name not in self._waiting:
                self._tell(self._runs[name])

    def _ask_live(self, wanted: list[Iterator[Trial]]) -> None:
        with closing(self._commons.replay(round_robin(wanted))) as live:
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
        with closing(self._commons.replay(round_robin(wanted))) as rulings:
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
            ledger=self._commons.ledger,
            tell=engine.progress.note,
            patience=engine.patience,
        )

    def _send_batches(self, asks: Mapping[str, Ask]) -> None:
        """One batch per model, for all features whose look is due; they wait for its end."""
        if self._batches is None:
            return
        wanted = [self._runs[name].trials(ask, by_batch=True) for name, ask in asks.items()]
        self._take(self._commons.noted(self._batches.send(chain(*wanted))))
        self._waiting |= {
            name: ask
            for name, ask in asks.items()
            if next(self._runs[name].trials(ask, by_batch=True), None) is not None
        }

    def _read_batches(self) -> None:
        """Wait for all batches; what they did not answer is asked live."""
        if self._batches is not None:
            self._take(self._commons.noted(self._batches.read()))
        waited, self._waiting = self._waiting, {}
        self._ask_live([self._runs[name].trials(ask) for name, ask in waited.items()])
        for name in waited:
            self._tell(self._runs[name])

    def _is_imported(self, feature: str) -> bool:
        return self._runs[feature].plan.config.answers == "imported"

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
                    spent_usd=self._commons.ledger.spent_usd,
                )
            )
