"""One conversation in the words of each vendor's SDK, and in the body that each vendor must get.

All of it is written by hand from the vendors' references, and knows nothing of the translation.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
from anthropic import AsyncAnthropic
from google import genai
from openai import AsyncOpenAI

from providers.provider import Endpoint
from tests.support.program_calls import TOKEN
from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from tests.support.wire.server import WireServer

PIXEL = "aGVsbG8="
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}

SERVERS: dict[str, tuple[type[WireServer], str, str]] = {
    "chat": (OpenAIServer, "openai-compatible", "/v1"),
    "responses": (OpenAIServer, "openai", "/v1"),
    "messages": (AnthropicServer, "anthropic", ""),
    "generate-content": (GoogleServer, "google", ""),
}
"""By the candidate's wire: its scripted server, its provider, where its address ends."""
PAIRS = [
    (asked, to)
    for asked in SERVERS
    for to in SERVERS
    if asked != to and (asked, to) != ("chat", "responses")
]
"""A program's wire and its candidate's: a vendor's other wire is no other vendor."""


def endpoint(to: str, server: WireServer) -> Endpoint:
    _, vendor, base = SERVERS[to]
    return Endpoint(vendor=vendor, api=to, base_url=f"{server.origin}{base}", key_name="REAL_KEY")


def chat_asked() -> dict[str, Any]:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    calls = [
        {
            "id": id_,
            "type": "function",
            "function": {"name": "look", "arguments": json.dumps({"city": city})},
        }
        for id_, city in (("call_a", "Rom"), ("call_b", "Ulm"))
    ]
    tool = {"name": "look", "description": "Looks.", "parameters": CITY, "strict": True}
    form = {"name": "place", "schema": CITY, "strict": True}
    return {
        "model": "flagship",
        "messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "See:"}, image]},
            {"role": "assistant", "content": "I look.", "tool_calls": calls},
            {"role": "tool", "tool_call_id": "call_b", "content": "rain"},
            {"role": "tool", "tool_call_id": "call_a", "content": '{"sky": "blue"}'},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [{"type": "function", "function": tool}],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "response_format": {"type": "json_schema", "json_schema": form},
        "max_completion_tokens": 300,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": "END",
        "user": "u-1",
    }


def responses_asked() -> dict[str, Any]:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "low"}
    calls = [
        {
            "type": "function_call",
            "call_id": id_,
            "name": "look",
            "arguments": json.dumps({"city": city}),
        }
        for id_, city in (("call_a", "Rom"), ("call_b", "Ulm"))
    ]
    tool = {"type": "function", "name": "look", "description": "Looks.", "parameters": CITY}
    return {
        "model": "flagship",
        "instructions": "Be brief.",
        "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "See:"}, image]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2VjcmV0"},
            {"role": "assistant", "content": "I look."},
            *calls,
            {"type": "function_call_output", "call_id": "call_b", "output": "rain"},
            {"type": "function_call_output", "call_id": "call_a", "output": '{"sky": "blue"}'},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [tool],
        "tool_choice": {"type": "function", "name": "look"},
        "text": {"format": {"type": "json_schema", "name": "a", "schema": CITY, "strict": True}},
        "max_output_tokens": 300,
        "temperature": 0.5,
        "top_p": 0.9,
        "store": False,
    }


def messages_asked() -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    used = [
        {"type": "tool_use", "id": id_, "name": "look", "input": {"city": city}}
        for id_, city in (("call_a", "Rom"), ("call_b", "Ulm"))
    ]
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    told = [{"type": "text", "text": '{"sky": "blue"}'}]
    return {
        "model": "flagship",
        "system": "Be brief.",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See:", "cache_control": {"type": "ephemeral"}},
                    {"type": "image", "source": source},
                ],
            },
            {"role": "assistant", "content": [thought, {"type": "text", "text": "I look."}, *used]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_b", "content": "rain"},
                    {"type": "tool_result", "tool_use_id": "call_a", "content": told},
                    {"type": "text", "text": "And now?"},
                ],
            },
        ],
        "tools": [{"name": "look", "description": "Looks.", "input_schema": CITY}],
        "tool_choice": {"type": "tool", "name": "look"},
        "max_tokens": 300,
        "extra_body": {
            "temperature": 0.5,
            "top_p": 0.9,
            "stop_sequences": ["END"],
            "output_config": {"format": {"type": "json_schema", "schema": CITY}},
        },
    }


