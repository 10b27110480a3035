"""A hosted and a managed self-hosted candidate, from probe file to document."""

from __future__ import annotations

import json
import os
import sys
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.ask.serving.server_lifecycle import serve_models
from harness.ask.serving.specs import serve_specs
from harness.cli.main import run
from harness.record.base import Reason, Result, Verdict
from harness.record.model import load
from harness.record.stored import read_records, write_records
from harness.tell.pages import publish
from harness.workspace.probe_file import probe_path, read_probe
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
    from harness.record.model import DecisionRecord

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[3] / "support" / "scripted_server.py"
OWN = f"""\
own:
  provider: openai-compatible
  may_see: [public, internal, customer]
  gpu: l4
  serve:
    engine: command
    command: [{sys.executable}, {SCRIPT}, "{{port}}", --tickets]
    gpus: 0
    ttl_s: 120
"""
GPUS = "gpus: {l4: {on_demand: 0.30, committed_1y: 0.04, as_of: 2026-10-01, source: quote}}\n"


def bench_file(path: Path) -> Path:
    """Runs at 1, 2 and 4 requests a second: all, all and three quarters within 30 seconds."""
    lines = [
        {
            "request_rate": rate, "max_concurrency": None, "errors": [""] * 8,
            "start_times": list(range(8)), "itls": [[]] * 8, "ttfts": [1.0] * 6 + [last] * 2,
            "input_lens": [80] * 8, "output_lens": [2] * 8,
        }
        for rate, last in ((1.0, 2.0), (2.0, 2.0), (4.0, 90.0))
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


SAME = """\
{name}:
  provider: openai-compatible
  version: same
  may_see: [public, internal, customer]
  price: [{{from: 2026-09-01, input: {price}, output: {price}, source: quote}}]
  serve: {{engine: command, command: [{python}, {script}, "{{port}}", --tickets, --flaky, "10"]}}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


def review_both(root: Path, tmp_path: Path) -> tuple[DecisionRecord, ...]:
    """Probe by import, start the managed model, review it beside a hosted one, end it."""
    with OpenAIServer(answers) as hosted, inline_cluster() as cluster:
        shape = Shape(candidates="own, good", extra="latency: {p95_s: 30}")
        write_review_workspace(root, hosted.port, shape)
        (root / "models" / "own.yaml").write_text(OWN)
        policy = root / "policy.yaml"
        policy.write_text(policy.read_text() + GPUS)
        file = bench_file(tmp_path / "bench.jsonl")
        command = ["probe", "own", "-f", "tickets", "-w", str(root), "--load-s", "40"]
        assert run([*command, "--import", "vllm-bench", str(file)]) == 0
        specs = serve_specs({"own": load_workspace(root).models["own"]}, {}, workspace=root)
        with serve_models(specs, logs=tmp_path / "logs", environ=os.environ) as served:
            addresses = {name: one.base_url for name, one in served.items()}
            return run_review(root, cluster, served=addresses)


def test_the_documents_monthly_cost_follows_from_the_probe_by_hand(
    root: Path, tmp_path: Path
) -> None:
    (record,) = review_both(root, tmp_path)
    # At 4 a second six of eight requests are good, at 2 all: the line crosses 90 % between.
    goodput = 2 + (4 - 2) * (1 - 0.9) / (1 - 6 / 8)
    assert read_probe(probe_path(root, "own", "tickets")).goodput.per_s == pytest.approx(goodput)
    # 1,000,000 a month are 1,369 an hour; a replica serves 10,080: one, committed, all month.
    assert goodput * 3600 > 1_000_000 / 730.5
    by_hand = Decimal("730.5") * Decimal("0.04")
    option = next(option for option in record.options if option.target.option == "own")
    assert option.result is Result.PASS
    assert option.cost is not None
    digest = read_probe(probe_path(root, "own", "tickets")).sha256
    assert option.cost.rates.source.startswith(f"probe {digest[:12]} of ")
    assert round(option.cost.monthly, 2) == by_hand  # to the cent: hours round up to 1/1000 request
    assert (record.verdict, record.chosen) == (Verdict.DOWNGRADE, "own")
    assert record.savings is not None
    assert round(record.savings.monthly, 2) == Decimal(328) - by_hand

    out = root / "reviews" / CYCLE
    write_records([record], out)
    publish(read_records(out), out, now=NOW)
    page = (out / "documents" / "tickets.md").read_text()
    assert "USD 29" in page
    assert "own" in page.splitlines()[0]
    assert record.reason_codes == (Reason.SELF_HOST_BELOW_BREAK_EVEN,)
    break_even_by_hand(record, page)
    repriced_from_the_price_book(root, tmp_path / "o")


def break_even_by_hand(record: DecisionRecord, page: str) -> None:
    """29.22 USD a month buy so many requests of 82 tokens at the hosted options' prices."""
    hosting = record.options[0].cost.hosting
    assert hosting is not None
    month = Decimal("730.5") * Decimal("0.04") * 1_000_000
    even = {one.option: one.requests_per_month for one in hosting.break_even}
    assert even == {
        "big": ceil(month / (82 * Decimal("4.00"))),
        "good": ceil(month / (82 * Decimal("0.50"))),
    }
    assert f"| big | {even['big']:,} |" in page
    assert "| replicas committed to | 1 |" in page


def repriced_from_the_price_book(root: Path, out: Path) -> None:
    command = ["reprice", "-w", str(root), "--cycle", CYCLE, "--on", "2026-11-24", "--out"]
    (written,) = (root / "reviews" / CYCLE / "records").glob("*.json")
    assert run([*command, str(out)]) == 0
    assert (out / written.name).read_bytes() == written.read_bytes()
    edit(root / "policy.yaml", "committed_1y: 0.04", "committed_1y: 0.08")
    assert run([*command, str(out / "dearer")]) == 0
    dearer = load((out / "dearer" / written.name).read_text())
    monthly = dearer.options[0].cost.monthly
    assert monthly is not None
    assert round(monthly, 2) == Decimal("730.5") * Decimal("0.08")


def test_a_model_against_itself_shows_how_often_its_engine_answers_otherwise(
    root: Path, tmp_path: Path
) -> None:
    """An A/A run: one server under two names, each case asked twice of both."""
    write_review_workspace(root, 9, Shape(cases=200, candidates="again"))
    facts = {"python": sys.executable, "script": SCRIPT}
    (root / "models" / "own.yaml").write_text(
        SAME.format(name="own", price=4, **facts) + SAME.format(name="again", price=1, **facts)
    )
    edit(root / "features" / "tickets.yaml", "incumbent: big", "incumbent: own")
    edit(root / "policy.yaml", "procedure: {kind: holm}", "procedure: {kind: holm, repeats: 2}")
    specs = serve_specs(load_workspace(root).models, {}, workspace=root)
    with (
        serve_models(specs, logs=tmp_path / "logs", environ=os.environ) as served,
        inline_cluster() as cluster,
    ):
        assert served["own"] == served["again"]
        addresses = {name: one.base_url for name, one in served.items()}
        (record,) = run_review(root, cluster, served=addresses)
    (option,) = record.options
    quality = option.quality
    assert quality is not None
    assert abs(quality.difference) < 4
    for spread in (quality.spread_current, quality.spread_candidate):
        assert spread is not None
        # One answer in ten is wrong by chance: sqrt(0.1 x 0.9) = 0.3, in points.
        assert spread.within == pytest.approx(30, abs=6)
        assert spread.between < 12
