"""Where a prompt of its own may pay: what passing would save, times the chance to close the gap.

The gap is that of the newest review. What another prompt gains is assumed: 3 points, give or take
5; so a gap far beyond the limit is hopeless, and nothing is offered for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import NormalDist

from evalsets.splits import tune_parts
from harness.conduct.tuning.searching import FINALISTS, LEAST_CASES
from harness.errors import Faults
from harness.money.monthly import cost_from_traffic
from harness.plan.model import FeaturePlan, Plan
from harness.plan.planned_options import PlannedOption
from harness.record.base import Result
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord
from harness.record.stored import read_past, read_sound
from harness.wording import listed, percent, plural, usd
from harness.workspace.model_file import TUNED, is_tuned, split_option
from harness.workspace.prompts import tuned_options

GAINS = NormalDist(3.0, 5.0)
"""Points that another prompt gains: assumed."""
HOPELESS = 0.05
"""A smaller chance is not worth a search."""
PROMPTS = 12
"""Prompts that a search tries, about."""
_LONGER = 2
"""Times as long as today's that a prompt with examples may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptWorth:
    """What tuning one option may bring, USD; a month where nothing else is said."""

    feature: str
    option: str
    gap: float
    """Points that it lost to today's model."""
    limit: float
    chance: float
    saved_usd: Decimal
    """If it passes, under a prompt as long as today's."""
    longer_usd: Decimal
    """What a prompt twice as long costs more."""
    cost_usd: Decimal
    """Of the search, once."""

    @property
    def gain_usd(self) -> Decimal:
        """Expected."""
        return Decimal(str(round(self.chance, 4))) * (self.saved_usd - self.longer_usd)


def worth_tuning(plan: Plan, reviews: Path) -> tuple[PromptWorth, ...]:
    """The best option of each feature for which tuning may pay, the cheapest search first."""
    written = [*read_past(reviews / plan.cycle), *read_sound(reviews / plan.cycle, Faults())]
    newest = {one.feature.id: one for one in sorted(written, key=lambda one: one.cycle)}
    found: list[PromptWorth] = []
    for one in plan.features:
        record = newest.get(one.feature)
        worths = [] if record is None or one.config.program else list(_of(one, record))
        found += [max(worths, key=lambda each: each.gain_usd)] if worths else []
    return tuple(sorted(found, key=lambda each: (each.cost_usd, each.feature)))


def _of(plan: FeaturePlan, record: DecisionRecord) -> Iterator[PromptWorth]:
    rungs = {rung.name: rung for rung in plan.options}
    for option in record.options:
        rung = rungs.get(option.target.option)
        if rung is None or option.result is Result.PASS or is_tuned(rung.name):
            continue
        if f"{rung.name}{TUNED}" in rungs or rung.cascade is not None:
            continue
        worth = _worth(plan, rung, option)
        if worth is not None:
            yield worth


def _worth(plan: FeaturePlan, rung: PlannedOption, option: OptionRecord) -> PromptWorth | None:
    quality, traffic, parts = option.quality, plan.config.traffic, tune_parts(plan.evalset)
    if quality is None or traffic is None or rung.monthly_usd is None or not parts.choice:
        return None
    gap, limit = -quality.difference, quality.margin
    calls = PROMPTS * len(parts.search) + (FINALISTS + 1) * len(parts.choice)
    under = rung.traffic(traffic)
    longer = under.model_copy(update={"input_tokens": _LONGER * under.input_tokens})
    dearer = cost_from_traffic(longer, rung.priced()).monthly_after_discounts
    found = PromptWorth(
        feature=plan.feature,
        option=rung.name,
        gap=gap,
        limit=limit,
        chance=1 - GAINS.cdf(gap - limit / 2),
        saved_usd=(plan.monthly_usd or Decimal(0)) - rung.monthly_usd,
        longer_usd=dearer - rung.monthly_usd,
        cost_usd=dearer / max(traffic.requests_per_month, 1) * calls,
    )
    pays = found.gain_usd > 0 and found.saved_usd - found.longer_usd >= plan.minimum_usd
    return found if pays and found.chance >= HOPELESS else None


def worth_lines(plan: Plan, reviews: Path) -> Iterator[str]:
    """For which features tuning may pay, in words."""
    found = worth_tuning(plan, reviews)
    if found:
        yield (
            f"A prompt of its own may pay on {plural(len(found), 'feature')}, cheapest first "
            f"(assumed: another prompt gains {GAINS.mean:g} points, give or take {GAINS.stdev:g})"
        )
    for one in found:
        yield (
            f"    rightsize tune {one.feature} --model {one.option}: about {usd(one.cost_usd)} "
            f"once; {one.gap:.1f} points worse (limit {one.limit:g} points), a chance of "
            f"{percent(one.chance)} to save {usd(one.saved_usd)} a month, less up to "
            f"{usd(one.longer_usd)} for a longer prompt"
        )


def untuned(plan: FeaturePlan, root: Path) -> tuple[str, ...]:
    """The options that `tune:` names and that have no tuned prompt yet."""
    there = [one.removesuffix(TUNED) for one in tuned_options(root, plan.feature)]
    known = {*there, *(split_option(one)[0] for one in there)}
    return tuple(one for one in plan.config.to_tune if not is_tuned(one) and one not in known)


def untuned_lines(plan: Plan, root: Path) -> Iterator[str]:
    """A line for each feature with a prompt that its file asks for and nobody has sought."""
    for one in plan.features:
        names = untuned(one, root)
        if names:
            yield (
                f"      {one.feature}: `tune:` asks for a prompt of {listed(names)}, not sought "
                f"yet: rightsize tune {one.feature}{_cost(one, names)}"
            )


def _cost(plan: FeaturePlan, names: tuple[str, ...]) -> str:
    """About what the searches cost, at today's length of prompts."""
    parts = tune_parts(plan.evalset)
    cases = len(parts.examples) + len(parts.search) + len(parts.choice)
    if cases < LEAST_CASES:
        return f" (once it has {LEAST_CASES} tune cases: `tune:` in its evalset.yaml)"
    calls = PROMPTS * len(parts.search) + (FINALISTS + 1) * len(parts.choice)
    rungs = [rung for rung in plan.arms if {rung.name, rung.model} & set(names)]
    monthly = [rung.monthly_usd for rung in rungs if rung.monthly_usd is not None]
    traffic = plan.config.traffic
    if traffic is None or len(monthly) < len(names):
        return f" ({plural(calls * len(names), 'call')}, about)"
    a_month = sum(monthly, Decimal(0))
    return f" (about {usd(a_month / max(traffic.requests_per_month, 1) * calls)})"
