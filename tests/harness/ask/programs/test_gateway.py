"""The gateway in the vendors' wires: their own SDKs against it, and what it refuses."""

from __future__ import annotations

from random import Random
from typing import Any

import aiohttp
import pytest

from harness.ask.programs.wires import RefusedCallError, read_call
from tests.support.program_calls import (
    REAL_KEY,
    TOKEN,
    VENDORS,
    WIRES,
    ask_by_sdk,
    random_body,
    straight,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

EACH = 5
IDS = {"id", "response_id", "created", "created_at", "create_time", "item_id", "obfuscation"}


def told(reply: Any) -> Any:
    """A reply without the model's name and what differs from call to call."""
    if isinstance(reply, dict):
        return {k: told(v) for k, v in reply.items() if k not in IDS | {"model", "model_version"}}
    return [told(one) for one in reply] if isinstance(reply, list) else reply


@pytest.mark.parametrize("wire", WIRES)
async def test_what_reaches_the_vendor_is_a_direct_call_s_but_for_model_and_key(wire: str) -> None:
    vendor, rng = WIRES[wire], Random(wire)
    with VENDORS[vendor]() as server:
        async with straight(vendor, server) as (gateway, _):
            for _ in range(EACH):
                body = random_body(wire, rng)
                direct = await ask_by_sdk(wire, server.origin, "direct-key", body)
                through = await ask_by_sdk(wire, gateway.origin, TOKEN, body)
                one, other = server.calls[-2:]
                assert told(through) == told(direct)
                assert other.path == one.path.replace("flagship", "small-2026")
                expected = {**one.body, "model": "small-2026"} if "model" in one.body else one.body
                if wire == "chat" and body.get("stream"):
                    expected["stream_options"] = {"include_usage": True}
                assert other.body == expected
                assert REAL_KEY in str(dict(other.headers))
                assert TOKEN not in str((other.headers, other.body, other.query))


@pytest.mark.parametrize("version", ["/v1", "/v1beta", ""])
async def test_a_path_comes_with_any_version_or_none(version: str) -> None:
    with OpenAIServer() as server:
        async with straight("openai", server) as (gateway, trial), aiohttp.ClientSession() as http:
            body = {"model": "flagship", "messages": [{"role": "user", "content": "hi"}]}
            url = f"{gateway.origin}{version}/chat/completions"
            async with http.post(url, json=body, headers={"x-api-key": TOKEN}) as reply:
                assert reply.status == 200
            assert len(trial.asked) == 1


@pytest.mark.parametrize("name", ["authorization", "x-api-key", "x-goog-api-key"])
async def test_another_token_opens_nothing_and_none_outside_a_trial(name: str) -> None:
    with OpenAIServer() as server:
        async with straight("openai", server) as (gateway, trial), aiohttp.ClientSession() as http:
            url = f"{gateway.origin}/v1/chat/completions"
            for key in ("", "x", TOKEN[:-1], f"{TOKEN}x", REAL_KEY):
                async with http.post(url, json={}, headers={name: key}) as reply:
                    assert reply.status == 401
            gateway.shut_out(TOKEN)
            async with http.post(url, json={}, headers={name: TOKEN}) as reply:
                assert reply.status == 401
            assert trial.asked == []
            assert server.calls == []


CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
GOOGLE = "v1beta/models/m:generateContent"


@pytest.mark.parametrize(
    ("path", "body", "why"),
    [
        ("/v1/embeddings", CHAT, "no such call"),
        ("/v1/messages/count_tokens", CHAT, "no such call"),
        (f"/{GOOGLE.replace('generateContent', 'countTokens')}", {}, "no such call"),
        ("/v1/chat/completions", {**CHAT, "n": 5}, "'n'"),
        ("/v1/chat/completions", {**CHAT, "service_tier": "priority"}, "'service_tier'"),
        ("/v1/chat/completions", {**CHAT, "web_search_options": {}}, "'web_search_options'"),
        ("/v1/chat/completions", {**CHAT, "modalities": ["audio"]}, "'modalities'"),
        ("/v1/chat/completions", {"messages": []}, "names no model"),
        (
            "/v1/chat/completions",
            {"model": "m", "messages": [{"role": "user", "content": [IMAGE]}]},
            "by its address",
        ),
        ("/v1/responses", {"model": "m", "input": "x", "previous_response_id": "r"}, "previous"),
        ("/v1/responses", {"model": "m", "input": "x", "background": True}, "background"),
        ("/v1/responses", {"model": "m", "tools": [{"type": "web_search"}]}, "vendor's own"),
        (
            "/v1/responses",
            {"model": "m", "input": [{"type": "item_reference", "id": "i"}]},
            "item_reference",
        ),
        ("/v1/messages", {"model": "m", "container": "c"}, "'container'"),
        (
            "/v1/messages",
            {"model": "m", "tools": [{"type": "web_search_20250305", "name": "w"}]},
            "vendor's own",
        ),
        (
            "/v1/messages",
            {"model": "m", "messages": [{"role": "user", "content": [{"type": "document"}]}]},
            "'document'",
        ),
        (
            "/v1/messages",
            {
                "model": "m",
                "messages": [
                    {"role": "user", "content": [{"type": "image", "source": {"type": "url"}}]}
                ],
            },
            "a file at the vendor's",
        ),
        (f"/{GOOGLE}", {"contents": [], "cachedContent": "c"}, "'cachedContent'"),
        (f"/{GOOGLE}", {"contents": [], "tools": [{"googleSearch": {}}]}, "googleSearch"),
        (f"/{GOOGLE}", {"generationConfig": {"candidateCount": 3}}, "candidateCount"),
        (f"/{GOOGLE}", {"contents": [{"parts": [{"fileData": {}}]}]}, "fileData"),
        (f"/{GOOGLE}", {"generationConfig": {"candidateCount": [3]}}, "candidateCount"),
        (f"/{GOOGLE}", {"generationConfig": {"candidate_count": 3}}, "candidate_count"),
        (f"/{GOOGLE}", {"generationConfig": {"maxOutputTokens": 0}}, "above 0"),
        (f"/{GOOGLE}", {"generationConfig": {"responseModalities": ["AUDIO"]}}, "['TEXT'] alone"),
        (f"/{GOOGLE}", {"generationConfig": {"speechConfig": {}}}, "speechConfig"),
        (f"/{GOOGLE}", {"generationConfig": [1]}, "must be an object"),
        (f"/{GOOGLE}", {"contents": {"parts": [{"text": "x"}]}}, "'contents' must be a list"),
        (f"/{GOOGLE}", {"contents": [{"parts": {"fileData": {}}}]}, "'parts' must be a list"),
        (f"/{GOOGLE}", {"tools": {"googleSearch": {}}}, "'tools' must be a list"),
        (
            f"/{GOOGLE}",
            {"contents": [{"parts": [{"inlineData": {"mimeType": "video/mp4"}}]}]},
            "'video/mp4'",
        ),
        ("/v1/responses", {"model": "m", "input": [{"id": "i"}]}, "a 'type' or a 'role'"),
        (
            "/v1/responses",
            {
                "model": "m",
                "input": [
                    {"type": "function_call_output", "output": [{"type": "input_file"}]},
                ],
            },
            "a list of input_text",
        ),
        (
            "/v1/messages",
            {
                "model": "m",
                "messages": [
                    {"content": [{"type": "image", "source": {"media_type": "audio/wav"}}]}
                ],
            },
            "'audio/wav'",
        ),
    ],
)
def test_what_has_no_bound_is_refused_in_one_line(
    path: str, body: dict[str, Any], why: str
) -> None:
    with pytest.raises(RefusedCallError) as refused:
        read_call(path, "", body)
    assert why in str(refused.value)
    assert "\n" not in str(refused.value)


HOSTILE = [
    b"",
    b"[]",
    b"{",
    b'"text"',
    b'{"model": "flagship", "messages": [], "temperature": NaN}',
    b'{"model": "flagship", "messages": [], "temperature": 1e999}',
    b'{"model": "flagship", "messages": [], "max_tokens": -5}',
    b'{"model": ["flagship"], "messages": []}',
    b'{"model": "flagship", "messages": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"model": "flagship", "messages": ' + b'[{"content": ' * 900 + b'"x"' + b"}]" * 900 + b"}",
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("raw", HOSTILE, ids=range(len(HOSTILE)))
async def test_what_is_no_request_reaches_nobody(raw: bytes) -> None:
    with OpenAIServer() as server:
        async with straight("openai", server) as (gateway, _), aiohttp.ClientSession() as http:
            url = f"{gateway.origin}/v1/chat/completions"
            async with http.post(url, data=raw, headers={"x-api-key": TOKEN}) as reply:
                assert reply.status == 400
                assert "\n" not in (await reply.json())["error"]["message"]
        assert server.calls == []


async def test_a_text_that_is_no_unicode_goes_as_it_came() -> None:
    with OpenAIServer() as server:
        async with straight("openai", server) as (gateway, trial), aiohttp.ClientSession() as http:
            raw = b'{"model": "flagship", "messages": [{"role": "user", "content": "\\ud800"}]}'
            url = f"{gateway.origin}/v1/chat/completions"
            async with http.post(url, data=raw, headers={"x-api-key": TOKEN}) as reply:
                assert reply.status in {200, 400}
            assert len(trial.asked) == 1


async def test_what_the_option_refuses_is_left_out() -> None:
    with OpenAIServer() as server:
        omit = frozenset({"temperature", "seed", "stop"})
        async with straight("openai", server, omit=omit) as (gateway, _):
            body = {**CHAT, "model": "flagship", "temperature": 0, "seed": 1, "stop": ["x"]}
            await ask_by_sdk("chat", gateway.origin, TOKEN, body)
        assert set(server.calls[0].body) == {"model", "messages"}


async def test_an_error_of_the_vendor_s_is_an_error_of_the_program_s_sdk() -> None:
    with OpenAIServer(lambda _: Reply(status=400, error_code="bad")) as server:
        async with straight("openai", server) as (gateway, _), aiohttp.ClientSession() as http:
            url = f"{gateway.origin}/v1/chat/completions"
            body = {**CHAT, "model": "flagship"}
            async with http.post(url, json=body, headers={"x-api-key": TOKEN}) as reply:
                assert reply.status == 400
                assert reply.headers["x-should-retry"] == "false"
                assert "BadRequestError" in (await reply.json())["error"]["message"]
