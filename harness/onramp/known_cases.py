"""Which case another tool's case is: by what it asks, whatever its id; by its id where that fits.

Ids of two files, or of a file and the eval set, name the same case only by chance: promptfoo counts
its tests, and a second run may have others. So what is asked counts first. A file that does not
tell what was asked (a plain table without `input`) is taken at its ids.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evalsets.cases import content, plain
from harness.intake.values import is_untold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalsets.cases import Case, Content


@dataclass(slots=True, kw_only=True)
class KnownCases:
    """Cases to be found by their like."""

    by_content: dict[Content, Case] = field(default_factory=dict["Content", "Case"])
    by_input: dict[object, list[Case]] = field(default_factory=dict[object, "list[Case]"])
    by_id: dict[str, Case] = field(default_factory=dict[str, "Case"])

    @classmethod
    def of(cls, cases: Iterable[Case], copies: Iterable[tuple[str, str]] = ()) -> KnownCases:
        """These cases; `copies` are further ids, each with its case's."""
        known = cls()
        for case in cases:
            known.add(case)
        for copy, case_id in copies:
            known.by_id[copy] = known.by_id[case_id]
        return known

    def add(self, case: Case) -> None:
        """One more case."""
        self.by_content[content(case)] = case
        self.by_input.setdefault(content(case)[0], []).append(case)
        self.by_id[case.id] = case

    def find(self, case: Case) -> Case | None:
        """The case that asks the same; None where there is none, or no telling which."""
        same = self.by_content.get(content(case))
        if same is not None:
            return same
        named = self.by_id.get(case.id)
        if named is not None and _may_be(named, case):
            return named
        alike = [] if is_untold(case) else self.by_input.get(content(case)[0], [])
        only = alike[0] if len(alike) == 1 else None
        return only if only is not None and not (case.metadata and only.metadata) else None


def _may_be(named: Case, case: Case) -> bool:
    """Whether two cases of one id may ask the same: promptfoo's input is one of its variables."""
    if is_untold(named) or is_untold(case):
        return True
    told = {content(case)[0], *(plain(value) for _, value in case.metadata)}
    return content(named)[0] in told
