"""The gateway without the engine: each call goes straight to a worker; and the vendors' SDKs."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import aiohttp
from anthropic import AsyncAnthropic
from google import genai
from openai import AsyncOpenAI

from harness.ask.programs.asked import call_of, given, names_of
from harness.ask.programs.gateway import Asked, Gateway
from harness.ask.programs.protocol import Given, MadeCall
from harness.ask.programs.translation.passage import passage
from harness.ask.programs.wires import ReadCall, read_call
from harness.ask.replay.calls import Call, answered, given_up
from harness.ask.replay.worker import Worker, open_with_key, utc_now
from harness.journal.trials import RoleModel
from providers.completion import Completion
from providers.provider import Endpoint
from tests.support.trials import trial
from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.wire.server import WireServer

TOKEN = "the-instance-s-token"
REAL_KEY = "sk-real-and-secret-0123456789"
VENDORS: dict[str, type[WireServer]] = {
    "openai": OpenAIServer,
    "anthropic": AnthropicServer,
    "google": GoogleServer,
}
WIRES = {
    "chat": "openai",
    "responses": "openai",
    "messages": "anthropic",
    "generate-content": "google",
}


def role_model(vendor: str, server: WireServer, **changes: Any) -> RoleModel:
    base = {"openai": "/v1", "anthropic": "", "google": ""}[vendor]
    return RoleModel(
        names=frozenset({"flagship"}),
        role=None,
        option="small",
        endpoint=Endpoint(
            vendor=vendor,
            api="chat",
            base_url=f"{server.origin}{base}",
            key_name="REAL_KEY",
        ),
        version="small-2026",
        timeout_s=240.0,
        longest=4096,
        omit=frozenset(),
        bound=lambda _body, _tokens: Decimal(1),
        **changes,
    )


@dataclass(slots=True)
class StraightTrial:
    """A trial whose calls are asked at once, and remembered."""

    model: RoleModel
    worker: Worker
    asked: list[MadeCall] = field(default_factory=list)

    async def ask(self, asked: Asked) -> tuple[ReadCall, Given]:
        call = read_call(asked.path, asked.query, asked.body)
        way = passage(call, asked, names_of(self.model))
        called = replace(way.made, call=len(self.asked) + 1)
        self.asked.append(called)
        made = call_of(trial(1), self.model, called, called.call)
        reply = await self.worker(Call(endpoint=made.endpoint, request=made.request))
        result = reply.result
        outcome = (
            answered(made, (), result)
            if isinstance(result, Completion)
            else given_up(made, (), result)
        )
        return call, way.told(given("s", called.call, outcome))


@asynccontextmanager
async def straight(
    vendor: str, server: WireServer, **changes: Any
) -> AsyncIterator[tuple[Gateway, StraightTrial]]:
    environ = {"REAL_KEY": REAL_KEY}
    worker = Worker(open_provider=open_with_key(environ), utc_now=utc_now)
    gateway = Gateway()
    await gateway.open()
    found = StraightTrial(replace(role_model(vendor, server), **changes), worker)
    gateway.let_in(TOKEN, found)
    try:
        yield gateway, found
    finally:
        await gateway.aclose()
        await worker.aclose()


async def ask_by_sdk(wire: str, origin: str, key: str, body: dict[str, Any]) -> Any:
    """A request by the vendor's own SDK, to the vendor or to the gateway; the reply as JSON."""
    match wire:
        case "chat" | "responses":
            async with AsyncOpenAI(base_url=f"{origin}/v1", api_key=key, max_retries=0) as client:
                create = (
                    client.chat.completions.create if wire == "chat" else client.responses.create
                )
                return await _read(await create(**body))
        case "messages":
            async with AsyncAnthropic(base_url=origin, api_key=key, max_retries=0) as client:
                return await _read(await client.messages.create(**body))
        case _:
            return await _by_google(origin, key, body)


async def _by_google(origin: str, key: str, body: dict[str, Any]) -> Any:
    asked = {name: value for name, value in body.items() if name != "stream"}
    async with aiohttp.ClientSession() as http:
        options = genai.types.HttpOptions(base_url=origin, aiohttp_client=http)
        client = genai.Client(vertexai=False, api_key=key, http_options=options)
        if body.get("stream"):
            chunks = await client.aio.models.generate_content_stream(**asked)
            return [_json(chunk) async for chunk in chunks]
        return _json(await client.aio.models.generate_content(**asked))


async def _read(reply: Any) -> Any:
    if hasattr(reply, "__aiter__"):
        return [_json(event) async for event in reply]
    return _json(reply)


