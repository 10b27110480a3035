"""`rightsize init --scan`: a source tree to drafted features and models.

A place that is already in `features/` is left alone, whatever its file is called by now; where the
source names another model than the file, that is said and nothing is changed.
A feature is named after its key, file or folder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import cast

from evalsets.source import SourceError, read_text, read_yaml
from harness.bring.onramp.drafts import (
    MODELS_HEAD,
    TO_FILL_IN,
    FeatureDraft,
    ModelDraft,
    feature_text,
    models_text,
    owner_of,
    vendor_of_id,
    write_new,
)
from harness.bring.onramp.other_models import WithOthers, other_kind, other_lines
from harness.workspace.scan.texts import UnreadFile, Use
from harness.workspace.scan.tree import scan_tree

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SAYS_NOTHING = frozenset(
    {
        *("ai", "anthropic", "app", "args", "chart", "charts", "client", "config", "core"),
        *("create", "data", "default", "defaults", "deployment", "engine", "env", "environment"),
        *("generate", "gemini", "gpt", "get", "id", "index", "ini", "init", "json", "lib", "list"),
        *("litellm", "llm", "main", "model", "models", "name", "openai", "options", "params"),
        *("prod", "production", "pkg", "run", "self", "services", "settings", "src", "the", "use"),
        *("value", "values", "variables", "var", "vars", "yaml"),
    }
)
_MOST_WORDS = 4
_PROJECT_MARKS = (
    "pyproject.toml",
    "package.json",
    "go.mod",
    "Cargo.toml",
    "pom.xml",
    "build.gradle",
    "Gemfile",
    "setup.py",
    "requirements.txt",
    "Dockerfile",
)


def feature_id(key: str, path: str, repository: str) -> str:
    """A feature's id from what names the model: its key, else its file, else its folder.

    >>> feature_id("llm.invoice.model", "settings.toml", "ap-service")
    'invoice'
    >>> feature_id("model", "src/reviews.tsx", "web-shop")
    'reviews'
    """
    place = PurePosixPath(path)
    folders = reversed(place.parts[:-1])
    for text in (key, place.name.split(".")[0], *folders):
        words = _words(text)
        if words:
            return "-".join(words[-_MOST_WORDS:])
    return _slug(repository) or "feature"


def free_name(wanted: str, path: str, repository: str, taken: Collection[str]) -> str:
    """The wanted id; where it is taken, with its file or repository before or a number behind.

    >>> free_name("summary", "app/invoices.py", "ap-service", {"summary"})
    'invoices-summary'
    """
    before = ["-".join(_words(PurePosixPath(path).name.split(".")[0])), _slug(repository)]
    options = [wanted, *(f"{name}-{wanted}" for name in before if name and name != wanted)]
    options += [f"{wanted}-{number}" for number in range(2, len(taken) + 3)]
    return next(name for name in options if name not in taken)


def repository_of(root: Path, path: str) -> tuple[str, str]:
    """(repository, path inside it) of a scanned file.

    The repository is the nearest folder with a `.git`; without any, the scanned folder where it
    is a project by itself, else the folder directly in it.
    """
    parts = PurePosixPath(path).parts[:-1]
    folders = [root.joinpath(*parts[:depth]) for depth in range(len(parts) + 1)]
    with_git = [folder for folder in folders if (folder / ".git").exists()]
    without_git = root if _is_project(root) or not parts else folders[1]
    found = with_git[-1] if with_git else without_git
    return found.resolve().name, (root / path).relative_to(found).as_posix()


def place_of(root: Path, path: str, key: str, line: int) -> str:
    """Where production reads a model, as `used_in` says it: `repository:path#key`."""
    repository, inner = repository_of(root, path)
    anchor = re.sub(r"\s+", "_", key) or f"L{line}"
    return re.sub(r"\s", "_", f"{repository}:{inner}") + f"#{anchor}"


def _is_project(folder: Path) -> bool:
    return any((folder / mark).is_file() for mark in _PROJECT_MARKS)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _words(text: str) -> list[str]:
    """The words of a text that say something, each once."""
    words = dict.fromkeys(word.lower() for word in _WORD.findall(text))
    return [word for word in words if word not in _SAYS_NOTHING and not word.isdigit()]


_BEDROCK_REVISION = re.compile(r"-v\d+(?::\d+)?$")
_USED_IN = re.compile(r"^used_in:\s*(.+?)\s*$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanReport:
    """What a scan found and wrote."""

    ids: int
    """Places that name a model, tests and documentation included."""
    files: int
    """Files with such a place."""
    drafted: tuple[str, ...]
    """Features drafted now."""
    kept: tuple[str, ...]
    """Features that were there for a place that was found again."""
    models: tuple[str, ...]
    """Models drafted now."""
    ignored: Mapping[str, int]
    """Places left out, by reason."""
    to_fill_in: Mapping[str, int]
    """Keys that features still lack, of all features."""
    others: tuple[str, ...]
    """Production's models that write no text: a line for each kind, with its number."""
    notes: tuple[str, ...]
    """What a person should look at, one line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A feature that is already there."""

    id: str
    data: Mapping[str, object]


