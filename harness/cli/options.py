"""Options that several commands share, and what they mean."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TypeVar

import click

from evalsets.source import NOT_FETCHED, is_pointer_file

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


class InputFile(click.Path):
    """A file to be read; the file itself, and no pointer to it."""

    def __init__(self, *, exists: bool = True) -> None:
        super().__init__(path_type=Path, exists=exists, dir_okay=not exists)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Its path."""
        path = super().convert(value, param, ctx)
        if is_pointer_file(Path(os.fsdecode(path))):
            self.fail(f"{os.fsdecode(path)} is {NOT_FETCHED}", param, ctx)
        return path


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
as_json = click.option("--json", "as_json", is_flag=True, help="Write one JSON value instead.")
out = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Where records and documents go (default: reviews/ in the workspace).",
)


def now() -> datetime:
    """The moment of this command, in UTC; the one place where a command reads the clock."""
    return datetime.now(UTC)
