"""The `rightsize` command: a table of sub-commands, each loaded when it is called.

A command is named as `module:function`, so that `--help` imports nothing heavy.
"""

from __future__ import annotations

import difflib
import errno
import gc
import importlib
import io
import json
import os
import signal
import sqlite3
import sys
import traceback
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from types import FrameType
from typing import Any, BinaryIO, cast

import click

from harness.cli.say import say, say_block
from harness.errors import ExitCode, RightsizeError
from harness.wording import one_line


class LazyGroup(click.Group):
    """A group whose commands are imported when they run, not when they are listed."""

    def __init__(self, *, table: Mapping[str, tuple[str, str]], **settings: Any) -> None:  # noqa: ANN401  # click's own
        """`table` gives, by name, where a command is (`module:function`) and its help."""
        super().__init__(**settings)
        self._table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table, which is the order of use."""
        del ctx
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in self._table:
            return None
        module, _, name = self._table[cmd_name][0].partition(":")
        return cast("click.Command", getattr(importlib.import_module(module), name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; of a mistyped one, say which was perhaps meant."""
        name = args[0]
        if name in self._table or name.startswith("-"):
            return super().resolve_command(ctx, args)
        meant = difflib.get_close_matches(name, self._table, n=1)
        hint = f" Did you mean '{meant[0]}'?" if meant else ""
        raise click.UsageError(f"No such command '{name}'.{hint}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._table.items()])


COMMANDS: dict[str, tuple[str, str]] = {
    "init": (
        "harness.cli.setup.init:init",
        "Write a workspace's layout, or draft it from a source tree.",
    ),
    "import": (
        "harness.cli.setup.imports:imports",
        "Bring eval sets and results of other tools into the workspace.",
    ),
    "check": ("harness.cli.cycle.check:check", "Find every error of a workspace at once."),
    "models": (
        "harness.cli.setup.models:models",
        "List the models: price, window, region, retirement, what they may see.",
    ),
    "scorers": (
        "harness.cli.setup.scorers:scorers",
        "List the scorers: what each sees, and its options.",
    ),
    "plan": (
        "harness.cli.cycle.plan:plan",
        "Show what a review would ask, cost and decide. Spends nothing.",
    ),
    "review": (
        "harness.cli.cycle.review:review",
        "Replay, score, compare, decide, and write documents.",
    ),
    "report": (
        "harness.cli.cycle.report:report",
        "Write the documents again from the records, without a call.",
    ),
    "showback": (
        "harness.cli.cycle.showback:showback",
        "Show each team what its calls cost and why, from logs alone.",
    ),
    "reprice": (
        "harness.cli.cycle.report:reprice",
        "Work the records out at other prices, without a call.",
    ),
    "export": (
        "harness.cli.cycle.report:export",
        "Write today's cost as a table for finance's tools.",
    ),
    "decide": (
        "harness.cli.cycle.decide:decide",
        "Accept, reject or defer a finding, by a named human.",
    ),
    "verify": (
        "harness.cli.cycle.verify:verify",
        "Make findings again from the journal; hold savings against a bill.",
    ),
    "lock": (
        "harness.cli.cycle.decide:lock",
        "Write rightsizing.lock from the accepted decisions.",
    ),
    "gate": (
        "harness.cli.cycle.gate:gate",
        "Check a change against the lock, in CI. Spends nothing.",
    ),
    "journal": (
        "harness.cli.setup.journal:journal",
        "Show, check, merge, compact or export the file where answers live.",
    ),
    "probe": (
        "harness.cli.setup.probe:probe",
        "Measure how many requests a second a self-hosted model serves within a feature's SLOs.",
    ),
    "serving": (
        "harness.cli.setup.serving:serving",
        "List, start and stop the models served here.",
    ),
    "hosting": (
        "harness.cli.cycle.hosting:hosting",
        "Say what to commit to over all features, what is bought, what stands idle.",
    ),
    "label": (
        "harness.cli.setup.label:label",
        "Say which answer is right where models disagree; blind.",
    ),
    "why": (
        "harness.cli.cycle.why:why",
        "Show where models disagree, side by side, on the terminal.",
    ),
    "try": ("harness.cli.setup.tune:try_command", "Run a prompt on the tune cases only."),
    "tune": (
        "harness.cli.setup.tune:tune",
        "Find a model a prompt of its own, on the tune cases only.",
    ),
    "demo": (
        "harness.cli.cycle.review:demo",
        "Review the embedded workspace on two embedded models.",
    ),
}

EXTRAS = {
    "aiohttp": "review",
    "anthropic": "anthropic",
    "datasets": "review",
    "duckdb": "logs",
    "evaluate": "review",
    "gepa": "tune",
    "google": "google",
    "huggingface_hub": "demo",
    "numpy": "review",
    "openai": "openai",
    "pandas": "review",
    "psutil": "review",
    "pyarrow": "logs",
    "ray": "review",
    "scipy": "review",
    "xllamacpp": "demo",
    "zstandard": "logs",
}
"""Which extra brings a library that the base install does not have."""

DAMAGED = ("SQLITE_NOTADB", "SQLITE_CORRUPT")
"""A journal that is none, or no whole one."""
REFUSED = frozenset(
    {
        errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EISDIR,
        errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EIO, errno.EMFILE, errno.ENFILE,
    }
)  # fmt: skip
REFUSED_BY_SQLITE = (
    "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_FULL", "SQLITE_BUSY", "SQLITE_LOCKED",
    "SQLITE_IOERR",
)  # fmt: skip
"""The machine's refusals to read or write: no fault of the program."""

EPILOG = """\b
Exit codes: 0 done or pass; 1 internal error; 2 usage or configuration;
3 gate failed; 4 cannot tell (gate; review with --strict);
5 refused for budget before spending; 130 interrupted, resumable."""


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="model-rightsizing", prog_name="rightsize")
@click.option("--debug", is_flag=True, help="Show the traceback of an internal error.")
def cli(*, debug: bool) -> None:
    """For every LLM-backed feature: the downgrade, or the reason to stay."""
    del debug


