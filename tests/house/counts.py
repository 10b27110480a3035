"""Counts that need nothing but the source: sizes, headers, neighbours, names."""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import grimp

PACKAGES = ("harness", "evalsets", "providers", "reports")
SMALL = 60
"""Lines below which a file is small."""
STAGES = {
    "Config": "as its user writes it",
    "Entry": "as a file of ours keeps it",
    "Error": "that it is wrong",
    "Facts": "as the record or the journal keeps it",
}
"""Words behind a name that say at which stage a thing is."""
OWN_DECORATORS = {
    "cache",
    "cached_property",
    "classmethod",
    "contextmanager",
    "dataclass",
    "lru_cache",
    "property",
    "staticmethod",
}
"""Decorators behind which a name is called by whoever says it."""
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z0-9]*|[A-Z]+")
OPTION_FORMS = (
    "Rung",  # planned: a model as a feature would ask it
    "PlannedOption",  # planned, with its cost a month; until the move also the test's own
    "TestedOption",  # the test's
    "OptionSeen",  # tested: differences; since then a whole ladder's are one value
    "OptionCourse",  # tested: where it stands; the name before the move
    "OptionState",  # its name after it
    "Arm",  # tested: scores by case
    "Tested",  # tested: its p-value
    "Standing",  # tested: its quality so far; until the move also what is shown on the way
    "OptionProgress",  # shown on the way
    "OptionFacts",  # what the verdict is made from
    "OptionResult",  # what the verdict says of it
    "WeighedOption",  # both in one
    "Examined",  # what the record is made from
    "OptionRecord",  # recorded
    "LockedModel",  # locked
)
"""Types that carry one option of a feature, public or not, under names that they had or have.

No form of it is a part that others have, too: `OptionCost`, `Pairs`, `Vetoes`, `Measured`.
"""


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


@dataclass(kw_only=True)
class PublicClass:
    """A public class: its room, what it is derived from, its text, and the files that use it."""

    room: str
    bases: set[str]
    text: str
    files: set[Path] = field(default_factory=set[Path])


def twins(root: Path) -> set[tuple[str, str]]:
    """Public class names of two rooms of which one is the other with a word before or behind it.

    They are twins where a reader meets both: some file uses both names. None is a class that is
    derived from the other or speaks of it (its text names it), and a word of `STAGES` behind says
    enough.
    Too general, and a twin of each, is a name before which two further rooms put a word.
    """
    known = _public(root)
    found: set[tuple[str, str]] = set()
    for longer, its in known.items():
        first, *rest = re.findall(_WORD, longer)
        head, tail = "".join(rest), longer[: len(longer) - len((rest or [first])[-1])]
        for name, stage in ((head, ""), (tail, (rest or [""])[-1])):
            other = known.get(name)
            if other is None or other.room == its.room or name in its.bases or stage in STAGES:
                continue
            if other.files & its.files and not re.search(rf"\b{name}\b", its.text):
                found.add((name, longer))
    rooms: defaultdict[str, set[str]] = defaultdict(set)
    for longer, its in known.items():
        name = "".join(re.findall(_WORD, longer)[1:])
        if name in known and known[name].room != its.room and name not in its.bases:
            rooms[name].add(its.room)
    return found | {(name, "*") for name, others in rooms.items() if len(others) > 1}


def _public(root: Path) -> dict[str, PublicClass]:
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in product_files(root)}
    known = {
        node.name: PublicClass(
            room=_room(path.relative_to(root)),
            bases={ast.unparse(base).partition("[")[0] for base in node.bases},
            text=ast.unparse(node),
            files={path},
        )
        for path, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    }
    for path, tree in trees.items():
        for node in ast.walk(tree):
            for name in node.names if isinstance(node, ast.ImportFrom) else ():
                if name.name in known:
                    known[name.name].files.add(path)
    return known


def _room(path: Path) -> str:
    return path.parts[1] if path.parts[0] == "harness" else path.parts[0]


def called_by_nobody(root: Path) -> set[str]:
    """Functions, methods and classes of the product whose names its files say nowhere else.

    Templates are files of it, too. Not those that somebody else's library calls: what another
    decorator than `OWN_DECORATORS` hands over, and visitors of a syntax tree.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in product_files(root)}
    templates = (path for package in PACKAGES for path in (root / package).rglob("*.j2"))
    everything = [*texts.values(), *(path.read_text(encoding="utf-8") for path in templates)]
    said = Counter(word for text in everything for word in re.findall(r"[A-Za-z_]\w*", text))
    return {
        f"{path.relative_to(root)}:{node.name}"
        for path, text in texts.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if said[node.name] == 1
        if {re.split(r"\W", ast.unparse(by))[0] for by in node.decorator_list} <= OWN_DECORATORS
        if not node.name.startswith(("__", "visit_"))
    }


def own_for_types_alone(root: Path) -> set[tuple[str, str]]:
    """Files, each with a module of ours that it imports for the type checker alone."""
    return {
        (path.relative_to(root).as_posix(), one.module)
        for path in product_files(root)
        for block in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for one in block.body
        if isinstance(one, ast.ImportFrom)
        and one.module is not None
        and one.module.partition(".")[0] in PACKAGES
    }


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
