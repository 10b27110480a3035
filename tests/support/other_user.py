"""What another user of this machine can do to our files: tried for real, which only root may."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence

import pytest

NOBODY = "65534"
only_as_root = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="not root: another user cannot be played",
)


def succeeded(attempts: Sequence[str]) -> list[str]:
    """The shell commands that work for the user `nobody`."""
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return [
        one
        for one in attempts
        if subprocess.run([*user, "sh", "-c", one], check=False, capture_output=True).returncode
        == 0
    ]


def attempts_on(folder: object) -> list[str]:
    """To look into a folder, to take it away, to put something into it or in its place."""
    return [
        f"ls {folder}",
        f"cd {folder}",
        f"touch {folder}/mine",
        f"mkdir {folder}/mine",
        f"ln -s /etc/passwd {folder}/mine",
        f"mv {folder} {folder}.away",
        f"rmdir {folder}",
        f"rm -r {folder}",
        f"chmod 777 {folder}",
        f"find {folder} -type s -o -name '*token*' | grep .",
        f"for each in {folder}/*; do cat $each && exit 0; done; false",
        f"for each in {folder}/r/*/sockets/*; do mv $each $each.away && exit 0; done; false",
    ]
