"""Which changed files the gate looks into, and what it says of those it does not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.conduct.gating.changed import LARGEST_BYTES, changed_text

IDS = frozenset({"gpt-5"})


def huge(path: Path, text: str, at: int) -> None:
    """A file with a hole, so that its size costs no disk."""
    with path.open("wb") as stream:
        stream.truncate(LARGEST_BYTES + 1)
        stream.seek(at)
        stream.write(text.encode())


@pytest.mark.parametrize("at", [16_000_000 - 3, LARGEST_BYTES - 9])
def test_a_huge_file_that_names_a_model_is_no_pass(at: int, tmp_path: Path) -> None:
    huge(tmp_path / "a.json", '"gpt-5" ', at)
    found = changed_text(tmp_path, "a.json", IDS)
    assert (found.text, found.is_only_told) == (None, False)
    assert found.reason == "it names a model and has 50,000,001 bytes, too many"


def test_a_huge_file_without_a_model_is_nothing_to_tell(tmp_path: Path) -> None:
    huge(tmp_path / "a.bin", "nothing", 100)
    found = changed_text(tmp_path, "a.bin", IDS)
    assert (found.text, found.reason) == (None, None)


def test_what_is_no_plain_file_is_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link").symlink_to("pipe")
    names = ("pipe", "folder", "loop", "link")
    reasons = {name: changed_text(tmp_path, name, IDS).reason for name in names}
    assert reasons == {
        "pipe": "no plain file",
        "folder": "another repository (a submodule): its own gate judges it",
        "loop": "it cannot be read (a link to itself)",
        "link": "a link to what is no plain file",
    }