def scan_features(workspace: Path, source: Path, *, ids: Collection[str]) -> ScanReport:
    """Draft a feature for each place under `source` that names a model in production."""
    scan = scan_tree(source, WithOthers(ids))
    known = _features(workspace)
    drafted: list[str] = []
    kept: list[str] = []
    notes = [_unread(each) for each in scan.unread]
    places = _places(source, scan.uses)
    for place, uses in places.items():
        if place in known:
            kept.append(known[place].id)
            notes += _changed(known[place], uses)
        else:
            taken = {*drafted, *(path.stem for path in (workspace / "features").glob("*.y*ml"))}
            draft = _draft(source, place, uses, taken)
            write_new(workspace / "features" / f"{draft.id}.yaml", feature_text(draft))
            drafted.append(draft.id)
    models, model_notes = _write_models(
        workspace, [use for uses in places.values() for use in uses]
    )
    return ScanReport(
        ids=len(scan.uses),
        files=len({use.path for use in scan.uses}),
        drafted=tuple(drafted),
        kept=tuple(sorted(kept)),
        models=models,
        ignored=_ignored(scan.uses),
        to_fill_in=_to_fill_in(workspace),
        others=tuple(other_lines(use for use in scan.uses if _is_choice(use))),
        notes=(*notes, *_gone(known, places), *model_notes),
    )


def _places(source: Path, uses: Sequence[Use]) -> dict[str, list[Use]]:
    """The places in production, as `used_in` names them, each with the models named there."""
    places: dict[str, list[Use]] = {}
    for use in uses:
        if _reason_to_ignore(use) is None:
            place = place_of(source, use.path, use.key, use.line)
            places.setdefault(place, []).append(use)
    return places


def _is_choice(use: Use) -> bool:
    """Whether production chooses this model there."""
    return use.kind == "production" and not use.listed


def _reason_to_ignore(use: Use) -> str | None:
    if use.kind == "test":
        return "in tests"
    if use.kind == "docs":
        return "in documentation"
    if use.listed:
        return "in lists of many models"
    if other_kind(use.model_id) is not None:
        return "of models that write no text"
    return None


def _ignored(uses: Iterable[Use]) -> dict[str, int]:
    reasons = (_reason_to_ignore(use) for use in uses)
    return dict(sorted(Counter(reason for reason in reasons if reason is not None).items()))


def _draft(source: Path, place: str, uses: Sequence[Use], taken: Collection[str]) -> FeatureDraft:
    first = uses[0]
    repository, inner = repository_of(source, first.path)
    folder = source / first.path.removesuffix(inner)
    wanted = feature_id(first.key, inner, repository)
    return FeatureDraft(
        id=free_name(wanted, inner, repository, taken),
        incumbent=model_name(first),
        used_in=place,
        product=repository,
        owner=owner_of(folder, inner),
        also_named=tuple(dict.fromkeys(model_name(use) for use in uses[1:])),
    )


def model_name(use: Use) -> str:
    """The name of a model's entry: what the source names, without a vendor or a region before it.

    A model's name has no `/`; the version behind it stays, since it pins what is served.
    """
    start = use.written.rfind(use.model_id.rpartition("/")[2])
    written = use.written[start:] if start >= 0 else use.model_id
    name = _BEDROCK_REVISION.sub("", written.rpartition("/")[2])
    return re.sub(r"[^A-Za-z0-9._:+-]", "-", name)


