"""OpenAI's Evals: rows of a data source become cases, output items of its runs answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.bring.onramp.bringing import read_answers
from harness.cli.main import run
from harness.errors import UsageError
from tests.support.foreign import POLICY

TICKETS = (("The screen stays dark", "Hardware"), ("VPN login fails", "Software"))
FEATURE = """\
name: Desk
owner: dana@example.com
team: support
product: helpdesk
data: internal
risk: medium
incumbent: gpt-4.1
candidates: [gpt-4.1-mini]
"""
MODELS = "".join(
    f"{name}: {{provider: openai, may_see: [internal]}}\n" for name in ("gpt-4.1", "gpt-4.1-mini")
)


def row(number: int) -> dict[str, Any]:
    text, label = TICKETS[number]
    return {"ticket_text": text, "correct_label": label, "priority": number}


def item(number: int, model: str = "gpt-4.1", **changes: Any) -> dict[str, Any]:
    """One output item, with the fields of the API; `changes` are its sample's."""
    told = {"name": "Match-c4fdf789", "type": "string_check", "passed": True, "score": 1.0}
    sample = {
        "input": [
            {"role": "developer", "content": "Hardware or Software?"},
            {"role": "user", "content": TICKETS[number][0]},
        ],
        "output": [{"role": "assistant", "content": TICKETS[number][1]}],
        "finish_reason": "stop",
        "model": f"{model}-2025-04-14",
        "usage": {
            "total_tokens": 60,
            "completion_tokens": 2,
            "prompt_tokens": 58,
            "cached_tokens": 8,
        },
        "error": None,
    }
    return {
        "object": "eval.run.output_item",
        "id": f"outputitem_{model}_{number}",
        "created_at": 1743092076,
        "run_id": f"evalrun_{model}",
        "datasource_item_id": number,
        "datasource_item": row(number),
        "results": changes.pop("results", [told]),
        "sample": sample | changes,
    }


def lines(rows: list[Any]) -> bytes:
    return "".join(json.dumps(each) + "\n" for each in rows).encode()


@pytest.mark.parametrize("shape", ["list", "page", "lines"])
def test_output_items_are_read_in_every_shape(shape: str) -> None:
    items = [item(0), item(1), item(0, "gpt-4.1-mini")]
    whole = items if shape == "list" else {"object": "list", "data": items}
    data = lines(items) if shape == "lines" else json.dumps(whole).encode()
    found = read_answers(data, file="items.jsonl" if shape == "lines" else "items.json")
    assert found.models == ("gpt-4.1-2025-04-14", "gpt-4.1-mini-2025-04-14")
    assert found.known_models[0].id == "openai:gpt-4.1-2025-04-14"
    assert [(case.input, case.target) for case in found.cases] == list(TICKETS)
    assert dict(found.cases[1].metadata) == {"priority": "1"}
    answer = found.answers[0]
    assert (answer.text, answer.score, answer.ending) == ("Hardware", 1.0, "answered")
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.cache_read_tokens) == (58, 8)
    assert found.grader == "OpenAI Evals: Match"


GRADES = [
    ([{"name": "a", "passed": True, "score": 0.5}], 0.5),
    ([{"name": "a", "passed": False, "score": 4}], 0.0),
    ([{"name": "a", "passed": True, "score": 1}, {"name": "b", "passed": False, "score": 0}], 0.0),
    ([], None),
]


@pytest.mark.parametrize(("results", "score"), GRADES)
def test_a_grade_is_the_only_score_else_whether_all_passed(
    results: list[Any], score: float | None
) -> None:
    found = read_answers(json.dumps([item(0, results=results)]).encode(), file="i.json")
    assert found.answers[0].score == score


