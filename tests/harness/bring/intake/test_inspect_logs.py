"""inspect_ai's logs: tokens by either convention, errors, several scorers, roles; its numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.bring.intake.inspect_logs import read_log
from harness.bring.intake.values import ImportedAnswers
from harness.judge.scoring.catalogue import find_scorer
from providers.completion import TokenUsage
from tests.benchmarks.intake.inspect_table import TABLE
from tests.support.foreign import sample
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
