"""The GPUs of models that we start are charged while they load, to the features that ask them."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.config.workspace import load_workspace
from harness.plan.planning import Selection, plan_review
from harness.replay.journal import Journal
from harness.review.loading import load_costs
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
    from pathlib import Path

GPUS = "gpus: {l4: {on_demand: 0.36, spot: 0.18, as_of: 2026-10-01, source: quote}}\n"
SERVE = "  gpu: l4\n  serve: {engine: command, command: [model], gpus: 2}\n"


def write_served(root: Path, port: int) -> None:
    """Two features ask `good`, which holds two GPUs; `bad` is asked by nobody."""
    write_review_workspace(root, port, Shape(features=("tickets", "mails"), candidates="good"))
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text(encoding="utf-8") + GPUS, encoding="utf-8")
    before = f"good:\n  provider: openai-compatible\n  base_url: {address(port)}\n"
    edit(root / "models" / "all.yaml", before, f"good:\n  provider: openai-compatible\n{SERVE}")


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
