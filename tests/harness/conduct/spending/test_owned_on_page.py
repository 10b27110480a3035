"""`showback --metrics`: hours of endpoints on the page, recomputed from the samples; chargeback."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from tests.recompute.owned import differing, differing_bought, differing_opening, differing_pools
from tests.support.bench_probes import import_probe
from tests.support.call_logs import MONDAY, a_week, jsonl, litellm
from tests.support.workspaces import edit, write_workspace

MODELS = """\
{name}:
  provider: openai-compatible
  base_url: http://127.0.0.1:8000/v1
  gpu: h100
  serve: {{engine: vllm, weights: {name}, gpus: {gpus}}}
  may_see: [customer]
"""
UNITS = """\
units:
  provider: openai
  may_see: [customer]
  price: [{from: 2026-09-01, input: 4, output: 20, source: quote}]
  capacity: {units: 10, usd_per_unit_hour: 1, tokens_per_minute_per_unit: 2500, until: 2999-12-31}
"""
PRICES = {"llama": "7.80", "tiny": "3.90"}


def samples(counts: dict[str, list[int]]) -> list[str]:
    """vLLM's counters at the end of each hour of the first day."""
    lines: list[str] = []
    for model, hours in counts.items():
        total = 0
        for hour, more in enumerate([0, *hours]):
            total += more
            at = int((MONDAY + timedelta(hours=hour)).timestamp() * 1000)
            for name, each in (
                ("request_success_total", 1),
                ("prompt_tokens_total", 900),
                ("generation_tokens_total", 100),
            ):
                lines.append(f'vllm:{name}{{model_name="{model}"}} {total * each} {at}')
    return lines


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_workspace(tmp_path_factory.mktemp("w") / "rightsizing")
    with (root / "models/all.yaml").open("a") as file:
        for name, gpus in (("llama", 2), ("tiny", 1)):
            text = MODELS.format(name=name, gpus=gpus)
            file.write(text.replace("  base_url: http://127.0.0.1:8000/v1\n", ""))
    edit(
        root / "policy.yaml",
        "minimum_saving_usd: 50",
        "gpus: {h100: {on_demand: 3.90, committed_1y: 2.45, as_of: 2026-10-01, source: quote, "
        "bought: [{gpus: 8, until: 2999-12-31}]}}\n"
        "spend: {owner: finops@example.com, idle_hours: 4}",
    )
    with (root / "models/all.yaml").open("a") as file:
        file.write(UNITS)
    edit(root / "features/tickets.yaml", "incumbent: big", "incumbent: units")
    edit(root / "features/tickets.yaml", "[small]", "[small, llama]\nlatency: {p95_s: 30}")
    edit(root / "features/tickets.yaml", "requests_per_month: 1000", "requests_per_month: 5000000")
    import_probe(root, "llama", "tickets")
    (root / "attribution.yaml").write_text("- {when: {model: llama}, team: ml}\n")
    calls = [replace(one, cost="0.25") for one in a_week()]
    jsonl(root.parent / "log.jsonl", [litellm(one) for one in calls])
    assert run(["import", "traffic", str(root.parent / "log.jsonl"), "-w", str(root)]) == 0
    return root


def page(root: Path, lines: list[str], name: str) -> str:
    metrics = root.parent / f"{name}.txt"
    metrics.write_text("\n".join(lines) + "\n")
    out = root.parent / name
    command = ["showback", "-w", str(root), "--week", "2026-W41", "--metrics", str(metrics)]
    assert run([*command, "--out", str(out)]) == ExitCode.OK
    return (out / "index.md").read_text(encoding="utf-8")


LINES = samples({"llama": [30, 0, 0, 0, 0, 0, 0, 2], "tiny": [0, 1500, 0, 7]})


@pytest.fixture(scope="module")
def text(root: Path) -> str:
    return page(root, LINES, "owned")


def test_every_figure_of_the_endpoints_follows_from_their_samples(text: str) -> None:
    assert differing(text, LINES, PRICES) == []
    assert "llama: stopped after 4 idle hours" in text
    assert "it would have spared USD 15.60, 2 h" in text


def test_the_first_page_names_what_endpoints_cost_and_the_dearest_idle_hours(text: str) -> None:
    assert differing_opening(text) == []
    assert "llama (team ml, Finops): Stop it after 4 idle hours" in text
    for figure in (r"plus USD ([\d.]+)", r"for (\d) endpoints of", r": USD ([\d.]+) of idle hours"):
        found = re.search(figure, text)
        assert found is not None, figure
        assert differing_opening(f"{text[: found.start(1)]}9{text[found.start(1) :]}") != []


def test_the_page_says_whether_its_numbers_may_be_charged(text: str) -> None:
    told = (
        "**Showback or chargeback.** May not be charged to teams yet: a bill compared is missing,"
    )
    assert told in text
    assert "(allocation, 100 % of 95 % needed, is enough)" in text


def test_what_is_bought_and_what_to_commit_to_add_up(text: str) -> None:
    today = datetime.now(UTC).date()
    assert differing_bought(text, today, {"units": "1", "h100": "2.45"}) == []
    assert differing_pools(text) == []
    assert "What to commit to: llama on h100 for 1 feature; USD a month" in text
    for figure, planted in ((" unused, USD ", " unused, USD 1"), ("10 units", "11 units")):
        wrong = text.replace(figure, planted, 1)
        assert differing_bought(wrong, today, {"units": "1", "h100": "2.45"}) != []
    wrong = text.replace("| floor: commit to 1 replica, 68 % used | 3", "| floor | 4", 1)
    assert wrong != text
    assert differing_pools(wrong) != []


@pytest.mark.parametrize(
    ("figure", "planted"),
    [
        ("62.40", "62.41"),
        ("| 6.0 |", "| 5.0 |"),
        ("1,950.00", "1,949.00"),
        ("**78.00**", "**78.01**"),
        ("1,507", "1,508"),
        ("| tiny |", "| tony |"),
    ],
)
def test_a_wrong_figure_is_found(text: str, figure: str, planted: str) -> None:
    assert figure in text
    assert differing(text.replace(figure, planted, 1), LINES, PRICES) != []
