from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click
import pytest

from harness.cli.main import COMMANDS, cli, explain, run
from harness.cli.options import InputFile
from harness.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HEAVY = ("ray", "numpy", "pandas", "datasets", "openai", "pydantic", "jinja2")


def test_help_lists_every_command_and_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert "130 interrupted, resumable" in text


def test_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reviw"]) == ExitCode.USAGE_ERROR
    assert "No such command 'reviw'" in capsys.readouterr().err


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from harness.cli.main import run; run(['--help']);"
        f"print('HEAVY', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "HEAVY []"


NOT_FOR_A_LOOK = ("ray", "pandas", "datasets", "openai", "anthropic", "google.genai", "duckdb")
NOT_FOR_A_REVIEW = (*NOT_FOR_A_LOOK, "scipy.optimize", "scipy.stats", "aiohttp", "jsonschema")


def test_commands_load_nothing_that_only_some_workspaces_need() -> None:
    code = (
        "import sys, harness.cli.cycle.check;"
        f"check = {(*NOT_FOR_A_REVIEW, 'numpy', 'asyncio')!r};"
        "print([name for name in check if name in sys.modules]);"
        "import harness.cli.cycle.review;"
        f"print([name for name in {NOT_FOR_A_REVIEW!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "[]"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_file_that_cannot_be_written_is_no_internal_error(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    error = OSError(number, os.strerror(number), "reviews/index.html")
    assert explain(error, ["report"]) == ExitCode.USAGE_ERROR
    said = f"reviews/index.html: cannot be read or written ({os.strerror(number)})\n"
    assert capsys.readouterr().err == said


def test_a_journal_that_cannot_be_written_is_no_internal_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "j"
    with closing(sqlite3.connect(path)) as made:
        made.execute("CREATE TABLE t (x)")
    with (
        closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection,
        pytest.raises(sqlite3.OperationalError) as caught,
    ):
        connection.execute("INSERT INTO t VALUES (1)")
    assert explain(caught.value, ["review"]) == ExitCode.USAGE_ERROR
    assert capsys.readouterr().err == (
        "the journal (.rightsize/journal.sqlite): attempt to write a readonly database\n"
    )


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOENT, "No such file or directory", "x"),
        PermissionError("no file is named"),
        sqlite3.OperationalError("no such table: t"),
    ],
)
def test_a_fault_of_ours_stays_an_internal_error(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert explain(error, ["review"]) == ExitCode.INTERNAL_ERROR
    assert "internal error: " in capsys.readouterr().err


def test_a_reader_that_leaves_is_no_error() -> None:
    """As `| head` leaves: the command goes on to its end."""
    code = "from harness.cli.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        said = command.stderr.read()
    assert (command.returncode, said) == (0, b"")


def test_what_is_ignored_from_outside_stays_ignored() -> None:
    """Under `nohup` a closed terminal ends nothing."""
    code = (
        "import signal; from harness.cli.main import drain_when_told\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN); drain_when_told()\n"
        "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_a_journal_that_is_none_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_bytes(b"no journal" * 1000)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.DatabaseError) as seen:
        connection.execute("SELECT * FROM sqlite_master")
    assert explain(seen.value, []) == ExitCode.USAGE_ERROR
    assert "the journal (.rightsize/journal.sqlite): file is not a database" in (
        capsys.readouterr().err
    )


def readers(command: click.Command, *names: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every argument and option of a command, and of those below it, that names a file to read."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from readers(below, *names, name)
    for one in command.params:
        kinds = one.type.types if isinstance(one.type, click.Tuple) else (one.type,)
        for kind in kinds:
            if isinstance(kind, InputFile):
                yield names, one.opts[0]
            else:
                assert not (isinstance(kind, click.Path) and kind.exists and not kind.dir_okay)


def test_no_command_reads_a_pointer_for_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pointer = tmp_path / "a.csv"
    pointer.write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0a' * 32}\nsize 9"
    )
    found = list(readers(cli))
    assert len(found) >= 10
    for names, option in found:
        given = [option] if option.startswith("-") else []
        given += ["guidellm"] if option == "--import" else []
        assert run([*names, *given, str(pointer)]) == ExitCode.USAGE_ERROR
        assert "only a pointer of Git LFS" in capsys.readouterr().err, names
