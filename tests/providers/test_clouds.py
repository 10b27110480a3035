"""The vendors' models on clouds: addresses, credentials, frames; the bodies are the vendors'."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from providers.anthropic import anthropic_wire
from providers.errors import (
    AuthRejectedError,
    BadRequestError,
    ContentBlockedError,
    ProviderError,
    RateLimitedError,
)
from providers.openai import openai_wire
from providers.provider import Endpoint
from tests.support.wire.ambient import AMBIENT, await_nothing_from
from tests.support.wire.cloud_server import (
    AzureServer,
    BedrockServer,
    FoundryServer,
    VertexGoogleServer,
    VertexServer,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply
from tests.support.wire.vendors import KEY, a_request, ask

if TYPE_CHECKING:
    from tests.support.wire.server import WireServer

plain_and_streamed = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """One platform: its server, its endpoint, what a request looks like there."""

    server: type[WireServer]
    endpoint: Endpoint
    base_path: str = ""
    plain_path: str
    streamed_path: str
    header: str = "Authorization"
    value: str = f"Bearer {KEY}"

    def at(self, server: WireServer) -> Endpoint:
        return replace(self.endpoint, base_url=server.origin + self.base_path)


VERTEX_PATH = "/projects/p-1/locations/europe-west4/publishers"
CLOUDS = {
    "azure by date": Cloud(
        server=AzureServer,
        endpoint=Endpoint(vendor="openai", api="chat", platform="azure", api_version="2024-10-21"),
        base_path="/openai/",
        plain_path="/openai/deployments/small-1/chat/completions",
        streamed_path="/openai/deployments/small-1/chat/completions",
        header="api-key",
        value=KEY,
    ),
    "azure v1": Cloud(
        server=AzureServer,
        endpoint=Endpoint(vendor="openai", api="responses", platform="azure"),
        base_path="/openai/v1",
        plain_path="/openai/v1/responses",
        streamed_path="/openai/v1/responses",
    ),
    "openai on bedrock": Cloud(
        server=OpenAIServer,
        endpoint=Endpoint(vendor="openai", api="chat", platform="bedrock", region="eu-central-1"),
        base_path="/v1",
        plain_path="/v1/chat/completions",
        streamed_path="/v1/chat/completions",
    ),
    "anthropic on bedrock": Cloud(
        server=BedrockServer,
        endpoint=Endpoint(
            vendor="anthropic", api="messages", platform="bedrock", region="eu-central-1"
        ),
        plain_path="/model/small-1/invoke",
        streamed_path="/model/small-1/invoke-with-response-stream",
    ),
    "anthropic on vertex": Cloud(
        server=VertexServer,
        endpoint=Endpoint(
            vendor="anthropic",
            api="messages",
            platform="vertex",
            region="europe-west4",
            project="p-1",
        ),
        plain_path=f"{VERTEX_PATH}/anthropic/models/small-1:rawPredict",
        streamed_path=f"{VERTEX_PATH}/anthropic/models/small-1:streamRawPredict",
    ),
    "anthropic on azure": Cloud(
        server=FoundryServer,
        endpoint=Endpoint(vendor="anthropic", api="messages", platform="azure"),
        base_path="/anthropic",
        plain_path="/anthropic/v1/messages",
        streamed_path="/anthropic/v1/messages",
        header="x-api-key",
        value=KEY,
    ),
    "google on vertex": Cloud(
        server=VertexGoogleServer,
        endpoint=Endpoint(
            vendor="google",
            api="generate-content",
            platform="vertex",
            region="europe-west4",
            project="p-1",
        ),
        plain_path=f"/v1{VERTEX_PATH}/google/models/small-1:generateContent",
        streamed_path=f"/v1{VERTEX_PATH}/google/models/small-1:streamGenerateContent",
    ),
}
every_cloud = pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS)


@every_cloud
@plain_and_streamed
async def test_an_answer_from_a_cloud(cloud: Cloud, *, stream: bool) -> None:
    with cloud.server(lambda _body: Reply(text="yes it is")) as server:
        completion = await ask(cloud.at(server), a_request(stream=stream))
    assert (completion.text, completion.finish) == ("yes it is", "stop")
    assert completion.usage is not None
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (10, 5)
    (call,) = server.calls
    assert call.path == (cloud.streamed_path if stream else cloud.plain_path)
    assert {name.lower(): v for name, v in call.headers.items()}[
        cloud.header.lower()
    ] == cloud.value


@every_cloud
@plain_and_streamed
async def test_a_429_from_a_cloud_is_asked_once(cloud: Cloud, *, stream: bool) -> None:
    with cloud.server(lambda _body: Reply(status=429, headers={"retry-after": "2"})) as server:
        with pytest.raises(RateLimitedError) as raised:
            await ask(cloud.at(server), a_request(stream=stream))
        assert len(server.calls) == 1
    assert raised.value.retry_after_s == 2


@every_cloud
@plain_and_streamed
async def test_the_environment_alters_no_request(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    await_nothing_from(monkeypatch)
    with cloud.server() as server:
        await ask(cloud.at(server), a_request(stream=stream))
    (call,) = server.calls
    assert call.path == (cloud.streamed_path if stream else cloud.plain_path)
    assert {n.lower(): v for n, v in call.headers.items()}[cloud.header.lower()] == cloud.value
    assert AMBIENT not in json.dumps([dict(call.headers), call.body, call.path, call.query])


ADDRESSES = [
    (
        Endpoint(vendor="anthropic", api="messages", platform="bedrock", region="eu-west-1"),
        "https://bedrock-runtime.eu-west-1.amazonaws.com",
    ),
    (
        Endpoint(vendor="openai", api="chat", platform="bedrock", region="eu-west-1"),
        "https://bedrock-runtime.eu-west-1.amazonaws.com",
    ),
    *(
        (
            Endpoint(
                vendor="anthropic", api="messages", platform="vertex", region=region, project="p"
            ),
            f"https://{host}/v1",
        )
        for region, host in (
            ("global", "aiplatform.googleapis.com"),
            ("eu", "aiplatform.eu.rep.googleapis.com"),
            ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
        )
    ),
]


@pytest.mark.parametrize(("endpoint", "address"), ADDRESSES)
def test_a_clouds_address_comes_from_the_endpoint(
    endpoint: Endpoint, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await_nothing_from(monkeypatch)
    wire = anthropic_wire if endpoint.vendor == "anthropic" else openai_wire
    assert str(wire(endpoint, key=KEY).client.base_url).startswith(address)


async def test_azure_bills_what_its_filter_refused() -> None:
    cloud = CLOUDS["azure by date"]
    blocked = Reply(status=400, error_code="content_filter")
    with (
        cloud.server(lambda _body: blocked) as server,
        pytest.raises(ContentBlockedError) as raised,
    ):
        await ask(cloud.at(server), a_request())
    assert raised.value.billable
    assert raised.value.request_id == "req-1"
    assert server.calls[0].query == "api-version=2024-10-21"


LACKING: list[tuple[Endpoint, str]] = [
    (
        Endpoint(vendor="openai", api="chat", platform="azure", base_url="https://r.example"),
        "api_version",
    ),
    (
        Endpoint(vendor="openai", api="chat", platform="azure", api_version="2024-10-21"),
        "base_url",
    ),
    (Endpoint(vendor="anthropic", api="messages", platform="bedrock"), "region"),
    (Endpoint(vendor="openai", api="chat", platform="bedrock"), "region"),
    (Endpoint(vendor="anthropic", api="messages", platform="vertex"), "region"),
    (
        Endpoint(vendor="anthropic", api="messages", platform="vertex", region="us-east5"),
        "project",
    ),
    (Endpoint(vendor="anthropic", api="messages", platform="azure"), "base_url"),
    (Endpoint(vendor="google", api="generate-content", platform="vertex"), "project"),
    (
        Endpoint(vendor="google", api="generate-content", platform="vertex", project="p"),
        "region",
    ),
]


@pytest.mark.parametrize(("endpoint", "what"), LACKING)
async def test_a_cloud_says_what_it_needs(endpoint: Endpoint, what: str) -> None:
    with pytest.raises(BadRequestError, match=f"needs .*`{what}") as raised:
        await ask(endpoint, a_request())
    assert raised.value.billable is False


async def test_credentials_that_cannot_be_had_stop_the_lane(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    for name in ("openai on bedrock", "anthropic on bedrock"):
        cloud = CLOUDS[name]
        with cloud.server() as server:
            with pytest.raises(ProviderError) as raised:
                await ask(cloud.at(server), a_request(), key=None)
            assert type(raised.value) is AuthRejectedError
            assert server.calls == []
