"""A portfolio is planned without contacting anybody, and its cheap features are answered."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from harness.cli.plan_text import growth_line, lever_lines, plan_lines
from harness.plan.model import Status
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason
from harness.wording import usd
from harness.workspace.workspace import load_workspace
from tests.support.forty_features import (
    ANSWERED,
    ASKABLE,
    FORTY,
    NONE_CHEAPER,
    TOO_CHEAP,
    write_forty,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.plan.model import Plan

CONNECTIONS: list[str] = []
"""Every attempt of this process to connect or to look a name up, while it is being watched."""
WATCHING = threading.Event()


def note_connections(event: str, _: tuple[object, ...]) -> None:
    if WATCHING.is_set() and event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        CONNECTIONS.append(event)


sys.addaudithook(note_connections)


class CountingServer(ThreadingHTTPServer):
    """A model server on loopback that counts who knocks, whatever they say."""

    knocks = 0

    def get_request(self) -> object:  # type: ignore[override]
        self.knocks += 1
        return super().get_request()


@contextmanager
def watched() -> Iterator[CountingServer]:
    with CountingServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        CONNECTIONS.clear()
        WATCHING.set()
        try:
            yield server
        finally:
            WATCHING.clear()
            server.shutdown()


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, int, int]:
    """The plan, with the server's count and this process's own."""
    root: Path = tmp_path_factory.mktemp("forty")
    with watched() as server:
        write_forty(root, f"http://127.0.0.1:{server.server_address[1]}")
        plan = plan_review(
            load_workspace(root), cycle="2026-Q4", on=date(2026, 11, 20), wanted=Selection()
        )
        return plan, server.knocks, len(CONNECTIONS)


def test_no_server_is_contacted(planned: tuple[Plan, int, int]) -> None:
    _, knocks, connections = planned
    assert (knocks, connections) == (0, 0)


def test_the_count_would_notice_a_call() -> None:
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    with watched() as server:
        url = f"http://127.0.0.1:{server.server_address[1]}/v1/models"
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(url, timeout=120)
        assert server.knocks == 1
        assert "socket.connect" in CONNECTIONS


def test_the_cheap_ones_are_answered_at_once(planned: tuple[Plan, int, int]) -> None:
    plan = planned[0]
    assert len(plan.features) == FORTY
    answered = plan.having(Status.ANSWERED)
    assert len(answered) == ANSWERED
    assert Counter(one.reasons[0] for one in answered) == {
        Reason.SAVINGS_BELOW_MINIMUM: TOO_CHEAP,
        Reason.NO_CHEAPER_CANDIDATE: NONE_CHEAPER,
    }
    assert all(one.money is None for one in answered)


def test_the_rest_is_ready_or_blocked_and_ranked_by_spend(planned: tuple[Plan, int, int]) -> None:
    plan = planned[0]
    assert len(plan.having(Status.READY)) == ASKABLE
    reasons = {reason for one in plan.having(Status.BLOCKED) for reason in one.reasons}
    assert reasons == {Reason.PRICE_MISSING, Reason.TRAFFIC_MISSING}
    spends = [one.monthly_usd or Decimal(0) for one in plan.features]
    assert spends == sorted(spends, reverse=True)


def test_nothing_dearer_is_a_candidate_of_auto(planned: tuple[Plan, int, int]) -> None:
    for one in planned[0].features:
        if one.config.candidates == "auto" and one.monthly_usd is not None:
            assert all((option.monthly_usd or 0) < one.monthly_usd for option in one.options)


def test_what_is_free_of_quality_risk_is_said(planned: tuple[Plan, int, int]) -> None:
    """Features 20, 25, 30 and 35 may wait for a batch and save 200 a month by it."""
    free = [one for one in planned[0].features if one.free_lever]
    assert sorted(one.feature[-2:] for one in free) == ["20", "25", "30", "35"]
    for one in free:
        assert one.free_lever is not None
        assert one.free_lever.kind == "batch"
        assert one.free_lever.saving_monthly * 2 == one.monthly_usd
    text = "\n".join(plan_lines(planned[0], details=False))
    assert "Free of quality risk on 4 features: batch or caching, USD " in text


def test_bounds_and_levers_are_said_in_dollars(planned: tuple[Plan, int, int]) -> None:
    plan = planned[0]
    lines = list(plan_lines(plan, details=True))
    most = sum((one.saving_bound_usd for one in plan.features), Decimal(0))
    assert f"Other models can save at most {usd(most)} a month, known before any call" in lines
    bounds = [o.saving_bound_usd for one in plan.features for o in one.options]
    said = [line for line in lines if " a month at today's tokens, saves at most USD" in line]
    assert len(said) == len([bound for bound in bounds if bound is not None]) > 40
    free = [one.free_lever for one in plan.features if one.free_lever]
    for lever in free:
        assert f"    batch: saves {usd(lever.saving_monthly)} a month; {lever.needs}" in lines


def test_growth_is_said_where_it_is_expected(planned: tuple[Plan, int, int]) -> None:
    """At 10 % more each month a year costs 21.38428 times its first month."""
    one = next(plan for plan in planned[0].features if plan.monthly_usd)
    assert one.config.traffic is not None
    assert one.monthly_usd is not None
    assert list(growth_line(one)) == []
    traffic = one.config.traffic.model_copy(update={"growth_per_month": 0.1})
    grown = replace(one, config=one.config.model_copy(update={"traffic": traffic}))
    year = usd(one.monthly_usd * Decimal("21.384283767210"))
    assert list(growth_line(grown)) == [f"    next year at +10 % requests a month: {year}"]


def test_levers_are_said_after_discounts(planned: tuple[Plan, int, int]) -> None:
    one = next(plan for plan in planned[0].features if plan.free_lever)
    assert one.incumbent is not None
    assert one.free_lever is not None
    rates = replace(one.incumbent.priced(), discount=Decimal("0.25"))
    cheaper = replace(one, incumbent=replace(one.incumbent, rates=rates))
    net = one.free_lever.saving_monthly * Decimal("0.75")
    assert cheaper.net_saving(one.free_lever) == net
    assert f"    batch: saves {usd(net)} a month; {one.free_lever.needs}" in lever_lines(cheaper)
    assert "after discounts" not in next(plan_lines(planned[0], details=False))
    discounted = replace(planned[0], features=(cheaper,))
    assert next(plan_lines(discounted, details=False)).endswith(" a month after discounts")
