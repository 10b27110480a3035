"""A workspace's own folder, and files that only their owner may read."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from harness.workspace.state import (
    create_private,
    journal_file,
    logs_folder,
    open_private,
    write_private,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def lax_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_journal_and_the_logs_lie_in_the_workspaces_own_folder(tmp_path: Path) -> None:
    assert journal_file(tmp_path) == tmp_path / ".rightsize" / "journal.sqlite"
    assert logs_folder(tmp_path) == tmp_path / ".rightsize" / "logs"


def test_a_file_is_replaced_whole_and_stays_its_owners(tmp_path: Path) -> None:
    file = tmp_path / "answers"
    file.write_text("old")
    file.chmod(0o644)
    with file.open() as reader:
        write_private(file, "n\u00e9w\n")
        assert reader.read() == "old"
    assert file.read_bytes() == "n\u00e9w\n".encode()
    write_private(file, b"\xff")
    assert file.read_bytes() == b"\xff"
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_an_open_file_keeps_what_is_in_it_and_a_created_one_is_new(tmp_path: Path) -> None:
    file, other = tmp_path / "lock", tmp_path / "other"
    os.close(open_private(file))
    assert mode(file) == 0o600
    file.write_text("held")
    os.close(open_private(file))
    assert file.read_text() == "held"
    other.write_text("untouched")
    file.unlink()
    file.symlink_to(other)
    os.close(create_private(file))
    assert (file.is_symlink(), file.read_text(), mode(file)) == (False, "", 0o600)
    assert other.read_text() == "untouched"