def test_what_ended_otherwise_is_no_answer() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "go", "arguments": "{}"}}
    items = [
        item(0, error={"code": "server_error", "message": "overloaded"}, output=[]),
        item(0, finish_reason="length"),
        item(0, finish_reason="content_filter", output=[]),
        item(0, output=[{"role": "assistant", "content": None, "tool_calls": [call]}]),
        item(0, error={"code": "", "message": ""}),
        item(0) | {"datasource_item_id": None},
        item(0) | {"datasource_item": row(1)},
    ]
    found = read_answers(lines(items) + b"{broken\n", file="i.jsonl")
    assert [(answer.ending, answer.reason) for answer in found.answers] == [
        ("missing", "error in OpenAI Evals"),
        ("failed", "length"),
        ("failed", "content filter"),
        ("answered", None),
        ("answered", None),
    ]
    assert json.loads(found.answers[3].tool_calls or "")[0]["name"] == "go"
    assert [answer.repeat for answer in found.answers] == [0, 1, 2, 3, 4]
    assert len(found.problems) == 3


def test_runs_of_one_model_that_asked_differently_are_two_models() -> None:
    brief = [{"role": "user", "content": f"Briefly: {TICKETS[0][0]}"}]
    items = [item(0), item(0, input=brief) | {"run_id": "other"}, item(1)]
    found = read_answers(lines(items), file="i.jsonl")
    served = "gpt-4.1-2025-04-14"
    assert found.models == (f"{served} / run-1", f"{served} / run-2")


@pytest.mark.parametrize("kind", ["eval", "eval.run"])
def test_a_description_of_an_eval_or_a_run_is_refused_by_name(kind: str) -> None:
    with pytest.raises(UsageError, match=r"run\.json: OpenAI's description of an? "):
        read_answers(json.dumps({"object": kind, "id": "x"}).encode(), file="run.json")


def test_a_data_source_and_its_output_items_meet_in_one_feature(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in {
        "policy.yaml": POLICY,
        "features/desk.yaml": FEATURE,
        "models/m.yaml": MODELS,
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    source, answers = tmp_path / "source.jsonl", tmp_path / "items.jsonl"
    source.write_bytes(lines([{"item": row(0)}, {"item": row(1), "sample": {"output": "x"}}]))
    answers.write_bytes(lines([item(n, m) for n in (0, 1) for m in ("gpt-4.1", "gpt-4.1-mini")]))
    words = ["-f", "desk", "-w", str(tmp_path)]
    assert run(["import", "csv", str(answers), *words, "--input", "ticket_text"]) == 2
    assert "output items of OpenAI's Evals" in capsys.readouterr().err
    assert run(["import", "csv", str(source), *words, "--input", "ticket_text"]) == 0
    shown = capsys.readouterr().out
    assert "source.jsonl:2: sample: an answer, which is no part of a case" in shown
    assert "2 cases, 2 with a target; scorer exact" in shown
    assert run(["import", "outcomes", str(answers), *words]) == 0
    shown = capsys.readouterr().out
    assert "answers: 4 written\n" in shown
    assert "graded by OpenAI Evals: Match; tokens are told of all, seconds of none" in shown


def test_a_table_of_answers_may_be_json_lines() -> None:
    rows = [
        {"Case": "1", "model": "m", "input": "q", "score": True, "input_tokens": 5, "more": 1},
        {"Case": "2", "model": "m", "output": " x ", "seconds": 0.5},
        {"Case": "3", "model": "m", "tool_calls": [{"name": "go", "arguments": {}}]},
        {"Case": "4", "model": None, "output": "y"},
    ]
    found = read_answers(lines(rows), file="t.jsonl")
    assert [(a.case_id, a.text, a.score, a.seconds) for a in found.answers] == [
        ("1", None, 1.0, None),
        ("2", "x", None, 0.5),
        ("3", "", None, None),
    ]
    assert [problem.key for problem in found.problems] == ["more", ""]
    with pytest.raises(UsageError, match="column case, model is missing"):
        read_answers(b'{"a": 1, "answer": 2}\n', file="t.ndjson")
