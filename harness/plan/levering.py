"""What a feature's incumbent could save without another model, known before any call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.money.levers import levers, observe
from harness.money.monthly import MonthlyCost
from harness.money.prices.catalogue import facts
from harness.plan.model import FeaturePlan
from harness.plan.pricing import BYTES_PER_TOKEN
from harness.record.money import Lever
from providers.completion import TokenUsage

_PROMPTS = 20
"""Number of requests from which the shared beginning of the prompts is read."""


def levers_of(
    plan: FeaturePlan, cost: MonthlyCost, usages: Sequence[TokenUsage] = ()
) -> tuple[Lever, ...]:
    """List the incumbent's levers at its own month.

    Args:
        plan: the feature, its incumbent and its cases.
        cost: what the incumbent costs: at the stated traffic before a call, measured after one.
        usages: the incumbent's, if it was asked; they show how much of the output is reasoning.
    """
    incumbent = plan.incumbent
    if incumbent is None:
        return ()
    prompts = _prompts(plan)
    typical = TokenUsage(
        input_tokens=_tokens(prompts, most=round(cost.workload.input_tokens)),
        output_tokens=round(cost.workload.output_tokens),
    )
    seen = observe(prompts, [typical] * len(prompts))
    reasoning = observe((), usages).reasoning_share
    return levers(
        plan.config,
        incumbent.config,
        cost,
        facts(incumbent.model, incumbent.config),
        replace(seen, reasoning_share=reasoning),
    )


def _tokens(prompts: Sequence[str], *, most: int) -> int:
    """Input tokens of a prompt, at most production's mean."""
    size = sum(len(prompt.encode()) for prompt in prompts) // max(len(prompts), 1)
    return min(most, size // BYTES_PER_TOKEN + 1)


def _prompts(plan: FeaturePlan) -> list[str]:
    """The texts of the first requests, as they are sent."""
    incumbent = plan.incumbent
    if incumbent is None:
        return []
    requests = (
        plan.asker.request(incumbent, case, "quality") for case in plan.sample.deciding[:_PROMPTS]
    )
    return ["".join(message.text for message in request.messages) for request in requests]
