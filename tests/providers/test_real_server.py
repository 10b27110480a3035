"""Against a server that none of us wrote: llama.cpp, through OpenAI's and Anthropic's wires."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.ask.serving.server_lifecycle import serve_models
from harness.ask.serving.specs import ServeSpec
from providers.errors import PromptTooLongError
from providers.opening import open_provider
from providers.provider import Api, Endpoint, Vendor
from providers.request import Message, ModelRequest
from tests.support.small_model import small_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ask.serving.server_lifecycle import Served
    from providers.completion import Completion

pytestmark = [pytest.mark.weights, pytest.mark.xdist_group("weights")]

WIRES: list[tuple[Vendor, Api]] = [
    ("openai-compatible", "chat"),
    ("openai-compatible", "completions"),
    ("openai-compatible", "responses"),
    ("anthropic", "messages"),
]
every_wire = pytest.mark.parametrize(("vendor", "api"), WIRES)
REQUEST = ModelRequest(
    model="small",
    messages=(
        Message(role="system", text="You answer in one word."),
        Message(role="user", text="The capital of France is"),
    ),
    max_output_tokens=8,
    temperature=0.0,
    timeout_s=60.0,
)
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"a": {"type": "boolean"}},
        "required": ["a"],
        "additionalProperties": False,
    }
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    spec = ServeSpec(engine="llama-cpp", weights=small_model(), args=("--ctx", "1024"))
    logs = tmp_path_factory.mktemp("logs")
    with serve_models({"small": spec}, logs=logs, environ=os.environ) as models:
        yield models["small"]


async def ask(
    served: Served, vendor: Vendor, api: Api, *requests: ModelRequest
) -> list[Completion]:
    base_url = served.base_url.removesuffix("/v1") if vendor == "anthropic" else served.base_url
    provider = open_provider(Endpoint(vendor=vendor, api=api, base_url=base_url), key=None)
    try:
        return [await provider.complete(replace(one, model=served.name)) for one in requests]
    finally:
        await provider.aclose()


@every_wire
async def test_the_same_answer_plain_and_streamed(served: Served, vendor: Vendor, api: Api) -> None:
    plain, streamed, again = await ask(
        served, vendor, api, REQUEST, replace(REQUEST, stream=True), REQUEST
    )
    assert plain.text == streamed.text == again.text
    assert "Paris" in plain.text
    assert plain.usage is not None
    assert streamed.usage is not None
    assert plain.usage.input_tokens == streamed.usage.input_tokens
    assert plain.usage.output_tokens == streamed.usage.output_tokens <= 8
    assert streamed.timing.first_token_s is not None
    assert 0 < streamed.timing.first_token_s <= streamed.timing.total_s


@every_wire
async def test_a_prompt_beyond_the_window(served: Served, vendor: Vendor, api: Api) -> None:
    long = replace(REQUEST, messages=(Message(role="user", text="word " * 3000),))
    for request in (long, replace(long, stream=True)):
        with pytest.raises(PromptTooLongError) as raised:
            await ask(served, vendor, api, request)
        assert raised.value.billable is False


@every_wire
async def test_an_answer_cut_at_its_limit(served: Served, vendor: Vendor, api: Api) -> None:
    story = (Message(role="user", text="Tell me a long story. Once upon a time, there was"),)
    request = replace(REQUEST, messages=story, max_output_tokens=5)
    (completion,) = await ask(served, vendor, api, request)
    if api == "responses":
        # llama.cpp calls every response completed, also one that it cut.
        assert completion.finish in {"stop", "length"}
    else:
        assert completion.finish == "length"


@pytest.mark.parametrize("api", ["chat", "completions"])
async def test_a_schema_binds_the_answer(served: Served, api: Api) -> None:
    request = replace(REQUEST, schema=SCHEMA, max_output_tokens=40)
    (completion,) = await ask(served, "openai-compatible", api, request)
    assert set(json.loads(completion.text)) == {"a"}
