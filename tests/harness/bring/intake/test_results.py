"""Answers of promptfoo, inspect_ai and plain tables."""

import json

import pytest

from harness.bring.intake.headers import own_names
from harness.bring.intake.inspect_logs import read_log
from harness.bring.intake.outcomes_csv import read_outcomes
from harness.bring.intake.promptfoo_results import read_results
from harness.errors import UsageError
from providers.completion import TokenUsage
from tests.support.foreign import log, log_eval, log_json, result, results, sample


def test_promptfoo_s_rows_are_graded_by_success() -> None:
    rows = [result(0, "large-1"), result(0, "small-1", passed=False), result(1, "large-1")]
    found = read_results(results(rows), file="r.json")
    assert found.models == ("openai:chat:large-1", "openai:chat:small-1")
    assert [answer.score for answer in found.answers] == [1, 0, 1]
    first = found.answers[0]
    assert (first.case_id, first.text, first.seconds) == ("test-0", "billing", 0.119)
    assert first.usage == TokenUsage(input_tokens=27, output_tokens=2)
    assert found.grader == "promptfoo: icontains"
    assert found.problems == ()
    assert found.cases[0].input


def test_promptfoo_s_errors_are_missing_and_cached_answers_have_no_usage() -> None:
    broken = result(0, "m", response=None, error="429", failureReason=2, success=False)
    cached = result(1, "m")
    cached["response"]["cached"] = True
    parsed = result(2, "m")
    parsed["response"]["output"] = {"date": "2026-01-01"}
    silent = result(3, "m", response={}, error=None)
    found = read_results(results([broken, cached, parsed, silent]), file="r.json")
    assert [answer.ending for answer in found.answers] == [
        "missing",
        "answered",
        "answered",
        "missing",
    ]
    assert found.answers[1].usage is None
    assert found.answers[1].seconds is None
    assert json.loads(found.answers[2].text or "") == {"date": "2026-01-01"}
    assert [problem.key for problem in found.problems] == ["results[3]"]


def test_promptfoo_s_repeats_and_prompts_are_told_apart() -> None:
    found = read_results(results([result(0, "m"), result(0, "m")]), file="r.json")
    assert [answer.repeat for answer in found.answers] == [0, 1]
    other = result(0, "m", prompt={"label": "short"})
    found = read_results(results([result(0, "m"), other]), file="r.json")
    assert found.models == ("openai:chat:m / router", "openai:chat:m / short")


@pytest.mark.parametrize("kind", ["json", "zstandard", "deflated"])
def test_inspect_s_samples_in_every_format(kind: str) -> None:
    samples = [sample(1), sample(2, value="I"), sample("x", value=0.5), sample(4, value=True)]
    data = {
        "json": log_json(samples),
        "zstandard": log_eval(samples),
        "deflated": log_eval(samples, deflated=True),
    }[kind]
    found = read_log(data, file="l")
    assert [answer.score for answer in found.answers] == [1, 0, 0.5, 1]
    first = found.answers[0]
    assert (first.case_id, first.model, first.text) == ("1", "openai/small-1", "billing")
    assert first.usage == TokenUsage(input_tokens=27, output_tokens=2, cache_read_tokens=20)
    assert (first.served_model, first.seconds) == ("small-1-2026-01-01", 0.25)
    assert found.grader == "inspect_ai: includes"
    assert found.cases[0].target == "billing"
    assert found.problems == ()


def test_inspect_s_endings_are_told_apart() -> None:
    output = sample(1)["output"]
    refused = output | {
        "choices": [{"message": {"content": "no"}, "stop_reason": "content_filter"}]
    }
    parts = [{"type": "text", "text": "bil"}, {"type": "text", "text": "ling"}]
    pieces = output | {
        "completion": "",
        "choices": [{"message": {"content": parts}, "stop_reason": "stop"}],
    }
    samples = [
        sample(1, error={"message": "boom"}, scores={}),
        sample(2, output=refused),
        sample(3, output=pieces, input=[{"role": "user", "content": parts}]),
        sample(4, output={}, scores={}),
        sample(5, target=["a", "b"], epoch=2),
    ]
    found = read_log(log_json(samples, status="error"), file="l.json")
    assert [answer.ending for answer in found.answers] == [
        "missing",
        "failed",
        "answered",
        "missing",
        "answered",
    ]
    assert found.answers[1].reason == "content filter"
    assert found.answers[2].text == "billing"
    assert found.answers[4].repeat == 1
    assert (found.cases[4].target, found.cases[4].also_right) == ("a", ("b",))
    assert "ended as 'error'" in found.problems[0].message


