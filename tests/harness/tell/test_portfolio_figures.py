"""What a reader adds up on the index, in the CSV and on the terminal is what stands there."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.money.portfolio.overview import overview
from harness.record.base import State, Verdict
from harness.record.money import Lever, Savings
from harness.record.parts import HistoryEntry
from harness.tell.portfolio.index import to_portfolio
from harness.tell.portfolio.spend import summary
from harness.tell.portfolio.spreadsheet import to_csv
from reports.render import render_index
from tests.support.record_parts import a_cost, a_feature, a_rate
from tests.support.records import NOW, a_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.record.model import DecisionRecord

pytestmark = pytest.mark.slow

TODAY = NOW.date()
FIGURES = {
    "spend a month": "today_after_discounts_monthly_usd",
    "proposed saving": "proposed_saving_monthly_usd",
    "saving in production, forecast": "saving_in_production_forecast_monthly_usd",
    "realised (verified ones)": "saving_in_production_realised_monthly_usd",
    "saving by batch or caching": "saving_by_batch_or_caching_monthly_usd",
}
USD = st.integers(1, 10**9).map(lambda number: Decimal(number) / 10_000)


def a_lever(usd: Decimal) -> Lever:
    return Lever(kind="batch", saving_monthly=usd, monthly=usd, possible=True, needs="a day")


@st.composite
def any_feature(draw: st.DrawFn, at: int) -> DecisionRecord:
    """A feature of any state, verdict and team, whose money has more digits than a page shows."""
    verdict, state = draw(st.sampled_from(Verdict)), draw(st.sampled_from(State))
    spend, saving = draw(st.none() | USD), draw(USD)
    savings = Savings(
        monthly=saving * 2,
        monthly_lower=None,
        monthly_upper=None,
        percentage=1.0,
        after_discounts=saving,
        one_off_cost=Decimal(0),
        payback_months=None,
        realised=saving / 3 if state is State.VERIFIED else None,
        net_monthly=draw(st.none() | USD),
    )
    return a_record(
        feature=a_feature(
            id=f"f{at:02}",
            name=f"Feature {at}",
            team=draw(st.sampled_from(("red", "blue", ""))),
            cost_center=draw(st.sampled_from((None, "c1"))),
        ),
        verdict=verdict,
        chosen="claude-haiku-4-5" if verdict is Verdict.DOWNGRADE else None,
        savings=savings if verdict is Verdict.DOWNGRADE else None,
        levers=(a_lever(draw(USD)),) if draw(st.booleans()) else (),
        current_cost=a_cost(monthly_after_discounts=spend, rates=a_rate(discount=Decimal("0.1"))),
        state=state,
        expires_at=TODAY + timedelta(days=draw(st.integers(-1, 1))),
    )


portfolios = st.integers(1, 14).flatmap(
    lambda count: st.tuples(*(any_feature(at) for at in range(count)))
)


def page_of(records: Sequence[DecisionRecord]) -> str:
    return render_index(to_portfolio(records, NOW), to="md")


def tables(page: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Heads and rows of every table of a page."""
    for block in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        lines = [
            [cell.strip() for cell in row.strip("|\n").split(" | ")] for row in block.splitlines()
        ]
        yield lines[0], lines[2:]


def amount(cell: str) -> Decimal:
    """A cell's money; what is not known, or does not count, adds nothing."""
    found = re.fullmatch(r"(?:\*\*)?(?:USD )?([\d,]+\.\d\d)(?:\*\*)?", cell)
    assert found or cell.strip("*") in {"\u2013", "not known"}, cell
    return Decimal(found[1].replace(",", "")) if found else Decimal(0)


def rows_of_csv(records: Sequence[DecisionRecord]) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(to_csv(overview(records, TODAY)))))


@settings(max_examples=25, deadline=None)
@given(portfolios)
def test_every_column_adds_up_to_its_last_row_and_to_the_csv(
    records: tuple[DecisionRecord, ...],
) -> None:
    """Eight tables have the four figures: by seven tags and feature by feature."""
    added, lines = [], rows_of_csv(records)
    for head, rows in tables(page_of(records)):
        if not FIGURES.keys() <= set(head):
            continue
        *parts, last = rows
        for name, column in FIGURES.items():
            at = head.index(name)
            shown = sum((amount(row[at]) for row in parts), Decimal(0))
            assert shown == amount(last[at]), (head[0], name)
            assert shown == sum((Decimal(line[column] or 0) for line in lines), Decimal(0))
        added.append(head[0])
    tags = ["team", "product", "environment", "cost centre", "owner", "provider", "model"]
    assert added == [*tags, "feature"]


