"""Asks a Google wire server through google-generativeai; run by the Python that has the package.

    PYTHON -m tests.support.generativeai_probe BASE_URL    (requests: JSON lines on standard input)

Prints one JSON line per request: the completion, or the error's class, status and billing.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Any

from providers.errors import ProviderError
from providers.opening import open_provider
from providers.provider import Endpoint
from providers.request import ImagePart, Message, ModelRequest, Tool, ToolCall


def to_message(given: dict[str, Any]) -> Message:
    images = tuple(ImagePart(**image) for image in given.pop("images", ()))
    calls = tuple(ToolCall(**call) for call in given.pop("tool_calls", ()))
    return Message(**given, images=images, tool_calls=calls)


def to_request(line: str) -> ModelRequest:
    given = json.loads(line)
    messages = tuple(to_message(message) for message in given.pop("messages"))
    tools = tuple(Tool(**tool) for tool in given.pop("tools", ()))
    stop = tuple(given.pop("stop", ()))
    return ModelRequest(**given, messages=messages, tools=tools, stop=stop)


async def ask(base_url: str, request: ModelRequest) -> dict[str, Any]:
    endpoint = Endpoint(
        vendor="google", api="generate-content", sdk="google-generativeai", base_url=base_url
    )
    provider = open_provider(endpoint, key="sk-secret-key-of-the-tests")
    try:
        return asdict(await provider.complete(request))
    except ProviderError as error:
        return {
            "error": type(error).__name__,
            "status": error.status,
            "billable": error.billable,
            "retry_after_s": error.retry_after_s,
            "shown": f"{error!r} {vars(error)}",
        }
    finally:
        await provider.aclose()


if __name__ == "__main__":
    for request_line in sys.stdin:
        found = asyncio.run(ask(sys.argv[1], to_request(request_line)))
        sys.stdout.write(json.dumps(found) + "\n")
