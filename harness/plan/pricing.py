"""What asking costs: expected, and at worst; and how long it takes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.attempts import attempt_cost
from harness.plan.asking import input_bytes
from harness.plan.model import Money
from providers.completion import TokenUsage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalsets.cases import Case
    from harness.plan.asking import Asker
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan

BYTES_PER_TOKEN = 4
"""English text under today's tokenizers; an estimate of the bill, never a bound."""
SECONDS_PER_CALL = 0.5
SECONDS_PER_OUTPUT_TOKEN = 0.02
"""A middling hosted model: 50 tokens a second after half a second."""


def price(plan: FeaturePlan, rungs: Sequence[Rung], share_of_calls: float) -> Money:
    """USD of asking `rungs` every case and repeat, and the latency pass where there is one.

    A model that answers in batches is expected to cost the batch price; at worst its batches
    expire, and it is asked live. `share_of_calls` is the share that the procedure is expected to
    ask before it stops. The worst case holds every trial's reservation once; a retried attempt is
    charged too, under the same cap.
    """
    if plan.config.answers == "imported":
        return Money(expected_usd=Decimal(0), worst_usd=Decimal(0), calls=0, seconds={})
    asker, cases = plan.asker, plan.sample.deciding
    trials = len(cases) * plan.repeats
    expected, worst, calls = Decimal(0), Decimal(0), 0
    seconds: dict[str, float] = {}
    busy = SECONDS_PER_CALL + SECONDS_PER_OUTPUT_TOKEN * _likely_output(asker)
    for rung in rungs:
        asked = trials + plan.latency_requests
        live, bound = _mean_costs(asker, rung, cases)
        bulk = _mean_costs(asker, rung, cases, batch=True)[0] if rung.config.batch else live
        share = Decimal(str(round(share_of_calls, 4)))
        expected += bulk * trials * share + live * plan.latency_requests
        worst += bound * asked
        calls += asked
        lanes = min(rung.config.max_concurrency, max(asked, 1))
        in_turn = 0 if rung.config.batch else trials * share_of_calls / lanes
        seconds[rung.model] = busy * (in_turn + plan.latency_requests)
    return Money(expected_usd=expected, worst_usd=worst, calls=calls, seconds=seconds)


def _likely_output(asker: Asker) -> int:
    traffic = asker.config.traffic
    most = asker.config.request.max_output_tokens
    return most if traffic is None else min(round(traffic.output_tokens), most)


def _mean_costs(
    asker: Asker, rung: Rung, cases: Sequence[Case], *, batch: bool = False
) -> tuple[Decimal, Decimal]:
    """Expected and largest USD of one call, averaged over the cases."""
    likely, bound = Decimal(0), Decimal(0)
    for case in cases:
        trial = asker.trial(rung, case, 0, "quality", batch=batch)
        usage = TokenUsage(
            input_tokens=input_bytes(trial.request) // BYTES_PER_TOKEN + 1,
            output_tokens=_likely_output(asker),
        )
        likely += attempt_cost(usage, rung.priced(), batch=batch)
        bound += trial.reserve_usd
    count = max(len(cases), 1)
    return likely / count, bound / count
