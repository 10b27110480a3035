"""inspect_ai's logs: tokens by either convention, errors, several scorers, roles; its numbers."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from harness.bring.intake.inspect_logs import read_log
from harness.bring.intake.values import ImportedAnswers
from harness.judge.scoring.catalogue import find_scorer
from providers.completion import TokenUsage
from tests.benchmarks.intake.inspect_table import TABLE
from tests.support.foreign import sample
from tests.support.pdfs import pdf
from tests.support.scoring import case, spec


def log(*samples: Any, **run: Any) -> ImportedAnswers:
    whole = {"version": 2, "status": "success", "eval": {"model": "openai/m", **run}}
    return read_log(json.dumps({**whole, "samples": samples}).encode(), file="l.json")


def with_usage(**counts: Any) -> Any:
    one = sample(1)
    one["output"]["usage"] = counts
    return one


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (6122, TokenUsage(input_tokens=5915, output_tokens=207, cache_read_tokens=3840)),
        (9962, TokenUsage(input_tokens=9755, output_tokens=207, cache_read_tokens=3840)),
        (None, TokenUsage(input_tokens=9755, output_tokens=207, cache_read_tokens=3840)),
        (7000, None),
    ],
)
def test_the_total_tells_where_cached_tokens_were_counted(
    total: int | None, expected: TokenUsage | None
) -> None:
    counts = {"input_tokens": 5915, "output_tokens": 207, "input_tokens_cache_read": 3840}
    (answer,) = log(with_usage(**counts, total_tokens=total)).answers
    assert answer.usage == expected


def test_a_sample_of_several_turns_costs_all_of_them() -> None:
    turn = {"role": "assistant", "content": "x"}
    whole = {"openai/m": {"input_tokens": 50, "output_tokens": 9, "total_tokens": 59}}
    one = sample(1, messages=[turn, turn], model_usage={**whole, "openai/grader": {}})
    (answer,) = log(one).answers
    assert answer.usage == TokenUsage(input_tokens=50, output_tokens=9)


def test_errors_of_any_form_are_missing_and_an_epoch_may_be_untold() -> None:
    broken = sample(1, error="timed out")
    stopped = sample(2)
    stopped["output"]["error"] = "overloaded"
    plain = sample(3)
    del plain["epoch"]
    found = log(broken, stopped, plain)
    assert [answer.ending for answer in found.answers] == ["missing", "missing", "answered"]
    assert [answer.repeat for answer in found.answers] == [0, 0, 0]


def test_further_scorers_are_told_and_a_role_names_the_model() -> None:
    one = sample(1, scores={"match": {"value": "C"}, "includes": {"value": "I"}})
    found = log(one, model="none/none", model_roles={"solver": {"model": "openai/big"}})
    assert found.models == ("openai/big",)
    assert found.answers[0].score == 1
    assert "the grade is that of match; includes: not read" in str(found.problems[0])


def test_numbers_are_matched_as_inspect_ai_does_or_the_difference_has_its_reason() -> None:
    scorer = find_scorer(spec("number"))
    rows = [json.loads(line) for line in Path(TABLE).read_text(encoding="utf-8").splitlines()]
    assert len(rows) >= 30
    for row in rows:
        wanted = row.get("ours", row["inspect"])
        assert scorer.score(case(row["target"]), row["answer"]) == wanted, row
        assert ("why" in row) == (wanted != row["inspect"])


WEATHER = {
    "name": "weather",
    "description": "Of a city.",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "default": None, "format": None}},
        "required": ["city"],
        "additionalProperties": False,
    },
}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def calling(identity: object, **changes: Any) -> Any:
    """A sample whose answer is a call, after a frozen call and its result."""
    one = sample(identity, **changes)
    call = {"id": "c1", "function": "weather", "arguments": {"city": "Oslo"}, "type": "function"}
    answer = {"role": "assistant", "content": "", "tool_calls": [{**call, "id": "c2"}]}
    one["output"] |= {
        "choices": [{"message": answer, "stop_reason": "tool_calls"}],
        "completion": "",
    }
    one["input"] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "This?"}, IMAGE]},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "rain", "tool_call_id": "c1", "function": "weather"},
    ]
    one["attachments"] = {"0a1b": PIXEL}
    one["messages"] = [*one["input"], answer]
    one["events"] = [{"event": "model", "model": "openai/m", "tools": [WEATHER]}]
    return one


IMAGE = {"type": "image", "image": "attachment://0a1b", "detail": "auto"}


def test_tools_calls_results_and_images_are_kept() -> None:
    found = log(calling(1), calling(2))
    turns = found.cases[0].input
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "tool"]
    assert turns[1].images == (PIXEL,)
    assert json.loads(turns[2].tool_calls) == [
        {"id": "c1", "name": "weather", "arguments": '{"city":"Oslo"}'}
    ]
    assert (turns[3].content, turns[3].tool_call_id) == ("rain", "c1")
    made = json.loads(found.answers[0].tool_calls)
    assert made == [{"id": "c2", "name": "weather", "arguments": '{"city":"Oslo"}'}]
    (tool,) = json.loads(found.tools)
    assert tool["parameters"]["properties"]["city"] == {"type": "string"}
    assert found.problems == ()


def test_a_pdf_of_the_log_is_kept_and_another_document_told() -> None:
    one = calling(1)
    one["attachments"]["9f"] = f"data:application/pdf;base64,{b64encode(pdf(['a'])).decode()}"
    for document in ("attachment://9f", "report.docx", "data:application/pdf;base64,AAAA"):
        one["input"][1]["content"].append({"type": "document", "document": document})
    found = log(one)
    assert found.cases[0].input[1].documents == (one["attachments"]["9f"],)
    assert [problem.message for problem in found.problems] == [
        "a document that is not in the log: not kept, in 1 sample"
    ]


def test_what_a_case_cannot_hold_is_told_with_its_number() -> None:
    one, two = calling(1), calling(2)
    one["input"][1]["content"].append({"type": "audio", "audio": "a.wav", "format": "wav"})
    for each in (one, two):
        each["input"][1]["content"].append({"type": "image", "image": "photo.png"})
    two["events"][0]["tools"] = [{**WEATHER, "description": "Elsewhere."}]
    told = [problem.message for problem in log(one, two).problems]
    assert told == [
        "an image that is not in the log: not kept, in 2 samples",
        "audio content: not kept, in 1 sample",
        "weather is declared differently in some samples; the first counts",
    ]


def test_calls_without_a_declaration_are_told() -> None:
    one = calling(1)
    del one["events"]
    found = log(one)
    assert found.tools is None
    assert "how the tools that were called are declared" in found.problems[0].message


def agent(identity: object, epoch: int, *, right: bool) -> Any:
    """An agent's run: two calls of the model, 4 s of work in 9, and a grader's tokens."""
    turn = {"role": "assistant", "content": "x"}
    return sample(
        identity,
        epoch=epoch,
        value="C" if right else "I",
        messages=[{"role": "user", "content": "?"}, turn, turn],
        model_usage={
            "openai/m": {"input_tokens": 50, "output_tokens": 9, "total_tokens": 59},
            "openai/grader": {"input_tokens": 5, "output_tokens": 1, "total_tokens": 6},
        },
        total_time=9.0,
        working_time=4.0,
    )


def test_an_agents_run_has_the_samples_usage_and_time_and_epochs_are_repeats() -> None:
    found = log(agent(1, 1, right=True), agent(1, 2, right=False), agent(2, 1, right=True))
    assert [(each.case_id, each.repeat, each.score) for each in found.answers] == [
        ("1", 0, 1.0),
        ("1", 1, 0.0),
        ("2", 0, 1.0),
    ]
    assert {each.seconds for each in found.answers} == {4.0}
    assert {each.usage for each in found.answers} == {TokenUsage(input_tokens=50, output_tokens=9)}
    (told,) = [each.message for each in found.problems]
    assert told == "3 samples used openai/grader, too: its tokens are not in the costs"


def test_a_frozen_answer_in_the_input_is_no_call_of_the_model() -> None:
    (answer,) = log(calling(1)).answers
    assert answer.seconds == 0.25


def test_without_working_time_it_is_the_total() -> None:
    one = agent(1, 1, right=True)
    del one["working_time"]
    assert log(one).answers[0].seconds == 9.0