def generate_asked() -> dict[str, Any]:
    calls = [
        {
            "function_call": {"id": "call_a", "name": "look", "args": {"city": "Rom"}},
            "thought_signature": b"sig",
        },
        {"function_call": {"id": "call_b", "name": "look", "args": {"city": "Ulm"}}},
    ]
    answers = [
        {"function_response": {"id": "call_b", "name": "look", "response": {"output": "rain"}}},
        {"function_response": {"id": "call_a", "name": "look", "response": {"sky": "blue"}}},
    ]
    return {
        "model": "flagship",
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "See:"},
                    {"inline_data": {"mime_type": "image/png", "data": b"hello"}},
                ],
            },
            {"role": "model", "parts": [{"text": "I look."}, *calls]},
            {"role": "user", "parts": [*answers, {"text": "And now?"}]},
        ],
        "config": {
            "system_instruction": "Be brief.",
            "tools": [
                {
                    "function_declarations": [
                        {
                            "name": "look",
                            "description": "Looks.",
                            "parameters_json_schema": CITY,
                        }
                    ]
                }
            ],
            "tool_config": {
                "function_calling_config": {"mode": "ANY", "allowed_function_names": ["look"]}
            },
            "response_mime_type": "application/json",
            "response_json_schema": CITY,
            "max_output_tokens": 300,
            "temperature": 0.5,
            "top_p": 0.9,
            "stop_sequences": ["END"],
            "thinking_config": {"thinking_budget": 128},
            "automatic_function_calling": {"disable": True},
        },
    }


ASKED = {
    "chat": chat_asked,
    "responses": responses_asked,
    "messages": messages_asked,
    "generate-content": generate_asked,
}


def must_reach(to: str) -> dict[str, Any]:
    """The same conversation as the candidate's vendor must get it, but for stop words."""
    return json.loads(json.dumps(_REACHES[to]))


