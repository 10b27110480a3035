"""Finds cases that say nearly the same; such cases count twice, and add little to what is known."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import TYPE_CHECKING, TypeAlias

from evalsets.cases import Case, plain

if TYPE_CHECKING:
    Words: TypeAlias = frozenset[str]

_TOKEN = re.compile(r"\w+")
_SIMILAR = 0.8
_WORTH_TELLING = 0.95
_MOST_LOOKED_UP = 2_000_000
"""Texts by a word that they share: what many cases that are all alike go beyond."""
_SAMPLED = 400
_SHARED = 3
"""Rare words that similar texts are asked to share: one in common is often chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicate:
    """Two cases by id, in the eval set's order, and their similarity in [0, 1]."""

    first: str
    second: str
    similarity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NearCopies:
    """Cases that say nearly the same, and how many independent ones they are worth.

    worth = n / (1 + the mean of a case's near-copies, each weighed by its similarity): the number
    of independent cases whose mean is as certain, where the scores of two near-copies correlate as
    much as their words overlap and those of all others do not (Kish's design effect).
    """

    n: int
    worth: float


def near_copies(cases: Sequence[Case], *, keys: Collection[str] | None = ()) -> NearCopies | None:
    """What near-copies leave of an eval set; None where that is nearly all of it.

    `keys` are the metadata that models are shown (None: all). Where nearly all cases are alike,
    comparing all pairs would take minutes: 400 of them, taken by the hash of their ids, stand for
    the rest.
    """
    n = len(cases)
    each = _similar(Counter(_shown_words(case, keys) for case in cases))
    if each is None:
        some = sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).digest())[:_SAMPLED]
        found = _of_all_pairs([_shown_words(case, keys) for case in some])
        each = found * (n - 1) / (len(some) - 1)
    worth = n / (1 + each)
    return NearCopies(n=n, worth=worth) if worth < _WORTH_TELLING * n else None


def _similar(texts: Counter[Words]) -> float | None:
    """The mean over cases of their near-copies' similarities; None where too many are alike."""
    words, weights = list(texts), list(texts.values())
    whole = float(sum(count * (count - 1) for text, count in texts.items() if text))
    looked_up = 0
    for at, others, cost in _candidates(words, _SIMILAR):
        looked_up += cost
        if looked_up > _MOST_LOOKED_UP:
            return None
        for other in others:
            similarity = _jaccard(words[other], words[at])
            if similarity >= _SIMILAR:
                whole += 2 * similarity * weights[other] * weights[at]
    return whole / sum(weights) if weights else 0.0


def _of_all_pairs(words: Sequence[Words]) -> float:
    found = (_jaccard(one, other) for one, other in combinations(words, 2) if one and other)
    return 2 * sum(each for each in found if each >= _SIMILAR) / len(words)


def _shown_words(case: Case, keys: Collection[str] | None) -> Words:
    if not isinstance(case.input, str) and any(t.images or t.documents for t in case.input):
        # What it asks about stands in its files: equal words around them say nothing.
        return frozenset()
    shown = [value for key, value in case.metadata if keys is None or key in keys]
    found = [passage.text for passage in case.context or ()]
    return _words("\n".join([case_text(case), *found, *shown]))


def _words(text: str) -> Words:
    return frozenset(_TOKEN.findall(plain(text).lower()))


def near_duplicates(cases: Sequence[Case], *, threshold: float = 0.8) -> tuple[NearDuplicate, ...]:
    """All pairs whose Jaccard similarity of lower-case word sets is at least `threshold`.

    Exact, without comparing all pairs: of two sets that similar, the k rarest common words are
    among the `size - ceil(threshold * size) + k` rarest of both (prefix filtering; Chaudhuri,
    Ganti and Kaushik 2006).
    """
    words = [_words(case_text(case)) for case in cases]
    found = (
        NearDuplicate(
            first=cases[other].id,
            second=cases[at].id,
            similarity=_jaccard(words[other], words[at]),
        )
        for at, others, _ in _candidates(words, threshold)
        for other in others
    )
    return tuple(pair for pair in found if pair.similarity >= threshold)


def _candidates(
    words: Sequence[Words], threshold: float
) -> Iterator[tuple[int, Sequence[int], int]]:
    """Each text's place, those of the earlier ones that may be similar enough, and the look-ups.

    Two texts that similar share so many words that some of them are among the rarest of both.
    """
    frequency = Counter(chain.from_iterable(words))
    ranked = sorted(frequency, key=lambda token: (frequency[token], token))
    ranks = {token: rank for rank, token in enumerate(ranked)}
    index: dict[str, list[int]] = {}
    shared = [_shared(text, threshold) for text in words]
    for at, text in enumerate(words):
        prefix = _rarest(text, ranks, threshold)
        met = Counter(chain.from_iterable(index.get(token, ()) for token in prefix))
        enough = shared[at]
        near = [other for other, n in met.items() if n >= enough or n >= shared[other]]
        yield at, sorted(near), met.total()
        for token in prefix:
            index.setdefault(token, []).append(at)


def case_text(case: Case) -> str:
    """A case's input as one text."""
    if isinstance(case.input, str):
        return case.input
    return "\n".join(turn.content for turn in case.input)


def _needed(text: Words, threshold: float) -> int:
    # The small term keeps ceil(0.8 * 5) at 4: floating point must not ask for more.
    return math.ceil(threshold * len(text) - 1e-9)


def _shared(text: Words, threshold: float) -> int:
    return min(_SHARED, max(_needed(text, threshold), 1))


def _rarest(text: Words, ranks: Mapping[str, int], threshold: float) -> list[str]:
    ranked = sorted(text, key=ranks.__getitem__)
    return ranked[: len(ranked) - _needed(text, threshold) + _shared(text, threshold)]


def _jaccard(left: Words, right: Words) -> float:
    common = len(left & right)
    union = len(left) + len(right) - common
    return common / union if union else 1.0
