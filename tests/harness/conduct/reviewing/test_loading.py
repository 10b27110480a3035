"""The GPUs of models that we start are charged while they load, to the features that ask them."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING

import pytest

from harness.ask.serving.server import ServeError
from harness.conduct.reviewing.load_book import LoadBook, load_costs
from harness.errors import BudgetRefusedError, ExitCode, UsageError
from harness.journal.journal import Journal, SpentOrReserved
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

GPUS = "gpus: {l4: {on_demand: 0.36, spot: 0.18, as_of: 2026-10-01, source: quote}}\n"
SERVE = "  gpu: l4\n  serve: {engine: command, command: [model], gpus: 2, ready_s: 900%s}\n"
OFFLINE = ", ttl_s: 1800, offline: {replicas: 3, command: [engine, '{input}', '{output}']}"
BOUND = Decimal("0.09")
"""900 s of two GPUs at 0.18 an hour."""


def write_served(root: Path, port: int, *, more: str = "", cap: str = "10") -> None:
    """Two features ask `good`, which holds two GPUs; `bad` is asked by nobody."""
    shape = Shape(features=("tickets", "mails"), candidates="good", cap=cap)
    write_review_workspace(root, port, shape)
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text(encoding="utf-8") + GPUS, encoding="utf-8")
    before = f"good:\n  provider: openai-compatible\n  base_url: {address(port)}\n"
    edit(
        root / "models" / "all.yaml",
        before,
        f"good:\n  provider: openai-compatible\n{SERVE % more}",
    )


def address(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1"


def test_a_load_by_hand(tmp_path: Path) -> None:
    """90 s of two GPUs at 0.18 an hour are 0.009 USD, half of it for each of two features."""
    write_served(tmp_path, 9)
    workspace = load_workspace(tmp_path)
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection())
    found = list(load_costs(workspace, plan, {"good": 90.0, "bad": 50.0}))
    assert {(one.feature, one.model, one.usd) for one in found} == {
        ("tickets", "good", Decimal("0.0045")),
        ("mails", "good", Decimal("0.0045")),
    }
    alone = plan_review(
        workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection(features=("mails",))
    )
    assert [one.usd for one in load_costs(workspace, alone, {"good": 90.0})] == [Decimal("0.009")]


@pytest.mark.parametrize("times", [1, 2])
def test_every_load_of_a_cycle_is_in_the_record(tmp_path: Path, times: int) -> None:
    path = tmp_path / ".rightsize" / "journal.sqlite"
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_served(tmp_path, server.port)
        workspace = load_workspace(tmp_path)
        plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection())
        for run in range(times):
            with Journal.open(path, run_id=f"load-{run}", cycle=CYCLE, now=NOW.isoformat()) as one:
                one.add_loads(list(load_costs(workspace, plan, {"good": 90.0})))
        with Journal.open(path, run_id="other", cycle="2026-Q3", now=NOW.isoformat()) as one:
            one.add_loads(list(load_costs(workspace, plan, {"good": 900.0})))
        records = run_review(tmp_path, cluster, served={"good": address(server.port)})
    for record in records:
        spend = record.evidence.spend
        assert spend.gpu_usd == Decimal("0.0045") * times
        assert spend.total_usd > spend.gpu_usd


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    path = tmp_path / "journal.sqlite"
    with Journal.open(path, run_id="r", cycle=CYCLE, now=NOW.isoformat()) as found:
        yield found


def a_book(
    root: Path, journal: Journal, *, cap: str = "10", more: str = "", took: float = 0
) -> LoadBook:
    """`took` seconds pass between two looks at the clock."""
    write_served(root, 9, cap=cap, more=more)
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection())
    ticks = count()
    return LoadBook(
        workspace=workspace, plan=plan, journal=journal, monotonic=lambda: next(ticks) * took
    )


def spent(known: str, possibly: str) -> SpentOrReserved:
    return SpentOrReserved(known_usd=Decimal(known), possibly_billed_usd=Decimal(possibly))


def test_a_load_is_set_aside_before_it_and_settled_after(tmp_path: Path, journal: Journal) -> None:
    """While it loads the bound counts, then the 100 s that it took: 0.01 USD."""
    book = a_book(tmp_path, journal)
    with book.loading(["good", "bad"]):
        assert journal.spend(cycle=CYCLE) == spent("0", str(BOUND))
        book.settle({"good": 100.0})
        assert journal.spend(cycle=CYCLE) == spent("0.01", "0")
    assert journal.load_spend("mails", CYCLE) == spent("0.005", "0")
    assert journal.load_spend("mails", "2026-Q3") == spent("0", "0")


def test_a_load_that_the_cap_has_no_room_for_is_refused_before_it(
    tmp_path: Path, journal: Journal
) -> None:
    book = a_book(tmp_path, journal, cap="0.10")
    with book.loading(["good"]):
        book.settle({"good": 100.0})
    # 0.09 are left, as much as another load may take; then less.
    with book.loading(["good"]):
        book.settle({"good": 100.0})
    with pytest.raises(BudgetRefusedError) as refused, book.loading(["good"]):
        raise AssertionError("nothing is started")
    assert refused.value.exit_code == ExitCode.BUDGET_REFUSED
    assert str(refused.value).startswith(
        "loading good for up to 900 s may cost USD 0.09 of GPU time, USD 0.08 are left of the cap"
    )
    assert journal.spend(cycle=CYCLE) == spent("0.02", "0")


@pytest.mark.parametrize(
    ("took", "usd"), [(100.0, Decimal("0.01")), (2000.0, BOUND)], ids=["early", "late"]
)
@pytest.mark.parametrize("error", [ServeError("good: its server ended"), KeyboardInterrupt()])
def test_a_server_that_does_not_come_up_costs_the_time_until_it_is_given_up(
    tmp_path: Path, journal: Journal, error: BaseException, took: float, usd: Decimal
) -> None:
    book = a_book(tmp_path, journal, took=took)
    with pytest.raises(type(error)), book.loading(["good"]):
        raise error
    assert journal.spend(cycle=CYCLE) == spent(str(usd), "0")
    # What comes later is settled by itself, and once.
    with pytest.raises(type(error)), book.loading(["good"]):
        settle_and_raise(book, error)
    assert journal.spend(cycle=CYCLE) == spent(str(usd + Decimal("0.01")), "0")


def settle_and_raise(book: LoadBook, error: BaseException) -> None:
    book.settle({"good": 100.0})
    raise error


def test_what_never_began_costs_nothing(tmp_path: Path, journal: Journal) -> None:
    book = a_book(tmp_path, journal)
    with pytest.raises(UsageError), book.loading(["good"]):
        raise UsageError("the cluster did not give 2 GPUs at once")
    assert journal.spend(cycle=CYCLE) == spent("0", "0")
    with pytest.raises(UsageError), book.loading(["good"]):
        settle_and_raise(book, UsageError("something else, later"))
    assert journal.spend(cycle=CYCLE) == spent("0.01", "0")


def test_each_batch_without_a_server_loads_again(tmp_path: Path, journal: Journal) -> None:
    """Three processes that do not say when they read count to their time to live: 1,800 s each."""
    book = a_book(tmp_path, journal, more=OFFLINE)
    whole = 3 * 2 * BOUND
    with book.loading_offline("good", 3) as loading:
        assert journal.spend(cycle=CYCLE) == spent("0", str(whole))
        loading(3)
        book.settle({"good": 100.0})
        loading(1)
        assert journal.spend(cycle=CYCLE) == spent("0.01", str(2 * BOUND))
        book.settle({"good": 50.0})
    assert journal.spend(cycle=CYCLE) == spent("0.015", "0")
    with book.loading_offline("good", 3):
        pass
    assert journal.spend(cycle=CYCLE) == spent("0.015", "0")


def test_processes_that_did_not_start_cost_the_time_until_they_are_given_up(
    tmp_path: Path, journal: Journal
) -> None:
    book = a_book(tmp_path, journal, more=OFFLINE, took=50.0)
    with book.loading_offline("good", 3) as loading:
        loading(2)
    assert journal.spend(cycle=CYCLE) == spent("0.01", "0")


def test_the_plan_knows_loading_before_it(tmp_path: Path, journal: Journal) -> None:
    """Without a probe a load is expected to take all that it may."""
    plan = a_book(tmp_path, journal).plan
    (load,) = plan.loads
    assert (load.model, load.gpus) == ("good", 2)
    assert (load.expected_usd, load.worst_usd) == (BOUND, BOUND)
    calls = sum((p.money.expected_usd for p in plan.features if p.money), Decimal(0))
    assert plan.expected_usd == calls + BOUND
    assert plan.worst_usd > BOUND


def test_the_plan_knows_the_loads_of_an_offline_pass(tmp_path: Path, journal: Journal) -> None:
    """Three processes at once, and at worst the server for what they left."""
    (load,) = a_book(tmp_path, journal, more=OFFLINE).plan.loads
    assert load.expected_usd == 3 * BOUND
    assert load.worst_usd == 3 * 2 * BOUND + BOUND


def test_a_load_that_a_killed_run_left_is_in_the_record(tmp_path: Path) -> None:
    path = tmp_path / ".rightsize" / "journal.sqlite"
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        with Journal.open(path, run_id="killed", cycle=CYCLE, now=NOW.isoformat()) as journal:
            book = a_book(tmp_path, journal)
            book.set_aside({"good": 1}, offline=False)
        write_served(tmp_path, server.port)
        records = run_review(tmp_path, cluster, served={"good": address(server.port)})
    for record in records:
        assert record.evidence.spend.possibly_billed_usd == BOUND / 2
        assert record.evidence.spend.gpu_usd == 0
