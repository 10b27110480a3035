r"""Rows that ask the same are one case: a copy adds an answer to its case, never a case to the set.

Two rows ask the same when input, choices and metadata are equal. Texts are compared in Unicode's
normal form C, with line ends as `\n` and without white space at both ends; images by their bytes.
The first row of the file names the case. A row without a target takes its copy's; two copies with
different targets contradict each other, and a person must say which is right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalsets.cases import content, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalsets.cases import Case, Content


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct:
    """Rows by what they ask. `copies` and `clashes` are pairs of ids: the further row, its case."""

    cases: tuple[Case, ...]
    copies: tuple[tuple[str, str], ...]
    clashes: tuple[tuple[str, str], ...]
    """Copies whose targets differ."""


def distinct(rows: Iterable[Case]) -> Distinct:
    """Every case once, in the order of its first row."""
    cases: dict[Content, Case] = {}
    copies: list[tuple[str, str]] = []
    clashes: list[tuple[str, str]] = []
    for row in rows:
        asked = content(row)
        first = cases.get(asked)
        if first is None:
            cases[asked] = row
            continue
        copies.append((row.id, first.id))
        both = joined(first, row)
        if both is None:
            clashes.append((row.id, first.id))
        else:
            cases[asked] = both
    return Distinct(cases=tuple(cases.values()), copies=tuple(copies), clashes=tuple(clashes))


def joined(first: Case, further: Case) -> Case | None:
    """The first row with the target of either; None where the two have different ones."""
    if further.target is None:
        return first
    if first.target is None:
        return replace(first, target=further.target, also_right=further.also_right)
    return first if right(first) == right(further) else None


def right(case: Case) -> frozenset[str]:
    """The right answers of a case with a target, in the form in which they are compared."""
    return frozenset(plain(text) for text in (case.target or "", *case.also_right))
