"""The rows against the code: every field has one, replies are where they say, and the document."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.ask.programs.translation.neutral import ReplyToTell
from harness.ask.programs.translation.passage import PROGRAM_WIRES
from harness.ask.programs.translation.rows import (
    CARRIED,
    FIELDS_OF,
    LEFT_OUT,
    NESTED,
    PLAIN,
    TURN_PARTS,
)
from harness.ask.programs.translation.shown import README, REPLIED, document
from harness.ask.programs.wires import FIELDS, GOOGLE_GENERATION
from providers.completion import TokenUsage
from providers.request import ToolCall

SAID = ReplyToTell(
    id="r",
    model="small-2026",
    text="Grüße",
    finish="tool_calls",
    tool_calls=(ToolCall(id="c9", name="look", arguments='{"city":"Rom"}'),),
    usage=TokenUsage(
        input_tokens=70,
        output_tokens=11,
        cache_read_tokens=20,
        cache_write_tokens=8,
        reasoning_tokens=3,
    ),
)
EXPECTED: dict[str, Any] = {
    "model": "small-2026",
    "text": "Grüße",
    "refusal": "Grüße",
    "call id": "c9",
    "call name": "look",
    "call arguments": {"city": "Rom"},
    "input tokens": 70,
    "cached tokens read": 20,
    "cached tokens written": 8,
    "output tokens": 11,
    "reasoning tokens": 3,
    "all tokens": 81,
}
APART = {("input tokens", "messages"): 42, ("output tokens", "generate-content"): 8}
"""Counts of which the vendor tells a part beside them."""


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


@pytest.mark.parametrize("row", REPLIED, ids=lambda row: row.part)
def test_a_reply_s_part_is_where_its_row_says(row: Any) -> None:
    reply = SAID
    if row.part == "refusal":
        reply = ReplyToTell(
            id="r", model="m", text=SAID.text, finish="refusal", usage=None, tool_calls=()
        )
    for wire, path in row.paths.items():
        told = json.dumps(PROGRAM_WIRES[wire].whole(reply))
        if path is not None:
            found = at(json.loads(told), path)
            found = json.loads(found) if isinstance(found, str) and found[0] == "{" else found
            assert found == APART.get((row.part, wire), EXPECTED[row.part]), wire


def test_every_field_that_is_passed_on_has_a_row() -> None:
    rowed = {(wire, field.partition(".")[0]) for wire, field in FIELDS_OF}
    more = {"model"}
    for wire, fields in FIELDS.items():
        assert {field for field in fields if (wire, field) not in rowed} == more & set(fields)
    generation = {f"generationConfig.{field}" for field in GOOGLE_GENERATION}
    assert {field for field in generation if ("generate-content", field) not in FIELDS_OF} == set()
    assert set(NESTED) == set(FIELDS) == set(PROGRAM_WIRES)


def test_every_row_has_its_page_at_its_vendor_and_no_field_two_fates() -> None:
    hosts = {
        "chat": "https://platform.openai.com/docs/",
        "responses": "https://platform.openai.com/docs/",
        "messages": "https://docs.claude.com/en/",
        "generate-content": "https://ai.google.dev/",
    }
    for row in (*CARRIED, *LEFT_OUT, *PLAIN, *TURN_PARTS):
        assert row.source.startswith(hosts[row.wire]), row
    fates = [{(row.wire, row.field) for row in rows} for rows in (CARRIED, LEFT_OUT, PLAIN)]
    assert len(set.union(*fates)) == sum(map(len, fates))


def test_the_document_shows_the_rows() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == document(text), "python -m harness.ask.programs.translation.shown"
