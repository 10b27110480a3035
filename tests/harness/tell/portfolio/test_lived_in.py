"""A portfolio that people have worked with: to do, what changed, a month, a message, a workbook."""

from __future__ import annotations

import csv
import re
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.money.portfolio.change import Mover, as_of, change_since, stood
from harness.money.portfolio.overview import overview
from harness.money.portfolio.progress import funnel, kept_promises, run_rate_of_all, run_rates
from harness.money.portfolio.to_do import Action, to_do
from harness.record.base import Reason, State
from harness.record.money import Lever
from harness.record.parts import HistoryEntry
from harness.tell.portfolio.index import to_portfolio
from harness.tell.portfolio.message import LONGEST, to_message
from harness.tell.portfolio.monthly import month_of, monthly_page
from harness.tell.portfolio.spreadsheet import COLUMNS, FIELDS, to_csv
from harness.tell.portfolio.workbook import to_xlsx
from reports.render import render_index
from tests.support.record_parts import a_cost, a_feature
from tests.support.records import NOW, a_record, downgrade_record, justify_record, undecided_record

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord

DAY = NOW.date()
STEPS = (State.ACCEPTED, State.IMPLEMENTED, State.VERIFIED)


def an_entry(state: State, at: datetime = NOW) -> HistoryEntry:
    return HistoryEntry(
        state=state, by="dana.ruiz", by_source="--by", at=at, reason="so", link=None, until=None
    )


def moved(record: DecisionRecord, *, to: State, at: datetime = NOW) -> DecisionRecord:
    """The record taken to a state, one step a day from a moment on."""
    steps = STEPS[: STEPS.index(to) + 1]
    history = tuple(an_entry(one, at + timedelta(days=n)) for n, one in enumerate(steps))
    savings = record.savings
    if to is State.VERIFIED and savings is not None:
        billed = {
            "realised": Decimal("2000.40"),
            "verified_at": history[-1].at,
            "realised_months": ("2026-10", "2026-11", "2026-12"),
        }
        savings = savings.model_copy(update=billed)
    update = {"state": to, "history": history, "savings": savings}
    return record.model_copy(update=update)


def named(name: str, **over: object) -> dict[str, object]:
    return {"feature": a_feature(id=name, name=name.title(), **over)}


def lived_in() -> list[DecisionRecord]:
    return [
        downgrade_record(**named("open")),
        moved(downgrade_record(**named("taken")), to=State.ACCEPTED),
        moved(downgrade_record(**named("running")), to=State.IMPLEMENTED),
        moved(downgrade_record(**named("billed")), to=State.VERIFIED),
        justify_record(**named("stays"), levers=()),
        undecided_record(**named("lacks", owner="=cmd|' /C calc'!A0"), levers=()),
    ]


def test_what_is_to_be_done_is_one_thing_a_feature_and_adds_up() -> None:
    figures = overview(lived_in(), DAY)
    tasks = {task.feature.record.feature.id: task.action for task in to_do(figures)}
    assert tasks == {
        "open": Action.DECIDE,
        "taken": Action.SWITCH,
        "running": Action.VERIFY,
        "stays": Action.SIGN,
        "lacks": Action.COMPLETE,
    }
    ordered = [task.usd or Decimal(0) for task in to_do(figures)]
    assert ordered == sorted(ordered, reverse=True)


def test_what_is_late_is_said_to_be() -> None:
    figures = overview([downgrade_record()], downgrade_record().decide_by + timedelta(days=1))
    (task,) = to_do(figures)
    assert task.overdue
    page = render_index(to_portfolio([downgrade_record()], NOW + timedelta(days=30)), to="md")
    assert "**To do.** 1 thing, 1 overdue;" in page
    late = "**Overdue.** Decide on the switch: Invoice extraction (Dana Ruiz, 2026-12-15)."
    assert late in page
    assert "2026-12-15, overdue |" in page


def test_the_funnel_narrows_and_the_run_rate_is_what_is_left() -> None:
    figures = overview(lived_in(), DAY)
    steps = [one.usd for one in funnel(figures)][1:]
    assert steps == sorted(steps, reverse=True)
    whole = run_rate_of_all(figures)
    assert whole.now == figures.total.spend - figures.total.production
    for by in ("provider", "model"):
        for name in ("reviewed", "now", "taken"):
            parts = [getattr(one, name) for one in run_rates(figures, by)]
            assert sum(parts, Decimal(0)) == getattr(whole, name)
    (kept,) = kept_promises(figures)
    assert (kept.months, kept.realised_so_far) == (3, Decimal("6001.20"))


def test_of_a_sum_that_lacks_a_part_the_page_shows_a_dash() -> None:
    """One was verified before records said over which months."""
    older = moved(downgrade_record(**named("older")), to=State.VERIFIED)
    assert older.savings is not None
    savings = older.savings.model_copy(update={"realised_months": None})
    older = older.model_copy(update={"savings": savings})
    rows = {
        len(records): next(
            line
            for line in render_index(to_portfolio(records, NOW), to="md").splitlines()
            if "**2,000.40**" in line or "**4,000.80**" in line
        )
        for records in (lived_in(), [*lived_in(), older])
    }
    assert "**7,449.30** | **6,001.20**" in rows[6]
    assert "**4,966.20** | **4,000.80** |" in rows[7]
    assert "**\u2013** | **\u2013**" in rows[7]


