"""The commands of the session with a table, run as they stand against the built wheel."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.outcomes_table import outcomes_table
from tests.support.wheels import ROOT, run

pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel")]

GUIDE = ROOT / "harness" / "bring" / "README.md"
_BLOCK = re.compile(r"^```(console|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"# (rightsizing/\S+)\n")


def blocks() -> list[tuple[str, str]]:
    """The guide's fenced blocks: kind and text, in their order."""
    text = GUIDE.read_text(encoding="utf-8")
    return [(match[1], match[2]) for match in _BLOCK.finditer(text)]


def shown(text: str) -> list[tuple[str, str]]:
    """A console block's commands, each with the output under it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    return [(command, output) for command, _, output in (part.partition("\n") for part in parts)]


def let_prices_last(policy: Path) -> None:
    """The pinned catalogue's prices age; a new user's catalogue is as new as the day."""
    text = policy.read_text(encoding="utf-8")
    assert "prices: 45" in text
    policy.write_text(text.replace("prices: 45", "prices: 36500"), encoding="utf-8")


def test_a_new_user_gets_from_a_table_to_a_document(
    host: tuple[Path, Path], tmp_path: Path
) -> None:
    commands, _ = host
    (tmp_path / "answers.csv").write_text(outcomes_table(), encoding="utf-8")
    ran = files = 0
    for kind, text in blocks():
        if kind == "yaml":
            named = _NAMED.match(text)
            if named is not None:  # what has no name is no file of the session
                (tmp_path / named[1]).write_text(text, encoding="utf-8")
                files += 1
            continue
        for command, output in shown(text):
            name, *arguments = shlex.split(command)
            if name == "pip":
                continue
            program = commands / name if name == "rightsize" else name
            done = run(program, *arguments, cwd=tmp_path, check=False)
            said = (done.stdout + done.stderr).replace(f"{tmp_path}/", "")
            assert said == output, command
            if command == "rightsize init":
                let_prices_last(tmp_path / "rightsizing" / "policy.yaml")
            ran += 1
    assert (ran, files) == (7, 2)
