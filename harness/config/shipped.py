"""Where the data that comes with the package lies: in the wheel, or in the repository."""

from __future__ import annotations

from pathlib import Path


def shipped(*parts: str) -> Path:
    """Path of a file or folder of `configs/`, as the package carries it."""
    package = Path(__file__).parent.parent
    inside = package / "_configs"
    root = inside if inside.is_dir() else package.parent / "configs"
    return root.joinpath(*parts)
