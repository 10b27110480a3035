from __future__ import annotations

import subprocess
import sys

import pytest

from harness.cli.main import COMMANDS, run
from harness.errors import ExitCode

HEAVY = ("ray", "numpy", "pandas", "datasets", "openai", "matplotlib", "pydantic", "jinja2")


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
