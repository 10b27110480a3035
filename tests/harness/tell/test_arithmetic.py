"""The arithmetic of a document, repeated from its record by other means than the code's."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.record.base import Result
from harness.tell.facts import saving_if_swapped
from harness.tell.page.money_words import net_saving_of
from harness.tell.pages import to_document
from harness.wording import usd
from reports.render import render
from tests.support.records import NOW, downgrade_record, justify_record, undecided_record

PAGE = render(to_document(downgrade_record(), NOW), to="md")
RECORD = downgrade_record()
OPTION = next(one for one in RECORD.options if one.target.option == RECORD.chosen)
QUALITY = OPTION.quality
assert QUALITY is not None


def number(pattern: str, page: str = PAGE) -> Decimal:
    found = re.search(pattern, page)
    assert found is not None, pattern
    return Decimal(found[1].replace(",", ""))


def near(shown: Decimal, exact: Decimal) -> bool:
    """Within the two digits that a page shows of a count."""
    return abs(shown / exact - 1) < Decimal("0.02")


def test_the_slices_disagreements_make_those_of_the_whole() -> None:
    rows = re.findall(r"^\| layout: \w+ \| ([\d,]+) \| (\d+) \| (\d+) \|", PAGE, re.MULTILINE)
    shown = rows[-2:]
    assert sum(int(n.replace(",", "")) for n, _, _ in shown) == QUALITY.n
    assert sum(int(current) for _, current, _ in shown) == QUALITY.only_current_right
    assert sum(int(candidate) for _, _, candidate in shown) == QUALITY.only_candidate_right


def test_the_counts_make_the_difference() -> None:
    then = number(r"smaller model was right (\d+) times")
    today = number(r"today's (\d+);")
    cases = number(r"On (\d+) held-back")
    difference = (then - today) / cases * 100
    assert number(r"\| (-?[\d.]+) points, at worst") == round(difference, 1)


def test_the_harm_in_cases_is_that_of_the_table() -> None:
    """Rounded, and the bound never down: 3.6 and 21.0 of 1,000, of which 30 are allowed."""
    assert number(r"About (\d+) more of 1,000 invoices go wrong") == round(2 / 560 * 1000)
    assert number(r"up to (\d+) cannot be excluded") == 21
    assert number(r"you allowed (\d+) of 1,000 \(3 points\)\.") == 10 * number(r"limit -(\d+)")


def test_the_bridge_sums_exactly() -> None:
    section = PAGE.partition("From today's monthly cost")[2].partition("**Saving.**")[0]
    terms = [Decimal(text.replace(",", "")) for text in re.findall(r"\| ([-+][\d,.]+) \|", section)]
    whole = number(r"\*\*sum\*\* \| \*\*([-+][\d,.]+)\*\*", section)
    assert sum(terms) == whole
    saved = RECORD.savings
    assert saved is not None
    assert whole == -saved.after_discounts
    today = RECORD.current_cost.monthly_after_discounts
    then = OPTION.cost.monthly_after_discounts
    assert today is not None
    assert then is not None
    assert whole == then - today


def test_break_even_is_the_saving_per_request_over_the_loss() -> None:
    saved = RECORD.savings
    assert saved is not None
    requests = number(r"cost a month, ([\d,]+) requests")
    per_request = saved.after_discounts / requests
    counts = Decimal(QUALITY.only_current_right - QUALITY.only_candidate_right) / QUALITY.n
    worst = -number(r"at worst (-[\d.]+) \(limit") / 100
    row = "most that one more wrong invoice may cost before it stops paying"
    assert number(rf"{row} \| USD ([\d.]+)") == round(per_request / counts, 2)
    assert number(rf"{row} \| USD [\d.]+, at worst USD ([\d.]+)") == round(per_request / worst, 2)
    assert near(number(r"\| ([\d,]+) of 96,000 a month"), requests * counts)
    assert near(number(r"left at worst, with ([\d,]+) more wrong"), requests * worst)


def test_the_net_saving_takes_the_errors_off() -> None:
    """In the digits shown: a reader who adds them up finds what is left, and the title says it.

    What twelve months leave follows from that to the dollar, with what switching costs taken off.
    """
    saved = RECORD.savings
    assert saved is not None
    assert saved.net_monthly is not None
    bill = number(r"\| saved on the bill: [^|]+ \| ([\d,.]+) \|")
    then = number(r"saved on the bill: USD [\d,.]+ today, USD ([\d,.]+) with")
    assert number(r"saved on the bill: USD ([\d,.]+) today") - then == bill
    cost = number(r"each \| -([\d,.]+) \|")
    left = number(r"\*\*left a month\*\* \| \*\*([\d,.]+)\*\*")
    assert bill - cost == left
    title = number(r"saves USD ([\d,]+) a month net")
    assert f"USD {title:,f}" == usd(saved.net_monthly)
    year = number(r"USD ([\d,]+) in twelve months, USD 1,200 for switching taken off")
    assert year == round(12 * left - saved.one_off_cost)
    row = r"left in twelve months, USD 1,200 for switching taken off \(paid back in 17 days\)"
    assert year == number(rf"\| {row} \| ([\d,]+) \|")
    errors, each = number(r"\| ([\d,.]+) more wrong"), number(r"at USD ([\d.]+) each")
    cent = Decimal("0.01")
    assert (errors * each).quantize(cent) == cost
    assert bill == saved.after_discounts.quantize(cent)
    assert abs(left - saved.net_monthly) <= cent


@given(st.floats(0, 6000), st.decimals("0.01", 50, places=2))
def test_what_is_left_is_the_portfolios_figure_and_what_a_reader_subtracts(
    errors: float, each: Decimal
) -> None:
    even = OPTION.error_break_even
    assert even is not None
    even = even.model_copy(update={"more_errors_per_month": errors})
    option = OPTION.model_copy(update={"error_break_even": even})
    feature = RECORD.feature.model_copy(update={"error_cost_usd": each})
    net = net_saving_of(RECORD.model_copy(update={"feature": feature}), option)
    assert net is not None
    shown, lost, left = (Decimal(text.replace(",", "")) for text in net.in_sum)
    assert shown - lost == left
    saved = saving_if_swapped(RECORD, option)
    assert saved is not None
    exact = saved - Decimal(str(errors)) * each
    assert net.net == exact
    assert abs(left - exact) <= net.unit / 2
    assert abs(lost - net.lost) <= net.unit


def test_the_monthly_saving_and_its_share() -> None:
    today, then = number(r"\| USD ([\d,]+) \| USD 633"), number(r"\| USD 3,116 \| USD (\d+)")
    assert number(r"USD ([\d,]+) less \|") == today - then
    assert number(r"\((\d+\.\d) %\), between") == round((today - then) / today * 100, 1)


@pytest.mark.parametrize("record", [downgrade_record(), justify_record(), undecided_record()])
def test_each_printed_bound_is_the_one_that_decided(record) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    page = render(to_document(record, NOW), to="md")
    for option in record.options:
        quality = option.quality
        if quality is None:
            continue
        decided = [look.worst for look in quality.looks if look.action == "pass"]
        assert option.result is not Result.PASS or decided == [quality.worst]
        row = next(
            line
            for line in page.partition("Difference of quality")[2].splitlines()
            if line.startswith(f"| {option.target.option} ")
        )
        assert f"| {quality.worst:.1f} |" in row
    spoken = re.findall(r"up to ([\d.]+) points worse|at worst (-[\d.]+) \(limit", page)
    bounds = {f"{abs(o.quality.worst):.1f}" for o in record.options if o.quality is not None}
    assert spoken
    assert {(one or other).lstrip("-") for one, other in spoken} <= bounds
