"""A hosted and a managed self-hosted candidate, from probe file to document."""

from __future__ import annotations

import json
import os
import sys
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from harness.cli.main import run
from harness.config.probe_file import probe_path, read_probe
from harness.config.workspace import load_workspace
from harness.publish.pages import publish
from harness.publish.store import read_records, write_records
from harness.record.codes import Result, Verdict
from harness.serving.lifecycle import serve_models
from harness.serving.specs import serve_specs
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

SCRIPT = Path(__file__).parents[2] / "support" / "scripted_server.py"
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
GPUS = "gpus: {l4: {on_demand: 0.30, committed_1y: 0.10, as_of: 2026-10-01, source: quote}}\n"


def bench_file(path: Path) -> Path:
    """Runs at 1, 2 and 4 requests a second: all, all and three quarters within half a second."""
    lines = [
        {
            "request_rate": rate, "max_concurrency": None, "errors": [""] * 8,
            "start_times": list(range(8)), "itls": [[]] * 8, "ttfts": [0.1] * 6 + [last] * 2,
            "input_lens": [80] * 8, "output_lens": [2] * 8,
        }
        for rate, last in ((1.0, 0.2), (2.0, 0.2), (4.0, 0.9))
    ]  # fmt: skip
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


def test_the_documents_monthly_cost_follows_from_the_probe_by_hand(
    root: Path, tmp_path: Path
) -> None:
    with OpenAIServer(answers) as hosted, inline_cluster() as cluster:
        shape = Shape(candidates="own, good", extra="latency: {p95_s: 0.5}")
        write_review_workspace(root, hosted.port, shape)
        (root / "models" / "own.yaml").write_text(OWN)
        policy = root / "policy.yaml"
        policy.write_text(policy.read_text() + GPUS)
        file = bench_file(tmp_path / "bench.jsonl")
        command = ["probe", "own", "-f", "tickets", "-w", str(root), "--load-s", "40"]
        assert run([*command, "--import", "vllm-bench", str(file)]) == 0

        models = load_workspace(root).models
        specs = serve_specs({"own": models["own"]}, {})
        with serve_models(specs, logs=tmp_path / "logs", environ=os.environ) as served:
            pid = served["own"].pid
            addresses = {"own": served["own"].base_url}
            records = run_review(root, cluster, served=addresses)
        assert not psutil.pid_exists(pid)

    # Of seven settled requests five are good at 4 a second: 5/7, and all at 2.
    goodput = 2 + (4 - 2) * (1 - 0.9) / (1 - 5 / 7)
    assert read_probe(probe_path(root, "own", "tickets")).goodput.per_s == pytest.approx(goodput)
    # 1,000,000 a month are 1,369 an hour; a replica serves 9,720: one, committed, all month.
    assert 1_000_000 / 730.5 < goodput * 3600
    by_hand = Decimal("730.5") * Decimal("0.10")
    (record,) = records
    option = next(option for option in record.options if option.target.option == "own")
    assert option.result is Result.PASS
    assert option.cost is not None
    assert option.cost.monthly == by_hand
    assert (record.verdict, record.chosen) == (Verdict.DOWNGRADE, "own")
    assert record.savings is not None
    assert record.savings.monthly == Decimal(328) - by_hand

    out = root / "reviews" / CYCLE
    write_records(records, out)
    publish(read_records(out), out, now=NOW)
    page = (out / "documents" / "tickets.md").read_text()
    assert "USD 73" in page
    assert "own" in page.splitlines()[0]
