"""A workspace broken at random is refused with one clear line each, or loads; it never crashes."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from harness.conduct.checking import check_workspace, priced_on
from harness.errors import WorkspaceError
from harness.workspace.workspace import load_workspace
from tests.harness.conduct.test_check import TODAY
from tests.support.workspaces import write_workspace

FILES = (
    "policy.yaml",
    "models/all.yaml",
    "features/tickets.yaml",
    "evalsets/tickets/evalset.yaml",
    "evalsets/tickets/cases.jsonl",
    "prompts/tickets/default.j2",
    "evalsets/tickets/labels.jsonl",
)
LABEL = '{"case": "t-1", "answer": "billing", "by": "dana", "at": "2026-10-01"}\n'
PIECES = (b"\0", b"\xff", b"{", b"}", b"[", b"]", b'"', b"'", b":", b"\n", b"\t", b"- ", b"*a")
WORDS = (b"null", b"1e999", b"9" * 400, b"NaN", b"&a ", b"!!x ", b"{{", b"%}", b"\xc3\xa9", b"")


def damage(data: bytes, rng: random.Random) -> bytes:
    """Cut, swap or insert: one to three times."""
    for _ in range(rng.randrange(1, 4)):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((0, 0, 1, 3, 20, 500)))
        data = data[:start] + rng.choice(PIECES + WORDS) + data[end:]
    return data


@pytest.mark.parametrize("seed", range(200))
def test_no_damage_is_a_crash(tmp_path: Path, seed: int) -> None:
    root = write_workspace(tmp_path)
    (root / "evalsets" / "tickets" / "labels.jsonl").write_text(LABEL)
    rng = random.Random(seed)
    path = root / FILES[seed % len(FILES)]
    path.write_bytes(damage(path.read_bytes(), rng))
    report = check_workspace(root, has_price=priced_on(TODAY))
    for problem in report.problems:
        assert "\n" not in str(problem)
        assert "Traceback" not in str(problem)
    with suppress(WorkspaceError):
        # What `check` lets pass, every command can read.
        load_workspace(root)
        return
    assert report.errors