_PLACE = {"name": "answer", "schema": CITY, "strict": True}
_DATA_URL = f"data:image/png;base64,{PIXEL}"
_REACHES: dict[str, dict[str, Any]] = {
    "chat": {
        "model": "small-2026",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See:"},
                    {"type": "image_url", "image_url": {"url": _DATA_URL}},
                ],
            },
            {
                "role": "assistant",
                "content": "I look.",
                "tool_calls": [
                    {
                        "id": id_,
                        "type": "function",
                        "function": {"name": "look", "arguments": json.dumps({"city": city})},
                    }
                    for id_, city in (("call_a", "Rom"), ("call_b", "Ulm"))
                ],
            },
            {"role": "tool", "tool_call_id": "call_b", "content": "rain"},
            {"role": "tool", "tool_call_id": "call_a", "content": '{"sky": "blue"}'},
            {"role": "user", "content": "And now?"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "look", "description": "Looks.", "parameters": CITY},
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "look"}},
        "response_format": {"type": "json_schema", "json_schema": _PLACE},
        "max_tokens": 300,
        "temperature": 0.5,
        "top_p": 0.9,
    },
    "responses": {
        "model": "small-2026",
        "input": [
            {"role": "system", "content": [{"type": "input_text", "text": "Be brief."}]},
            {"role": "user", "content": [{"type": "input_text", "text": "See:"}]},
            {
                "role": "user",
                "content": [{"type": "input_image", "image_url": _DATA_URL, "detail": "auto"}],
            },
            {"role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
            *(
                {
                    "type": "function_call",
                    "call_id": id_,
                    "name": "look",
                    "arguments": json.dumps({"city": city}),
                }
                for id_, city in (("call_a", "Rom"), ("call_b", "Ulm"))
            ),
            {"type": "function_call_output", "call_id": "call_b", "output": "rain"},
            {"type": "function_call_output", "call_id": "call_a", "output": '{"sky": "blue"}'},
            {"role": "user", "content": [{"type": "input_text", "text": "And now?"}]},
        ],
        "tools": [
            {
                "type": "function",
                "name": "look",
                "description": "Looks.",
                "parameters": CITY,
                "strict": False,
            }
        ],
        "tool_choice": {"type": "function", "name": "look"},
        "text": {"format": {"type": "json_schema", **_PLACE}},
        "max_output_tokens": 300,
        "temperature": 0.5,
        "top_p": 0.9,
        "store": False,
    },
    "messages": {
        "model": "small-2026",
        "system": [{"type": "text", "text": "Be brief."}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "See:"},
                    {
                        "type": "image",
                        "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "call_a", "name": "look", "input": {"city": "Rom"}},
                    {"type": "tool_use", "id": "call_b", "name": "look", "input": {"city": "Ulm"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "call_b", "content": "rain"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "call_a",
                        "content": '{"sky": "blue"}',
                    },
                    {"type": "text", "text": "And now?"},
                ],
            },
        ],
        "tools": [{"name": "look", "description": "Looks.", "input_schema": CITY}],
        "tool_choice": {"type": "tool", "name": "look"},
        "output_config": {"format": {"type": "json_schema", "schema": CITY}},
        "max_tokens": 300,
        "temperature": 0.5,
        "top_p": 0.9,
    },
    "generate-content": {
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": "See:"},
                    {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
                ],
            },
            {
                "role": "model",
                "parts": [
                    {"text": "I look."},
                    *(
                        {
                            "functionCall": {"id": id_, "name": "look", "args": {"city": city}},
                            "thoughtSignature": "skip_thought_signature_validator",
                        }
                        for id_, city in (("call_a", "Rom"), ("call_b", "Ulm"))
                    ),
                ],
            },
            {
                "role": "user",
                "parts": [
                    {
                        "functionResponse": {
                            "id": "call_b",
                            "name": "look",
                            "response": {"output": "rain"},
                        }
                    },
                    {
                        "functionResponse": {
                            "id": "call_a",
                            "name": "look",
                            "response": {"sky": "blue"},
                        }
                    },
                    {"text": "And now?"},
                ],
            },
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {"name": "look", "description": "Looks.", "parametersJsonSchema": CITY}
                ]
            }
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["look"]}},
        "generationConfig": {
            "responseMimeType": "application/json",
            "responseJsonSchema": CITY,
            "maxOutputTokens": 300,
            "temperature": 0.5,
            "topP": 0.9,
        },
    },
}


def without_stops(asked: str, body: dict[str, Any]) -> dict[str, Any]:
    """A request by an SDK without its stop words."""
    place = {"messages": body.get("extra_body"), "generate-content": body.get("config")}
    inside = place.get(asked) or body
    for name in ("stop", "stop_sequences"):
        inside.pop(name, None)
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a program's SDK makes of a reply."""

    text: str
    calls: tuple[tuple[str, str, dict[str, Any]], ...]
    """Id, name and arguments of each."""
    finish: str
    usage: tuple[int, int, int, int] | None
    """Input, cached input, output and reasoning tokens, as this vendor counts them."""
    refusal: str | None = None


async def heard(wire: str, origin: str, body: dict[str, Any], *, streamed: bool) -> Heard:
    """A request by the vendor's own SDK; a stream is put together by the SDK's own helper."""
    return await _ASK[wire](origin, body, streamed)


