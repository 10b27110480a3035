"""Options that several commands share, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

import click

from harness.errors import UsageError

F = TypeVar("F", bound="Callable[..., object]")


class DecimalParam(click.ParamType[Decimal]):
    """An amount in USD."""

    name = "usd"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        """Read it exactly."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is no amount in USD", param, ctx)
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is no amount in USD", param, ctx)
        return amount


CYCLE = re.compile(r"(?=.{7,60}\Z)[0-9]{4}-Q[1-4](-[a-z0-9]+)*")

workspace = click.option(
    "--workspace",
    "-w",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("rightsizing"),
    show_default=True,
    help="Folder of the workspace; the current folder when it holds a policy.yaml.",
)
cycle = click.option(
    "--cycle", default=None, help="Quarter of the review, as 2026-Q4 (default: now)."
)
feature = click.option(
    "--feature", "-f", "features", multiple=True, help="Only this feature; may be repeated."
)
model = click.option(
    "--model", "-m", "models", multiple=True, help="Only this candidate; may be repeated."
)
max_spend = click.option(
    "--max-spend",
    type=DecimalParam(),
    default=None,
    metavar="USD",
    help="Spend at most this, where the policy would allow more.",
)
out = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where records and documents go (default: reviews/ in the workspace).",
)


def now() -> datetime:
    """The moment of this command, in UTC; the one place where a command reads the clock."""
    return datetime.now(UTC)


def quarter(day: date) -> str:
    """The cycle of a day: 2026-Q4."""
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def cycle_of(given: str | None, day: date) -> str:
    """The cycle that was asked for, or the current one.

    Raises:
        UsageError: it is not of the form 2026-Q4.
    """
    if given is None:
        return quarter(day)
    if not CYCLE.fullmatch(given):
        raise UsageError(f"--cycle {given[:60]}: not of the form 2026-Q4, of at most 60 letters")
    return given


def find_workspace(given: Path) -> Path:
    """The workspace's root: the given folder, or the current one when it is a workspace.

    Raises:
        UsageError: neither holds a policy.yaml.
    """
    if (given / "policy.yaml").is_file():
        return given.resolve()
    here = Path.cwd()
    default = given == Path("rightsizing")
    if default and (here / "policy.yaml").is_file():
        return here
    raise UsageError(
        f"{given}: no workspace here (no policy.yaml); "
        "`rightsize init` writes one, --workspace names one"
    )
