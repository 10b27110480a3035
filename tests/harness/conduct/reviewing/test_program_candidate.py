"""A program of the team is a candidate like any other: asked, priced, decided."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.base import Verdict
from tests.support.reviews import Shape, answers, inline_cluster, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

pytestmark = pytest.mark.slow

PROGRAM = """\
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    number = int(asked["input"].split()[-1])
    right = "billing" if number % 2 else "technical"
    wrong = number % {every} == 0
    if wrong and {crashes}: sys.exit(1)
    answer = {{"billing": "technical", "technical": "billing"}}[right] if wrong else right
    print(json.dumps({{"id": asked["id"], "answer": answer}}), flush=True)
"""
MODEL = """\
encoder:
  provider: command
  command: [{python}, encoder.py]
  may_see: [public, internal, customer]
  price: [{{from: 2026-09-01, {price}, source: own}}]
"""


def workspace(
    root: Path,
    port: int,
    *,
    every: int = 20,
    price: str = "per_request: 0.00001",
    crashes: bool = False,
) -> Path:
    write_review_workspace(root, port, Shape(cases=300, candidates="encoder"))
    text = (root / "models" / "all.yaml").read_text()
    own = MODEL.format(python=sys.executable, price=price)
    (root / "models" / "all.yaml").write_text(text + own)
    (root / "encoder.py").write_text(PROGRAM.format(every=every, crashes=crashes))
    (root / "prompts" / "tickets" / "encoder.j2").write_text("{{ input }}\n")
    return root


@pytest.mark.parametrize(("every", "verdict"), [(20, Verdict.DOWNGRADE), (4, Verdict.JUSTIFY)])
def test_a_program_is_reviewed_at_its_price_per_request(
    tmp_path: Path, every: int, verdict: Verdict
) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        root = workspace(tmp_path, server.port, every=every)
        (record,) = run_review(root, cluster)
        assert record.verdict is verdict
        (option,) = record.options
        assert option.cost is not None
        assert option.cost.per_request == Decimal("0.00001")
        asked = len(server.log.calls)
        again = run_review(root, cluster, run_id="run-2")
        assert len(server.log.calls) == asked
        assert again[0].verdict is verdict


def test_a_case_that_a_program_falls_over_is_wrong_and_not_missing(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        (record,) = run_review(workspace(tmp_path, server.port, every=4, crashes=True), cluster)
    assert record.verdict is Verdict.JUSTIFY
    (option,) = record.options
    assert option.quality is not None
    assert option.quality.missing_cases == 0


def test_a_price_per_hour_is_shared_by_the_requests_of_the_hour(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        price = "per_hour: 0.40, requests_per_hour: 8000"
        (record,) = run_review(workspace(tmp_path, server.port, price=price), cluster)
    assert record.options[0].cost is not None
    assert record.options[0].cost.per_request == Decimal("0.00005")


def test_a_program_is_no_incumbent_yet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = workspace(tmp_path, 9)
    edit(root / "features" / "tickets.yaml", "incumbent: big", "incumbent: encoder")
    assert run(["check", "-w", str(root)]) == ExitCode.USAGE_ERROR
    shown = capsys.readouterr()
    assert "incumbent: encoder is a program, which can be a candidate" in shown.out + shown.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("per_request: 0.00001, ", "", "states no price"),
        ("per_request: 0.00001", "per_hour: 1", "`per_hour` and `requests_per_hour` go together"),
        ("encoder.py]", "encoder.py]\n  key: A_KEY", "key: says nothing about a program"),
        ("  command: [", "  version: '1' # [", "a program needs `command:"),
        ("provider: command", "provider: openai", "command: is for `provider: command`"),
    ],
)
def test_a_wrong_entry_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    root = workspace(tmp_path, 9)
    edit(root / "models" / "all.yaml", old, new)
    assert run(["check", "-w", str(root)]) == ExitCode.USAGE_ERROR
    shown = capsys.readouterr()
    assert said in shown.out + shown.err
