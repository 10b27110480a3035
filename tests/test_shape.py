"""The house by numbers: sizes that rot first, and no hidden imports of our own modules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("harness", "evalsets", "providers", "reports")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def functions(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    nodes = ast.walk(tree)
    return [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_shape(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    assert lines <= (30 if path.name == "__init__.py" else 400), f"{path} has {lines} lines"
    for function in functions(ast.parse(text)):
        size = (function.end_lineno or function.lineno) - function.lineno + 1
        assert size <= 50, f"{path}:{function.lineno} {function.name} has {size} lines"
        for node in ast.walk(function):
            if isinstance(node, ast.ImportFrom | ast.Import):
                names = [alias.name for alias in node.names]
                module = getattr(node, "module", None) or names[0]
                assert module.split(".")[0] not in PACKAGES, f"{path}:{node.lineno} hidden import"


def test_files_were_found() -> None:
    assert len(FILES) > 10


def test_the_product_imports_nothing_of_its_tests() -> None:
    """The wheel has no tests; import-linter looks at the four packages alone."""
    tops = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {"harness", "pydantic"} <= tops
    assert "tests" not in tops
