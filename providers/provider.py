"""Who can answer one request, and the settings that reach a vendor's models on a cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NoReturn, Protocol, TypeAlias

from providers.completion import Completion
from providers.errors import BadRequestError
from providers.request import ModelRequest

Vendor: TypeAlias = Literal["anthropic", "openai", "google", "openai-compatible", "command"]
Api: TypeAlias = Literal[
    "messages",
    "responses",
    "chat",
    "completions",
    "generate-content",
    "lines",
    "decisions",
    "systemone",
]
DECISION_APIS = frozenset({"decisions", "systemone"})
"""Wires whose models answer typed questions with probabilities, and write nothing."""
Transport: TypeAlias = Literal["direct", "sdk"]


class Provider(Protocol):
    """Answers one request, once: no hidden retries, or latency and cost would lie."""

    async def complete(self, request: ModelRequest) -> Completion:
        """Return the reply, or raise a `ProviderError`."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and how to reach a model's API. Holds a key's *name*, never a key."""

    vendor: Vendor
    api: Api
    base_url: str | None = None
    """None: the vendor's own address."""
    key_name: str | None = None
    """Environment variable that holds the key, read where the call is made."""
    sdk: str | None = None
    """Another SDK of the same vendor (`google-generativeai`)."""
    platform: str | None = None
    """`azure`, `bedrock` or `vertex`: the vendor's models on a cloud."""
    region: str | None = None
    project: str | None = None
    """Project of a cloud (`vertex`)."""
    api_version: str | None = None
    """Dated version of a cloud's API (`azure`, where its address is not versioned)."""
    command: tuple[str, ...] = ()
    """Of `command`: the program that answers, and its arguments."""
    folder: str | None = None
    """Of `command`: where the program is started."""
    transport: Transport = "sdk"
    """How whole replies come: `direct` goes around the SDK where that is known to be the same."""


def needs(platform: str, what: str) -> NoReturn:
    """Refuse an endpoint that does not say enough."""
    raise BadRequestError(f"platform {platform} needs {what}", billable=False)


def goes_direct(endpoint: Endpoint) -> bool:
    """Whether whole replies come without the SDK: clouds sign requests, or rewrite addresses."""
    return endpoint.transport == "direct" and endpoint.platform is None


def resource_of(endpoint: Endpoint) -> str:
    """The address of an Azure resource: its base_url without /openai."""
    address = endpoint.base_url or needs("azure", "`base_url:`, the resource's address")
    return address.rstrip("/").removesuffix("/openai")
