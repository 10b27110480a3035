"""Documents that no server should send, and requests at their edges: no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.answer import as_object, parse_object
from providers.completion import TokenUsage
from providers.dialects.asking import merged
from providers.dialects.chat import ChatDialect
from providers.dialects.completions import CompletionsDialect
from providers.dialects.generate_content import GenerateContentDialect
from providers.dialects.messages import MessagesDialect
from providers.dialects.responses import ResponsesDialect
from providers.errors import BrokenBodyError, ProviderError
from providers.request import Message, Tool
from tests.support.wire.vendors import a_request

if TYPE_CHECKING:
    from providers.answer import Dialect, JsonObject

DIALECTS: list[Dialect] = [
    ChatDialect(),
    CompletionsDialect(),
    ResponsesDialect(),
    MessagesDialect(),
    GenerateContentDialect(),
]
every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: type(d).__name__)
KEYS = st.sampled_from(
    [
        "candidates",
        "choices",
        "content",
        "delta",
        "finishReason",
        "finish_reason",
        "functionCall",
        "incomplete_details",
        "index",
        "input",
        "message",
        "name",
        "output",
        "parts",
        "promptFeedback",
        "reason",
        "response",
        "status",
        "stop_reason",
        "text",
        "tool_calls",
        "type",
        "usage",
        "usageMetadata",
    ]
)
WORDS = st.sampled_from(
    [
        "completed",
        "content_block_delta",
        "end_turn",
        "failed",
        "function_call",
        "incomplete",
        "message_delta",
        "response.completed",
        "stop",
        "STOP",
        "text",
        "text_delta",
        "tool_use",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=6)


@every_dialect
@settings(max_examples=60)
@given(document=DOCUMENTS)
def test_any_document_is_an_answer_or_an_error_of_ours(
    dialect: Dialect, document: JsonObject
) -> None:
    try:
        answer = dialect.read(document)
    except ProviderError:
        return
    assert isinstance(answer.text, str)


@every_dialect
@settings(max_examples=60)
@given(events=st.lists(DOCUMENTS, max_size=5))
def test_any_stream_is_an_answer_or_an_error_of_ours(
    dialect: Dialect, events: list[JsonObject]
) -> None:
    reader = dialect.reader()
    try:
        for event in events:
            reader.feed(event)
        reader.usage()
        answer = reader.answer()
    except ProviderError:
        return
    assert isinstance(answer.text, str)


BROKEN: list[tuple[Dialect, JsonObject]] = [
    (ChatDialect(), {}),
    (ChatDialect(), {"choices": [{"finish_reason": "stop"}]}),
    (ChatDialect(), {"choices": [{"message": {"content": "a"}, "finish_reason": None}]}),
    (
        ChatDialect(),
        {"choices": [{"message": {"tool_calls": [{"id": "c"}]}, "finish_reason": "stop"}]},
    ),
    (CompletionsDialect(), {"choices": [{"finish_reason": "stop"}]}),
    (ResponsesDialect(), {"status": "incomplete", "incomplete_details": {"reason": "steered"}}),
    (ResponsesDialect(), {"status": "completed", "output": [{"type": "function_call"}]}),
    (MessagesDialect(), {"stop_reason": "pause_turn", "content": []}),
    (MessagesDialect(), {"stop_reason": "tool_use", "content": [{"type": "tool_use"}]}),
    (
        GenerateContentDialect(),
        {
            "candidates": [
                {"content": {"parts": [{"functionCall": {"args": {}}}]}, "finishReason": "STOP"}
            ]
        },
    ),
]


@pytest.mark.parametrize(("dialect", "document"), BROKEN)
def test_what_is_not_whole_is_broken(dialect: Dialect, document: JsonObject) -> None:
    with pytest.raises(BrokenBodyError):
        dialect.read(document)


@every_dialect
def test_a_stream_without_an_end_is_broken_and_its_usage_unknown(dialect: Dialect) -> None:
    reader = dialect.reader()
    reader.feed({"candidates": [{"content": {"parts": [{"text": "a"}]}}]})
    assert reader.usage() is None
    with pytest.raises(BrokenBodyError):
        reader.answer()


def test_reasoning_that_is_shown_is_progress_and_no_part_of_the_answer() -> None:
    reader = ChatDialect(compatible=True).reader()
    assert reader.feed({"choices": [{"delta": {"reasoning_content": "Hm."}}]})
    assert reader.feed({"choices": [{"delta": {"content": "yes"}, "finish_reason": "stop"}]})
    assert reader.answer().text == "yes"


def test_an_empty_prompt_of_images_only_has_no_text_part() -> None:
    turn = Message(role="assistant", text="")
    body = ResponsesDialect().body(a_request(messages=(turn,)))
    assert body["input"] == []
    body = MessagesDialect().body(a_request(messages=(turn,)))
    assert body["messages"] == [{"role": "assistant", "content": []}]


def test_parameters_that_are_no_schema_are_refused() -> None:
    tool = Tool(name="t", description="", parameters="3")
    with pytest.raises(ProviderError, match="parameters of tool t"):
        ChatDialect().body(a_request(tools=(tool,)))


JSON = st.dictionaries(st.sampled_from("abc"), st.integers() | st.dictionaries(KEYS, st.integers()))


@given(JSON, JSON)
def test_merging_keeps_every_key_and_prefers_the_second(one: JsonObject, two: JsonObject) -> None:
    found = merged(one, two)
    assert set(found) == set(one) | set(two)
    for key, value in two.items():
        inner = as_object(value)
        assert as_object(found[key]).items() >= inner.items() if inner else found[key] == value


@pytest.mark.parametrize("raw", [b"", b"{", b"[1]", b'"a"', b"\xff", b"<html>"])
def test_a_body_that_is_not_one_object(raw: bytes) -> None:
    with pytest.raises(BrokenBodyError) as raised:
        parse_object(raw)
    assert raised.value.__context__ is None


COUNTS: list[dict[str, int]] = [
    {"input_tokens": -1, "output_tokens": 0},
    {"input_tokens": 5, "output_tokens": 0, "cache_read_tokens": 4, "cache_write_tokens": 2},
    {
        "input_tokens": 5,
        "output_tokens": 0,
        "cache_write_tokens": 1,
        "cache_write_1h_tokens": 2,
    },
    {"input_tokens": 5, "output_tokens": 1, "reasoning_tokens": 2},
]


@pytest.mark.parametrize("counts", COUNTS)
def test_counts_that_cannot_be_are_refused(counts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="in TokenUsage"):
        TokenUsage(**counts)
