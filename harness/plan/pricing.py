"""What asking costs: expected, and at worst."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.attempts import attempt_cost
from harness.plan.asking import input_bytes, reserve
from harness.plan.model import Money
from providers.completion import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalsets.cases import Case
    from harness.plan.asking import Asker
    from harness.plan.judging import PlannedJudge
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan

BYTES_PER_TOKEN = 4
"""English text under today's tokenizers; an estimate of the bill, never a bound."""
LONGEST_TOKEN = 8
"""Bytes of a long token: bounds an answer that a judge will read before it is known."""
JUDGE_OUTPUT_TOKENS = 60
"""A grade and two sentences of reason."""


def price(plan: FeaturePlan, rungs: Sequence[Rung], share_of_calls: float) -> Money:
    """USD of asking `rungs` every case and repeat, their judges, and the latency pass if any.

    A model that answers without its server answers every case, whenever the procedure stops. One
    that answers in batches is expected to cost the batch price; at worst its batches expire, and it
    is asked live. `share_of_calls` is the share that the procedure is expected to ask before it
    stops, where the plan's power has none of an option's own. The worst case holds every trial's
    reservation once; a retried attempt is charged too, under the same cap.
    """
    asked, judged = _asking(plan, rungs, share_of_calls), _judging(plan, rungs, share_of_calls)
    return Money(
        expected_usd=asked.expected_usd + judged.expected_usd,
        worst_usd=asked.worst_usd + judged.worst_usd,
        calls=asked.calls + judged.calls,
        expected_calls=asked.expected_calls + judged.expected_calls,
        judge_usd=judged.expected_usd,
    )


def _asking(plan: FeaturePlan, rungs: Sequence[Rung], share_of_calls: float) -> Money:
    if plan.config.answers == "imported":
        return Money(expected_usd=Decimal(0), worst_usd=Decimal(0), calls=0)
    asker, cases = plan.asker, plan.sample.deciding
    trials = len(cases) * plan.repeats
    expected, worst, calls, likely_calls = Decimal(0), Decimal(0), 0, 0
    for rung in rungs:
        asked = trials + plan.latency_requests
        own_share = _own_share(plan, rung, share_of_calls)
        live, bound = _mean_costs(asker, rung, cases)
        bulk = _mean_costs(asker, rung, cases, batch=True)[0] if rung.config.batch else live
        share = Decimal(str(round(own_share, 4)))
        expected += bulk * trials * share + live * plan.latency_requests
        worst += bound * asked
        calls += asked
        likely_calls += round(trials * own_share) + plan.latency_requests
    return Money(
        expected_usd=expected,
        worst_usd=worst,
        calls=calls,
        expected_calls=likely_calls,
    )


def _own_share(plan: FeaturePlan, rung: Rung, otherwise: float) -> float:
    if rung.offline:
        return 1.0
    return otherwise if plan.power is None else plan.power.shares.get(rung.option, otherwise)


def _judging(plan: FeaturePlan, rungs: Sequence[Rung], share_of_calls: float) -> Money:
    """One grade an answer; beside today's, two an answer of a candidate."""
    cases = plan.sample.deciding
    expected, worst, calls = Decimal(0), Decimal(0), 0
    for judge in plan.judges:
        rulings = 2 * (len(rungs) - 1) if judge.pairwise else len(rungs)
        asked = len(cases) * plan.repeats * rulings
        likely, bound = _mean_ruling(plan, judge)
        expected += likely * asked * Decimal(str(round(share_of_calls, 4)))
        worst += bound * asked
        calls += asked
    return Money(
        expected_usd=expected,
        worst_usd=worst,
        calls=calls,
        expected_calls=round(calls * share_of_calls),
    )


def _mean_ruling(plan: FeaturePlan, judge: PlannedJudge) -> tuple[Decimal, Decimal]:
    """Expected and largest USD of one ruling, averaged over the cases that are judged at all."""
    reader, rates = judge.reader(), judge.rung.priced()
    usual = "x" * (BYTES_PER_TOKEN * likely_output(plan.asker))
    longest = "x" * (LONGEST_TOKEN * plan.config.request.max_output_tokens)
    output = min(JUDGE_OUTPUT_TOKENS, judge.options.max_output_tokens)
    likely, bound = Decimal(0), Decimal(0)
    for case in filter(reader.applies, plan.sample.deciding):
        sent = input_bytes(judge.sample(reader, case, usual).request)
        usage = TokenUsage(input_tokens=sent // BYTES_PER_TOKEN + 1, output_tokens=output)
        likely += attempt_cost(usage, rates)
        bound += judge.sample(reader, case, longest).reserve_usd
    count = max(len(plan.sample.deciding), 1)
    return likely / count, bound / count


def likely_output(asker: Asker) -> int:
    """Tokens that an answer is expected to have: today's mean, under the limit."""
    traffic = asker.config.traffic
    most = asker.config.request.max_output_tokens
    return most if traffic is None else min(round(traffic.output_tokens), most)


def _mean_costs(
    asker: Asker, rung: Rung, cases: Sequence[Case], *, batch: bool = False
) -> tuple[Decimal, Decimal]:
    """Expected and largest USD of one call, averaged over the cases."""
    likely, bound = Decimal(0), Decimal(0)
    for case in cases:
        request = asker.request(rung, case, "quality")
        usage = TokenUsage(
            input_tokens=input_bytes(request) // BYTES_PER_TOKEN + 1,
            output_tokens=likely_output(asker),
        )
        likely += attempt_cost(usage, rung.priced(), batch=batch)
        bound += reserve(rung, request, batch=batch)
    count = max(len(cases), 1)
    return likely / count, bound / count
