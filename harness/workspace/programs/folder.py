"""A feature's program: where it lies, and the digest of all that is there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from harness.workspace.feature_file import ProgramConfig
from harness.workspace.fingerprints import fingerprint

MOST_FILES = 10_000
MOST_BYTES = 256 * 2**20
_SKIPPED = frozenset({"__pycache__", "node_modules"})


class ProgramFolderError(Exception):
    """A program's folder cannot be read whole; the message says why."""


def program_folder(root: Path, feature_id: str, config: ProgramConfig) -> Path:
    """Where a feature's program runs."""
    return root / (config.folder or f"programs/{feature_id}")


def program_digest(folder: Path, config: ProgramConfig) -> str:
    """What tells a program from another: its folder and command, or what its service is called.

    Raises:
        ProgramFolderError: there is no such folder, or it is too large to be one program's.
    """
    if config.url is not None:
        return fingerprint({"url": config.url, "version": config.version})
    return program_sha256(folder, config.command)


def program_sha256(folder: Path, command: Sequence[str]) -> str:
    """Of how the program is started, and of every file in its folder but hidden and compiled ones.

    Raises:
        ProgramFolderError: there is no such folder, or it is too large to be one program's.
    """
    try:
        if not folder.is_dir():
            raise ProgramFolderError("no such folder; the program's files belong there")
        files = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
        digests = {
            name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()
        }
    except OSError as error:
        where = Path(error.filename or folder).name
        raise ProgramFolderError(f"{where} cannot be read ({error.strerror})") from None
    return fingerprint({"command": list(command), "files": digests})


def _files(folder: Path) -> Iterator[Path]:
    size = 0
    for count, path in enumerate(_walked(folder), 1):
        size += path.stat().st_size
        if count > MOST_FILES or size > MOST_BYTES:
            raise ProgramFolderError(
                f"more than {MOST_FILES:,} files or {MOST_BYTES // 2**20} MB; "
                "name a folder that holds the program alone"
            )
        yield path


def _walked(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name in _SKIPPED or path.suffix == ".pyc":
            continue
        if path.is_symlink():
            raise ProgramFolderError(f"{path.name} is a link; put the file itself there")
        if path.is_dir():
            yield from _walked(path)
        elif path.is_file():
            yield path
