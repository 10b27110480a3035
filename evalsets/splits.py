"""Which cases are for writing prompts, and in which order the others decide.

Neither is a setting. The order is seeded by SHA-256(feature, inputs, cycle); the tune split by
SHA-256(feature, cluster), without the cycle, so that a case that a prompt was written on does not
decide in another quarter. Whole clusters stay together in both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from evalsets.cases import Case, EvalSet


def order_seed(feature: str, *, inputs_sha256: str, cycle: str) -> str:
    """The seed of a review's case order, as a record shows it: hex SHA-256."""
    return _digest(feature, inputs_sha256, cycle)


def tune_cases(evalset: EvalSet) -> tuple[Case, ...]:
    """The cases kept for writing prompts: whole clusters, until there are at least `tune`."""
    taken: list[Case] = []
    for _, cases in _by_hash(_clusters(evalset), evalset.feature):
        if len(taken) >= evalset.tune:
            break
        taken += sorted(cases, key=lambda case: _digest(evalset.feature, case.id))
    return tuple(taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneParts:
    """The tune cases in three parts, no cluster in two of them.

    A prompt may show what is in `examples`; prompts are compared on `search`, and the best of them
    on `choice`, which none of them was made from.
    """

    examples: tuple[Case, ...]
    search: tuple[Case, ...]
    choice: tuple[Case, ...]


MOST_EXAMPLES = 12
"""Cases that prompts may show: a third of those that do not choose, and no more than this."""


def tune_parts(evalset: EvalSet) -> TuneParts:
    """Half of the tune cases chooses; of the rest a third may be shown, and the others search."""
    grouped: dict[str, list[Case]] = {}
    for case in tune_cases(evalset):
        grouped.setdefault(evalset.cluster(case), []).append(case)
    ordered = [cases for _, cases in _by_hash(grouped, f"{evalset.feature} parts")]
    total = sum(len(cases) for cases in ordered)
    choice = _taken(ordered, (total + 1) // 2)
    examples = _taken(ordered, min((total - len(choice)) // 3, MOST_EXAMPLES))
    return TuneParts(examples=examples, search=_taken(ordered, total), choice=choice)


def _taken(ordered: list[list[Case]], least: int) -> tuple[Case, ...]:
    """Remove whole clusters from the front until they hold at least `least` cases."""
    taken: list[Case] = []
    while ordered and len(taken) < least:
        taken += ordered.pop(0)
    return tuple(taken)


def deciding_order(evalset: EvalSet, *, inputs_sha256: str, cycle: str) -> tuple[Case, ...]:
    """The cases that decide, in the review's seeded order: clusters first, cases inside them."""
    tune = {case.id for case in tune_cases(evalset)}
    seed = order_seed(evalset.feature, inputs_sha256=inputs_sha256, cycle=cycle)
    ordered: list[Case] = []
    for _, cases in _by_hash(_clusters(evalset), seed):
        kept = [case for case in cases if case.id not in tune]
        ordered += sorted(kept, key=lambda case: _digest(seed, case.id))
    return tuple(ordered)


def random_cases(deciding: Sequence[Case], *, seed: str, count: int) -> tuple[Case, ...]:
    """So many of the cases that decide, drawn by the review's seed whatever their order is."""
    drawn = sorted(deciding, key=lambda case: (_digest(seed, "level", case.id), case.id))
    return tuple(drawn[:count])


def _clusters(evalset: EvalSet) -> dict[str, list[Case]]:
    clusters: dict[str, list[Case]] = {}
    for case in evalset.cases:
        clusters.setdefault(evalset.cluster(case), []).append(case)
    return clusters


def _by_hash(clusters: dict[str, list[Case]], seed: str) -> list[tuple[str, list[Case]]]:
    return sorted(clusters.items(), key=lambda item: (_digest(seed, item[0]), item[0]))


def _digest(*parts: str) -> str:
    """Hex SHA-256 of the parts, each behind its length: no two lists of parts run together."""
    joined = b"".join(b"%d:%s" % (len(part.encode()), part.encode()) for part in parts)
    return hashlib.sha256(joined).hexdigest()
