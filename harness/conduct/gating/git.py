"""What git, and CI around it, know of a change: base, changed files, what they were, the job."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from harness.errors import CannotTellError, UsageError


def toplevel(folder: Path) -> Path | None:
    """The root of the repository around a folder; None outside of one."""
    try:
        return Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    except CannotTellError:
        return None


def base_of(given: str | None, environment: Mapping[str, str]) -> str | None:
    """The revision to compare with: as given, else the one that a CI service names.

    Raises:
        UsageError: it is given and empty, as by a variable that is not set.
    """
    if given is not None and not given.strip():
        raise UsageError("--base: names no revision; is a variable in it not set?")
    if given:
        return given
    branch = environment.get("GITHUB_BASE_REF")
    if branch:
        return f"origin/{branch}"
    return environment.get("CI_MERGE_REQUEST_DIFF_BASE_SHA") or None


def job_page(environment: Mapping[str, str]) -> str | None:
    """Address of the job's page as its CI service says it; None elsewhere."""
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, number = (environment.get(name) for name in names)
    if server and repository and number:
        return f"{server}/{repository}/actions/runs/{number}"
    return environment.get("CI_JOB_URL") or None


def merge_base(root: Path, base: str) -> str:
    """The commit that a change began at.

    Raises:
        CannotTellError: git does not know the revision, as in a shallow clone.
    """
    try:
        return _git(root, "merge-base", "--end-of-options", base, "HEAD").strip()
    except CannotTellError:
        raise CannotTellError(
            f"git cannot compare with {base}; fetch the whole history (fetch-depth: 0) or name "
            "another --base"
        ) from None


def changed_paths(root: Path, commit: str, *, deleted: bool = False) -> tuple[str, ...]:
    """Files of the working tree that differ from a commit's; `deleted` ones where asked for.

    By content alone: no attribute of a path, no binary byte and no rename hides one.

    Raises:
        CannotTellError: git cannot be run, or refuses.
    """
    names = ["--name-only", "-z", "--no-renames", "--no-ext-diff"]
    kinds = [] if deleted else ["--diff-filter=d"]
    return _paths(_bytes(root, "diff", *names, *kinds, commit, "--"))


def files_under(root: Path, commit: str, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The plain files of a commit whose paths are wanted, with their content.

    Raises:
        CannotTellError: git cannot be run, or refuses.
    """
    listed = _bytes(root, "ls-tree", "-r", "-z", "--full-tree", commit)
    found: dict[str, str] = {}
    for line in listed.split(b"\0"):
        facts, _, name = line.partition(b"\t")
        mode, _, rest = facts.partition(b" ")
        path = name.decode("utf-8", "surrogateescape")
        if mode.startswith(b"100") and wanted(path):
            found[path] = rest.split(b" ")[1].decode()
    return dict(zip(found, _blobs(root, list(found.values())), strict=True))


def moved(root: Path, commit: str, name: str) -> list[str]:
    """Files of a commit by this name that are no longer plain files at their place.

    Whoever moves a file, or puts a link in its place, does not shed what it said.
    """
    listed = _bytes(root, "ls-tree", "-r", "-z", "--full-tree", "--name-only", commit)
    whole, found = root.resolve(), list[str]()
    for path in _paths(listed):
        here = whole / path
        if path.rpartition("/")[2] == name and not (here.is_file() and here.resolve() == here):
            found.append(path)
    return found


def text_at(root: Path, commit: str, path: str) -> str | None:
    """A file as it was at a commit; None where it was not there."""
    try:
        return _git(root, "show", f"{commit}:{path}")
    except CannotTellError:
        return None


def _paths(listed: bytes) -> tuple[str, ...]:
    return tuple(name.decode("utf-8", "surrogateescape") for name in listed.split(b"\0") if name)


def _blobs(root: Path, names: Sequence[str]) -> Iterator[bytes]:
    """The contents of blobs, by one call."""
    asked = "".join(f"{name}\n" for name in names).encode()
    data = _bytes(root, "cat-file", "--batch", given=asked) if names else b""
    at = 0
    for _ in names:
        end = data.index(b"\n", at)
        size = int(data[at:end].rsplit(b" ", 1)[1])
        yield data[end + 1 : end + 1 + size]
        at = end + 1 + size + 1


def _git(folder: Path, *arguments: str) -> str:
    return _bytes(folder, *arguments).decode("utf-8", errors="replace")


def _bytes(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    command = ["git", "-C", str(folder), "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False, input=given)  # noqa: S603
    except OSError as error:
        raise CannotTellError(f"git cannot be run: {error.strerror}") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise CannotTellError(f"git {arguments[0]}: {words[0] if words else 'failed'}")
    return done.stdout
