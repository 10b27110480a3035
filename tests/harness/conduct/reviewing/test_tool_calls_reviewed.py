"""A feature that answers with tool calls, reviewed by the real engine against a local server."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.conduct.checking import check_workspace
from harness.errors import ExitCode
from harness.record.base import Reason, Verdict
from harness.record.model import DecisionRecord
from tests.support.reviews import CYCLE, inline_cluster, run_review
from tests.support.tool_features import tool_answers, write_tool_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

pytestmark = pytest.mark.slow


def reviewed(root: Path, *, candidates: str, labelled: bool = True) -> DecisionRecord:
    with OpenAIServer(tool_answers) as server, inline_cluster() as cluster:
        write_tool_workspace(root, server.port, candidates=candidates, labelled=labelled)
        (record,) = run_review(root, cluster)
        return record


def test_wrong_arguments_on_a_third_are_a_reason_to_stay_and_other_words_are_not(
    tmp_path: Path,
) -> None:
    stay = reviewed(tmp_path / "bad", candidates="bad")
    assert stay.verdict is Verdict.JUSTIFY
    (option,) = stay.options
    assert option.reason_codes[0] in {Reason.QUALITY_INFERIOR, Reason.UNLIKELY_TO_PASS}
    switch = reviewed(tmp_path / "good", candidates="good")
    assert switch.verdict is Verdict.DOWNGRADE
    assert switch.options[0].quality is not None
    assert switch.options[0].quality.current == switch.options[0].quality.candidate == 100


def test_only_disagreements_are_labelled_and_shown_as_people_write_calls(
    tmp_path: Path,
) -> None:
    waiting = reviewed(tmp_path, candidates="bad", labelled=False)
    assert waiting.reason_codes == (Reason.LABELS_MISSING,)
    where = ["-w", str(tmp_path), "--cycle", CYCLE, "--by", "dana"]
    sheet = tmp_path / "sheet.csv"
    assert run(["label", "tickets", *where, "--sheet", str(sheet)]) == ExitCode.OK
    with sheet.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert 20 < len(rows) < 60
    for row in rows:
        number = int(row["case"].removeprefix("t-"))
        shown = [row["a"], row["b"]]
        if shown[0] == shown[1]:
            row["verdict"] = "both"
            continue
        right = f'refund(amount={number}, currency="EUR", order="o-{number}")'
        assert number % 3 == 1
        row["verdict"] = "ab"[shown.index("(no call)" if number % 4 == 0 else right)]
    with sheet.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    assert run(["label", "tickets", *where, "--filled", str(sheet)]) == ExitCode.OK
    (decided,) = run_review(tmp_path, None, run_id="run-2")
    assert decided.verdict is Verdict.JUSTIFY
    lines = tmp_path / "why.jsonl"
    where = ["-w", str(tmp_path), "--cycle", CYCLE]
    assert run(["why", "tickets", *where, "--include-content", str(lines)]) == ExitCode.OK
    told = [json.loads(line) for line in lines.read_text().splitlines()]
    assert len(told) >= 20
    assert all(each["candidate"]["text"].startswith('[calls refund(order="o-') for each in told)


def problems(root: Path) -> list[str]:
    report = check_workspace(root, has_price=lambda *_: None)
    return [str(each) for each in report.errors]


@pytest.mark.parametrize(
    ("scorer", "key"),
    [
        ("primary: {scorer: exact}", "primary"),
        ("primary: {scorer: label, labels: [a, b]}", "primary"),
        ("primary: {scorer: number}\nguardrails: [{scorer: format, margin: 1}]", "guardrails[0]"),
        ("primary: {scorer: tool-calls}\nsecond_grader: {scorer: exact}", "second_grader"),
        (
            "primary: {scorer: tool-calls}\nguardrails: [{scorer: json-schema, margin: 1}]",
            "guardrails[0]",
        ),
    ],
)
def test_a_scorer_that_cannot_see_calls_is_refused_with_file_and_key(
    tmp_path: Path, scorer: str, key: str
) -> None:
    write_tool_workspace(tmp_path, 9)
    edit(
        tmp_path / "evalsets" / "tickets" / "evalset.yaml", "primary: {scorer: tool-calls}", scorer
    )
    found = [each for each in problems(tmp_path) if f": {key}: " in each and "text of an" in each]
    (problem,) = found
    assert problem.startswith("evalsets/tickets/evalset.yaml:")
    assert "(features/tickets.yaml: request.tools)" in problem


def test_tool_calls_without_tools_are_refused(tmp_path: Path) -> None:
    write_tool_workspace(tmp_path, 9)
    assert problems(tmp_path) == []
    edit(tmp_path / "features" / "tickets.yaml", ", tools: tools.json", "")
    (problem,) = problems(tmp_path)
    assert "primary: tool-calls compares calls of tools" in problem


OWN = """\
def right(answer, target, metadata{more}):
    return {worth}
"""


@pytest.mark.parametrize("sees", [True, False])
def test_a_function_of_ones_own_must_take_the_calls(tmp_path: Path, *, sees: bool) -> None:
    with OpenAIServer(tool_answers) as server, inline_cluster() as cluster:
        write_tool_workspace(tmp_path, server.port, candidates="good")
        folder = tmp_path / "evalsets" / "tickets"
        edit(folder / "evalset.yaml", "scorer: tool-calls", "scorer: 'own:right'")
        more = ", tool_calls" if sees else ""
        worth = "len(tool_calls) == target.count('name')" if sees else "True"
        (folder / "own.py").write_text(OWN.format(more=more, worth=worth))
        if sees:
            (record,) = run_review(tmp_path, cluster)
            assert record.verdict is Verdict.DOWNGRADE
        assert run(["plan", "-w", str(tmp_path)]) == (ExitCode.OK if sees else ExitCode.USAGE_ERROR)
