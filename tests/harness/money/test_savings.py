from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from harness.money.interval import ModelShare, saving_interval
from harness.money.monthly import measured_cost
from harness.money.savings import Bar, QualityLoss, error_value, savings, spread
from harness.money.workload import UsagePair
from tests.support.money import HAIKU, OPUS, pair, some_rates, some_traffic


def some_cases(seed: int, n: int, *, cluster: int = 1) -> list[UsagePair]:
    """Answers whose length, against the incumbent's, varies from cluster to cluster."""
    draw = np.random.default_rng(seed)
    factors = np.repeat(draw.uniform(0.8, 1.6, size=n // cluster), cluster)
    lengths = draw.integers(200, 600, size=n)
    return [
        pair((5200, int(length * factor)), (5200, int(length)))
        for length, factor in zip(lengths, factors, strict=True)
    ]


def interval_of(cases: list[UsagePair], clusters: list[str] | None = None) -> tuple[float, float]:
    traffic = some_traffic()
    own = [UsagePair(option=one.incumbent, incumbent=one.incumbent) for one in cases]
    found = saving_interval(
        [ModelShare(pairs=cases, cost=measured_cost(cases, traffic, some_rates(HAIKU)))],
        measured_cost(own, traffic, some_rates(OPUS)),
        clusters=clusters,
        rng=np.random.default_rng(7),
    )
    assert found is not None
    return float(found.lower), float(found.upper)


def test_the_interval_agrees_with_the_delta_method() -> None:
    """Ratio of means: var = sum (option - ratio x incumbent)^2 / (n x mean incumbent)^2."""
    cases = some_cases(1, 400)
    new = np.array([one.option.output_tokens for one in cases], dtype=float)
    old = np.array([one.incumbent.output_tokens for one in cases], dtype=float)
    ratio = new.sum() / old.sum()
    error = np.sqrt(((new - ratio * old) ** 2).sum()) / old.sum()
    usd_per_ratio = 380 * 5 / 1e6 * 1.016 * 96_000
    lower, upper = interval_of(cases)
    assert (upper - lower) / 2 == pytest.approx(1.96 * error * usd_per_ratio, rel=0.06)


def test_clusters_widen_the_interval() -> None:
    cases = some_cases(2, 400, cluster=20)
    names = [str(index // 20) for index in range(400)]
    lower, upper = interval_of(cases)
    wide_lower, wide_upper = interval_of(cases, names)
    assert wide_upper - wide_lower > 2 * (upper - lower)


def test_clusters_of_one_are_cases() -> None:
    cases = some_cases(3, 60)
    alone = [f"{index:02}" for index in range(60)]
    assert interval_of(cases) == interval_of(cases, alone)


def test_one_case_has_no_interval() -> None:
    cost = measured_cost([pair((1, 1), (1, 1))], some_traffic(), some_rates(OPUS))
    rng = np.random.default_rng(0)
    assert (
        saving_interval([ModelShare(pairs=[pair((1, 1), (1, 1))], cost=cost)], cost, rng=rng)
        is None
    )


def test_the_same_seed_gives_the_same_interval() -> None:
    assert interval_of(some_cases(4, 50)) == interval_of(some_cases(4, 50))


def test_replicates_without_a_token_of_the_incumbent_are_left_out() -> None:
    cases = [pair((10, 1), (10, 0)), pair((10, 1), (10, 5))]
    lower, upper = interval_of(cases)
    assert lower <= upper


def test_an_option_that_writes_nothing_has_a_saving_without_spread() -> None:
    lower, upper = interval_of([pair((10, 0), (10, 5)), pair((10, 0), (10, 9))])
    assert lower == upper


BAR = Bar(one_off_cost=Decimal(1000), one_off_monthly=Decimal(250), minimum_usd=Decimal(40))


def test_what_is_written_into_the_record() -> None:
    cases = some_cases(5, 100)
    own = [UsagePair(option=one.incumbent, incumbent=one.incumbent) for one in cases]
    old = measured_cost(own, some_traffic(), some_rates(OPUS, discount=Decimal("0.10")))
    new = measured_cost(cases, some_traffic(), some_rates(HAIKU))
    found = saving_interval([ModelShare(pairs=cases, cost=new)], old, rng=np.random.default_rng(1))
    written = savings(old, new, found, bar=BAR, even=None)
    assert written.monthly == old.monthly - new.monthly
    assert written.after_discounts == old.monthly * Decimal("0.9") - new.monthly
    assert written.monthly_lower is not None
    assert written.monthly_upper is not None
    assert written.monthly_lower < written.monthly < written.monthly_upper
    assert written.after_discounts_lower is not None
    assert written.after_discounts_upper is not None
    assert written.after_discounts_lower < written.after_discounts < written.after_discounts_upper
    assert written.net_of_one_off == pytest.approx(written.after_discounts - 250)
    assert (written.net_monthly, written.minimum_usd) == (None, 40)
    assert written.percentage == pytest.approx(float(written.monthly / old.monthly) * 100)
    assert written.payback_months == pytest.approx(1000 / float(written.after_discounts))


def test_what_saves_nothing_never_pays_back() -> None:
    cost = measured_cost([pair((1, 1), (1, 1))], some_traffic(), some_rates(OPUS))
    written = savings(cost, cost, None, bar=BAR, even=None)
    assert (written.monthly, written.payback_months, written.monthly_lower) == (0, None, None)


def test_what_is_left_of_a_saving_pays_the_one_off_cost_back() -> None:
    old = measured_cost([pair((1, 1), (1, 1))], some_traffic(), some_rates(OPUS))
    new = measured_cost([pair((1, 1), (1, 1))], some_traffic(), some_rates(HAIKU))
    bill = old.monthly - new.monthly
    even = error_value(
        bill,
        QualityLoss(estimate=1, worst=2),
        requests_per_month=some_traffic().requests_per_month,
        error_cost_usd=Decimal("0.9"),
        one_off_monthly=BAR.one_off_monthly,
    )
    written = savings(old, new, None, bar=BAR, even=even)
    errors = Decimal(some_traffic().requests_per_month) / 100
    assert written.net_monthly == pytest.approx(bill - errors * Decimal("0.9"))
    assert written.net_monthly_worst == pytest.approx(bill - 2 * errors * Decimal("0.9"))
    assert written.net_of_one_off == even.net_of_one_off
    assert written.payback_months == pytest.approx(1000 / float(written.net_monthly))


def test_a_one_off_cost_is_spread_over_the_evidence() -> None:
    """304.375 days are ten months."""
    assert spread(Decimal(1200), days=100) == pytest.approx(Decimal("365.25"))
