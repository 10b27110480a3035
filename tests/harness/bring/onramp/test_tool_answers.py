"""Answers that are tool calls, brought in from another tool's log or a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.bring.intake.outcomes_csv import read_outcomes
from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.base import Verdict
from tests.support.foreign import log_json, sample
from tests.support.imports import outcome_workspace, reviewed
from tests.support.tool_features import TOOLS, made_calls, right_calls
from tests.support.workspaces import edit

HEAD = "case,model,input,target,tool_calls,input_tokens,output_tokens\n"


def cell(value: object) -> str:
    return '"' + json.dumps(value).replace('"', '""') + '"'


def table(cases: int) -> str:
    rows = [
        f"t-{n},{model},Order {n},{cell(right_calls(n))},{cell(made_calls(ours, n))},80,20\n"
        for n in range(1, cases + 1)
        for model, ours in (("gpt-5.4", "big"), ("gpt-5.4-mini", "bad"))
    ]
    return HEAD + "".join(rows)


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_table_of_calls_is_decided_without_a_call(tmp_path: Path) -> None:
    source = tmp_path / "answers.csv"
    source.write_text(table(120), encoding="utf-8")
    root = tmp_path / "rightsizing"
    outcome_workspace(root, source)
    drafted = (root / "evalsets" / "routing" / "evalset.yaml").read_text("utf-8")
    assert '"scorer":"tool-calls"' in drafted
    record = reviewed(root)
    assert record.verdict is Verdict.JUSTIFY
    quality = record.options[0].quality
    assert quality is not None
    assert quality.current == 100


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_text_scorer_is_refused_for_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "answers.csv"
    source.write_text(table(20), encoding="utf-8")
    root = tmp_path / "rightsizing"
    outcome_workspace(root, source)
    place = root / "evalsets" / "routing" / "evalset.yaml"
    edit(place, '{"scorer":"tool-calls"}', "{scorer: exact}")
    asked = ["import", "outcomes", str(source), "--feature", "routing", "-w", str(root)]
    capsys.readouterr()
    assert run(asked) == ExitCode.USAGE_ERROR
    told = capsys.readouterr().err
    assert "evalsets/routing/evalset.yaml: primary: exact sees the text" in told
    assert "answers of the file are tool calls; use tool-calls" in told


def test_a_cell_that_is_no_list_of_calls_is_told() -> None:
    text = HEAD + 'a,m,x,y,weather(),1,1\na,n,x,y,"[3]",1,1\na,o,x,y,[],1,1\n'
    found = read_outcomes(text.encode(), file="t.csv")
    assert [problem.key for problem in found.problems] == ["tool_calls", "tool_calls"]
    assert [(each.text, each.tool_calls) for each in found.answers] == [("", None)]


def calling(number: int, ours: str, model: str) -> Any:
    calls, earlier = (
        [
            {"id": f"c{at}", "function": call["name"], "arguments": call["arguments"]}
            for at, call in enumerate(made_calls(whose, number))
        ]
        for whose in (ours, "big")
    )
    one = sample(number, target="", scores={})
    answer = {"role": "assistant", "content": "" if calls else "Nothing.", "tool_calls": calls}
    one["output"] |= {
        "model": model,
        "choices": [{"message": answer, "stop_reason": "tool_calls" if calls else "stop"}],
        "completion": answer["content"],
    }
    function = TOOLS[0]["function"]
    asked = {"role": "user", "content": f"Order {number}"}
    before = {"role": "assistant", "content": "", "tool_calls": earlier[:1]}
    result = {"role": "tool", "content": "ok", "tool_call_id": "c0"}
    one["input"] = [asked, before, result] if earlier else [asked]
    one["messages"] = [*one["input"], answer]
    one["events"] = [{"event": "model", "tools": [function, {**TOOLS[1], "parameters": {}}]}]
    return one


@pytest.mark.slow
@pytest.mark.no_cover
def test_a_log_of_calls_drafts_tools_turns_and_the_scorer_and_comes_in_once(
    tmp_path: Path,
) -> None:
    sources = []
    for model, ours in (("gpt-5.4", "big"), ("gpt-5.4-mini", "good")):
        samples = [calling(number, ours, model) for number in range(1, 31)]
        sources.append(tmp_path / f"{model}.json")
        whole = log_json(samples, eval={"task": "t", "model": f"openai/{model}"})
        sources[-1].write_bytes(whole)
    root = tmp_path / "rightsizing"
    outcome_workspace(root, *sources)
    folder = root / "evalsets" / "routing"
    assert '"scorer":"tool-calls"' in (folder / "evalset.yaml").read_text("utf-8")
    assert [tool["name"] for tool in json.loads((folder / "tools.json").read_text())] == [
        "refund",
        "notify",
    ]
    assert "request: {tools: tools.json}" in (root / "features" / "routing.yaml").read_text("utf-8")
    assert (root / "prompts" / "routing" / "default.j2").read_text() == "=== turns ===\n"
    first = json.loads((folder / "cases.jsonl").read_text("utf-8").splitlines()[0])
    assert first["input"][2] == {"role": "tool", "content": "ok", "tool_call_id": "c0"}
    record = reviewed(root)
    assert record.options[0].quality is not None
    assert record.options[0].quality.agreed_without_label == record.options[0].quality.n
