"""The embedded default: a real model behind the same life cycle."""

from __future__ import annotations

import http.client
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from harness.ask.serving.llama_child import threads_for
from harness.ask.serving.server import ServeError
from harness.ask.serving.server_lifecycle import serve_models
from harness.ask.serving.specs import ServeSpec
from tests.support.small_model import small_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.ask.serving.server_lifecycle import Served

pytestmark = [pytest.mark.weights, pytest.mark.xdist_group("weights")]

EXAMPLES = (
    "Review: I love it.\nSentiment: positive\n\nReview: Broken on arrival.\nSentiment: negative"
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    spec = ServeSpec(
        engine="llama-cpp",
        weights=small_model(),
        args=("--ctx", "1024", "--chat-template", "passthrough"),
        wire="completions",
    )
    logs = tmp_path_factory.mktemp("logs")
    with serve_models({"small": spec}, logs=logs, environ=os.environ) as models:
        yield models["small"]


def call(served: Served, path: str, body: dict[str, object] | None = None) -> Any:
    host = served.base_url.removeprefix("http://").removesuffix("/v1")
    connection = http.client.HTTPConnection(host, timeout=60)
    data = None if body is None else json.dumps(body)
    connection.request(
        "GET" if body is None else "POST", path, data, {"content-type": "application/json"}
    )
    text = connection.getresponse().read().decode()
    connection.close()
    return text if body is None else json.loads(text)


def body(served: Served, review: str) -> dict[str, object]:
    return {
        "model": served.name,
        "prompt": f"{EXAMPLES}\n\nReview: {review}\nSentiment:",
        "max_tokens": 4,
        "temperature": 0,
        "stop": ["\n"],
    }


def ask(served: Served, review: str) -> Any:
    return call(served, "/v1/completions", body(served, review))


def test_the_small_model_answers_under_its_own_name(served: Served) -> None:
    reply = ask(served, "My best purchase this year.")
    assert reply["choices"][0]["text"].strip() == "positive"
    assert reply["model"] == served.name == "smollm2-135m-instruct-q4_1"
    assert reply["usage"]["prompt_tokens"] > 20


def test_the_same_question_has_the_same_answer_and_a_cached_prefix(served: Served) -> None:
    first, other, again = (ask(served, text) for text in ("Dull.", "Great fun!", "Dull."))
    assert first["choices"] == again["choices"]
    assert other["usage"]["prompt_tokens_details"]["cached_tokens"] > 15


@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_answer_does_not_depend_on_the_threads(
    served: Served, threads: str, tmp_path: Path
) -> None:
    """To the last digit of each token's probability: a layer's number is summed by one thread."""
    args = ("--ctx", "1024", "--chat-template", "passthrough", "--threads", threads)
    spec = ServeSpec(
        engine="llama-cpp", weights=small_model(), args=args, wire="completions", model=served.name
    )
    with serve_models({"small": spec}, logs=tmp_path, environ=os.environ) as models:
        told = [
            [
                call(one, "/v1/completions", {**body(one, review), "logprobs": 5})["choices"]
                for review in ("Dull.", "It let in water on the first night.", "Great fun!")
            ]
            for one in (models["small"], served)
        ]
    assert told[0] == told[1]
    assert all(choices[0]["logprobs"]["content"] for choices in told[0])


@pytest.mark.parametrize(
    ("weights_bytes", "cores", "threads"),
    [(98_362_432, 8, 1), (1_117_320_768, 8, 2), (1_117_320_768, 1, 1)],
)
def test_large_weights_have_two_threads_where_there_are_two_cores(
    weights_bytes: int, cores: int, threads: int
) -> None:
    assert threads_for(weights_bytes, cores) == threads


def test_the_pass_through_template_adds_nothing(served: Served) -> None:
    content = f"{EXAMPLES}\n\nReview: Great fun!\nSentiment:"
    asked = body(served, "") | {"messages": [{"role": "user", "content": content}]}
    del asked["prompt"]
    reply = call(served, "/v1/chat/completions", asked)
    assert reply["usage"]["prompt_tokens"] == ask(served, "Great fun!")["usage"]["prompt_tokens"]
    assert reply["choices"][0]["message"]["content"].strip() == "positive"


def test_only_loopback_is_listened_on_and_metrics_are_there(served: Served) -> None:
    (server,) = psutil.Process(served.pid).children()
    listening = [c for c in server.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert {c.laddr.ip for c in listening} == {"127.0.0.1"}
    assert "requests_processing" in call(served, "/metrics")


def test_broken_weights_are_said_in_one_line(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF" + b"\0" * 100)
    spec = ServeSpec(engine="llama-cpp", weights=broken)
    with (
        pytest.raises(ServeError, match=r"broken: its server ended with code 1 .*llama\.cpp: "),
        serve_models({"broken": spec}, logs=tmp_path, environ=os.environ),
    ):
        pass
