"""A workspace's own folder, and files that only their owner may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.workspace.state import (
    create_private,
    journal_file,
    logs_folder,
    open_private,
    write_private,
)
from tests.support.other_user import attempts_on, only_as_root, succeeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


@only_as_root
@pytest.mark.parametrize("mode_of_ours", [0o700, 0o755])
def test_another_user_reads_and_changes_nothing_of_a_workspaces_own_folder(
    mode_of_ours: int,
) -> None:
    with TemporaryDirectory() as shared:
        root = Path(shared)
        root.chmod(0o755)
        with Journal.open(journal_file(root), run_id="r", cycle="c", now="2026-11-24"):
            write_private(root / ".rightsize" / "ray-token", "secret")
            (root / ".rightsize").chmod(mode_of_ours)
            done = succeeded(attempts_on(root / ".rightsize"))
            assert len(list((root / ".rightsize").iterdir())) == 5
    # A folder that somebody opened to everybody can be listed; its files stay their owner's.
    assert all(one.startswith(("ls ", "cd ", "find ")) for one in done)
    assert mode_of_ours == 0o755 or done == []


@pytest.mark.parametrize(
    "write", [open_private, create_private, lambda path: write_private(path, "")]
)
def test_a_place_that_is_not_there_is_the_users_to_mend(
    write: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="none: there is no such folder; make it"):
        write(tmp_path / "none" / "x.csv")
