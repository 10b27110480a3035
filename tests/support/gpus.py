"""A machine whose vendor's tool lists GPUs, logical ones."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def list_gpus(folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a tool that lists so many in front of the PATH; returns it."""
    lines = "".join(f"echo '{number}, NVIDIA H100, 81559'\n" for number in range(count))
    tool = folder / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{lines}")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tool
