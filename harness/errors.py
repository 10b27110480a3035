"""What can go wrong in the harness, and the exit code that says so.

RightsizeError
├── UsageError            2   the command line, or a file of the workspace
│   └── WorkspaceError    2   every problem of a workspace at once
├── BudgetRefusedError    5   refused before spending
├── CannotTellError       4   the gate cannot tell
└── InterruptedRunError 130   stopped; the next run resumes
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class ExitCode(IntEnum):
    """What a CI job may branch on."""

    OK = 0
    INTERNAL_ERROR = 1
    USAGE_ERROR = 2
    GATE_FAILED = 3
    CANNOT_TELL = 4
    BUDGET_REFUSED = 5
    INTERRUPTED = 130


class RightsizeError(Exception):
    """An error with one clear line and an exit code; never shown as a traceback."""

    exit_code = ExitCode.INTERNAL_ERROR


class UsageError(RightsizeError):
    """The command or its input is wrong."""

    exit_code = ExitCode.USAGE_ERROR


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One thing wrong with a file: where, and what to do.

    `severity` "error" stops the command; "blocked" stops one feature; "warning" stops nothing.
    """

    file: str
    line: int | None
    key: str
    message: str
    severity: str = "error"

    def __str__(self) -> str:
        """`features/a.yaml:3: incumbent: unknown model ...`."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.key}: {self.message}" if self.key else f"{where}: {self.message}"


class WorkspaceError(UsageError):
    """Every problem found in a workspace, one line each."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class BudgetRefusedError(RightsizeError):
    """What is asked would cost more than is allowed; nothing was spent."""

    exit_code = ExitCode.BUDGET_REFUSED


class CannotTellError(RightsizeError):
    """There is not enough to say pass or fail."""

    exit_code = ExitCode.CANNOT_TELL


class InterruptedRunError(RightsizeError):
    """The run was stopped and can be resumed."""

    exit_code = ExitCode.INTERRUPTED
