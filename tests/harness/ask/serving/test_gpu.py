"""A model on a GPU: started, probed, priced per request, its GPU seen; run by hand.

    python -m pytest -m gpu -s tests/harness/ask/serving

RIGHTSIZE_VLLM_PYTHON and RIGHTSIZE_VLLM_WEIGHTS name an environment with vLLM and a folder of an
8B model's weights; RIGHTSIZE_TORCH_PYTHON one with torch for the stand-in of that shape (default:
this Python). Figures go into tests/benchmarks/serving/results.md.

The same on a CPU, with a stand-in so small that it says nothing but that every part works, runs
wherever RIGHTSIZE_TORCH_PYTHON names a Python with torch.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.ask.probe.metrics import open_meter
from harness.ask.serving.gpus import gpus_here
from tests.benchmarks.serving.gpu import RESULTS, main

GPUS = gpus_here(os.environ)
PYTHON = os.environ.get("RIGHTSIZE_TORCH_PYTHON", "")


def has_torch(python: str) -> bool:
    found = subprocess.run([python, "-c", "import torch"], capture_output=True, check=False)
    return found.returncode == 0


@pytest.mark.gpu
@pytest.mark.skipif(not GPUS, reason="no GPU: nvidia-smi lists none here")
def test_an_8b_model_is_probed_priced_and_its_gpu_seen() -> None:
    meter = open_meter()
    assert not isinstance(meter, str), meter
    vllm, weights = (os.environ.get(f"RIGHTSIZE_VLLM_{name}", "") for name in ("PYTHON", "WEIGHTS"))
    served = ["--python", vllm, "--weights", weights] if vllm and weights else []
    if not served and PYTHON:
        served = ["--python", PYTHON]
    found = main([*served, "--device", GPUS[0].name, "--requests", "240", "--seconds", "20"])
    seen = [entry.gpu for entry in found.probe.rates if entry.gpu is not None]
    assert found.probe.goodput.lower_per_s is not None
    assert max(gpu.mean_utilisation for gpu in seen) > 0.3
    assert max(gpu.most_memory_mib for gpu in seen) > 15_000  # 8B weights in two bytes each
    assert found.usd_per_request > 0
    assert GPUS[0].name in RESULTS.read_text()


@pytest.mark.skipif(not PYTHON, reason="no torch: RIGHTSIZE_TORCH_PYTHON names no Python with it")
def test_the_same_on_a_cpu_with_a_tiny_model(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert has_torch(PYTHON)
    results = tmp_path / "results.md"
    found = main(
        [
            "--python", PYTHON, "--shape", "tiny", "--gpus", "0", "--requests", "40",
            "--seconds", "3", "--repeats", "2", "--first", "4", "--results", str(results),
        ]
    )  # fmt: skip
    assert "search: 4/s" in capsys.readouterr().out
    probe = found.probe
    assert probe.engine.version is not None
    assert probe.engine.version.startswith("torch-")
    assert probe.output_tokens_mean == 64
    assert probe.input_tokens_mean is not None
    assert probe.input_tokens_mean > 400
    assert any(entry.server.most_running for entry in probe.rates)
    # 2,000,000 a month are 2,738 an hour; replicas that carry them, each a whole hour.
    replicas = -(-2_000_000 / 730.5 // (probe.goodput.per_s * 3600))
    assert float(found.usd_per_request) == pytest.approx(
        replicas * 2.5 * 730.5 / 2_000_000, rel=0.01
    )
    assert results.read_text().splitlines()[-1].startswith("| ")