TABLE = """\
case;model;repeat;score;answer;input_tokens;output_tokens;cached_tokens;seconds;error;note
1;big;;1;yes;80;2;20;0.5;;x
1;small;0;0.5;;;;;;;
2;big;0;;no;-3;2;;fast;;
2;small;0;;;;;;;timeout;
"""


def test_a_table_keeps_what_is_unknown_unknown() -> None:
    found = read_outcomes(TABLE.encode(), file="t.csv")
    assert [answer.score for answer in found.answers] == [1, 0.5, None, None]
    assert found.answers[0].usage == TokenUsage(
        input_tokens=80, output_tokens=2, cache_read_tokens=20
    )
    assert found.answers[1].usage is None
    assert found.answers[1].seconds is None
    assert [answer.ending for answer in found.answers][3] == "missing"
    assert [(p.line, p.key) for p in found.problems] == [
        (1, "note"),
        (4, "input_tokens"),
        (4, "seconds"),
    ]


def test_a_log_of_nothing_names_what_is_wrong() -> None:
    whole = log([])
    del whole["eval"]
    with pytest.raises(UsageError, match="names no model"):
        read_log(json.dumps(whole).encode(), file="l.json")


def test_odd_corners_of_the_formats() -> None:
    with pytest.raises(UsageError, match="not a text table"):
        read_outcomes(b"case,model,score\n1,m,\x00\n", file="t.csv")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_outcomes(b"case,model,score\n1,m\x8f,1\n", file="t.csv")
    found = read_outcomes("case,model,score\n1,m,1\n\n".encode("utf-16"), file="t.csv")
    assert len(found.answers) == 1
    tokens = b"case,model,score,input_tokens,output_tokens,cached_tokens\n1,m,1,5,1,9\n"
    (problem,) = read_outcomes(tokens, file="t.csv").problems
    assert "usage stays unknown" in problem.message
    bad = log_json([sample(1, epoch=0)])
    with pytest.raises(UsageError, match="no sample could be read; first: no id, epoch or input"):
        read_log(bad, file="l.json")
    with pytest.raises(UsageError, match="no row could be read"):
        read_results(results(["x"]), file="r.json")
    bare = result(0, "m", provider_name=None) | {"provider": "openai:gpt-4o"}
    assert read_results(results([bare]), file="r.json").models == ("openai:gpt-4o",)


def test_a_zip_without_a_header_is_no_log() -> None:
    with pytest.raises(UsageError, match=r"cut short or no \.eval file"):
        read_log(b"PK\x03\x04nothing", file="l.eval")
    whole = log_eval([sample(1)], deflated=True)
    with pytest.raises(UsageError, match="has no header"):
        read_log(whole.replace(b"header.json", b"footer.json"), file="l.eval")


def test_an_output_of_tool_calls_is_told_from_a_json_answer() -> None:
    function = {"name": "pay", "arguments": '{"to": "a"}'}
    call = {"id": "c1", "type": "function", "function": function}
    rows = [result(0, "small-1"), result(1, "small-1")]
    rows[0]["response"]["output"] = [call]
    rows[1]["response"]["output"] = [{"name": "pay", "arguments": "x"}]
    first, second = read_results(results(rows), file="r.json").answers
    assert (first.text, json.loads(first.tool_calls or "")) == ("", [{"id": "c1", **function}])
    assert (second.text, second.tool_calls) == (
        json.dumps([{"name": "pay", "arguments": "x"}]),
        None,
    )


def test_marks_of_a_school_and_remarks_are_no_scores() -> None:
    for cells, name in ((["0,5", "1"], "score"), (["2", "1"], "note"), (["good", ""], "note")):
        assert own_names(["case", "note"], [["a", cell] for cell in cells]) == ["case", name]
