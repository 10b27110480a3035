"""Keeps SDKs from reading settings out of the environment by themselves.

An endpoint states everything; the environment gives the key that it names, and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, TypeVar

Client = TypeVar("Client")

LOGGERS = ("anthropic", "openai")


def unmoved(client: Client, headers: Mapping[str, object] | None = None) -> Client:
    """The SDK's client with `headers` as its only own ones.

    `ANTHROPIC_CUSTOM_HEADERS` and `OPENAI_CUSTOM_HEADERS` would add to every request, and the SDKs
    have no public way to decline. `ANTHROPIC_LOG` and `OPENAI_LOG` would write prompts to the log.
    """
    opened: Any = client
    opened._custom_headers = dict(headers or {})  # noqa: SLF001
    for name in LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(max(logger.getEffectiveLevel(), logging.WARNING))
    return client


def vertex_address(region: str) -> str:
    """Where Anthropic's models on Vertex are, by region (Google's reference of its endpoints)."""
    host = {
        "global": "aiplatform.googleapis.com",
        "us": "aiplatform.us.rep.googleapis.com",
        "eu": "aiplatform.eu.rep.googleapis.com",
    }.get(region, f"{region}-aiplatform.googleapis.com")
    return f"https://{host}/v1"


def bedrock_address(region: str) -> str:
    """Where models on Bedrock are, by region (AWS's reference of its endpoints)."""
    return f"https://bedrock-runtime.{region}.amazonaws.com"
