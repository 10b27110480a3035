"""What tells a program from another: its folder, interpreter, packages, and what it is told.

An answer is kept for all of it: with another interpreter, package or value the program is another,
and is asked anew. Values are hashed, and no hash of one alone is written anywhere.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from harness.workspace.feature_file import ProgramConfig
from harness.workspace.fingerprints import fingerprint
from providers.answer import as_object, object_at, text_at

SPOKEN = ("LANG", "LC_ALL", "LC_CTYPE", "TZ")
"""Usual variables that change what a program says; the others say where things lie."""
MOST_FILES = 5_000
_PYTHON = re.compile(r"(?:python|pypy)[\d.]*(?:\.exe)?")
_ENV = "env"
_EDITABLE = "direct_url.json"


class Startable(Protocol):
    """What is said of a program that decides what it runs."""

    @property
    def command(self) -> tuple[str, ...]:
        """How it is started."""
        ...

    @property
    def environment(self) -> tuple[str, ...]:
        """Names of variables that it may see beside the usual ones."""
        ...

    @property
    def version(self) -> str | None:
        """What stands for all that it runs beside its folder."""
        ...


class UnknownOutsideError(Exception):
    """Nothing here tells what a program runs beside its folder's files; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Digests of what determines a program's answers and does not lie in its folder."""

    runs: str
    """Interpreter, packages and named variables: every machine must have the same."""
    spoken: str
    """Language and time zone, here."""


def program_outside(program: Startable, folder: Path, environ: Mapping[str, str]) -> Surroundings:
    """What determines a program's answers and does not lie in its folder.

    With a `version` that stands for interpreter and packages; else they are looked up.

    Raises:
        UnknownOutsideError: there is no `version`, and they cannot be looked up.
    """
    if program.version is not None:
        runs: dict[str, object] = {"version": program.version}
    else:
        runs = _found(program.command[0], folder, environ)
    named = _told(program.environment, environ)
    return Surroundings(
        runs=fingerprint({"variables": named, "runs": runs}),
        spoken=fingerprint(_told(SPOKEN, environ)),
    )


def _told(names: Iterable[str], environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: hashlib.sha256(environ[name].encode(errors="surrogateescape")).hexdigest()
        for name in sorted(names)
        if name in environ
    }


def _found(name: str, folder: Path, environ: Mapping[str, str]) -> dict[str, object]:
    path = _located(name, folder, environ)
    if path is None:
        # It cannot be started here: there is nothing that it could be confused with.
        return {"absent": name}
    if _is_in(path, folder):
        return _of_own_file(path, folder, environ)
    if _PYTHON.fullmatch(path.name):
        return {"python": _digest_of(path), "packages": _packages(path)}
    raise UnknownOutsideError(
        f"what `{path.name}` runs beside the folder's files is not known here"
    )


def _of_own_file(path: Path, folder: Path, environ: Mapping[str, str]) -> dict[str, object]:
    """A file of the folder is hashed with it; a script has an interpreter."""
    with path.open("rb") as file:
        first = file.readline(256)
    if not first.startswith(b"#!"):
        return {}
    words = first[2:].decode(errors="replace").split()
    if words and Path(words[0]).name == _ENV:
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    return _found(words[0], folder, environ) if words else {}


def _located(name: str, folder: Path, environ: Mapping[str, str]) -> Path | None:
    if "/" in name:
        path = folder / name
        return path if path.is_file() else None
    found = shutil.which(name, path=environ.get("PATH"))
    return None if found is None else Path(found)


def _is_in(path: Path, folder: Path) -> bool:
    return path.resolve().is_relative_to(folder.resolve())


def _digest_of(path: Path) -> str:
    real = path.resolve()
    stat = real.stat()
    return _digest(real, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _packages(python: Path) -> list[str]:
    """Name and version of every installed package; of one that is used where it lies, its code."""
    found: list[str] = []
    for place in _places(python):
        for entry in sorted(place.iterdir()):
            if entry.suffix in {".dist-info", ".egg-info", ".pth", ".egg-link"}:
                found.append(entry.name)
                found += _used_in_place(entry / _EDITABLE)
    return found


def _places(python: Path) -> Iterator[Path]:
    """Folders of packages: a virtual environment's own, and its interpreter's where it shows."""
    home = python.parent.parent
    marker = home / "pyvenv.cfg"
    shown = marker.is_file() and "include-system-site-packages = false" in marker.read_text("utf-8")
    homes = [home] if shown else [home, python.resolve().parent.parent]
    for place in dict.fromkeys(homes):
        for pattern in ("lib*/python3*/site-packages", "lib*/python3*/dist-packages"):
            yield from sorted(path for path in place.glob(pattern) if path.is_dir())


def _used_in_place(stated: Path) -> Iterator[str]:
    """The digest of a package that is installed from a folder as it stands (`pip install -e`)."""
    try:
        told = as_object(json.loads(stated.read_text("utf-8")))
    except (OSError, ValueError):
        return
    if object_at(told, "dir_info").get("editable") is not True:
        return
    place = urlsplit(text_at(told, "url") or "")
    if place.scheme != "file" or not place.path:
        named = stated.parent.name.removesuffix(".dist-info")
        raise UnknownOutsideError(
            f"{named} is installed from where it lies, and its {_EDITABLE} names no folder (`url`)"
        )
    folder = Path(unquote(place.path))
    digest = hashlib.sha256()
    for number, path in enumerate(_code(folder)):
        if number > MOST_FILES:
            raise UnknownOutsideError(f"the package in {folder.name} has too many files to be read")
        digest.update(f"{path.relative_to(folder)} {_digest_of(path)}\n".encode())
    yield digest.hexdigest()


def _code(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _code(path)
        elif path.suffix == ".py":
            yield path


MOST_FOLDER_FILES = 10_000
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
        if count > MOST_FOLDER_FILES or size > MOST_BYTES:
            raise ProgramFolderError(
                f"more than {MOST_FOLDER_FILES:,} files or {MOST_BYTES // 2**20} MB; "
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