def _json(reply: Any) -> Any:
    shown = reply.model_dump(mode="json", exclude_none=True)
    shown.pop("sdk_http_response", None)
    return shown


WORDS = ["Grüße", "ticket 7", "", "漢字 🦜", 'quote " and \\ back', "line\nbreak", "<b>", "x" * 300]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def random_body(wire: str, rng: Random) -> dict[str, Any]:
    """A random request as the vendor's SDK takes it, with every kind of field that is passed on."""
    return _MADE[wire](rng)


def _maybe(rng: Random, **fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if rng.random() < 0.4}


def _text(rng: Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, 4))) + str(rng.randint(0, 10**6))


def _chat(rng: Random) -> dict[str, Any]:
    turns: list[dict[str, Any]] = [{"role": "system", "content": _text(rng)}]
    if rng.random() < 0.4:
        call = {
            "id": "c1",
            "type": "function",
            "function": {"name": "look", "arguments": json.dumps({"city": _text(rng)})},
        }
        turns.append({"role": "user", "content": _text(rng)})
        turns.append({"role": "assistant", "content": None, "tool_calls": [call]})
        turns.append({"role": "tool", "tool_call_id": "c1", "content": _text(rng)})
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    parts = [{"type": "text", "text": _text(rng)}, image]
    turns.append({"role": "user", "content": rng.choice([_text(rng), parts])})
    tool = {"type": "function", "function": {"name": "look", "parameters": SCHEMA}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    return {
        "model": "flagship",
        "messages": turns,
        **_maybe(
            rng,
            temperature=rng.choice([0, 0.7, 1]),
            top_p=0.9,
            max_tokens=rng.randint(1, 900),
            seed=rng.randint(0, 99),
            stop=["\n", "END"],
            tools=[tool],
            response_format=form,
            stream=True,
            user="u-1",
            logit_bias={"50256": -100},
            metadata={"feature": "x"},
            parallel_tool_calls=False,
        ),
    }


def _responses(rng: Random) -> dict[str, Any]:
    turns = [{"role": "user", "content": [{"type": "input_text", "text": _text(rng)}]}]
    tool = {"type": "function", "name": "look", "parameters": SCHEMA, "strict": True}
    return {
        "model": "flagship",
        "input": rng.choice([_text(rng), turns]),
        **_maybe(
            rng,
            instructions=_text(rng),
            max_output_tokens=rng.randint(16, 900),
            temperature=0.2,
            reasoning={"effort": "low"},
            tools=[tool],
            stream=True,
            store=False,
            text={"format": {"type": "json_schema", "name": "a", "schema": SCHEMA}},
        ),
    }


def _messages(rng: Random) -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    parts = [{"type": "image", "source": source}, {"type": "text", "text": _text(rng)}]
    used = {"type": "tool_use", "id": "t1", "name": "look", "input": {"city": _text(rng)}}
    told = {"type": "tool_result", "tool_use_id": "t1", "content": _text(rng)}
    turns: list[dict[str, Any]] = [{"role": "user", "content": rng.choice([_text(rng), parts])}]
    if rng.random() < 0.4:
        turns += [{"role": "assistant", "content": [used]}, {"role": "user", "content": [told]}]
    return {
        "model": "flagship",
        "messages": turns,
        "max_tokens": rng.randint(1, 900),
        **_maybe(
            rng,
            system=[{"type": "text", "text": _text(rng), "cache_control": {"type": "ephemeral"}}],
            extra_body={"temperature": 0.5, "top_k": 5},
            stop_sequences=["END"],
            tools=[{"name": "look", "input_schema": SCHEMA}],
            tool_choice={"type": "auto"},
            stream=True,
            metadata={"user_id": "u-1"},
        ),
    }


def _generate(rng: Random) -> dict[str, Any]:
    declared = {"function_declarations": [{"name": "look", "parameters_json_schema": SCHEMA}]}
    config = _maybe(
        rng,
        temperature=0.3,
        max_output_tokens=rng.randint(1, 900),
        system_instruction=_text(rng),
        stop_sequences=["END"],
        tools=[declared],
        response_mime_type="application/json",
        thinking_config={"thinking_budget": 128},
    )
    contents = [{"role": "user", "parts": [{"text": _text(rng)}]}]
    return {
        "model": "flagship",
        "contents": contents,
        "config": {**config, "automatic_function_calling": {"disable": True}},
        **_maybe(rng, stream=True),
    }


_MADE: dict[str, Callable[[Random], dict[str, Any]]] = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
    "generate-content": _generate,
}
