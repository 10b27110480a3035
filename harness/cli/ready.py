"""A workspace before a command that may pay: what `check` refuses is left out first, or ends it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click

from harness.conduct.checking import checked_workspace
from harness.errors import ExitCode, Faults
from harness.workspace.workspace import Workspace


def ready_workspace(root: Path, *, on: date, features: tuple[str, ...] = ()) -> Workspace:
    """The workspace without the features that have faults of their own, which are told.

    Raises:
        WorkspaceError: a fault that all features share, or no wanted feature without one.
    """
    loaded = checked_workspace(root, on=on, features=features)
    for line in refused_lines(loaded):
        click.echo(line, err=True)
    return loaded


def refused_lines(workspace: Workspace) -> Iterator[str]:
    """Which features are left out, and by what."""
    for name, faults in workspace.refused.items():
        yield f"{name} is left out, nothing of it is asked:"
        yield from (f"    {fault}" for fault in faults)


def code_of_plan(workspace: Workspace, faults: Faults) -> int:
    """Tell the features that could not be planned; the code where any feature is left out."""
    for fault in faults.found:
        click.echo(f"{fault}; it is left out, nothing of it is asked", err=True)
    return faults.exit_code or (ExitCode.USAGE_ERROR if workspace.refused else ExitCode.OK)


def kept(features: tuple[str, ...], workspace: Workspace) -> tuple[str, ...]:
    """The features that were named, without those that are left out."""
    return tuple(name for name in features if name not in workspace.refused)


def code_after(planned: int, code: int) -> int:
    """A command's exit code after the one of its plan, in which features may be left out."""
    return code if code == ExitCode.INTERNAL_ERROR else planned or code
