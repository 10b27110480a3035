"""Capacity of one's own on a page: its table, what follows, what is bought, what to commit to."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from harness.money.owned.bought import BoughtCapacity
from harness.money.owned.capacity import OwnedCapacity, pooled
from harness.money.owned.paid import PaidEndpoint, PaidHour
from harness.tell.portfolio.owned_section import (
    bought_blocks,
    idlest_step,
    limit_on,
    owned_section,
    owned_words,
)
from harness.workspace.policy_file import SpendPolicy
from reports.document import Bullets, Paragraph, Portfolio, Section, Table
from reports.render import render_index
from tests.harness.money.owned.test_pooled import demand

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
TODAY = date(2026, 11, 30)


def endpoint(*requests: int | None, team: str = "ml") -> PaidEndpoint:
    hours = tuple(
        PaidHour(
            at=MONDAY + timedelta(hours=at),
            usd=Decimal("3.9"),
            requests=count,
            tokens=None if count is None else count * 1000,
            busy=Decimal("0.05"),
        )
        for at, count in enumerate(requests)
    )
    return PaidEndpoint(name=f"llama of {team}", team=team, hours=hours)


def everything(*endpoints: PaidEndpoint) -> OwnedCapacity:
    units = BoughtCapacity(
        name="gpt-5",
        what="units",
        bought=100,
        needed=62,
        usd_per_hour=Decimal(1),
        until=date(2027, 2, 1),
        used_share=Decimal("0.31"),
    )
    pool = pooled("llama", "h100", [demand("a", Decimal("0.5")), demand("b", Decimal("0.5"))])
    return OwnedCapacity(on=TODAY, pools=(pool,), bought=(units,), endpoints=endpoints, left_out={})


def section(found: OwnedCapacity, spend: dict[str, object], team: str = "") -> Section:
    made = owned_section(found, SpendPolicy.model_validate(spend), team)
    assert made is not None
    return made


def said(one: Section) -> str:
    parts: list[str] = []
    for block in one.blocks:
        match block:
            case Paragraph():
                parts += [str(run) for run in block.runs]
            case Bullets():
                parts += block.items
            case Table():
                parts += [" | ".join(map(str, row.cells)) for row in block.rows]
            case _:
                pass
    return "\n".join(parts)


def test_the_page_says_what_stands_idle_and_what_is_bought() -> None:
    text = said(section(everything(endpoint(4, 0, 0, 0), endpoint(None, 1, team="ads")), {}))
    for told in (
        "2 endpoints, 2.0 of 6.0 paid hours used; 3.0 idle, USD 11.70; in 1.0 nobody counted",
        "llama of ml | ml | 4.0 | 1.0 | 3.0 | 0.0 | 4 | 5 % | 15.60 | 11.70 | 3,900.00",
        "all |  | 6.0 | 2.0 | 3.0 | 1.0 | 5 | \u2013 | 23.40 | 11.70 | \u2013",
        "llama of ml: no request since 2026-11-23 01:00 UTC: USD 11.70 for 3 h",
        "(`serve: ttl_s`, or the host's auto-suspend) it would have spared USD 7.80, 2 h",
        "gpt-5: 100 units until 2027-02-01 (63 days), the busiest hour needs 62, 31 % used on",
        "average: 38 unused, USD 27,759 a month",
        "Ends within 90 days: gpt-5 on 2027-02-01.",
        "floor: commit to 1 replica, 100 % used | 3,579.45",
        "Together USD 3,579 a month; with replicas of their own USD 7,159.",
        "Not read: notebooks, training jobs, kernels of a GPU.",
    ):
        assert told in text


def test_a_team_sees_its_own_endpoints_alone() -> None:
    found = everything(endpoint(4, 0), endpoint(1, team="ads"))
    text = said(section(found, {}, team="ads"))
    assert "llama of ads" in text
    assert "llama of ml" not in text
    assert "gpt-5" not in text
    assert owned_section(found, SpendPolicy.model_validate({}), "nobody") is None


@pytest.mark.parametrize(
    ("spend", "hours"),
    [
        ({}, 1),
        ({"idle_hours": 24}, 24),
        ({"idle_hours": 24, "teams": {"ml": {"idle_hours": 4}}}, 4),
        ({"teams": {"ads": {"idle_hours": 4}}}, 1),
        ({"idle_hours": 0.5}, 1),
    ],
)
def test_the_rule_is_the_strictest_limit_that_holds(spend: dict[str, object], hours: int) -> None:
    assert limit_on(endpoint(1), SpendPolicy.model_validate(spend)) == hours


def test_the_first_page_says_what_they_cost_and_which_to_stop() -> None:
    found = everything(endpoint(4, 0, 0, 0), endpoint(1, 0, 0, team="ads"))
    assert owned_words(found) == "plus USD 27.30 for 2 endpoints of one's own, not in this sum"
    spend = SpendPolicy.model_validate({"teams": {"ml": {"owner": "ada.okoro@example.com"}}})
    ((cost, text),) = idlest_step(found, spend)
    assert cost == Decimal("7.80")
    assert text == (
        "llama of ml (team ml, Ada Okoro): Stop it after 1 idle hour (`serve: ttl_s`, or the "
        "host's auto-suspend): USD 7.80 of idle hours were avoidable"
    )
    assert [cost for cost, _ in idlest_step(found, spend, "ads")] == [Decimal("3.90")]
    assert [*idlest_step(everything(endpoint(4, 0)), spend)] == []
    assert owned_words(found, "nobody") == ""


def test_a_cost_that_is_not_known_is_said() -> None:
    known, other = endpoint(4, 0, 0), endpoint(4, 0, 0, team="ads")
    unknown = replace(other, hours=tuple(replace(hour, usd=None) for hour in other.hours))
    assert owned_words(everything(known, unknown)) == (
        "plus USD 11.70 for 2 endpoints of one's own (what 1 of them cost is not known), not in "
        "this sum"
    )
    told = "plus 1 endpoint of one's own whose cost is not known"
    assert owned_words(everything(unknown)) == told
    assert [*idlest_step(everything(unknown), SpendPolicy.model_validate({}))] == []


def test_what_nobody_priced_comes_last_and_is_in_no_sum() -> None:
    """The unpriced one idles longest; the one that never idles is known to have cost nothing so."""
    known, busy, other = (
        endpoint(4, 0, 0),
        endpoint(5, team="web"),
        endpoint(0, 0, 0, 0, team="ads"),
    )
    unknown = replace(other, hours=tuple(replace(hour, usd=None) for hour in other.hours))
    found = everything(unknown, busy, known)
    names = ["llama of ml", "llama of web", "llama of ads"]
    assert [one.name for one in found.idlest] == names
    text = said(section(found, {}))
    for told in (
        "6.0 idle, USD 7.80 without 1 endpoint whose cost is not known",
        "llama of ads | ads | 4.0 | 0.0 | 4.0 | 0.0 | 0 | 5 % | \u2013 | \u2013 | \u2013",
        "all, USD without 1 endpoint whose cost is not known |  | 8.0 | 2.0 | 6.0 | 0.0 | 9 |",
        "| 15.60 | 7.80 |",
    ):
        assert told in text
    rows = [line.partition(" |")[0] for line in text.splitlines() if line.startswith("llama of")]
    assert [row for row in rows if ":" not in row] == names


def test_units_of_which_nothing_says_what_is_needed_are_in_no_sum_unsaid() -> None:
    (units,) = everything().bought
    other = replace(units, name="other", needed=None, used_share=None)
    both = everything(endpoint(1))

    def words(*bought: BoughtCapacity) -> str:
        return "".join(
            str(run)
            for block in bought_blocks(bought, both.on)
            if isinstance(block, Paragraph)
            for run in block.runs
        )

    assert "; USD 27,759 of it is for units that no hour needs." in words(units)
    assert "; at least USD 27,759 of it is for units that no hour needs." in words(units, other)
    assert "needs" not in words(other)


def test_it_renders() -> None:
    page = Portfolio(
        title="t",
        status="s",
        page=(),
        views=(section(everything(endpoint(4, 0)), {}),),
        stamp="0" * 64,
        home=None,
    )
    assert "one's own" in render_index(page, to="html").replace("&#39;", "'")
    assert "| llama of ml |" in render_index(page, to="md")
