"""What is imported is declared, and what is declared for the run-time is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

from tests.support.wheels import NAMES, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Project = dict[str, list[str]]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
NOT_HERE = {"google-generativeai": {"google"}}
"""Import names of what this environment lacks, because it conflicts."""
BY_THE_HOST = {"pytest"}
"""Who runs the plugin has it."""
UNSEEN = {
    "botocore",  # imported by the vendors' SDKs when they sign a request
    "nvidia-ml-py",  # its module's name is a parameter
}


def distributions() -> set[str]:
    extras = PROJECT["optional-dependencies"]
    lines = [*PROJECT["dependencies"]]
    lines += [line for extra in extras if extra != "dev" for line in extras[extra]]
    found = {plain(re.split(r"[\[>=<~! ;]", line)[0]) for line in lines}
    return found - {plain(PROJECT["name"])}


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported() -> dict[str, set[str]]:
    """Top-level names that the product imports when it runs, with the files."""
    found: dict[str, set[str]] = {}
    for package in NAMES:
        for path in (ROOT / package).rglob("*.py"):
            for name in names_in(path):
                found.setdefault(name.partition(".")[0], set()).add(path.name)
    ours = {*NAMES, *sys.stdlib_module_names, *BY_THE_HOST}
    return {name: files for name, files in found.items() if name not in ours}


def names_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) if id(node) not in for_types:
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(module)) if id(node) not in for_types:
                yield module
            case ast.Call(args=[ast.Constant(value=str(module)), *_]) if ast.unparse(
                node.func
            ).endswith("import_module"):
                yield module


def test_what_is_imported_is_declared() -> None:
    declared, provided = distributions(), packages_distributions()
    for name, files in imported().items():
        by = {plain(each) for each in provided.get(name, ())}
        by |= {each for each, names in NOT_HERE.items() if name in names}
        assert by & declared, f"{name} ({', '.join(sorted(files))}) stands in no extra"


def test_what_is_declared_is_imported() -> None:
    names = set(imported())
    of: dict[str, set[str]] = dict(NOT_HERE)
    for name, by in packages_distributions().items():
        for each in by:
            of.setdefault(plain(each), set()).add(name)
    unused = {each for each in distributions() if not of.get(each, set()) & names}
    assert unused == UNSEEN
