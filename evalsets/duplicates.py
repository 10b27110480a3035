"""Finds cases that say nearly the same; such cases count twice, and add little to what is known."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from typing import TypeAlias

from evalsets.cases import Case, plain

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
class NearCopies:
    """Cases that say nearly the same, and how many independent ones they are worth.

    worth = n / (1 + the mean of a case's near-copies, each weighed by its similarity): the number
    of independent cases whose mean is as certain, where the scores of two near-copies correlate as
    much as their words overlap and those of all others do not (Kish's design effect).
    `pair` are the ids of two that say nearly the same, for a reader to look at.
    """

    n: int
    worth: float
    pair: tuple[str, str]


def near_copies(cases: Sequence[Case], *, keys: Collection[str] | None = ()) -> NearCopies | None:
    """What near-copies leave of an eval set; None where that is nearly all of it.

    `keys` are the metadata that models are shown (None: all). Where nearly all cases are alike,
    comparing all pairs would take minutes: 400 of them, taken by the hash of their ids, stand for
    the rest.
    """
    by_words: dict[Words, list[str]] = {}
    for case in cases:
        by_words.setdefault(_shown_words(case, keys), []).append(case.id)
    n = len(cases)
    found = _similar({text: len(ids) for text, ids in by_words.items()})
    if found is None:
        some = sorted(cases, key=lambda case: hashlib.sha256(case.id.encode()).digest())[:_SAMPLED]
        found = _of_all_pairs([_shown_words(case, keys) for case in some])
        found = _Similar(each=found.each * (n - 1) / (len(some) - 1), pair=found.pair)
    worth = n / (1 + found.each)
    if found.pair is None or worth >= _WORTH_TELLING * n:
        return None
    one, other = found.pair
    second = by_words[other][0] if one != other else by_words[one][1]
    return NearCopies(n=n, worth=worth, pair=(by_words[one][0], second))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Similar:
    """The mean over cases of their near-copies' similarities, and the first two texts alike."""

    each: float
    pair: tuple[Words, Words] | None


def _similar(texts: Mapping[Words, int]) -> _Similar | None:
    """What is alike among texts that stand so often each; None where too many are alike."""
    words, weights = list(texts), list(texts.values())
    whole = float(sum(count * (count - 1) for text, count in texts.items() if text))
    pair = next(((text, text) for text, count in texts.items() if text and count > 1), None)
    prefixes = _prefixes(words, _SIMILAR)
    met = Counter(chain.from_iterable(prefixes)).values()
    if sum(count * (count - 1) // 2 for count in met) > _MOST_LOOKED_UP:
        return None
    for at, others in _candidates(words, prefixes, _SIMILAR):
        for other in others:
            similarity = _jaccard(words[other], words[at])
            if similarity >= _SIMILAR:
                pair = pair or (words[other], words[at])
                whole += 2 * similarity * weights[other] * weights[at]
    return _Similar(each=whole / sum(weights) if weights else 0.0, pair=pair)


def _of_all_pairs(words: Sequence[Words]) -> _Similar:
    found = ((_jaccard(one, other), (one, other)) for one, other in combinations(words, 2))
    alike = [(each, pair) for each, pair in found if each >= _SIMILAR and all(pair)]
    each = 2 * sum(each for each, _ in alike) / len(words)
    return _Similar(each=each, pair=alike[0][1] if alike else None)


def _shown_words(case: Case, keys: Collection[str] | None) -> Words:
    if not isinstance(case.input, str) and any(t.images or t.documents for t in case.input):
        # What it asks about stands in its files: equal words around them say nothing.
        return frozenset()
    shown = [value for key, value in case.metadata if keys is None or key in keys]
    found = [passage.text for passage in case.context or ()]
    return _words("\n".join([case_text(case), *found, *shown]))


def _words(text: str) -> Words:
    return frozenset(_TOKEN.findall(plain(text).lower()))


def _prefixes(words: Sequence[Words], threshold: float) -> list[list[str]]:
    """The rarest words of each text: two texts that similar share some of them."""
    frequency = Counter(chain.from_iterable(words))
    ranked = sorted(frequency, key=lambda token: (frequency[token], token))
    ranks = {token: rank for rank, token in enumerate(ranked)}
    return [_rarest(text, ranks, threshold) for text in words]


def _candidates(
    words: Sequence[Words], prefixes: Sequence[Sequence[str]], threshold: float
) -> Iterator[tuple[int, Sequence[int]]]:
    """Each text's place, and those of the earlier ones that may be similar enough."""
    index: dict[str, list[int]] = {}
    shared = [_shared(text, threshold) for text in words]
    for at, prefix in enumerate(prefixes):
        met = Counter(chain.from_iterable(index.get(token, ()) for token in prefix))
        enough = shared[at]
        near = [other for other, n in met.items() if n >= enough or n >= shared[other]]
        yield at, sorted(near)
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
