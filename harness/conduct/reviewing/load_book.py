"""What loading the models that we start costs: their GPUs' time, charged to who asks them.

Before a load its upper bound is set aside in the journal, and so of the cap; after it the bound is
replaced by what the load took, and after one that failed by the time until it was given up. A load
of which nobody knows how long it took (we were killed) keeps its bound as possibly billed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from harness.errors import BudgetRefusedError, UsageError
from harness.journal.journal import GpuLoading, Journal
from harness.money.amounts import rounded
from harness.money.workload import USD_PLACES
from harness.plan.model import Plan
from harness.plan.pricing import asked_rungs, load_usd, longest_load_s
from harness.workspace.workspace import Workspace


def load_costs(
    workspace: Workspace, plan: Plan, load_s: Mapping[str, float]
) -> Iterator[GpuLoading]:
    """Share the cost of each load out evenly over the features that ask the model.

    Args:
        workspace: its price book; a model without a row there, or without a GPU, costs nothing.
        plan: what is asked.
        load_s: seconds from start to first answer, by model that was started.
    """
    for model, seconds in load_s.items():
        whole = load_usd(workspace.models[model], workspace.policy, seconds)
        asking = [one for one in plan.to_ask if model in {r.model for r in asked_rungs(one)}]
        if whole is None or not asking:
            continue
        share = rounded(whole / len(asking), USD_PLACES)
        for feature in asking:
            yield GpuLoading(feature=feature.feature, model=model, load_s=seconds, usd=share)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBook:
    """Keeps the loads of a review under its cap."""

    workspace: Workspace
    plan: Plan
    journal: Journal
    monotonic: Callable[[], float] = time.monotonic

    @contextmanager
    def loading(self, models: Collection[str]) -> Generator[None]:
        """Hold the cost of loading models while their servers start and answer.

        Raises:
            BudgetRefusedError: the cap has no room for what loading them may cost.
        """
        rows = self.set_aside(dict.fromkeys(models, 1), offline=False)
        begun = self.monotonic()
        try:
            yield
        except UsageError:
            # The cluster has no room for them: none was started.
            self.journal.drop_loads(rows)
            raise
        except BaseException:
            self.journal.cut_loads(rows, self.monotonic() - begun)
            raise

    @contextmanager
    def loading_offline(self, model: str, size: int) -> Generator[Callable[[int], None]]:
        """Hold the cost of loading a model while it answers offline, by `size` processes at once.

        The first batch's loads are set aside at once; what is yielded is to be told before each
        batch how many processes load.

        Raises:
            BudgetRefusedError: the cap has no room for what loading them may cost.
        """
        waiting = [self.set_aside({model: size}, offline=True)]
        begun: list[tuple[Sequence[int], int, float]] = []

        def begin(processes: int) -> None:
            rows = waiting.pop() if waiting else self.set_aside({model: processes}, offline=True)
            begun.append((rows, processes, self.monotonic()))

        try:
            yield begin
        finally:
            for rows in waiting:
                self.journal.drop_loads(rows)
            for rows, processes, at in begun:
                self.journal.cut_loads(rows, processes * (self.monotonic() - at))

    def set_aside(self, processes: Mapping[str, int], *, offline: bool) -> Sequence[int]:
        """Set the upper bound of loads aside; `processes` by model. Returns the rows.

        `settle` replaces it.

        Raises:
            BudgetRefusedError: the cap has no room for them; nothing was set aside.
        """
        longest_s = {
            model: count * longest_load_s(serve, offline=offline)
            for model, count in processes.items()
            if (serve := self.workspace.models[model].serve) is not None
        }
        bounds = list(load_costs(self.workspace, self.plan, longest_s))
        self._check(bounds, longest_s)
        return self.journal.begin_loads(bounds)

    def settle(self, load_s: Mapping[str, float]) -> None:
        """Replace what was set aside by what loading took, seconds by model."""
        self.journal.add_loads(list(load_costs(self.workspace, self.plan, load_s)))

    def _check(self, bounds: list[GpuLoading], longest_s: Mapping[str, float]) -> None:
        most = sum((one.usd for one in bounds), start=Decimal(0))
        spent = self.journal.spend(cycle=self.plan.cycle)
        left = self.plan.cap_usd - spent.known_usd - spent.possibly_billed_usd
        if most <= left:
            return
        names = sorted({one.model for one in bounds})
        each = ", ".join(f"{name} for up to {longest_s[name]:,.0f} s" for name in names)
        cent = Decimal("0.01")
        raise BudgetRefusedError(
            f"loading {each} may cost USD {most.quantize(cent, ROUND_CEILING):,} of GPU time, USD "
            f"{max(left, Decimal(0)).quantize(cent, ROUND_FLOOR):,} are left of the cap; raise "
            "max_spend_usd, or lower serve.ready_s (offline: serve.ttl_s)"
        )
