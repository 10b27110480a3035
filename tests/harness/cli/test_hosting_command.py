"""`rightsize hosting` on real files: pools of probed models, what is bought, what stands idle."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from tests.support.bench_probes import import_probe
from tests.support.workspaces import edit, write_workspace

OWN = """\
own:
  provider: openai-compatible
  base_url: http://127.0.0.1:8000/v1
  version: llama-8b
  gpu: h100
  may_see: [customer]
units:
  provider: openai
  may_see: [customer]
  price: [{from: 2026-09-01, input: 4, output: 20, source: quote}]
  capacity: {units: 10, usd_per_unit_hour: 1, tokens_per_minute_per_unit: 2500, until: 2999-12-31}
"""
GPUS = (
    "gpus: {h100: {on_demand: 3.90, committed_1y: 2.45, spot: 1.60, as_of: 2026-10-01, source: q, "
    "bought: [{gpus: 8, until: 2999-12-31}, {gpus: 4, until: 2026-01-01}]}}"
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = write_workspace(tmp_path, features=("tickets", "search"))
    with (root / "models/all.yaml").open("a") as file:
        file.write(OWN)
    edit(root / "policy.yaml", "minimum_saving_usd: 50", GPUS)
    edit(
        root / "features/tickets.yaml",
        "candidates: [small]",
        "candidates: [small, own]\nlatency: {p95_s: 30}",
    )
    edit(root / "features/tickets.yaml", "requests_per_month: 1000", "requests_per_month: 5000000")
    edit(root / "features/search.yaml", "incumbent: big", "incumbent: units")
    import_probe(root, "own", "tickets")
    return root


def counters(path: Path, counts: list[int]) -> Path:
    start, total, lines = datetime(2026, 11, 23, tzinfo=UTC), 0, list[str]()
    for hour, more in enumerate([0, *counts]):
        total += more
        at = int((start + timedelta(hours=hour)).timestamp() * 1000)
        for name, each in (
            ("request_success", 1),
            ("prompt_tokens", 900),
            ("generation_tokens", 100),
        ):
            lines.append(f'vllm:{name}_total{{model_name="llama-8b"}} {total * each} {at}\n')
    path.write_text("".join(lines))
    return path


def test_everything_is_said_in_lines(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    metrics = counters(root.parent / "vllm.txt", [20, 0, 0, 0])
    assert run(["hosting", "-w", str(root), str(metrics)]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "own on h100 for 1 feature\n" in said
    # 5,000,000 requests in 730.5 hours are 1.9 a second, and a replica serves 2.8.
    assert "USD 1,790   floor: commit to 1 replica, 68 % used" in said
    assert "h100: 8 GPUs until 2999-12-31" in said
    assert "the floor of hosted features needs 1: 7 unused, USD 12,528 a month" in said
    assert "2026-01-01" not in said
    assert "units: 10 units until 2999-12-31" in said
    assert "the busiest hour needs 1, 0 % used on average: 9 unused" in said
    assert "own: 4 h paid (1 used, 3 idle), 20 requests, USD 15.60" in said
    assert "no request since 2026-11-23 01:00 UTC: USD 11.70 for 3 h" in said
    assert "a million tokens cost USD 780 as it is used, USD 195 in its best hour" in said
    assert "stopped after 1 idle hour" in said
    assert "it would have spared USD 7.80, 2 h" in said


def test_the_same_as_json(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    metrics = counters(root.parent / "vllm.txt", [20, 0, 0, 0])
    assert run(["hosting", "-w", str(root), "--json", str(metrics)]) == ExitCode.OK
    found = json.loads(capsys.readouterr().out)
    (pool,) = found["pools"]
    assert pool["monthly_usd"] == pool["parts"][0]["usd"] == "1789.73"
    (endpoint,) = found["endpoints"]
    assert endpoint["hours"] == {"paid": "4", "used": "1", "idle": "3", "unwatched": "0"}
    assert endpoint["usd_since_last_request"] == "11.7"
    assert [one["unused"] for one in found["bought"]] == [7, 9]


def test_a_workspace_without_models_of_its_own_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_workspace(tmp_path)
    assert run(["hosting", "-w", str(root)]) == ExitCode.OK
    assert "no feature has a model of one's own that was probed" in capsys.readouterr().out


def test_a_file_without_hours_is_refused(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    path = root.parent / "other.txt"
    path.write_text("up 1 1764000000000\n")
    assert run(["hosting", "-w", str(root), str(path)]) == ExitCode.USAGE_ERROR
    assert "no hours of a GPU, endpoint or model server" in capsys.readouterr().err
