"""How long the embedded models take: from nothing to the first answer, and per short answer.

    python -m pytest -m bench -s tests/benchmarks/serving

RIGHTSIZE_BENCH_CACHE names an empty folder to include fetching the weights (1.2 GB); without it
the user's cache is used.
"""

from __future__ import annotations

import http.client
import json
import os
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

from evalsets.cases import Case
from evalsets.prompts import render_prompt
from harness.ask.serving.server_lifecycle import serve_models
from harness.ask.serving.specs import ServeSpec, Wire
from harness.ask.serving.weights import cache_folder, ensure_weights
from harness.ask.serving.weights_file import load_weights

if TYPE_CHECKING:
    from harness.ask.serving.server_lifecycle import Served

DEMO = Path(__file__).parents[3] / "configs" / "demo"
# Written for this measurement: no case of the demo's eval sets.
REVIEWS = (
    "The blender is loud but it crushes ice in seconds.",
    "Pages fell out before I reached chapter three. A shame.",
    "Not a single complaint after two years of daily use.",
    "It let in water on the first night.",
    "Soft, warm, and the seams hold. Recommended.",
    "Hardly worth the cardboard it came in.",
)
MODELS: dict[str, tuple[str, Wire]] = {
    "qwen2.5-coder-1.5b": ("default", "chat"),
    "smollm2-135m": ("smollm2", "completions"),
}


def body(model: str, review: str) -> dict[str, Any]:
    template, wire = MODELS[model]
    text = (DEMO / "prompts" / "review-sentiment" / f"{template}.j2").read_text("utf-8")
    turns = render_prompt(text, Case(id="x", input=review, target=None, metadata=()))
    common = {"model": model, "max_tokens": 6, "temperature": 0, "stop": ["\n"]}
    if wire == "completions":
        return {**common, "prompt": turns[0].content}
    return {**common, "messages": [{"role": t.role, "content": t.content} for t in turns]}


def ask(model: str, served: Served, review: str) -> tuple[float, int]:
    """Seconds of one answer, and the tokens it has by the server's own count."""
    host = served.base_url.removeprefix("http://").removesuffix("/v1")
    path = "/v1/completions" if MODELS[model][1] == "completions" else "/v1/chat/completions"
    connection = http.client.HTTPConnection(host, timeout=60)
    began = time.monotonic_ns()
    connection.request("POST", path, json.dumps(body(model, review)))
    reply = connection.getresponse()
    text = reply.read()
    seconds = (time.monotonic_ns() - began) / 1e9
    connection.close()
    assert reply.status == 200
    return seconds, json.loads(text)["usage"]["completion_tokens"]


@pytest.mark.bench
@pytest.mark.weights
def test_from_nothing_to_answers(tmp_path: Path) -> None:
    chosen = os.environ.get("RIGHTSIZE_BENCH_CACHE")
    cache = Path(chosen) if chosen else cache_folder(os.environ, Path.home())
    began = time.monotonic_ns()
    catalogue = load_weights(DEMO / "weights.yaml")
    specs = {
        model: ServeSpec(
            engine="llama-cpp",
            weights=ensure_weights(
                catalogue[model], cache=cache, given=None, progress=lambda *_: None
            ),
            wire=wire,
        )
        for model, (_, wire) in MODELS.items()
    }
    fetched = time.monotonic_ns()
    with serve_models(specs, logs=tmp_path, environ=os.environ) as served:
        ready = time.monotonic_ns()
        weights_s, ready_s = (fetched - began) / 1e9, (ready - fetched) / 1e9
        print(f"\nweights {weights_s:.1f} s, both ready {ready_s:.1f} s")  # noqa: T201
        for model in MODELS:
            answers = [ask(model, served[model], review) for review in REVIEWS]
            assert all(tokens > 0 for _, tokens in answers)
            first, *rest = (seconds for seconds, _ in answers)
            print(  # noqa: T201
                f"{model}: load {served[model].load_s:.1f} s, first {first:.2f} s, "
                f"then {median(rest):.2f} s an answer"
            )
