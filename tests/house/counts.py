"""Counts that need nothing but the source: sizes, headers, neighbours, names."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path

import grimp

PACKAGES = ("harness", "evalsets", "providers", "reports")
SMALL = 60
"""Lines below which a file is small."""
OPTION_FORMS = (
    "Rung",  # planned: a model as a feature would ask it
    "PlannedOption",  # planned, with its cost a month; until the move also the test's own
    "TestedOption",  # the test's
    "OptionSeen",  # tested: differences
    "OptionCourse",  # tested: where it stands; the name before the move
    "OptionState",  # its name after it
    "Arm",  # tested: scores by case
    "Tested",  # tested: its p-value
    "Standing",  # tested: its quality so far; until the move also what is shown on the way
    "OptionProgress",  # shown on the way
    "OptionFacts",  # what the verdict is made from
    "OptionResult",  # what the verdict says of it
    "OptionRecord",  # recorded
    "OptionCost",  # recorded: its cost
    "LockedModel",  # locked
)
"""Types that carry one option of a feature, public or not, under names that they had or have."""


def product_files(root: Path) -> list[Path]:
    """The Python files of the four packages."""
    return [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]


def public_classes(root: Path) -> Counter[str]:
    """How often each public class name stands in the four packages."""
    return Counter(name for name in classes(root) if not name.startswith("_"))


def classes(root: Path) -> list[str]:
    """The name of each class in the four packages, as often as it stands there."""
    return [
        node.name
        for path in product_files(root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]


def siblings(root: Path) -> list[str]:
    """What stands directly under `harness`: packages and modules."""
    folder = root / "harness"
    packages = [path.parent.name for path in folder.glob("*/__init__.py")]
    modules = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
    return sorted([*packages, *modules])


def files_by_folder(root: Path) -> Counter[Path]:
    """How many Python files each folder of the four packages holds."""
    return Counter(path.parent.relative_to(root) for path in product_files(root))


def header_lines(text: str) -> int:
    """Lines before the first statement that is neither the docstring nor an import."""
    for place, node in enumerate(ast.parse(text).body):
        if not _is_header(node, first=place == 0):
            decorators = getattr(node, "decorator_list", [])
            return min([node.lineno, *(each.lineno for each in decorators)]) - 1
    return text.count("\n")


def _is_header(node: ast.stmt, *, first: bool) -> bool:
    if isinstance(node, ast.If):
        return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    docstring = first and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return docstring or isinstance(node, ast.Import | ast.ImportFrom)


def imported_by_one_neighbour(root: Path) -> list[str]:
    """Modules with a single importer, which stands in the same folder."""
    sys.path.insert(0, str(root))
    try:
        graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    finally:
        sys.path.remove(str(root))
    importers = {each: graph.find_modules_that_directly_import(each) for each in graph.modules}
    return sorted(
        module
        for module, by in importers.items()
        if len(by) == 1 and _folder(next(iter(by))) == _folder(module)
    )


def _folder(module: str) -> str:
    return module.rpartition(".")[0]


def counts(root: Path) -> dict[str, int | str]:
    """Everything that is counted, by what it is called in the table."""
    texts = [path.read_text(encoding="utf-8") for path in product_files(root)]
    lines = [text.count("\n") for text in texts]
    twins, folders = public_classes(root), files_by_folder(root)
    fullest = max(folders, key=lambda folder: folders[folder])
    forms = [name for name in classes(root) if name.lstrip("_") in OPTION_FORMS]
    return {
        "product files": len(texts),
        "lines": sum(lines),
        "lines of module headers (docstring and imports)": sum(map(header_lines, texts)),
        f"files below {SMALL} lines": sum(size < SMALL for size in lines),
        "longest file, lines": max(lines),
        "siblings under harness": len(siblings(root)),
        "most Python files in a folder": f"{folders[fullest]} ({fullest})",
        "public class names used twice or more": sum(times > 1 for times in twins.values()),
        "files with a single importer, in their own folder": len(imported_by_one_neighbour(root)),
        "forms of an option": f"{len(forms)} ({', '.join(forms)})",
    }
