"""Seconds of the processor that whole commands take at several commits, beside each other.

python -m tests.house.seconds COMMIT ...

Each commit is unpacked and run by this environment's interpreter; one from before 2026-11 needs
matplotlib on PYTHONPATH. The runs take turns; the table has medians of user and system time, and
each commit's share of the first one's.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.support.forty_features import write_forty
from tests.support.imports import FACTS, MODEL, POLICY
from tests.support.outcomes_table import outcomes_table

ROOT = Path(__file__).parents[2]
TURNS = 5
COMMANDS = {
    "`check` of the demo": ("check", "-w", "demo"),
    "`check` of 40 features": ("check", "-w", "forty"),
    "`gate` of the demo": ("gate", "-w", "demo", "--repo", "demo"),
    "`report` of the demo": ("report", "-w", "demo", "--cycle", "2026-Q4-demo"),
    "`review` again, without a call": ("review", "-w", "shop", "--cycle", "2026-Q4", "--yes"),
}


def unpacked(commit: str, folder: Path) -> Path:
    """A commit's files, and beside them the workspaces that its commands are run on."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=True
    )
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive.stdout, check=True)
    shutil.copytree(tree / "configs" / "demo", folder / "demo")
    write_forty(folder / "forty", "http://127.0.0.1:9")
    (folder / "answers.csv").write_text(outcomes_table(), encoding="utf-8")
    models = folder / "shop" / "models" / "all.yaml"
    models.parent.mkdir(parents=True)
    listed = (
        MODEL.format(name=name, price=p) for name, p in (("gpt-5.4", 10), ("gpt-5.4-mini", 1))
    )
    models.write_text("".join(listed), encoding="utf-8")
    (folder / "shop" / "policy.yaml").write_text(POLICY, encoding="utf-8")
    bring = ("import", "outcomes", "answers.csv", "-f", "routing", "-w", "shop")
    run(folder, *bring, "--incumbent", "gpt-5.4")
    feature = folder / "shop" / "features" / "routing.yaml"
    feature.write_text(feature.read_text(encoding="utf-8") + FACTS, encoding="utf-8")
    run(folder, *bring)
    for command in COMMANDS.values():
        run(folder, *command)
    return folder


def run(folder: Path, *command: str) -> float:
    """One command of a commit; its seconds of the processor."""
    path = os.pathsep.join(filter(None, [str(folder / "tree"), os.environ.get("PYTHONPATH")]))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-P", "-m", "harness.cli", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def say(line: str) -> None:
    """One line of the table, at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Print the table."""
    commits = sys.argv[1:]
    with tempfile.TemporaryDirectory() as scratch:
        folders = [unpacked(commit, Path(scratch) / commit) for commit in commits]
        say(f"| | {' | '.join(f'`{commit}`' for commit in commits)} |")
        say(f"|---|{'---:|' * len(commits)}")
        for name, command in COMMANDS.items():
            turns = [[run(folder, *command) for folder in folders] for _ in range(TURNS)]
            seconds = [median(each) for each in zip(*turns, strict=True)]
            cells = (f"{each:.2f} ({each / seconds[0]:.2f})" for each in seconds)
            say(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
