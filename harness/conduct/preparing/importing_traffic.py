"""`import traffic`: a log of calls becomes a traffic file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.errors import UsageError
from harness.money.request_log import weeks_of_log
from harness.money.traffic import Week, write_weeks
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.workspace import load_workspace

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.csv")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficWritten:
    """A traffic file that was written, and the features that it may be of."""

    path: Path
    weeks: tuple[Week, ...]
    features: Mapping[str, FeatureConfig]


def import_traffic(root: Path, source: Path, *, name: str | None = None) -> TrafficWritten:
    """Add a log of calls up to a week of traffic a feature. A file that is there stays.

    Args:
        root: folder of the workspace.
        source: the log, of whole weeks, as CSV.
        name: of the file under traffic/; the log's without.

    Raises:
        WorkspaceError: a fault of the workspace.
        UsageError: a name that is none, a file of that name, or a log that cannot be read.
    """
    features = load_workspace(root).features
    path = root / "traffic" / _file_name(name or f"{source.stem}.csv")
    if path.exists():
        raise UsageError(f"{path}: is there already; name another file with --to")
    weeks = weeks_of_log(source, file=source.name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(write_weeks(weeks), encoding="utf-8")
    return TrafficWritten(path=path, weeks=weeks, features=features)


def _file_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"--to {name}: not a file name such as 2026-10.csv")
    return name