def _platform(use: Use) -> str | None:
    """The cloud that a source reaches the model through, by the form of the name there."""
    if re.match(r"(?:bedrock/|(?:us|eu|apac|global)\.|anthropic\.)", use.written):
        return "bedrock"
    found = re.match(r"(azure|vertex)(?:_ai)?/", use.written)
    return found[1] if found else None


def _features(workspace: Path) -> dict[str, _Known]:
    """The features that are there, by the place that they are used in."""
    known: dict[str, _Known] = {}
    for path in sorted((workspace / "features").glob("*.y*ml")):
        data = _mapping(path)
        place = data.get("used_in")
        if isinstance(place, str):
            known[place] = _Known(id=path.stem, data=data)
    return known


def _mapping(path: Path) -> dict[str, object]:
    """A file's keys; of a file that is no YAML just now, the place it is about."""
    try:
        text = read_text(path, shown=path.name)
        data = read_yaml(text, file=path.name).data
    except SourceError:
        found = _USED_IN.search(path.read_text(encoding="utf-8", errors="replace"))
        return {"used_in": found[1].strip("\"'")} if found else {}
    return cast("dict[str, object]", data) if isinstance(data, dict) else {}


def _changed(known: _Known, uses: Sequence[Use]) -> list[str]:
    """Tell where the source names another model than the feature's file, which is kept."""
    incumbent = known.data.get("incumbent")
    names = [model_name(use) for use in uses]
    if not isinstance(incumbent, str) or incumbent.partition("@")[0] in names:
        return []
    where = f"{uses[0].path}:{uses[0].line}"
    return [f"features/{known.id}.yaml says {incumbent}; {where} says {' and '.join(names)}"]


def _gone(known: Mapping[str, _Known], places: Collection[str]) -> list[str]:
    """Features whose place was in a repository of this scan and is not found any more."""
    repositories = {place.partition(":")[0] for place in places}
    return [
        f"features/{each.id}.yaml: {place} is not found any more"
        for place, each in known.items()
        if place not in places and place.partition(":")[0] in repositories
    ]


def _unread(each: UnreadFile) -> str:
    return f"{each.path}: not looked into ({each.reason})"


def _to_fill_in(workspace: Path) -> dict[str, int]:
    files = [_mapping(path) for path in sorted((workspace / "features").glob("*.y*ml"))]
    missing = {key: sum(data.get(key) is None for data in files) for key in TO_FILL_IN}
    return {key: count for key, count in missing.items() if count}


def _write_models(workspace: Path, uses: Sequence[Use]) -> tuple[tuple[str, ...], list[str]]:
    """Add an entry for each model that no file has; appended, so that nothing is written over."""
    folder = workspace / "models"
    there = {name for path in sorted(folder.glob("*.y*ml")) for name in _mapping(path)}
    wanted: dict[str, Use] = {}
    for use in uses:
        if model_name(use) not in there:
            wanted.setdefault(model_name(use), use)
    by_file: dict[str, list[ModelDraft]] = {}
    for name, use in sorted(wanted.items()):
        vendor = vendor_of_id(use.model_id)
        draft = ModelDraft(name=name, vendor=vendor, platform=_platform(use))
        by_file.setdefault(vendor or "others", []).append(draft)
    notes: list[str] = []
    written: list[str] = []
    for file, drafts in by_file.items():
        path = folder / f"{file}.yaml"
        if _append(path, models_text(drafts)):
            written += [draft.name for draft in drafts]
        else:
            names = ", ".join(draft.name for draft in drafts)
            notes.append(f"models/{file}.yaml is no YAML just now; add {names} to it")
    return tuple(written), notes


def _append(path: Path, text: str) -> bool:
    """Append to a YAML file; False, and nothing done, where the result would be none."""
    before = path.read_text(encoding="utf-8") if path.is_file() else MODELS_HEAD
    joined = before if before.endswith("\n") else f"{before}\n"
    try:
        read_yaml(joined + text, file=path.name)
    except SourceError:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(joined + text, encoding="utf-8")
    return True
