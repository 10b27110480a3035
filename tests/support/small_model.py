"""SmolLM2's weights in the user's cache; a test that needs them skips where they cannot be had."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.serving.weights import cache_folder, ensure_weights
from harness.serving.weights_file import load_weights

CATALOGUE = Path(__file__).parents[2] / "configs" / "demo" / "weights.yaml"


def small_model() -> Path:
    cache = cache_folder(os.environ, Path.home())
    spec = load_weights(CATALOGUE)["smollm2-135m"]
    try:
        return ensure_weights(spec, cache=cache, given=None, progress=lambda *_: None)
    except UsageError as error:
        pytest.skip(f"no weights: {error}")
