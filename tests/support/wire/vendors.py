"""Every wire that a provider speaks, with the server that speaks it; startable together."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from providers.opening import open_provider
from providers.provider import Api, Endpoint, Vendor
from providers.request import Message, ModelRequest
from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Script, always_ok

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from providers.completion import Completion
    from tests.support.wire.server import WireServer

KEY = "sk-secret-key-of-the-tests"


@dataclass(frozen=True, slots=True, kw_only=True)
class WireCase:
    """One vendor's wire."""

    vendor: Vendor
    api: Api

    @property
    def name(self) -> str:
        """For test ids."""
        return f"{self.vendor}-{self.api}"

    def endpoint(self, server: WireServer) -> Endpoint:
        """The endpoint that this wire has at a server."""
        path = "/v1" if isinstance(server, OpenAIServer) else ""
        return self.endpoint_at(f"{server.origin}{path}")

    def endpoint_at(self, base_url: str) -> Endpoint:
        """The endpoint that this wire has at an address."""
        return Endpoint(vendor=self.vendor, api=self.api, base_url=base_url)


WIRES = (
    WireCase(vendor="openai", api="chat"),
    WireCase(vendor="openai", api="responses"),
    WireCase(vendor="openai-compatible", api="chat"),
    WireCase(vendor="openai-compatible", api="completions"),
    WireCase(vendor="anthropic", api="messages"),
    WireCase(vendor="google", api="generate-content"),
)
SERVERS: Mapping[Vendor, type[WireServer]] = {
    "openai": OpenAIServer,
    "openai-compatible": OpenAIServer,
    "anthropic": AnthropicServer,
    "google": GoogleServer,
}


@contextmanager
def start_all(script: Script = always_ok) -> Iterator[dict[Vendor, WireServer]]:
    """One server per vendor, all with the same script."""
    with ExitStack() as stack:
        yield {vendor: stack.enter_context(kind(script)) for vendor, kind in SERVERS.items()}


def a_request(**overrides: object) -> ModelRequest:
    """A short request."""
    base = ModelRequest(
        model="small-1",
        messages=(
            Message(role="system", text="Answer with yes or no."),
            Message(role="user", text="Is water wet?"),
        ),
        max_output_tokens=16,
        temperature=0.0,
        timeout_s=60.0,
    )
    return replace(base, **overrides)  # type: ignore[arg-type]


async def ask(endpoint: Endpoint, request: ModelRequest, *, key: str | None = KEY) -> Completion:
    """Open, ask once, close."""
    provider = open_provider(endpoint, key=key)
    try:
        return await provider.complete(request)
    finally:
        await provider.aclose()
