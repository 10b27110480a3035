"""Cases that say nearly the same: they count twice and teach once."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evalsets.cases import Case

_TOKEN = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicate:
    """Two cases by id, in the eval set's order, and their similarity in [0, 1]."""

    first: str
    second: str
    similarity: float


def near_duplicates(cases: Sequence[Case], *, threshold: float = 0.8) -> tuple[NearDuplicate, ...]:
    """All pairs whose Jaccard similarity of lower-case word sets is at least `threshold`.

    Exact, without comparing all pairs: of two sets that similar, the rarest tokens of one, all but
    `ceil(threshold * size) - 1` of them, must hold one of the other's (prefix filtering;
    Chaudhuri, Ganti and Kaushik 2006).
    """
    tokens = [frozenset(_TOKEN.findall(case_text(case).lower())) for case in cases]
    frequency = Counter(token for words in tokens for token in words)
    index: dict[str, list[int]] = {}
    found: list[NearDuplicate] = []
    for at, words in enumerate(tokens):
        prefix = _rarest(words, frequency, threshold)
        near = {other for token in prefix for other in index.get(token, ())}
        for other in sorted(near):
            similarity = _jaccard(words, tokens[other])
            if similarity >= threshold:
                pair = NearDuplicate(
                    first=cases[other].id, second=cases[at].id, similarity=similarity
                )
                found.append(pair)
        for token in prefix:
            index.setdefault(token, []).append(at)
    return tuple(found)


def case_text(case: Case) -> str:
    """A case's input as one text."""
    if isinstance(case.input, str):
        return case.input
    return "\n".join(turn.content for turn in case.input)


def _rarest(words: frozenset[str], frequency: Counter[str], threshold: float) -> list[str]:
    ranked = sorted(words, key=lambda token: (frequency[token], token))
    # The small term keeps ceil(0.8 * 5) at 4: floating point must not shorten the prefix.
    needed = math.ceil(threshold * len(ranked) - 1e-9)
    return ranked[: len(ranked) - needed + 1]


def _jaccard(first: Iterable[str], second: Iterable[str]) -> float:
    left, right = frozenset(first), frozenset(second)
    union = len(left | right)
    return len(left & right) / union if union else 1.0
