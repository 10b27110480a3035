"""A self-hosted candidate's price follows from its probe file by hand computation."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from harness.money.hosted_rates import Rivals, rates_of_hosting
from harness.money.traffic import HourUsage, Week, write_weeks
from harness.plan.planned_options import climb
from harness.record.base import Reason
from harness.workspace.probe_file import (
    EngineEntry,
    GoodputEntry,
    ProbeResult,
    SloEntry,
    write_probe,
)
from harness.workspace.workspace import load_workspace
from tests.support.money import some_rates
from tests.support.workspaces import edit, write_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from harness.plan.planned_options import PlannedOption

ON = date(2026, 11, 20)
OWN = """\
own:
  provider: openai-compatible
  base_url: http://127.0.0.1:8000/v1
  gpu: h100
  may_see: [public, internal, customer]
"""
GPUS = "gpus: {h100: {on_demand: 3.90, committed_1y: 2.45, as_of: 2026-10-01, source: quote}}\n"


def a_probe(**over: Any) -> ProbeResult:
    facts: dict[str, Any] = {
        "source": "probe",
        "model": "own",
        "feature": "tickets",
        "measured_at": "2026-11-01T10:00:00+00:00",
        "engine": EngineEntry(name="vllm"),
        "gpus_per_replica": 2,
        "gpu": "h100",
        "load_s": 90.0,
        "slo": SloEntry(),
        "goodput": GoodputEntry(
            per_s=4.0,
            lower_per_s=3.5,
            upper_per_s=4.5,
            level=0.95,
            good_share=0.9,
            repeats=3,
        ),
        "input_tokens_mean": None,
        "output_tokens_mean": None,
        "rates": (),
    }
    return ProbeResult(**{**facts, **over})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The small workspace with a model of its own, a price book, and a probe of it."""
    root = write_workspace(tmp_path)
    (root / "models" / "own.yaml").write_text(OWN, encoding="utf-8")
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text(encoding="utf-8") + GPUS, encoding="utf-8")
    edit(root / "features" / "tickets.yaml", "candidates: [small]", "candidates: [own]")
    edit(
        root / "features" / "tickets.yaml", "requests_per_month: 1000", "requests_per_month: 73050"
    )
    write_probe(a_probe(), root / "probes" / "own.tickets.json")
    return root


def own(root: Path) -> PlannedOption:
    (rung,) = climb(load_workspace(root), "tickets", on=ON).rungs
    return rung


def test_the_price_by_hand(root: Path) -> None:
    """100 requests an hour fill a small part of one committed replica: 2 x 2.45 / 100 each."""
    rates = own(root).priced()
    assert rates.per_request == Decimal("0.049")
    assert (rates.input, rates.output) == (0, 0)
    assert rates.as_of == date(2026, 10, 1)
    assert rates.source.startswith("probe ")
    assert rates.source.endswith("of 2026-11-01; quote; 1 % used")


def test_retried_calls_take_capacity_and_share_its_price(root: Path) -> None:
    edit(
        root / "features" / "tickets.yaml", "output_tokens: 2,", "output_tokens: 2, retry_rate: 1,"
    )
    assert own(root).priced().per_request == Decimal("0.0245")


def test_the_hours_of_the_week_decide_the_replicas(root: Path) -> None:
    """All requests in one hour of 168: 16,800 fill 1.17 replicas, and the second runs an hour."""
    hours = [HourUsage(requests=0)] * 167 + [HourUsage(requests=9)]
    week = Week(feature="tickets", cohort="", weeks=1, hours=tuple(hours))
    (root / "traffic").mkdir()
    (root / "traffic" / "week.csv").write_text(write_weeks([week]), encoding="utf-8")
    edit(root / "features" / "tickets.yaml", "source: logs", "source: logs, curve: week.csv")
    start = 90 / 3600 * 7.80
    expected = (168 * 4.90 + 7.80 + start) / 16_800
    assert float(own(root).priced().per_request) == pytest.approx(expected)


def test_overflow_may_go_back_to_the_incumbent(root: Path) -> None:
    """In the busy hour 2,400 requests go to the incumbent, at (80 x 4 + 2 x 20) / 1e6 each."""
    hours = [HourUsage(requests=0)] * 167 + [HourUsage(requests=9)]
    week = Week(feature="tickets", cohort="", weeks=1, hours=tuple(hours))
    (root / "traffic").mkdir()
    (root / "traffic" / "week.csv").write_text(write_weeks([week]), encoding="utf-8")
    edit(root / "features" / "tickets.yaml", "source: logs", "source: logs, curve: week.csv")
    edit(
        root / "models" / "own.yaml",
        "  gpu: h100\n",
        "  gpu: h100\n  hosting: {overflow: incumbent}\n",
    )
    expected = (168 * 4.90 + 2_400 * 0.00036) / 16_800
    assert float(own(root).priced().per_request) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param("probe", "no probes/own.tickets.json; `rightsize probe own", id="no probe"),
        pytest.param("traffic", "needs the feature's traffic", id="no traffic"),
        pytest.param("curve", "traffic/week.csv: has no rows of tickets", id="another's week"),
        pytest.param("damage", "probes/own.tickets.json", id="a damaged probe"),
    ],
)
def test_what_is_missing_is_a_missing_price_with_a_clear_line(
    root: Path, change: str, says: str
) -> None:
    feature = root / "features" / "tickets.yaml"
    probe = root / "probes" / "own.tickets.json"
    if change == "probe":
        probe.unlink()
    elif change == "damage":
        probe.write_text("{", encoding="utf-8")
    elif change == "traffic":
        edit(feature, "requests_per_month: 73050", "requests_per_month: 0")
    else:
        week = Week(feature="other", cohort="", weeks=1, hours=(HourUsage(),) * 168)
        (root / "traffic").mkdir()
        (root / "traffic" / "week.csv").write_text(write_weeks([week]), encoding="utf-8")
        edit(feature, "source: logs", "source: logs, curve: week.csv")
    rung = own(root)
    assert rung.excluded is Reason.PRICE_MISSING
    assert says in rung.note


def test_a_stated_price_wins_over_the_gpus(root: Path) -> None:
    price = "  price:\n    - {from: 2026-09-01, input: 1, output: 1, source: ours}\n"
    path = root / "models" / "own.yaml"
    path.write_text(path.read_text(encoding="utf-8") + price, encoding="utf-8")
    assert own(root).priced().source == "ours"


def test_own_hardware_is_held_against_what_is_paid(root: Path) -> None:
    """Half off the hosted price: it takes twice the requests to pay for the same replica."""
    workspace = load_workspace(root)
    listed = some_rates({"input": "40", "output": "40"})
    halved = some_rates({"input": "40", "output": "40"}, discount=Decimal("0.5"))
    volumes = [
        rates_of_hosting(workspace, "tickets", "own", rivals=Rivals(hosted={"big": rates}))
        .hosting.break_even[0]  # type: ignore[union-attr]
        .requests_per_month
        for rates in (listed, halved)
    ]
    assert volumes[0] is not None
    assert volumes[1] is not None
    assert volumes[1] == pytest.approx(2 * volumes[0], abs=1)