async def _chat(origin: str, body: dict[str, Any], streamed: bool) -> Heard:  # noqa: FBT001
    async with AsyncOpenAI(base_url=f"{origin}/v1", api_key=TOKEN, max_retries=0) as client:
        if streamed:
            more = {"stream_options": {"include_usage": True}}
            async with client.chat.completions.stream(**body, **more) as stream:
                reply = await stream.get_final_completion()
        else:
            reply = await client.chat.completions.create(**body)
    message, usage = reply.choices[0].message, reply.usage
    return Heard(
        text=message.content or "",
        calls=tuple(
            (call.id, call.function.name, json.loads(call.function.arguments))
            for call in message.tool_calls or ()
        ),
        finish=reply.choices[0].finish_reason,
        refusal=message.refusal,
        usage=None
        if usage is None
        else (
            usage.prompt_tokens,
            usage.prompt_tokens_details.cached_tokens,
            usage.completion_tokens,
            usage.completion_tokens_details.reasoning_tokens,
        ),
    )


async def _responses(origin: str, body: dict[str, Any], streamed: bool) -> Heard:  # noqa: FBT001
    async with AsyncOpenAI(base_url=f"{origin}/v1", api_key=TOKEN, max_retries=0) as client:
        if streamed:
            async with client.responses.stream(**body) as stream:
                reply = await stream.get_final_response()
        else:
            reply = await client.responses.create(**body)
    parts = [part for item in reply.output if item.type == "message" for part in item.content]
    refusals = [part.refusal for part in parts if part.type == "refusal"]
    reason = reply.incomplete_details
    usage = reply.usage
    return Heard(
        text=reply.output_text,
        calls=tuple(
            (item.call_id, item.name, json.loads(item.arguments))
            for item in reply.output
            if item.type == "function_call"
        ),
        finish=reason.reason if reason else str(reply.status),
        refusal=refusals[0] if refusals else None,
        usage=None
        if usage is None
        else (
            usage.input_tokens,
            usage.input_tokens_details.cached_tokens,
            usage.output_tokens,
            usage.output_tokens_details.reasoning_tokens,
        ),
    )


async def _messages(origin: str, body: dict[str, Any], streamed: bool) -> Heard:  # noqa: FBT001
    async with AsyncAnthropic(base_url=origin, api_key=TOKEN, max_retries=0) as client:
        if streamed:
            async with client.messages.stream(**body) as stream:
                reply = await stream.get_final_message()
        else:
            reply = await client.messages.create(**body)
    usage = reply.usage.model_dump()
    details = usage.get("output_tokens_details") or {}
    known = usage["input_tokens"] is not None
    return Heard(
        text="".join(block.text for block in reply.content if block.type == "text"),
        calls=tuple(
            (block.id, block.name, dict(block.input))
            for block in reply.content
            if block.type == "tool_use"
        ),
        finish=str(reply.stop_reason),
        usage=(
            usage["input_tokens"],
            usage["cache_read_input_tokens"],
            usage["output_tokens"],
            details.get("thinking_tokens") or 0,
        )
        if known
        else None,
    )


async def _generate(origin: str, body: dict[str, Any], streamed: bool) -> Heard:  # noqa: FBT001
    async with aiohttp.ClientSession() as http:
        options = genai.types.HttpOptions(base_url=origin, aiohttp_client=http)
        client = genai.Client(vertexai=False, api_key=TOKEN, http_options=options)
        if streamed:
            chunks = [one async for one in await client.aio.models.generate_content_stream(**body)]
        else:
            chunks = [await client.aio.models.generate_content(**body)]
    candidates = [chunk.candidates[0] for chunk in chunks]
    parts = [part for one in candidates for part in one.content.parts or ()]
    usage = chunks[-1].usage_metadata
    return Heard(
        text="".join(part.text or "" for part in parts),
        calls=tuple(
            (part.function_call.id, part.function_call.name, dict(part.function_call.args))
            for part in parts
            if part.function_call
        ),
        finish=candidates[-1].finish_reason.value,
        usage=None
        if usage is None
        else (
            usage.prompt_token_count,
            usage.cached_content_token_count or 0,
            usage.candidates_token_count,
            usage.thoughts_token_count or 0,
        ),
    )


_ASK = {
    "chat": _chat,
    "responses": _responses,
    "messages": _messages,
    "generate-content": _generate,
}
