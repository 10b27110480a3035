"""`python -m tests.house [--at COMMIT] [--no-case]`: the counts, as a Markdown table.

Of the checkout that it stands in, or of a commit, whose files are taken to a temporary folder. The
last two lines come from a real review (about a minute); `--no-case` leaves them out.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.house.case_path import case_path
from tests.house.counts import counts

ROOT = Path(__file__).parents[2]


def extract(commit: str, folder: Path) -> Path:
    """The files of a commit, in `folder`."""
    packed = subprocess.run(
        ["git", "archive", "--format=tar", commit], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.house")
    parser.add_argument("--at", metavar="COMMIT", help="count the files of this commit")
    parser.add_argument("--no-case", action="store_true", help="trace no case")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="house-") as folder:
        root = extract(options.at, Path(folder) / "tree") if options.at else ROOT
        found = counts(root) | ({} if options.no_case else case_path(root.resolve()))
    print(f"| {options.at or 'this checkout'} | |\n|---|---:|")  # noqa: T201
    for name, value in found.items():
        print(f"| {name} | {value:,} |" if isinstance(value, int) else f"| {name} | {value} |")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
