"""The one place that prints: whatever in a value could steer a terminal or a CI log is shown.

A file of the workspace is named by its path in it where a fault of it is told
(`features/triage.yaml:3`), any other path from where the user stands.
"""

from __future__ import annotations

import os

import click

from harness.wording import one_line, plain


def say(text: str, *, err: bool = False) -> None:
    """One line: a newline in it came with a value, and is shown as such."""
    click.echo(one_line(from_here(text)), err=err)


def say_block(text: str, *, err: bool = False) -> None:
    """Text that has several lines by design: JSON, an answer, a whole report."""
    click.echo(plain(text.removesuffix("\n")), err=err)


def from_here(text: str, here: str | None = None) -> str:
    """A line with paths below the current folder as they are from there.

    >>> from_here("/a/b/reviews: no records; /a/bc/d stays", "/a/b")
    'reviews: no records; /a/bc/d stays'
    """
    folder = (os.getcwd() if here is None else here).rstrip(os.sep)  # noqa: PTH109  # a text
    return text.replace(f"{folder}{os.sep}", "") if folder.count(os.sep) > 1 else text
