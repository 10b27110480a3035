"""Where a job begins: which workspace, which cycle, which moment."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

from harness.errors import UsageError

CYCLE = re.compile(r"(?=.{7,60}\Z)[0-9]{4}-Q[1-4](-[a-z0-9]+)*")


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def quarter(day: date) -> str:
    """The cycle of a day: 2026-Q4."""
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def cycle_of(given: str | None, day: date) -> str:
    """The cycle that was asked for, or the current one.

    Raises:
        UsageError: it is not of the form 2026-Q4.
    """
    if given is None:
        return quarter(day)
    if not CYCLE.fullmatch(given):
        raise UsageError(f"--cycle {given[:60]}: not of the form 2026-Q4, of at most 60 letters")
    return given


def find_workspace(given: Path) -> Path:
    """The workspace's root: the given folder, or the current one when it is a workspace.

    Raises:
        UsageError: neither holds a policy.yaml.
    """
    if (given / "policy.yaml").is_file():
        return given.resolve()
    here = Path.cwd()
    default = given == Path("rightsizing")
    if default and (here / "policy.yaml").is_file():
        return here
    raise UsageError(
        f"{given}: no workspace here (no policy.yaml); "
        "`rightsize init` writes one, --workspace names one"
    )
