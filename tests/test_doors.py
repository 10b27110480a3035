"""Each heavy library has one door, and the contract that says so notices a second one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "providers", "reports", "evalsets")
DOORS = [
    contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
    if contract["type"] == "protected"
]


def lint(folder: Path) -> str:
    """What import-linter says of the packages in a folder."""
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", code, "--no-cache"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_a_second_door_breaks_each_contract(tmp_path: Path) -> None:
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    libraries = [name for contract in DOORS for name in contract["protected_modules"]]
    assert len(libraries) > 10
    for package in ("harness", "providers"):
        second = "".join(f"import {name}\n" for name in libraries)
        (tmp_path / package / "second_door.py").write_text(second)
    said = lint(tmp_path)
    assert "no cycles between siblings KEPT" in said
    for contract in DOORS:
        assert f"{contract['name']} BROKEN" in said
    for name in libraries:
        assert f"- harness.second_door -> {name} (l." in said
        assert f"- providers.second_door -> {name} (l." in said
