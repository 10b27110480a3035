"""SmolLM2's weights in the user's cache; a test that needs them skips where they cannot be had."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from harness.ask.serving.weights import cache_folder, ensure_weights
from harness.ask.serving.weights_file import load_weights
from harness.errors import UsageError

DEQUANTISE = Path(__file__).parent / "dequantise.py"
CATALOGUE = Path(__file__).parents[2] / "configs" / "demo" / "weights.yaml"


def small_model() -> Path:
    cache = cache_folder(os.environ, Path.home())
    spec = load_weights(CATALOGUE)["smollm2-135m"]
    try:
        return ensure_weights(spec, cache=cache, given=None, progress=lambda *_: None)
    except UsageError as error:
        pytest.skip(f"no weights: {error}")


def small_chat_model(python: str, folder: Path) -> Path:
    """The same model for engines that read no GGUF, made by the Python of their environment."""
    made = folder / "smollm2-135m"
    subprocess.run([python, str(DEQUANTISE), str(small_model()), str(made)], check=True)
    return made
