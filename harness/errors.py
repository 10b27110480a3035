"""What can go wrong in the harness, and the exit code that says so.

RightsizeError
├── UsageError            2   the command line, or a file of the workspace
│   └── WorkspaceError    2   every problem of a workspace at once
├── BudgetRefusedError    5   refused before spending
├── CannotTellError       4   the gate cannot tell
└── InterruptedRunError 130   stopped; the next run resumes
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Self, TypeVar

T = TypeVar("T")


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
    """An error with one clear line, or a few, and an exit code; never shown as a traceback."""

    exit_code = ExitCode.INTERNAL_ERROR
    ends_run = False
    """Whether it ends a whole run, whichever feature meets it."""
    lines: tuple[str, ...] = ()

    @classmethod
    def of(cls, lines: Sequence[str]) -> Self:
        """Make an error with several lines, each from one value."""
        error = cls("\n".join(lines))
        error.lines = tuple(lines)
        return error

    @property
    def told(self) -> tuple[str, ...]:
        """The lines to print; one, unless made by `of`: a newline in it belongs to a value."""
        return self.lines or (str(self),)


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
        self.lines = tuple(str(problem) for problem in problems)


class BudgetRefusedError(RightsizeError):
    """What is asked would cost more than is allowed; nothing was spent."""

    exit_code = ExitCode.BUDGET_REFUSED
    ends_run = True


class CannotTellError(RightsizeError):
    """There is not enough to say pass or fail."""

    exit_code = ExitCode.CANNOT_TELL


class InterruptedRunError(RightsizeError):
    """The run was stopped and can be resumed."""

    exit_code = ExitCode.INTERRUPTED
    ends_run = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureFault:
    """What went wrong with one feature while the others went on."""

    feature: str
    doing: str
    error: Exception

    def __str__(self) -> str:
        """`tickets: its record could not be made: ...`, one line."""
        own = isinstance(self.error, RightsizeError)
        kind = "" if own else f"internal error: {type(self.error).__name__}: "
        return f"{self.feature}: {self.doing}: {kind}{self.error}".splitlines()[0]


@dataclass(slots=True, kw_only=True)
class Faults:
    """Keeps one feature's fault from the others: they go on, and it is told when all is written.

    Without `contains` nothing is kept: an error goes its way.
    """

    contains: bool = True
    found: list[FeatureFault] = field(default_factory=list[FeatureFault])

    def has(self, feature: str) -> bool:
        """Whether something went wrong with a feature."""
        return any(fault.feature == feature for fault in self.found)

    def attempt(self, feature: str, doing: str, call: Callable[[], T]) -> T | None:
        """What a call gives; None where it raised what is the feature's alone."""
        try:
            return call()
        except Exception as error:
            ends_run = isinstance(error, RightsizeError) and error.ends_run
            if ends_run or not self.contains:
                raise
            self.found.append(FeatureFault(feature=feature, doing=doing, error=error))
            return None

    @property
    def exit_code(self) -> ExitCode:
        """What a command ends with after these: 0 without any, 2 where all are what users wrote."""
        if not self.found:
            return ExitCode.OK
        codes = {
            fault.error.exit_code if isinstance(fault.error, RightsizeError) else None
            for fault in self.found
        }
        return ExitCode.USAGE_ERROR if codes == {ExitCode.USAGE_ERROR} else ExitCode.INTERNAL_ERROR
