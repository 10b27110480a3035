from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.ask.replay.ledger import Ledger
from harness.errors import BudgetRefusedError, UsageError
from providers.completion import TokenUsage
from tests.support.trials import CENT, trial, usd_per_token

cents = st.integers(0, 300).map(lambda n: Decimal(n) / 100)


@given(
    cap=cents,
    calls=st.lists(
        st.tuples(cents, st.floats(0, 1), st.sampled_from(["known", "unknown", "free"]))
    ),
)
def test_the_cap_is_never_exceeded(cap: Decimal, calls: list[tuple[Decimal, float, str]]) -> None:
    ledger = Ledger(cap, lambda asked, usage: asked.reserve_usd * usage.input_tokens / 100)
    for number, (bound, share, kind) in enumerate(calls):
        asked = trial(number, reserve_usd=bound)
        if not ledger.reserve(asked):
            assert bound > ledger.left_usd
            continue
        known = TokenUsage(input_tokens=int(share * 100), output_tokens=0)
        ledger.settle(asked, known if kind == "known" else None, billable=kind != "free")
        assert ledger.spent_usd + ledger.possibly_billed_usd + ledger.reserved_usd <= cap
    assert ledger.reserved_usd == 0


def books(ledger: Ledger) -> tuple[Decimal, Decimal, Decimal, int]:
    """Spent, possibly billed and reserved in cents, and for how many calls."""
    usd = (ledger.spent_usd, ledger.possibly_billed_usd, ledger.reserved_usd)
    spent, possibly, reserved = (each / CENT for each in usd)
    return spent, possibly, reserved, ledger.reservations


def test_every_dollar_is_in_one_place_at_a_time() -> None:
    ledger = Ledger(CENT * 10, lambda _asked, usage: CENT * usage.input_tokens)
    assert (books(ledger), ledger.left_usd) == ((0, 0, 0, 0), CENT * 10)
    known, unknown, free = (trial(number, reserve_usd=CENT * 2) for number in range(3))
    assert ledger.reserve_all([known, unknown])
    assert ledger.reserve(free)
    assert (books(ledger), ledger.left_usd) == ((0, 0, 6, 3), CENT * 4)
    ledger.settle(known, TokenUsage(input_tokens=1, output_tokens=0))
    assert (books(ledger), ledger.left_usd) == ((1, 0, 4, 2), CENT * 5)
    ledger.settle(unknown, None)
    assert (books(ledger), ledger.left_usd) == ((1, 2, 2, 1), CENT * 5)
    assert ledger.settle(free, None, billable=False) == 0
    assert (books(ledger), ledger.left_usd) == ((1, 2, 0, 0), CENT * 7)


@pytest.mark.parametrize(
    ("counted", "before", "after", "left"),
    [
        pytest.param(True, (3, 4, 0, 0), (3, 2, 2, 1), 3, id="it was taken for billed"),
        pytest.param(False, (3, 4, 0, 0), (3, 4, 2, 1), 1, id="it was not"),
    ],
)
def test_what_an_earlier_run_set_aside_is_set_aside_again(
    before: tuple[int, ...], after: tuple[int, ...], left: int, *, counted: bool
) -> None:
    ledger = Ledger(CENT * 10, usd_per_token, spent_usd=CENT * 3, possibly_billed_usd=CENT * 4)
    assert books(ledger) == before
    ledger.resume(CENT * 2, counted=counted)
    assert (books(ledger), ledger.left_usd) == (after, CENT * left)


def test_a_bound_that_just_fits_is_reserved() -> None:
    ledger = Ledger(Decimal("0.02"), usd_per_token, spent_usd=Decimal("0.01"))
    assert ledger.reserve(trial(1, reserve_usd=Decimal("0.01")))
    assert not ledger.reserve(trial(2, reserve_usd=Decimal("0.01")))


