from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest

from harness.money.levers import Observed, best_without_test, levers, warm_share
from harness.money.monthly import cost_from_traffic
from harness.record.money import Lever
from tests.support.money import OPUS, a_feature, a_model, some_facts, some_rates, some_traffic


def found(
    observed: Observed | None = None,
    *,
    mode: str = "live",
    efforts: tuple[str, ...] = (),
    least: int | None = 4096,
    **traffic: Any,
) -> dict[str, Lever]:
    rates = some_rates(OPUS, batch_share=Decimal("0.5"))
    listed = levers(
        a_feature(mode=mode),
        a_model(efforts=efforts),
        cost_from_traffic(some_traffic(**traffic), rates),
        some_facts(cache_min_tokens=least),
        observed or Observed(),
    )
    return {one.kind: one for one in listed}


@pytest.mark.parametrize(("mode", "possible"), [("live", False), ("deferrable", True)])
def test_batch_is_half_and_possible_when_answers_may_wait(mode: str, possible: bool) -> None:  # noqa: FBT001
    lever = found(mode=mode)["batch"]
    assert (lever.saving_monthly, lever.possible) == (Decimal("1731.264"), possible)


def test_no_batch_price_no_lever() -> None:
    cost = cost_from_traffic(some_traffic(), some_rates(OPUS))
    listed = levers(a_feature(mode="deferrable"), a_model(), cost, some_facts(), Observed())
    assert {one.kind for one in listed} == {"shorter-output"}


def test_a_prefix_below_the_minimum_saves_nothing() -> None:
    lever = found(Observed(prefix_tokens=2600))["caching"]
    assert (lever.saving_monthly, lever.possible) == (0, False)
    assert lever.needs == "a shared prefix of at least 4,096 tokens; this one has 2,600"


def test_a_prefix_of_exactly_the_minimum_is_cached() -> None:
    assert found(Observed(prefix_tokens=4096))["caching"].possible
    assert not found(Observed(prefix_tokens=4095))["caching"].possible


def test_caching_by_hand() -> None:
    """96,000 requests a month: a prefix is warm for 1 - exp(-96000 / 8766) = 99.998 % of them."""
    lever = found(Observed(prefix_tokens=4200), retry_rate=0)["caching"]
    warm = 1 - math.exp(-96_000 / 8766)
    before = (5200 * 5 + 380 * 25) / 1e6
    after = (1000 * 5 + 4200 * (warm * 0.5 + (1 - warm) * 6.25) + 380 * 25) / 1e6
    assert float(lever.saving_monthly) == pytest.approx(96_000 * (before - after), rel=1e-9)
    assert lever.possible
    assert "no quality test" in lever.needs


def test_a_cold_prefix_costs_more_than_it_saves() -> None:
    lever = found(Observed(prefix_tokens=4200), requests_per_month=600)["caching"]
    assert (lever.saving_monthly, lever.possible) == (0, False)
    assert lever.needs == "more traffic: only 7 % of the requests would find the prefix cached"


@pytest.mark.parametrize(
    ("prefix", "least"),
    [
        pytest.param(None, 4096, id="unknown prefix"),
        pytest.param(4200, None, id="unknown minimum"),
    ],
)
def test_what_is_not_known_is_no_lever(prefix: int | None, least: int | None) -> None:
    assert "caching" not in found(Observed(prefix_tokens=prefix), least=least)


def test_a_vendor_without_a_cache_price_has_no_caching_lever() -> None:
    cost = cost_from_traffic(some_traffic(), some_rates({"input": "5", "output": "25"}))
    facts = some_facts(cache_min_tokens=0)
    listed = levers(a_feature(), a_model(), cost, facts, Observed(prefix_tokens=4200))
    assert {one.kind for one in listed} == {"shorter-output"}


def test_lower_effort_saves_at_most_the_reasoning() -> None:
    observed = Observed(reasoning_share=Decimal("0.8"))
    lever = found(observed, efforts=("low", "high"), retry_rate=0)["effort"]
    assert lever.saving_monthly == 96_000 * Decimal("0.8") * 380 * 25 / 1_000_000
    assert "quality test" in lever.needs
    assert "effort" not in found(observed, efforts=("high",))
    assert "effort" not in found(efforts=("low", "high"))


def test_shorter_answers_by_a_tenth() -> None:
    lever = found(retry_rate=0)["shorter-output"]
    assert lever.saving_monthly == 96_000 * 38 * Decimal(25) / 1_000_000
    assert "shorter-output" not in found(output_tokens=0)


def test_the_best_free_lever_needs_no_quality_test() -> None:
    listed = found(Observed(prefix_tokens=4200), mode="deferrable")
    best = best_without_test(tuple(listed.values()))
    assert best is not None
    assert best.kind == "caching"
    assert best_without_test((listed["shorter-output"],)) is None


def test_listed_dearest_saving_first() -> None:
    savings = [one.saving_monthly for one in found(Observed(prefix_tokens=4200)).values()]
    assert savings == sorted(savings, reverse=True)


def test_warm_share_grows_with_traffic() -> None:
    assert warm_share(0) == 0
    assert float(warm_share(8766)) == pytest.approx(1 - math.exp(-1))


def test_a_prefix_longer_than_the_request_is_the_whole_request() -> None:
    lever = found(Observed(prefix_tokens=9000), retry_rate=0)["caching"]
    assert float(lever.saving_monthly) == pytest.approx(96_000 * 5200 * 4.5 / 1e6, rel=1e-3)
