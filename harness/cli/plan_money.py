"""The plan's money as lines of text: what can be saved at most, and without another model."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from harness.cli.show import usd
from harness.costing.money import exact, plain
from harness.economics.portfolio import growing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.plan.model import FeaturePlan, Plan, PlannedOption

_A_YEAR = 12
_CALLED = {
    "caching": "prompt caching",
    "effort": "lower effort",
    "shorter-output": "a shorter answer",
}


def bound_line(plan: Plan) -> Iterator[str]:
    """The most that other models can save over the portfolio; nothing where none is asked."""
    most = sum((feature.saving_bound_usd for feature in plan.features), Decimal(0))
    if most:
        yield f"Other models can save at most {usd(most)} a month, known before any call"


def option_money(option: PlannedOption, today: Decimal | None) -> str:
    """What an option costs a month at today's tokens, and what it can save at most of today's."""
    if option.monthly_usd is None:
        return "no price"
    cost = f"{usd(option.monthly_usd)} a month"
    if option.saving_bound_usd is None:
        return cost
    most = f"{cost} at today's tokens, saves at most {usd(option.saving_bound_usd)}"
    least = None if today is None else today - option.saving_bound_usd
    if least is None or least >= option.monthly_usd or not option.saving_bound_usd:
        return most
    return f"{most} (with so few tokens that it costs {usd(least)})"


def lever_lines(plan: FeaturePlan) -> Iterator[str]:
    """What the incumbent could save by itself, each with what it needs."""
    for lever in plan.levers:
        name = _CALLED.get(lever.kind, lever.kind)
        if lever.possible:
            yield f"    {name}: saves {usd(plan.net_saving(lever))} a month; {lever.needs}"
        else:
            yield f"    {name}: not possible; {lever.needs}"
    if len(plan.levers) > 1:
        yield "    (one of these: they exclude each other)"


def growth_line(plan: FeaturePlan) -> Iterator[str]:
    """What today's model costs in the next year, where the volume is expected to change."""
    traffic = plan.config.traffic
    if traffic is None or plan.monthly_usd is None or not traffic.growth_per_month:
        return
    growth = exact(traffic.growth_per_month)
    year = growing(plan.monthly_usd, per_month=growth, months=_A_YEAR)
    yield f"    next year at {plain(growth * 100):+f} % requests a month: {usd(year)}"
