"""A real grader's bug, made visible by the report: public answers, imported, reviewed, no call.

The source of `routellm-gsm8k` reads "$18.00" as 0 and so costs its flagship 3.2 points
(`../shared/data/README.md`); the test skips where the data are absent.
"""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from harness.cli.main import run
from harness.record.model import load

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord

pytestmark = pytest.mark.slow

FOLDER = Path(os.environ.get("RIGHTSIZE_OUTCOMES", Path(__file__).parents[5] / "shared" / "data"))
POLICY = """\
max_spend_usd: 10
risk: {medium: {margin: 5}}
expires_days: {prices: 36500}
procedure: {kind: holm}
"""
FACTS = """\
owner: dana@example.com
team: support
product: helpdesk
data: internal
agreed: {by: dana, on: 2026-09-14}
traffic: {requests_per_month: 900000, input_tokens: 60, output_tokens: 120, source: gateway log}
"""
NAMES = {"gpt-4-1106-preview": "gpt-4", "mistralai/Mixtral-8x7B-Instruct-v0.1": "mixtral"}


def write_table(path: Path) -> None:
    if not (FOLDER / "routellm-gsm8k.scores.parquet").is_file():
        pytest.skip("no shared data")
    scores, items, replies = (
        parquet.read_table(FOLDER / f"routellm-gsm8k.{kind}.parquet").to_pylist()
        for kind in ("scores", "items", "responses")
    )
    item = {row["item_id"]: row for row in items}
    reply = {(row["item_id"], row["model"]): row["response"] for row in replies}
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("case", "model", "score", "answer", "input", "target"))
        for row in scores:
            case, model = row["item_id"], row["model"]
            asked = item[case]
            answer = reply[case, model]
            name = NAMES[model]
            writer.writerow((case, name, row["score"], answer, asked["prompt"], asked["gold"]))


def reviewed(root: Path) -> DecisionRecord:
    (root / "policy.yaml").write_text(POLICY)
    table = root / "outcomes.csv"
    write_table(table)
    words = ["import", "outcomes", str(table), "-f", "sums", "-w", str(root)]
    run([*words, "--incumbent", "gpt-4"])
    feature = root / "features" / "sums.yaml"
    feature.write_text(feature.read_text() + FACTS)
    models = root / "models" / "sums.yaml"
    text = models.read_text().replace("may_see: []", "may_see: [internal]")
    for name, price in (("gpt-4", 10), ("mixtral", 1)):
        entry = f"price: [{{from: 2026-01-01, input: {price}, output: {price}, source: list}}]"
        text = re.sub(rf"(?m)^({name}.*:)$", rf"\1\n  {entry}", text)
    models.write_text(text)
    assert run(words) == 0
    assert run(["review", "-w", str(root), "--cycle", "2026-Q4", "--yes"]) == 0
    (path,) = root.glob("reviews/*/records/sums.json")
    return load(path.read_text())


def test_the_report_shows_that_the_grader_favours_the_small_model(tmp_path: Path) -> None:
    record = reviewed(tmp_path)
    (option,) = record.options
    found = option.grader
    assert found is not None
    assert (found.grader, found.cases) == ("number", 1319)
    assert found.current == pytest.approx(85.7, abs=0.05)
    assert found.current_again == pytest.approx(88.9, abs=0.5)
    assert found.candidate == pytest.approx(63.8, abs=0.05)
    assert found.candidate_again == pytest.approx(64.0, abs=0.5)
    assert found.tilt == pytest.approx(-3.0, abs=0.5)
    assert option.audit is not None
    misread = set(found.changed_current) & set(option.audit.gains)
    assert len(misread) > 10
    (page,) = tmp_path.glob("reviews/*/documents/sums.md")
    text = page.read_text()
    told = f"The grader that decided favours mixtral by {-found.tilt:.1f} points over the second"
    assert told in text
    assert "$18.00" not in text
