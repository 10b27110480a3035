from __future__ import annotations

import json

import pytest

from evalsets.cases import ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.custom import envelope
from harness.judge.scoring.scorer import Setting
from harness.judge.scoring.second import find_validator

LABELS = find_scorer(
    ScorerSpec(scorer="label", options=json.dumps({"labels": ["billing", "technical"]})), Setting()
)
GRADED = find_scorer(ScorerSpec(scorer="graded", options='{"by": "x"}'), Setting())
SCHEMA = json.dumps({"type": "object", "required": ["total"]})


@pytest.mark.parametrize(
    ("accept_when", "text", "stands"),
    [
        ("format", "billing", True),
        ("format", "I would say something else", False),
        ("not-unsure", "billing", True),
        ("not-unsure", "billing, but I am NOT  SURE", False),
        ("not-unsure", "hm", False),
        ("schema", '{"total": 3}', True),
        ("schema", '{"sum": 3}', False),
        ("schema", "three", False),
    ],
)
def test_what_stands(accept_when: str, text: str, *, stands: bool) -> None:
    accepts = find_validator(
        accept_when,  # type: ignore[arg-type]
        primary=LABELS,
        schema=SCHEMA,
        unsure="not sure",
    )
    assert accepts(text) is stands


def test_an_imported_answer_is_checked_without_its_grade() -> None:
    accepts = find_validator("schema", primary=GRADED, schema=SCHEMA, unsure="unsure")
    assert accepts(envelope('{"total": 3}', 0.0))
    assert not accepts(envelope("three", 1.0))
    assert not accepts(envelope(None, 1.0))


def test_a_schema_is_needed_where_it_counts() -> None:
    with pytest.raises(UsageError, match="the feature's request names none"):
        find_validator("schema", primary=LABELS, schema=None, unsure="unsure")
