"""Which code a process would run: the driver's and the workers' must be the same."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from harness.errors import UsageError

PACKAGES = ("evalsets", "harness", "providers", "reports")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Our distribution as a process sees it."""

    version: str
    python: str
    digest: str
    """SHA-256 of the sources of our packages."""
    folders: tuple[str, ...]


def own_identity() -> Identity:
    """The identity of this process: where it finds our packages, and what is in them."""
    folders = tuple(_folder(name) for name in PACKAGES)
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(Path(folder).rglob("*.py")):
            digest.update(file.relative_to(folder).as_posix().encode())
            digest.update(file.read_bytes())
    try:
        distribution = version("model-rightsizing")
    except PackageNotFoundError:
        distribution = "not installed"
    return Identity(
        version=distribution,
        python=".".join(platform.python_version_tuple()[:2]),
        digest=digest.hexdigest(),
        folders=folders,
    )


def refuse_mismatch(driver: Identity, worker: Identity, *, same_disk: bool) -> None:
    """Raise unless a worker runs the driver's code; on one disk, from the same folders too."""
    if not same_disk:
        worker = replace(worker, folders=driver.folders)
    if worker == driver:
        return
    names = [name for name in Identity.__slots__ if getattr(worker, name) != getattr(driver, name)]
    shown = "; ".join(f"{n} {getattr(worker, n)} instead of {getattr(driver, n)}" for n in names)
    raise UsageError(
        f"a Ray worker would run other code than this process ({shown}): "
        "install the same model-rightsizing on every node"
    )


def _folder(name: str) -> str:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        return f"no package {name}"
    return str(Path(spec.origin).resolve().parent)