def test_a_spend_that_nobody_knows_comes_after_one_that_is_nothing() -> None:
    free = justify_record(**named("free"), current_cost=a_cost(monthly_after_discounts=Decimal(0)))
    unknown = justify_record(**named("a"), current_cost=a_cost(monthly_after_discounts=None))
    page = render_index(to_portfolio([unknown, free, *lived_in()], NOW), to="md")
    table = page.partition("By spend; USD a month after discounts")[2]
    assert 0 < table.index("](<documents/free.md>)") < table.index("](<documents/a.md>)")


CENTS = st.integers(0, 10**7).map(lambda number: Decimal(number) / 100)


@st.composite
def a_pair(draw: st.DrawFn) -> tuple[DecisionRecord, DecisionRecord]:
    """One feature in two quarters: other traffic, prices, model, or a spend that is not known."""
    made = []
    for cycle in ("2026-Q3", "2026-Q4"):
        record = a_record(levers=())
        rates = record.current_cost.rates
        assert record.traffic is not None
        assert rates is not None
        traffic = record.traffic.model_copy(
            update={
                "requests_per_month": draw(st.integers(0, 10**6)),
                "input_tokens": float(draw(st.integers(0, 9000))),
                "retry_rate": draw(st.sampled_from((0.0, 0.016, 0.5))),
            }
        )
        price = rates.model_copy(update={"input": draw(st.sampled_from((Decimal(0), Decimal(3))))})
        cost = a_cost(monthly_after_discounts=draw(st.none() | CENTS), rates=price)
        option = draw(st.sampled_from((record.current.option, "another")))
        update = {
            "cycle": cycle,
            "traffic": traffic,
            "current_cost": cost,
            "current": record.current.model_copy(update={"option": option}),
        }
        made.append(record.model_copy(update=update))
    return made[0], made[1]


@settings(max_examples=60, deadline=None)
@given(a_pair())
def test_the_terms_lead_from_the_old_spend_to_the_new(
    pair: tuple[DecisionRecord, DecisionRecord],
) -> None:
    """Whatever changed, to the cent: the type refuses anything else."""
    found = change_since([pair[0]], overview([pair[1]], DAY).features)
    assert found is not None
    assert found.before + sum(found.terms.values(), Decimal(0)) == found.now
    assert bool(found.terms[Mover.MODEL]) <= (pair[0].current.option != pair[1].current.option)


def test_a_new_feature_and_one_that_is_gone_are_told_apart() -> None:
    old, new = downgrade_record(**named("old")), downgrade_record(**named("new"))
    found = change_since([old], overview([new], DAY).features)
    assert found is not None
    assert {mover for mover, usd in found.terms.items() if usd} == {Mover.NEW, Mover.GONE}
    assert change_since([], overview([new], DAY).features) is None


def test_a_past_day_knows_nothing_of_later_ones() -> None:
    record = moved(downgrade_record(), to=State.VERIFIED)
    before = as_of(record, DAY - timedelta(days=1))
    assert (before.state, before.history) == (State.PROPOSED, ())
    assert before.savings is not None
    assert before.savings.realised is None
    assert as_of(record, DAY + timedelta(days=1)).state is State.IMPLEMENTED
    assert as_of(record, DAY + timedelta(days=9)) is record
    assert stood([record], record.generated_at.date() - timedelta(days=1)) == ()


def test_a_month_s_page_has_drivers_decisions_and_what_was_verified() -> None:
    month = month_of(date(2026, 11, 1), date(2027, 1, 5))
    page = render_index(monthly_page(lived_in(), month, NOW), to="md")
    assert "# Cost review, November 2026: 6 features, USD" in page
    assert "As it stood on 2026-11-30" in page
    drivers = page.partition("*The ten drivers")[2].partition("\n\n|")[2].partition("\n\n")[0]
    assert drivers.count("Dana Ruiz") == 5  # the sixth's owner looks like a formula
    assert "## Due by 2026-12-31" in page
    assert "## What was verified" in page
    assert "2,000.40" in page
    assert "../2026-Q4/documents/billed.md" in page
    october = month_of(date(2026, 10, 1), date(2027, 1, 5))
    with pytest.raises(UsageError, match="no record is that old; the oldest is of 2026-11-23"):
        monthly_page(lived_in(), october, NOW)
    with pytest.raises(UsageError, match="--month 2027-02: it has not begun"):
        month_of(date(2027, 2, 1), date(2027, 1, 5))
    assert not month_of(date(2027, 1, 1), date(2027, 1, 5)).over