MANY_OBJECTS = 100_000
"""So many new ones begin a search for garbage."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and exit with the code of the contract."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Loading makes many objects that stay: looking through them again and again finds nothing.
    gc.set_threshold(MANY_OBJECTS)
    drain_when_told()
    hang_up_quietly()
    try:
        code = run(arguments)
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    sys.exit(code)


def drain_when_told() -> None:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does; while it ends, further ones wait.

    What is ignored from outside, as under `nohup`, stays ignored.
    """
    told = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    numbers = [getattr(signal, name) for name in told]
    heard = [one for one in numbers if signal.getsignal(one) is not signal.SIG_IGN]

    def end(number: int, frame: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, _wait)
        signal.default_int_handler(number, frame)

    for number in heard:
        signal.signal(number, end)


def _wait(number: int, frame: FrameType | None) -> None:
    """What is in flight is still waited for."""


class _Pipe(io.TextIOWrapper):
    """Standard output whose reader may leave: the command goes on to its end and its exit code."""

    def write(self, text: str, /) -> int:
        """Write, as long as somebody reads."""
        with _nobody_reading(self):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what is written, as long as somebody reads."""
        with _nobody_reading(self):
            super().flush()


@contextmanager
def _nobody_reading(pipe: io.TextIOWrapper) -> Generator[None]:
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, pipe.fileno())
        os.close(nowhere)


def hang_up_quietly() -> None:
    """Make standard output one whose reader may leave, as `head` does."""
    out = sys.stdout
    if isinstance(out, io.TextIOWrapper):
        facts = (out.encoding, out.errors, out.line_buffering)
        encoding, errors, lines = facts
        buffer = cast("BinaryIO", out.detach())
        sys.stdout = _Pipe(buffer, encoding=encoding, errors=errors, line_buffering=lines)


def run(arguments: list[str], *, obj: object = None) -> int:
    """Return a command's exit code; errors become one clear line on standard error.

    `obj` reaches the command as click's does: the caller's own way to do what it does.
    """
    try:
        result = cli.main(args=arguments, prog_name="rightsize", standalone_mode=False, obj=obj)
    except Exception as error:  # noqa: BLE001  # the last line of defence: no traceback at a user
        return _ended(error, arguments)
    return result if isinstance(result, int) else ExitCode.OK


def _ended(error: Exception, arguments: list[str]) -> int:
    """An error's exit code; whoever asked for JSON finds both on standard output, too."""
    if "--json" not in arguments:
        return explain(error, arguments)
    heard = io.StringIO()
    with redirect_stderr(heard):
        code = explain(error, arguments)
    say_block(heard.getvalue(), err=True)
    whole = {"error": heard.getvalue().splitlines(), "exit_code": int(code)}
    say_block(json.dumps(whole, indent=2))
    return code


def explain(error: Exception, arguments: list[str]) -> int:
    """Say an error in one line; returns the exit code that it means."""
    if isinstance(error, click.ClickException):
        shown, message = io.StringIO(), error.format_message()
        error.show(shown)
        say_block(shown.getvalue().replace(message, one_line(message)), err=True)
        return ExitCode.USAGE_ERROR
    if isinstance(error, RightsizeError):
        for line in error.told:
            say(line, err=True)
        return error.exit_code
    said = _said(error)
    if said is None:
        return _internal(error, arguments)
    text, code = said
    say(text, err=True)
    return code


def _said(error: Exception) -> tuple[str, int] | None:
    """The line and the exit code of an error that the user can mend; None for an internal one."""
    match error:
        case click.exceptions.Abort():
            return "stopped; run the same command again to go on", ExitCode.INTERRUPTED
        case ModuleNotFoundError():
            return _missing_module(error)
        case OSError() | sqlite3.DatabaseError():
            return _refusal(error)
        case _:
            return None


def _missing_module(error: ModuleNotFoundError) -> tuple[str, int] | None:
    library = (error.name or "").partition(".")[0]
    if library not in EXTRAS:
        return None
    extra = f"model-rightsizing[{EXTRAS[library]}]"
    text = f"this needs {library}, which is not installed: pip install '{extra}'"
    return text, ExitCode.USAGE_ERROR


def _refusal(error: OSError | sqlite3.DatabaseError) -> tuple[str, int] | None:
    """A file that the machine lets nobody write, or read; a journal that is none."""
    if isinstance(error, sqlite3.DatabaseError):
        name = getattr(error, "sqlite_errorname", "")
        refused = name.startswith((*REFUSED_BY_SQLITE, *DAMAGED))
        text = f"the journal (.rightsize/journal.sqlite): {error}"
        if name.startswith(DAMAGED):
            text += "; take a copy back, or move it away: what it holds is then asked again"
    else:
        refused = error.errno in REFUSED and error.filename is not None
        text = f"{error.filename2 or error.filename}: cannot be read or written ({error.strerror})"
    return (text, ExitCode.USAGE_ERROR) if refused else None


def _internal(error: Exception, arguments: list[str]) -> int:
    if "--debug" in arguments:
        say_block("".join(traceback.format_exception(error)), err=True)
    kind = type(error).__name__
    told = f"internal error: {kind}: {error} (rightsize --debug ... shows where)"
    say(told, err=True)
    return ExitCode.INTERNAL_ERROR
