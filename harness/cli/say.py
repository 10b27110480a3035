"""The one place that prints: whatever in a value could steer a terminal or a CI log is shown."""

from __future__ import annotations

import click

from harness.wording import one_line, plain


def say(text: str, *, err: bool = False) -> None:
    """One line: a newline in it came with a value, and is shown as such."""
    click.echo(one_line(text), err=err)


def say_block(text: str, *, err: bool = False) -> None:
    """Text that has several lines by design: JSON, an answer, a whole report."""
    click.echo(plain(text.removesuffix("\n")), err=err)
