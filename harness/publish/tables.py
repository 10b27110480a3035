"""Tables from plain cells; a column of numbers is recognised by its cells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports.document import Column, Row, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_NUMBER = re.compile(r"^(USD )?[-+]?\d[\d,.]*( %| s)?$|^\u2013$")
_SOMETHING = re.compile(r"\d")


def table(
    caption: str,
    names: Sequence[str],
    rows: Iterable[tuple[str, ...]],
    *,
    strong: Collection[str] = (),
) -> Table | None:
    """A table of plain cells, or None when it has no row.

    `strong` names the first cells whose rows stand out.
    """
    cells = list(rows)
    if not cells:
        return None
    columns = tuple(
        Column(text=name, numeric=at > 0 and _numeric([row[at] for row in cells]))
        for at, name in enumerate(names)
    )
    made = tuple(Row(cells=row, strong=row[0] in strong) for row in cells)
    return Table(caption=caption, columns=columns, rows=made)


def pairs(caption: str, rows: Iterable[tuple[str, str]]) -> Table:
    """A table of names and values."""
    made = tuple(Row(cells=cells) for cells in rows)
    return Table(caption=caption, columns=(Column(text="what"), Column(text="value")), rows=made)


def _numeric(cells: Sequence[str]) -> bool:
    numbers = all(_NUMBER.match(cell) for cell in cells)
    return numbers and any(_SOMETHING.search(cell) for cell in cells)
