"""The vendors' SDKs as a careful user drives them: fastest back end, retries off, typed calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import anthropic
import openai
from google import genai
from google.genai import types

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PROMPT = "Is water wet?"
SYSTEM = "Answer with yes or no."
Ask: TypeAlias = "Callable[[], Awaitable[str]]"


def openai_client(base_url: str) -> openai.AsyncOpenAI:
    http = openai.DefaultAioHttpClient()
    return openai.AsyncOpenAI(api_key="k", base_url=base_url, max_retries=0, http_client=http)


def chat_turns() -> list[Any]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": PROMPT}]


def ask_chat(client: openai.AsyncOpenAI) -> Ask:
    async def ask() -> str:
        reply = await client.chat.completions.create(
            model="small-1", messages=chat_turns(), max_tokens=16, temperature=0.0
        )
        assert reply.usage is not None
        return reply.choices[0].message.content or ""

    return ask


def stream_chat(client: openai.AsyncOpenAI) -> Ask:
    async def ask() -> str:
        text: list[str] = []
        usage = None
        stream = await client.chat.completions.create(
            model="small-1",
            messages=chat_turns(),
            max_tokens=16,
            temperature=0.0,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            usage = chunk.usage or usage
            text.extend(choice.delta.content or "" for choice in chunk.choices)
        assert usage is not None
        return "".join(text)

    return ask


def ask_completions(client: openai.AsyncOpenAI) -> Ask:
    async def ask() -> str:
        reply = await client.completions.create(
            model="small-1", prompt=f"{SYSTEM}\n\n{PROMPT}", max_tokens=16, temperature=0.0
        )
        assert reply.usage is not None
        return reply.choices[0].text

    return ask


def stream_completions(client: openai.AsyncOpenAI) -> Ask:
    async def ask() -> str:
        text: list[str] = []
        usage = None
        stream = await client.completions.create(
            model="small-1",
            prompt=f"{SYSTEM}\n\n{PROMPT}",
            max_tokens=16,
            temperature=0.0,
            stream=True,
            stream_options={"include_usage": True},
        )
        async for chunk in stream:
            usage = chunk.usage or usage
            text.extend(choice.text for choice in chunk.choices)
        assert usage is not None
        return "".join(text)

    return ask


def ask_responses(client: openai.AsyncOpenAI) -> Ask:
    async def ask() -> str:
        reply = await client.responses.create(
            model="small-1", input=chat_turns(), max_output_tokens=16, temperature=0.0, store=False
        )
        assert reply.usage is not None
        return reply.output_text

    return ask


def stream_responses(client: openai.AsyncOpenAI) -> Ask:
    async def ask() -> str:
        text: list[str] = []
        usage = None
        stream = await client.responses.create(
            model="small-1",
            input=chat_turns(),
            max_output_tokens=16,
            temperature=0.0,
            store=False,
            stream=True,
        )
        async for event in stream:
            if event.type == "response.output_text.delta":
                text.append(event.delta)
            elif event.type == "response.completed":
                usage = event.response.usage
        assert usage is not None
        return "".join(text)

    return ask


def anthropic_client(base_url: str) -> anthropic.AsyncAnthropic:
    http = anthropic.DefaultAioHttpClient()
    return anthropic.AsyncAnthropic(api_key="k", base_url=base_url, max_retries=0, http_client=http)


def ask_messages(client: anthropic.AsyncAnthropic) -> Ask:
    async def ask() -> str:
        reply = await client.messages.create(
            model="small-1",
            system=SYSTEM,
            messages=[{"role": "user", "content": PROMPT}],
            max_tokens=16,
        )
        return "".join(block.text for block in reply.content if block.type == "text")

    return ask


def stream_messages(client: anthropic.AsyncAnthropic) -> Ask:
    async def ask() -> str:
        stream = await client.messages.create(
            model="small-1",
            system=SYSTEM,
            messages=[{"role": "user", "content": PROMPT}],
            max_tokens=16,
            stream=True,
        )
        text = [
            event.delta.text
            async for event in stream
            if event.type == "content_block_delta" and event.delta.type == "text_delta"
        ]
        return "".join(text)

    return ask


def google_client(base_url: str) -> genai.Client:
    options = types.HttpOptions(base_url=base_url, api_version="v1")
    return genai.Client(vertexai=False, api_key="k", http_options=options)


def google_config() -> types.GenerateContentConfig:
    return types.GenerateContentConfig(
        system_instruction=SYSTEM, max_output_tokens=16, temperature=0.0
    )


def ask_google(client: genai.Client) -> Ask:
    async def ask() -> str:
        reply = await client.aio.models.generate_content(
            model="small-1", contents=PROMPT, config=google_config()
        )
        assert reply.usage_metadata is not None
        return reply.text or ""

    return ask


def stream_google(client: genai.Client) -> Ask:
    async def ask() -> str:
        text: list[str] = []
        usage = None
        stream = await client.aio.models.generate_content_stream(
            model="small-1", contents=PROMPT, config=google_config()
        )
        async for chunk in stream:
            usage = chunk.usage_metadata or usage
            text.append(chunk.text or "")
        assert usage is not None
        return "".join(text)

    return ask
