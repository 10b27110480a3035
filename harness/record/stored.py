"""Records as files: which there are, and reading them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from harness.errors import UsageError
from harness.record.model import load, sha256

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

FILE = re.compile(r"^(?P<feature>[A-Za-z0-9][A-Za-z0-9._-]*?)(?:\.v(?P<version>\d+))?\.json$")
_QUARTER = re.compile(r"^\d{4}-Q[1-4]$")


def read_records(review: Path) -> tuple[DecisionRecord, ...]:
    """The newest version of each record of a review, by feature.

    Raises:
        UsageError: one line per record that cannot be read.
    """
    paths = newest_versions(review / "records")
    found: list[DecisionRecord] = []
    problems: list[str] = []
    for path in paths.values():
        try:
            found.append(read_record(path))
        except UsageError as error:
            problems.append(str(error))
    if problems:
        raise UsageError("\n".join(problems))
    return tuple(found)


def read_past(review: Path) -> tuple[DecisionRecord, ...]:
    """The newest records of the cycles before a review, from the folders beside its own.

    Only whole quarters count (`2026-Q3`): a quick or exploratory cycle has a longer name.
    """
    cycle = review.resolve().name
    if not _QUARTER.match(cycle) or not review.parent.is_dir():
        return ()
    earlier = sorted(
        folder
        for folder in review.parent.iterdir()
        if _QUARTER.match(folder.name) and folder.name < cycle and folder.is_dir()
    )
    return tuple(record for folder in earlier for record in read_records(folder))


def read_record(path: Path) -> DecisionRecord:
    """Read one record and check that nobody edited it by hand.

    Raises:
        UsageError: one line that names the file and what to do.
    """
    advice = "take it back from version control, or run the review again"
    try:
        text = path.read_text(encoding="utf-8")
        record = load(text)
        raw: dict[str, Any] = json.loads(text)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        if first["type"] == "value_error":
            line = first["msg"].removeprefix("Value error, ")
            raise UsageError(f"{path}: its figures do not fit together: {line}; {advice}") from None
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{path}: not a record: {where}: {first['msg']}; {advice}") from None
    except ValueError:
        raise UsageError(f"{path}: not a record: no valid JSON text; {advice}") from None
    if sha256({key: value for key, value in raw.items() if key != "etag"}) != record.etag:
        raise UsageError(f"{path}: was changed by hand (its etag does not match); {advice}")
    return record


def newest_versions(folder: Path) -> dict[str, Path]:
    """Path of the newest version of each feature's record, by feature."""
    return {feature: paths[-1] for feature, paths in all_versions(folder).items()}


def all_versions(folder: Path) -> dict[str, list[Path]]:
    """Paths of each feature's records, oldest version first, by feature."""
    found: dict[str, list[tuple[int, Path]]] = {}
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        match = FILE.match(path.name)
        if match is not None:
            version = int(match["version"] or 1)
            found.setdefault(match["feature"], []).append((version, path))
    return {feature: [path for _, path in sorted(paths)] for feature, paths in found.items()}
