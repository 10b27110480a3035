"""Recorded replies of every vendor, read through its real SDK.

The replies under `recorded/` are written after the public API references that each file names.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from providers.completion import TokenUsage
from providers.errors import (
    AuthRejectedError,
    BadRequestError,
    BrokenBodyError,
    ContentBlockedError,
    ModelNotFoundError,
    OverloadedError,
    PromptTooLongError,
    ProviderError,
    RateLimitedError,
    TimedOutError,
)
from tests.support.wire.reply import Reply
from tests.support.wire.vendors import SERVERS, WireCase, a_request, ask

FOLDER = Path(__file__).parent / "recorded"
FILES = ("openai_chat", "openai_responses", "anthropic", "google")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    wire: WireCase
    replies: dict[str, Any]

    def reply(self, name: str) -> Reply:
        found = self.replies[name]
        return Reply(
            status=found.get("status", 200),
            headers=found.get("headers", {}),
            body=found.get("events") or json.dumps(found["body"]),
        )

    def is_streamed(self, name: str) -> bool:
        return "events" in self.replies[name]


def load(name: str) -> Recorded:
    document = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    assert document["source"]
    wire = WireCase(vendor=document["vendor"], api=document["api"])
    return Recorded(wire=wire, replies=document["replies"])


RECORDED = {name: load(name) for name in FILES}


def used(  # noqa: PLR0913  # the six counts
    input_tokens: int,
    output_tokens: int,
    *,
    read: int = 0,
    write: int = 0,
    write_1h: int = 0,
    reasoning: int = 0,
) -> TokenUsage:
    return TokenUsage(
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=write,
        cache_write_1h_tokens=write_1h,
        reasoning_tokens=reasoning,
    )


SORRY = "I'm sorry, I cannot assist with that request."
ANSWERS: list[tuple[str, str, str, str, TokenUsage | None]] = [
    ("openai_chat", "plain", "stop", "Hello! How can I assist you today?", used(19, 10)),
    ("openai_chat", "streamed", "stop", "Hello!", used(9, 2)),
    ("openai_chat", "cached", "stop", "ok", used(2006, 300, read=1920)),
    ("openai_chat", "reasoning", "stop", "ok", used(31, 1203, reasoning=1152)),
    ("openai_chat", "tool_call", "tool_calls", "", used(82, 17)),
    ("openai_chat", "refusal", "refusal", SORRY, used(81, 11)),
    ("openai_chat", "length", "length", "Hello! How", used(19, 3)),
    ("openai_chat", "content_filter", "content_filter", "", used(19, 0)),
    ("openai_chat", "missing_usage", "stop", "Hello", None),
    ("openai_responses", "plain", "stop", "In a peaceful grove.", used(36, 87)),
    ("openai_responses", "streamed", "stop", "Hi there!", used(37, 11)),
    ("openai_responses", "cached", "stop", "ok", used(2006, 300, read=1920)),
    ("openai_responses", "reasoning", "stop", "ok", used(81, 1035, reasoning=832)),
    ("openai_responses", "tool_call", "tool_calls", "", used(291, 23)),
    ("openai_responses", "refusal", "refusal", SORRY, used(81, 11)),
    ("openai_responses", "length", "length", "In a", used(36, 2)),
    ("openai_responses", "content_filter", "content_filter", "", used(36, 0)),
    ("openai_responses", "missing_usage", "stop", "Hi", None),
    ("anthropic", "plain", "stop", "Hi! My name is Claude.", used(2095, 503)),
    ("anthropic", "streamed", "stop", "Hello!", used(25, 15)),
    ("anthropic", "streamed tool call", "tool_calls", "", used(472, 89)),
    (
        "anthropic",
        "cached",
        "stop",
        "ok",
        used(100298, 503, read=100000, write=248, write_1h=248),
    ),
    ("anthropic", "reasoning", "stop", "ok", used(60, 1200, reasoning=900)),
    ("anthropic", "tool_call", "tool_calls", "I'll check.", used(472, 89)),
    ("anthropic", "refusal", "refusal", "", used(564, 22)),
    ("anthropic", "length", "length", "Hi! My", used(2095, 3)),
    ("anthropic", "window", "length", "Hi! My", used(199997, 3)),
    ("anthropic", "missing_usage", "stop", "Hi", None),
    ("google", "plain", "stop", "AI learns patterns.", used(8, 11)),
    ("google", "streamed", "stop", "AI learns patterns.", used(8, 41, reasoning=30)),
    ("google", "cached", "stop", "ok", used(2006, 300, read=1920)),
    ("google", "reasoning", "stop", "ok", used(31, 1203, reasoning=1152)),
    ("google", "tool_call", "tool_calls", "", used(47, 12)),
    ("google", "bad call", "stop", "", used(47, 0)),
    ("google", "length", "length", "AI learns", used(8, 2)),
    ("google", "content_filter", "content_filter", "", used(8, 0)),
    ("google", "missing_usage", "stop", "AI", None),
]
CALLS = {
    ("openai_chat", "tool_call"): ("call_abc123", {"location": "Boston, MA"}),
    ("openai_responses", "tool_call"): (
        "call_unLAR8MvFNptuiZK6K6HCy5k",
        {"location": "Boston, MA", "unit": "celsius"},
    ),
    ("anthropic", "tool_call"): (
        "toolu_01A09q90qw90lq917835lq9",
        {"location": "San Francisco, CA"},
    ),
    ("anthropic", "streamed tool call"): (
        "toolu_01T1x1fJ34qAmk2tNTrN7Up6",
        {"location": "San Francisco, CA"},
    ),
    ("google", "tool_call"): ("", {"location": "Boston, MA"}),
}
ERRORS: list[tuple[str, str, type[ProviderError]]] = [
    ("openai_chat", "401", AuthRejectedError),
    ("openai_chat", "404", ModelNotFoundError),
    ("openai_chat", "400 too long", PromptTooLongError),
    ("openai_chat", "429", RateLimitedError),
    ("openai_chat", "429 quota", AuthRejectedError),
    ("openai_chat", "503", OverloadedError),
    ("openai_responses", "failed", OverloadedError),
    ("openai_responses", "unfinished", BrokenBodyError),
    ("anthropic", "overloaded in the stream", OverloadedError),
    ("anthropic", "broken off", BrokenBodyError),
    ("anthropic", "401", AuthRejectedError),
    ("anthropic", "403", AuthRejectedError),
    ("anthropic", "404", ModelNotFoundError),
    ("anthropic", "400 too long", PromptTooLongError),
    ("anthropic", "400 credit", AuthRejectedError),
    ("anthropic", "413", BadRequestError),
    ("anthropic", "429", RateLimitedError),
    ("anthropic", "500", OverloadedError),
    ("anthropic", "529", OverloadedError),
    ("google", "refusal", ContentBlockedError),
    ("google", "streamed refusal", ContentBlockedError),
    ("google", "no reason", BrokenBodyError),
    ("google", "no candidate", BrokenBodyError),
    ("google", "400 key", AuthRejectedError),
    ("google", "400 too long", PromptTooLongError),
    ("google", "400 place", AuthRejectedError),
    ("google", "403", AuthRejectedError),
    ("google", "404", ModelNotFoundError),
    ("google", "429", RateLimitedError),
    ("google", "503", OverloadedError),
    ("google", "504", TimedOutError),
    ("google", "error in the stream", OverloadedError),
]


async def play(recorded: Recorded, name: str) -> Any:
    reply = recorded.reply(name)
    with SERVERS[recorded.wire.vendor](lambda _body: reply) as server:
        request = a_request(stream=recorded.is_streamed(name))
        try:
            return await ask(recorded.wire.endpoint(server), request)
        except ProviderError as error:
            return error


@pytest.mark.parametrize(("file", "name", "finish", "text", "usage"), ANSWERS)
async def test_a_recorded_answer(
    file: str, name: str, finish: str, text: str, usage: TokenUsage | None
) -> None:
    completion = await play(RECORDED[file], name)
    assert (completion.finish, completion.text, completion.usage) == (finish, text, usage)
    assert completion.served_model
    expected = CALLS.get((file, name))
    found = [(call.id, json.loads(call.arguments)) for call in completion.tool_calls]
    assert found == ([] if expected is None else [expected])


@pytest.mark.parametrize(("file", "name", "kind"), ERRORS)
async def test_a_recorded_error(file: str, name: str, kind: type[ProviderError]) -> None:
    error = await play(RECORDED[file], name)
    assert type(error) is kind
    reply = RECORDED[file].replies[name]
    assert error.status == reply.get("status_inside", reply.get("status"))


def test_every_recorded_reply_is_read() -> None:
    listed = {(file, name) for file, name, *_ in ANSWERS} | {(f, n) for f, n, _ in ERRORS}
    assert listed == {(file, name) for file in FILES for name in RECORDED[file].replies}


async def test_waits_and_limits_of_recorded_429s() -> None:
    openai = await play(RECORDED["openai_chat"], "429")
    anthropic = await play(RECORDED["anthropic"], "429")
    google = await play(RECORDED["google"], "429")
    assert openai.retry_after_s == pytest.approx(2.31)
    assert openai.rate_limit.requests_reset_s == pytest.approx(2.31)
    assert anthropic.retry_after_s == 12
    assert anthropic.rate_limit.requests_limit == 50
    assert anthropic.rate_limit.requests_reset_s == 12
    assert anthropic.rate_limit.tokens_reset_s == 2
    assert google.retry_after_s == 34.5


async def test_usage_of_a_blocked_prompt_is_kept() -> None:
    assert (await play(RECORDED["google"], "refusal")).usage == used(14, 0)
    assert (await play(RECORDED["google"], "streamed refusal")).usage == used(14, 0)