def test_unknown_usage_keeps_the_whole_bound() -> None:
    ledger = Ledger(Decimal(1), usd_per_token)
    asked = trial(1, reserve_usd=Decimal("0.3"))
    ledger.reserve(asked)
    assert ledger.settle(asked, None) is None
    assert (ledger.spent_usd, ledger.possibly_billed_usd) == (0, Decimal("0.3"))


def test_a_price_that_is_missing_is_an_unknown_cost() -> None:
    ledger = Ledger(Decimal(1), lambda _asked, _usage: None)
    asked = trial(1, reserve_usd=Decimal("0.3"))
    ledger.reserve(asked)
    assert ledger.settle(asked, TokenUsage(input_tokens=1, output_tokens=1)) is None
    assert ledger.possibly_billed_usd == Decimal("0.3")


def test_a_failed_call_is_charged_what_it_reported() -> None:
    ledger = Ledger(Decimal(1), usd_per_token)
    asked = trial(1)
    ledger.reserve(asked)
    usage = TokenUsage(input_tokens=5, output_tokens=5)
    assert ledger.settle(asked, usage, billable=False) == Decimal("0.0001")


def test_a_negative_bound_is_refused() -> None:
    with pytest.raises(UsageError, match="sentiment: negative reservation for case c1"):
        Ledger(Decimal(1), usd_per_token).reserve(trial(1, reserve_usd=Decimal(-1)))


def test_what_earlier_runs_used_is_gone_from_the_cap() -> None:
    ledger = Ledger(CENT * 10, usd_per_token, spent_usd=CENT * 3, possibly_billed_usd=CENT * 6)
    assert ledger.left_usd == CENT
    assert ledger.reserve(trial(1))
    assert not ledger.reserve(trial(2))
    assert (ledger.spent_usd, ledger.possibly_billed_usd) == (CENT * 3, CENT * 6)


def test_many_are_reserved_together_or_not_at_all() -> None:
    ledger = Ledger(CENT * 2, usd_per_token)
    assert not ledger.reserve_all([trial(n) for n in range(3)])
    assert ledger.reserved_usd == 0
    assert ledger.reserve_all([trial(n) for n in range(2)])
    assert ledger.left_usd == 0


def test_threads_together_never_exceed_the_cap() -> None:
    cap = Decimal(1)
    ledger = Ledger(cap, usd_per_token)
    most = Decimal(0)

    def spend(first: int) -> int:
        nonlocal most
        paid = 0
        for number in range(first, first + 300):
            asked = trial(number)
            if ledger.reserve(asked):
                most = max(most, cap - ledger.left_usd)
                paid += ledger.settle(asked, None, billable=number % 3 == 0) is None
        return paid

    with ThreadPoolExecutor(4) as pool:
        paid = sum(pool.map(spend, range(0, 1200, 300)))
    assert most <= cap
    assert (ledger.reserved_usd, ledger.possibly_billed_usd) == (0, CENT * paid)


def test_a_cap_without_room_for_the_first_call_is_refused_at_once() -> None:
    ledger = Ledger(CENT, lambda _asked, _usage: CENT)
    with pytest.raises(BudgetRefusedError, match="allows not one call") as refused:
        ledger.refuse_at_once(trial(1, reserve_usd=2 * CENT))
    assert refused.value.exit_code == 5
    ledger.refuse_at_once(trial(1, reserve_usd=CENT))
    assert ledger.reserve(trial(1, reserve_usd=CENT))
    ledger.refuse_at_once(trial(2, reserve_usd=2 * CENT))


def test_a_run_that_asked_for_free_is_not_refused_any_more() -> None:
    ledger = Ledger(CENT, lambda _asked, _usage: 0 * CENT)
    free = trial(1, reserve_usd=0 * CENT)
    assert ledger.reserve(free)
    ledger.settle(free, TokenUsage(input_tokens=5, output_tokens=5))
    ledger.refuse_at_once(trial(2, reserve_usd=2 * CENT))
    assert not ledger.reserve(trial(2, reserve_usd=2 * CENT))
