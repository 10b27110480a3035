"""What git, and CI around it, know of a change: base, added lines, a file as it was, the job."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from harness.errors import CannotTellError


def toplevel(folder: Path) -> Path | None:
    """The root of the repository around a folder; None outside of one."""
    try:
        return Path(_git(folder, "rev-parse", "--show-toplevel").strip())
    except CannotTellError:
        return None


def base_of(given: str | None, environment: Mapping[str, str]) -> str | None:
    """The revision to compare with: as given, else the one that a CI service names."""
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


def diff_since(root: Path, commit: str) -> str:
    """Added lines of the working tree since a commit, without context."""
    options = ["--unified=0", "--no-color", "--no-ext-diff", "--no-textconv", "--diff-filter=d"]
    prefixes = ["--src-prefix=a/", "--dst-prefix=b/"]
    return _git(root, "diff", *options, *prefixes, commit, "--")


def text_at(root: Path, commit: str, path: str) -> str | None:
    """A file as it was at a commit; None where it was not there."""
    try:
        return _git(root, "show", f"{commit}:{path}")
    except CannotTellError:
        return None


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), "-c", "core.quotePath=false", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    except OSError as error:
        raise CannotTellError(f"git cannot be run: {error.strerror}") from None
    if done.returncode:
        words = done.stderr.decode("utf-8", errors="replace").strip().splitlines()
        raise CannotTellError(f"git {arguments[0]}: {words[0] if words else 'failed'}")
    return done.stdout.decode("utf-8", errors="replace")