def test_a_message_is_short_plain_and_calls_nobody() -> None:
    hostile = "@channel <!here> https://evil.example `x` "
    many = [
        downgrade_record(**named(f"f{at}", owner="a@b.example", team=hostile)) for at in range(60)
    ]
    many = [
        one.model_copy(update={"feature": one.feature.model_copy(update={"name": hostile * 2})})
        for one in many
    ]
    text = to_message(overview(many, DAY), "reviews/2026-Q4/index.html")
    assert len(text) <= LONGEST < 2000
    assert not re.search(r"[@<>`]|\w://", text)
    assert "others." in text
    assert text.endswith("All of it: reviews/2026-Q4/index.html\n")
    short = to_message(overview(lived_in(), DAY), "x")
    assert "To do: 5 things, 0 overdue." in short
    assert "- Decide: model swap to claude-haiku-4-5: Open (Dana Ruiz, 2026-12-15, USD" in short


def sheets(made: bytes) -> dict[str, ET.Element]:
    with zipfile.ZipFile(BytesIO(made)) as book:
        names = [name for name in book.namelist() if name.startswith("xl/worksheets/")]
        return {name: ET.fromstring(book.read(name)) for name in names}  # noqa: S314  # ours


SPACE = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def test_a_workbook_has_numbers_as_numbers_and_texts_that_nothing_calculates() -> None:
    figures = overview(lived_in(), DAY)
    made = to_xlsx(figures)
    assert made == to_xlsx(figures)
    found = sheets(made)
    assert len(found) == 5
    for sheet in found.values():
        assert sheet.find(f".//{SPACE}f") is None
        pane = sheet.find(f".//{SPACE}pane")
        assert pane is not None
        assert pane.get("state") == "frozen"
    rows = found["xl/worksheets/sheet1.xml"].findall(f".//{SPACE}row")
    assert len(rows) == 1 + len(lived_in())
    kinds = [cell.get("t") for cell in rows[1].findall(f"{SPACE}c")]
    assert kinds.count("s") < len(kinds)
    spent = sum(
        Decimal(value)
        for row in rows[1:]
        for cell in row.findall(f"{SPACE}c")
        if cell.get("r", "").startswith(letters("today_after_discounts_monthly_usd"))
        and cell.get("t") is None
        and (value := cell.findtext(f"{SPACE}v")) is not None
    )
    assert spent == figures.total.spend


def letters(name: str) -> str:
    """A column's letters in a sheet."""
    at, text = COLUMNS.index(name) + 1, ""
    while at:
        at, rest = divmod(at - 1, 26)
        text = chr(65 + rest) + text
    return text


def test_finance_s_table_has_its_columns_and_each_adds_up() -> None:
    figures = overview(lived_in(), DAY)
    rows = list(csv.DictReader(StringIO(to_csv(figures))))
    assert tuple(rows[0]) == COLUMNS
    assert len({field.heading for field in FIELDS}) == len(FIELDS)
    billed = next(row for row in rows if row["feature"] == "billed")
    assert billed["realised_months"] == "2026-10 2026-11 2026-12"
    assert billed["state_as_of"] == DAY.isoformat()
    assert billed["one_off_usd"]
    assert billed["provider_to"] == "anthropic"
    lacks = next(row for row in rows if row["feature"] == "lacks")
    assert lacks["owner"].startswith("'=")
    total = sum((Decimal(row["proposed_saving_monthly_usd"] or 0) for row in rows), Decimal(0))
    assert total == figures.total.proposed


def test_the_best_lever_is_shown_whatever_counts() -> None:
    lever = Lever(
        kind="batch", saving_monthly=Decimal(100), monthly=Decimal(1), possible=True, needs="a day"
    )
    (row,) = csv.DictReader(StringIO(to_csv(overview([a_record(levers=(lever,))], DAY))))
    assert (row["lever"], row["saving_by_batch_or_caching_monthly_usd"]) == ("batch", "")
    assert Decimal(row["lever_saving_monthly_usd"]) > 0


def test_there_is_nothing_to_do_about_nothing() -> None:
    page = render_index(to_portfolio([], datetime(2026, 11, 24, tzinfo=UTC)), to="md")
    assert "Nothing is waiting for anybody." in page


def test_what_is_not_known_is_named_with_what_is_missing() -> None:
    unpriced = undecided_record(
        **named("unpriced"), levers=(), reason_codes=(Reason.PRICE_MISSING,)
    )
    silent = undecided_record(
        **named("silent"),
        levers=(),
        traffic=None,
        current_cost=a_cost(monthly=None, monthly_after_discounts=None),
    )
    page = render_index(to_portfolio([*lived_in(), unpriced, silent], NOW), to="md")
    assert "Spend and saving of 1 of 8 features: Silent (the traffic is not known)." in page
    assert "Saving alone of 1 of 8 features: Unpriced (a price is missing)." in page


def test_what_changed_for_every_feature_is_said_once() -> None:
    now = lived_in()[:3]
    before = [
        one.model_copy(update={"cycle": "2026-Q3", "current": one.current.model_copy(
            update={"option": "older"})})
        for one in now
    ]  # fmt: skip
    page = render_index(to_portfolio(now, NOW, before), to="md")
    assert page.count("the model in production: older to") == 1
    assert "| all 3 of them |  |  | the model in production: older to" in page
    assert page.count("| nothing else |") == 3