@settings(max_examples=25, deadline=None)
@given(st.tuples(*(any_feature(at) for at in range(14))))
def test_the_top_ten_and_the_rest_are_the_proposed_saving_gross_and_net(
    records: tuple[DecisionRecord, ...],
) -> None:
    total = overview(records, TODAY).total
    top = [rows for head, rows in tables(page_of(records)) if "net of mistakes" in head]
    assert bool(top) == bool(total.proposed_on)
    for *parts, last in top:
        assert sum(amount(row[4]) for row in parts) == amount(last[4]) == total.proposed
        assert sum(amount(row[5]) for row in parts) == amount(last[5]) == total.net


@settings(max_examples=25, deadline=None)
@given(portfolios)
def test_the_states_add_up_and_no_saving_is_without_its_lever(
    records: tuple[DecisionRecord, ...],
) -> None:
    page = page_of(records)
    funnel = next(rows for head, rows in tables(page) if head[0] == "where it stands")
    places = [row[0].strip("*") for row in funnel]
    sums = {name: amount(row[2]) for name, row in zip(places, funnel, strict=True)}
    at = places.index("proposed saving"), places.index("saving in production")
    shown = [amount(row[2]) for row in funnel]
    assert sum(shown[: at[0]]) == sums["proposed saving"]
    assert sum(shown[at[0] + 1 : at[1]]) == sums["saving in production"]
    head, everything = next(found for found in tables(page) if "saving by" in found[0])
    for row in everything[:-1]:
        paid = [cell for cell in (row[-4], row[-3], row[-1]) if cell != "\u2013"]
        assert len(paid) <= 1
        assert bool(paid) == (row[head.index("saving by")] != "\u2013")
    for line in rows_of_csv(records):
        money = [line[name] for name in list(FIGURES.values())[1:] if line[name]]
        assert bool(money) == bool(line["saving_by"])


@settings(max_examples=25, deadline=None)
@given(portfolios)
def test_the_terminal_says_what_the_page_says(records: tuple[DecisionRecord, ...]) -> None:
    page, (spend, saving, *rest) = page_of(records), list(summary(overview(records, TODAY)))
    assert f"# Right-sizing 2026-Q4: {spend}" in page
    assert all(part in page for part in saving.split("; net"))
    assert all(text in page for text in rest if not text.startswith("Review again"))
    known = sum(r.current_cost.monthly_after_discounts is not None for r in records)
    if 0 < known < len(records):
        assert f"{known} of {len(records)} known" in spend


@pytest.mark.parametrize("state", [State.REJECTED, State.SUPERSEDED])
def test_what_was_not_taken_pays_for_nothing(state: State) -> None:
    page = page_of([a_record(state=state, levers=())])
    assert "No downgrade is proposed, deferred or accepted today." in page
    assert "pays for it" not in page


def test_an_expired_proposal_is_to_be_reviewed_again() -> None:
    record = a_record(levers=())
    now = NOW + timedelta(days=200)
    page = render_index(to_portfolio([record], now), to="md")
    again = page.partition("## Review again")[2].partition("##")[0]
    assert record.feature.name in again
    assert "| 2027-03-03 |" in again
    assert "PROPOSED" in again
    (line,) = csv.DictReader(StringIO(to_csv(overview([record], now.date()))))
    assert (line["state"], line["proposed_saving_monthly_usd"]) == ("EXPIRED", "")
    assert "1 downgrade expired (USD 2,483 a month when found)" in page


def test_features_that_differ_at_the_end_of_a_long_id_are_two() -> None:
    ids = [f"{'x' * 119}{at}" for at in range(2)]
    page = page_of([a_record(feature=a_feature(id=one)) for one in ids])
    assert "| **2 features** |" in page
    assert all(f"documents/{one}.md" in page for one in ids)


def test_the_newest_of_many_moves_says_where_a_decision_stands() -> None:
    """A deferral that is over, after more moves than a page shows."""
    entry = HistoryEntry(
        state=State.DEFERRED, by="x", by_source="--by", at=NOW, reason="later", link=None,
        until=TODAY + timedelta(days=9),
    )  # fmt: skip
    over = entry.model_copy(update={"until": TODAY - timedelta(days=1)})
    record = a_record(state=State.DEFERRED, history=(*[entry] * 250, over), levers=())
    waiting = page_of([record]).partition("## Waiting for a decision")[2].partition("\n## ")[0]
    assert record.feature.name in waiting


def test_many_unknown_features_are_counted_and_ten_are_named() -> None:
    cost = a_cost(monthly=None, monthly_after_discounts=None)
    records = [
        a_record(feature=a_feature(id=f"f{at:02}", name=f"Fax {at}"), current_cost=cost)
        for at in range(12)
    ]
    page = page_of(records)
    assert "Spend and saving of 12 of 12 features: Fax 0 (a price is missing)," in page
    assert "Fax 9 (a price is missing) and 2 others." in page
    assert page.startswith("# Right-sizing 2026-Q4: 12 features, spend not known")
