"""How many calls of a feature's review are still expected: the plan's forecast, kept up to date.

The plan rehearsed the test under many possible differences between the models. As answers come,
those that fit them count for more (`harness.stats.sequential.foresight`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import chain

from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.reviewing.progress import Upcoming
from harness.judge.decision.standing import QualityState, Standing
from harness.plan.model import Money, Power
from harness.stats.sequential.foresight import AskedSoFar, Foresight

_GO_ON = frozenset({QualityState.OPEN, QualityState.NOT_ASKED, QualityState.WAITING})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ahead:
    """What one model will have been asked when the review ends: expected, and at most."""

    share: float = 0.0
    """Of the cases; likewise `most`."""
    most: float = 0.0
    live: int = 0
    """Live requests still expected, to measure its times."""
    most_live: int = 0


class Foreseen:
    """Expected answers of one feature, from the first to the last, as changes since last told.

    For a feature with a judge the plan's figures stay, because its rulings are not forecast anew.
    """

    def __init__(self, run: FeatureRun) -> None:
        self._run = run
        self._money = money = run.plan.money or Money.nothing()
        self._told = Upcoming(
            most=money.calls, expected=money.expected_calls, usd=money.expected_usd
        )

    def spared(self) -> Upcoming:
        """How much less is expected than was last told, negative if more: by the open options."""
        power = self._run.plan.power
        if power is None or power.foresight is None or self._run.plan.judges:
            return Upcoming(most=0, expected=0)
        return self._tell(self._ahead(power, power.foresight))

    def ended(self) -> Upcoming:
        """How much less, now that nothing more is asked than was read."""
        if self._run.plan.judges:
            return Upcoming(most=0, expected=0)
        return self._tell({})

    def _ahead(self, power: Power, foresight: Foresight) -> dict[str, _Ahead]:
        run, standings = self._run, self._run.standings()
        seen = [self._seen(standing) for standing in standings]
        each, todays = foresight.given(seen)
        most = [one.share if one.ended else 1.0 for one in seen]
        likely = run.plan.by_model(each, todays)
        at_most = run.plan.by_model(most, max(most, default=0.0))
        ahead = {
            name: _Ahead(share=share, most=max(at_most[name], share))
            for name, share in likely.items()
        }
        live = run.plan.latency_requests
        for name, chance in self._timed(power, standings).items():
            if name in ahead and name not in run.latencies:
                ahead[name] = replace(ahead[name], live=round(live * chance), most_live=live)
        return ahead

    def _timed(self, power: Power, standings: Sequence[Standing]) -> dict[str, float]:
        """The models whose times may be measured yet, and how likely that is.

        Today's model is measured in any case, an option once it passed.
        """
        size, chances = len(self._run.design.order), {self._run.incumbent.name: 1.0}
        for standing in standings:
            name = self._run.asks(standing.option)
            if standing.state is QualityState.PASSES:
                chances[name] = 1.0
            elif standing.state in _GO_ON and standing.asked < size:
                chances[name] = max(power.shares[name].passes, chances.get(name, 0.0))
        return chances

    def _seen(self, standing: Standing) -> AskedSoFar:
        """An option's evidence so far, as the forecast reads it.

        The protected cases of an option that passed count as asked: they will be, before it is
        accepted.
        """
        size = max(len(self._run.design.order), 1)
        share = min(standing.asked / size, 1.0)
        if standing.state is QualityState.PASSES:
            share += (1 - share) * min(len(self._run.protected()) / size, 1.0)
        pairs = self._run.pairs(standing.option).pairs
        known = [pair.difference for pair in pairs if pair.difference is not None]
        gains, losses = (sum(max(sign * one, 0.0) for one in known) for sign in (1, -1))
        return AskedSoFar(
            share=share,
            ended=standing.state not in _GO_ON or standing.asked >= size,
            gains=gains,
            losses=losses,
            agreed=len(known) - gains - losses,
        )

    def _tell(self, ahead: Mapping[str, _Ahead]) -> Upcoming:
        """The change since the last forecast; a model not in `ahead` is asked nothing more."""
        run, money = self._run, self._money
        whole = len(run.design.order) * run.plan.repeats
        read = run.trials_read()
        most, expected, usd = read, read, Decimal(0)
        for rung in (run.incumbent, *run.rungs.values()):
            own, known = len(run.read(rung.name)), ahead.get(rung.name, _Ahead())
            left = max(round(known.share * whole) - own, 0)
            most += max(round(known.most * whole) - own, 0) + known.most_live
            expected += left + known.live
            usd += (own + left) * money.usd_of(rung.name, batch=rung.config.batch)
            usd += known.live * money.usd_of(rung.name, batch=False)
        asked = (*run.live, *chain.from_iterable(run.tuned.values()))
        usd += sum((money.usd_of(one.trial.option, batch=False) for one in asked), Decimal(0))
        now = Upcoming(most=most, expected=expected, usd=usd)
        before, self._told = self._told, now
        return before - now
