from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from harness.money.monthly import cost_from_traffic, measured_cost
from harness.money.savings import saving_upper_bound
from tests.support.money import HAIKU, OPUS, pair, some_rates, some_traffic


def test_the_bound_by_hand() -> None:
    """Spent 3462.528; at least 96,000 x 1.016 x (3640 x 1 + 190 x 5) / 1e6 = 447.69 remains."""
    bound = saving_upper_bound(
        some_traffic(), incumbent=some_rates(OPUS), candidate=some_rates(HAIKU)
    )
    assert bound.monthly == Decimal("3462.528") - Decimal("447.69024")
    assert bound.assumption == ("even if it read 30 % fewer tokens and wrote 50 % fewer")


def test_another_effort_reads_the_same_tokens_and_may_not_reason_at_all() -> None:
    rates = some_rates(OPUS)
    bound = saving_upper_bound(some_traffic(), incumbent=rates, candidate=rates, same_model=True)
    assert bound.monthly == 96_000 * Decimal("1.016") * 380 * 25 / 1_000_000


def test_discounts_count_on_both_sides() -> None:
    bound = saving_upper_bound(
        some_traffic(),
        incumbent=some_rates(OPUS, discount=Decimal("0.5")),
        candidate=some_rates(HAIKU, discount=Decimal(1)),
    )
    assert bound.monthly == Decimal("3462.528") / 2


def test_a_dearer_candidate_saves_nothing() -> None:
    bound = saving_upper_bound(
        some_traffic(), incumbent=some_rates(HAIKU), candidate=some_rates(OPUS)
    )
    assert bound.monthly == 0


@given(st.integers(70, 300), st.integers(50, 300))
def test_no_measured_saving_within_the_assumption_exceeds_the_bound(
    input_percent: int, output_percent: int
) -> None:
    cases = [pair((100 * input_percent, 10 * output_percent), (10_000, 1_000))]
    option = measured_cost(cases, some_traffic(), some_rates(HAIKU))
    spent = cost_from_traffic(some_traffic(), some_rates(OPUS)).monthly
    bound = saving_upper_bound(
        some_traffic(), incumbent=some_rates(OPUS), candidate=some_rates(HAIKU)
    )
    assert spent - option.monthly <= bound.monthly
