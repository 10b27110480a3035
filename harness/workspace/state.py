"""A workspace's own folder, `.rightsize`: its journal, its logs, and files for their owner alone.

Prompts, answers, tokens and logs lie in files of mode 0600; every such file is opened here.
"""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UsageError

OWNER_ONLY = 0o600


def state_folder(root: Path) -> Path:
    """The folder of a workspace that holds answers; no other does."""
    return root / ".rightsize"


def journal_file(root: Path) -> Path:
    """Where a workspace keeps its journal."""
    return state_folder(root) / "journal.sqlite"


def logs_folder(root: Path) -> Path:
    """Where a workspace keeps the logs and state files of its servers."""
    return state_folder(root) / "logs"


def open_private(path: Path) -> int:
    """Open a file for reading and writing, created empty if it is not there yet.

    Returns:
        The descriptor, which is not passed on to child processes.

    Raises:
        UsageError: there is no folder to put it in.
    """
    _refuse_nowhere(path)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)


def create_private(path: Path) -> int:
    """Create a new file in place of an old one; returns the descriptor, open for writing.

    Whoever still writes to the old one, or has put a link there, does not reach the new one.

    Raises:
        UsageError: there is no folder to put it in.
    """
    _refuse_nowhere(path)
    path.unlink(missing_ok=True)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY)


def _refuse_nowhere(path: Path) -> None:
    if not path.parent.exists():
        raise UsageError(f"{path.parent}: there is no such folder; make it, or name another place")


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file, whole or not at all: a reader sees the old content or the new."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with os.fdopen(create_private(draft), "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    draft.replace(path)
