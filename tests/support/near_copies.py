"""Pairs of cases whose words overlap, by comparing all: the reference for the product's finder."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

from evalsets.duplicates import case_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evalsets.cases import Case


def similar_pairs(cases: Sequence[Case], *, threshold: float = 0.8) -> dict[tuple[str, str], float]:
    """The similarity (Jaccard, of lower-case words) of the pairs that reach `threshold`."""
    words = {each.id: set(re.findall(r"\w+", case_text(each).lower())) for each in cases}
    found = {
        (one.id, other.id): len(words[one.id] & words[other.id])
        / len(words[one.id] | words[other.id])
        for one, other in combinations(cases, 2)
        if words[one.id] and words[other.id]
    }
    return {pair: similarity for pair, similarity in found.items() if similarity >= threshold}
