"""Features that state no traffic take it from the workspace's traffic files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.metering.week import NoTrafficError, together
from harness.metering.week_file import read_weeks

if TYPE_CHECKING:
    from pathlib import Path

    from harness.config.files import Traffic
    from harness.config.workspace import Workspace
    from harness.metering.week import Week


def metered(workspace: Workspace) -> Workspace:
    """The workspace with every feature's traffic, where its file or `traffic/*.csv` says it.

    What a feature's file states wins. Else the newest file counts, by its name, that has rows of
    the feature; its cohorts are added up.

    A feature without a request in it has none, and is blocked by itself.

    Raises:
        WorkspaceError: a traffic file that is needed is damaged.
    """
    silent = [name for name, config in workspace.features.items() if config.traffic is None]
    if not silent:
        return workspace
    known = _newest(workspace.root / "traffic")
    read = {name: _traffic(*known[name]) for name in silent if name in known}
    found = {name: traffic for name, traffic in read.items() if traffic is not None}
    features = {
        name: config.model_copy(update={"traffic": found[name]}) if name in found else config
        for name, config in workspace.features.items()
    }
    return replace(workspace, features=features)


def _traffic(file: str, weeks: tuple[Week, ...]) -> Traffic | None:
    try:
        month = together(weeks).to_traffic(source=f"traffic/{file}")
    except NoTrafficError:
        return None
    return month.model_copy(update={"curve": file})


def _newest(folder: Path) -> dict[str, tuple[str, tuple[Week, ...]]]:
    """The newest file that has rows of each feature, and those rows."""
    found: dict[str, tuple[str, tuple[Week, ...]]] = {}
    for path in sorted(folder.glob("*.csv")) if folder.is_dir() else ():
        weeks = read_weeks(path.read_text(encoding="utf-8-sig"), file=f"traffic/{path.name}")
        for name in {week.feature for week in weeks}:
            own = tuple(week for week in weeks if week.feature == name)
            found[name] = (path.name, own)
    return found
