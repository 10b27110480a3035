"""Where the difference between two options' months comes from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.money import plain
from harness.record.parts import Bridge

if TYPE_CHECKING:
    from harness.costing.tables import Rates
    from harness.costing.workload import Workload
    from harness.economics.monthly import MonthlyCost


def bridge(incumbent: MonthlyCost, option: MonthlyCost) -> tuple[Bridge, ...]:
    """Split the difference after discounts, option minus incumbent, into terms that sum to it.

    First the months without retries: one thing changes at a time, the price, then the input
    tokens (another tokenizer), the output tokens (verbosity), the cached share, and the terms
    telescope. The last term is what the retried calls cost more or less. Each model's discount is
    part of its price. A month is a whole multiple of a fixed fraction of a dollar, so no digit is
    lost and the sum is exact.
    """
    old, new = _once(incumbent.workload), _once(option.workload)
    habits = replace(new, cached_share=old.cached_share, written_share=old.written_share)
    months = (
        _paid(old, incumbent.rates),
        _paid(old, option.rates),
        _paid(_with_answers_of(old, habits), option.rates),
        _paid(habits, option.rates),
        _paid(new, option.rates),
    )
    names = ("price", "input tokens", "output tokens", "cache")
    terms = [
        Bridge(term=name, usd=plain(after - before))
        for name, before, after in zip(names, months, months[1:], strict=False)
    ]
    more = option.monthly_after_discounts - months[-1]
    retries = more - (incumbent.monthly_after_discounts - months[0])
    return (*terms, Bridge(term="retries", usd=plain(retries)))


def _paid(workload: Workload, rates: Rates) -> Decimal:
    return workload.monthly(rates) * (1 - rates.discount)


def _once(workload: Workload) -> Workload:
    return replace(workload, retry_rate=Decimal(0))


def _with_answers_of(old: Workload, new: Workload) -> Workload:
    """Return `new` with answers that are on average as long as those of `old`."""
    mean = new.output_tokens
    if mean:
        return new.scaled(Decimal(1), old.output_tokens / mean)
    portions = tuple(replace(one, output_tokens=old.output_tokens) for one in new.portions)
    return replace(new, portions=portions)
