"""Documents that no server should send, and requests at their edges: no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.ask.replay.calls import fault_of
from providers.answer import as_object, parse_object
from providers.completion import TokenUsage
from providers.dialects.asking import merged
from providers.dialects.chat import ChatDialect
from providers.dialects.completions import CompletionsDialect
from providers.dialects.generate_content import GenerateContentDialect
from providers.dialects.messages import MessagesDialect
from providers.dialects.responses import ResponsesDialect
from providers.errors import (
    BrokenBodyError,
    OverloadedError,
    PromptTooLongError,
    ProviderError,
    RateLimitedError,
    UnknownFinishError,
)
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
    (ChatDialect(), {"choices": [{"message": {"content": None}, "finish_reason": None}]}),
    (
        ChatDialect(),
        {"choices": [{"message": {"tool_calls": [{"id": "c"}]}, "finish_reason": "stop"}]},
    ),
    (CompletionsDialect(), {"choices": [{"finish_reason": "stop"}]}),
    (ResponsesDialect(), {"status": "incomplete", "incomplete_details": {"reason": "steered"}}),
    (ResponsesDialect(), {"status": "completed", "output": [{"type": "function_call"}]}),
    (MessagesDialect(), {"stop_reason": None, "content": []}),
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


def chat(content: object, reason: object = "stop", **more: object) -> JsonObject:
    return {"choices": [{"message": {"content": content}, "finish_reason": reason}], **more}


TEXT = {"type": "text", "text": "a"}
PARTS: list[tuple[object, str]] = [
    ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, TEXT], "a"),
    ([TEXT, {"type": "reasoning", "text": "hm"}, TEXT], "aa"),
    (["a", "b"], "ab"),
    ([{"text": "a"}], "a"),
    ([{"type": "output_text", "text": {"value": "a", "annotations": []}}], "a"),
    (TEXT, "a"),
    ({"label": "a"}, '{"label": "a"}'),
    (7, "7"),
    ([], ""),
]


@pytest.mark.parametrize(("content", "text"), PARTS)
def test_content_in_parts_is_their_text(content: object, text: str) -> None:
    assert ChatDialect().read(chat(content)).text == text
    reader = ChatDialect().reader()
    reader.feed({"choices": [{"delta": {"content": content}, "finish_reason": "stop"}]})
    assert reader.answer().text == text


@pytest.mark.parametrize(
    ("word", "finish"),
    [
        *((word, "stop") for word in ("eos_token", "stop_str", "STOP", "end-turn", None, "")),
        *((word, "length") for word in ("model_length", "MAX_TOKENS", "finish_reason_length")),
        ("tool_use", "tool_calls"),
        ("SAFETY", "content_filter"),
    ],
)
def test_every_server_s_word_for_the_end_is_ours(word: object, finish: str) -> None:
    assert ChatDialect().read(chat("a", word)).finish == finish
    assert (
        CompletionsDialect().read({"choices": [{"text": "a", "finish_reason": word}]}).finish
        == finish
    )


def test_an_unknown_word_for_the_end_is_named_and_not_asked_again() -> None:
    usage = {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9}
    with pytest.raises(UnknownFinishError, match=r"'wind_of\?down'") as caught:
        ChatDialect().read(chat("a", "wind_of<down", usage=usage))
    assert caught.value.usage is not None
    fault = fault_of(caught.value)
    assert (fault.blame, fault.error) == (
        "request",
        "ended as 'wind_of?down', a word that is not known",
    )


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ({"error": {"message": "x", "code": 429}}, RateLimitedError),
        ({"error": {"code": "rate_limit_exceeded"}, "choices": []}, RateLimitedError),
        ({"object": "error", "message": "x", "code": 503}, OverloadedError),
        ({"error": {"message": "maximum context length", "code": 400}}, PromptTooLongError),
        ({"choices": [{"error": {"code": 502, "message": "x"}}]}, OverloadedError),
        ({"error": "no such model"}, BrokenBodyError),
    ],
)
def test_an_error_under_a_good_status_is_that_error(
    document: JsonObject, kind: type[ProviderError]
) -> None:
    with pytest.raises(kind):
        ChatDialect().read(document)
    with pytest.raises(kind):
        ChatDialect().reader().feed(document)


def test_a_stream_of_a_server_without_finish_reasons_ends_with_its_counts() -> None:
    reader = ChatDialect().reader()
    reader.feed({"choices": [{"delta": {"content": "a"}}]})
    reader.feed({"choices": [], "usage": {"prompt_tokens": 8.0, "completion_tokens": "1"}})
    answer = reader.answer()
    assert (answer.text, answer.finish) == ("a", "stop")
    assert answer.usage == TokenUsage(input_tokens=8, output_tokens=1)


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


def test_a_stream_that_tells_the_tokens_of_some_pieces_only_has_no_probability() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    told: dict[str, object] = {"content": [{"logprob": -0.01}]}
    whole = ({"content": "bil"}, told), ({"content": "ling"}, told)
    part = ({"content": "bil"}, told), ({"content": "ling"}, None)
    found: list[float | None] = []
    for pieces in (whole, part):
        reader = ChatDialect().reader()
        for delta, logprobs in pieces:
            reader.feed({"model": "m", "choices": [{"delta": delta, "logprobs": logprobs}]})
        reader.feed({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": usage})
        found.append(reader.answer().probability)
    assert found == [pytest.approx(0.9802, abs=1e-4), None]
