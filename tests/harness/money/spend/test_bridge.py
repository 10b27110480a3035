"""Why spend changed: terms that sum to the change, and each cause alone in its own term."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.money.prices.rate_tables import Rates
from harness.money.spend.bridge import Factor, SpendBridge, bridge_between
from harness.money.spend.lines import Consumed, Outlay, PeriodSpend, in_cents
from harness.money.spend.timespan import Timespan, span_named
from tests.support.laws import law

NOW = span_named("week", "2026-W48")
THEN = NOW.before
UNTIL = datetime(2026, 11, 30, tzinfo=UTC)
DEAR = Rates(
    **{name: Decimal(n) for name, n in (("input", 4), ("output", 20), ("cache_read", 1))},
    cache_write=Decimal(5),
    cache_write_1h=Decimal(5),
    source="test",
)
CHEAP = replace(DEAR, input=Decimal(1), output=Decimal(5), cache_read=Decimal(1))


def prices(model: str, on: date) -> Rates | None:  # noqa: ARG001
    return {"dear": DEAR, "cheap": CHEAP}.get(model)


def period(span: Timespan, lines: list[Outlay]) -> PeriodSpend:
    return PeriodSpend(span=span, until=UNTIL, lines=in_cents(lines))


def line(  # noqa: PLR0913
    model: str = "dear",
    *,
    requests: int = 1000,
    again: int = 0,
    asked: int = 1000,
    cached: int = 0,
    answered: int = 100,
    times: str = "1",
    feature: str = "triage",
) -> Outlay:
    """Calls of equal length at list price times a factor."""
    calls = Decimal(requests + again)
    rates = prices(model, NOW.start) or DEAR
    fresh = Decimal(asked - cached) * rates.input + Decimal(cached) * rates.cache_read
    usd = calls * (fresh + Decimal(answered) * rates.output) / 1_000_000 * Decimal(times)
    counts = Consumed(
        requests=Decimal(requests),
        retries=Decimal(again),
        input=calls * asked,
        cached=calls * cached,
        output=calls * answered,
    )
    return Outlay(feature=feature, model=model, usd=usd, used=counts)


def between(before: list[Outlay], now: list[Outlay]) -> SpendBridge:
    return bridge_between(period(THEN, before), period(NOW, now), prices)


def only(found: SpendBridge) -> Factor:
    (factor,) = [one for one, usd in found.terms.items() if usd]
    return factor


@pytest.mark.parametrize(
    ("before", "now", "factor"),
    [
        (line(), line(requests=1500), Factor.REQUESTS),
        (line(), line(again=200), Factor.AGAIN),
        (line(), line(asked=2000), Factor.QUESTIONS),
        (line(), line(answered=50), Factor.ANSWERS),
        (line(cached=500), line(cached=0), Factor.CACHE),
        (line(), line(times="0.8"), Factor.PRICES),
        (line(), line("cheap"), Factor.MODELS),
        (line("unknown"), line("unknown", requests=1300), Factor.REQUESTS),
        (line(), line(feature="other"), None),
    ],
)
def test_one_cause_alone_is_one_term(before: Outlay, now: Outlay, factor: Factor | None) -> None:
    found = between([before], [now])
    if factor is None:
        assert {one for one, usd in found.terms.items() if usd} == {Factor.NEW, Factor.GONE}
        return
    assert only(found) is factor
    (shift,) = found.shifts
    assert shift.main is factor
    assert shift.change == found.now - found.before != 0


def test_a_cache_that_one_period_alone_reports_is_no_reason_of_the_change() -> None:
    """Half the input came from the cache in both periods; the first log did not say so."""
    silent = line(cached=500)
    silent = replace(silent, used=replace(silent.used, cached=None, written=None))
    assert not any(between([silent], [line(cached=500)]).terms.values())
    assert only(between([silent], [line(cached=900)])) is Factor.A_CALL
    assert only(between([line(cached=900)], [silent])) is Factor.A_CALL
    assert only(between([line(cached=500)], [line(cached=900)])) is Factor.CACHE


def test_retries_that_one_period_alone_reports_are_no_reason_of_the_change() -> None:
    """A log that cannot tell a retry counts it as a request."""
    told = line(requests=1000, again=200)
    silent = line(requests=1200)
    silent = replace(silent, used=replace(silent.used, retries=None, duplicates=None))
    for before, now in ((silent, told), (told, silent)):
        assert not any(between([before], [now]).terms.values())
    assert only(between([silent], [line(requests=1000, again=400)])) is Factor.REQUESTS


def test_two_models_whose_shares_move_are_their_mix_alone() -> None:
    before = [line(requests=900), line("cheap", requests=100, asked=200)]
    now = [line(requests=100), line("cheap", requests=900, asked=200)]
    assert only(between(before, now)) is Factor.MODELS


def test_what_has_no_tokens_is_told_as_the_cost_of_a_call() -> None:
    image = Outlay(feature="i", usd=Decimal(5), used=Consumed(requests=Decimal(10)))
    now = replace(image, usd=Decimal(9), used=Consumed(requests=Decimal(12)))
    found = between([image], [now])
    assert found.terms[Factor.REQUESTS] == 1
    assert found.terms[Factor.A_CALL] == 3
    nothing = replace(image, usd=Decimal(0), used=Consumed(gateway_hits=Decimal(3)))
    assert only(between([nothing], [now])) is Factor.A_CALL


COUNT = st.integers(0, 10**6).map(Decimal)
LINES = st.lists(
    st.builds(
        Outlay,
        feature=st.sampled_from(["", "a", "b"]),
        caller=st.sampled_from(["", "x"]),
        model=st.sampled_from(["dear", "cheap", "unknown"]),
        usd=st.decimals(min_value=0, max_value=10**6, places=9, allow_nan=False),
        used=st.builds(
            Consumed,
            **dict.fromkeys(("requests", "retries", "other_calls", "failed", "output"), COUNT),
            input=COUNT.map(lambda n: 3 * n + 2 * 10**6),
            cached=COUNT,
            written=COUNT,
        ),
    ),
    max_size=8,
)


@law
@given(before=LINES, now=LINES)
def test_the_terms_of_any_portfolio_sum_to_the_change(
    before: list[Outlay], now: list[Outlay]
) -> None:
    found = between(before, now)
    assert found.before + sum(found.terms.values()) == found.now
    assert all(usd == usd.quantize(Decimal("0.01")) for usd in found.terms.values())
    assert sum(one.change for one in found.shifts) == found.now - found.before


def test_terms_that_do_not_sum_are_refused() -> None:
    found = between([line()], [line(asked=2000)])
    with pytest.raises(ValueError, match="do not lead"):
        replace(found, before=found.before + 1)
    with pytest.raises(ValueError, match="do not sum"):
        replace(found.shifts[0], now=Decimal(0))
    with pytest.raises(ValueError, match="not the sum of its parts"):
        replace(found, shifts=())
