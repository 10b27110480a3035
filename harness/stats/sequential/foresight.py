"""How far options will be asked, by rehearsals under many truths and what was seen so far.

The truths are weighed by the likelihood of the pairs that were seen, each truth as likely before
(Bayes' rule over a finite set), so that a forecast follows what is found. It decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedShare:
    """Of one model: the share of the cases that it is asked, and how likely it passes."""

    expected: float = 1.0
    equal: float = 1.0
    """Where the dearest option equals the incumbent."""
    passes: float = 1.0
    """1 of the incumbent: what is asked of one that passed is asked of it in any case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedSoFar:
    """How one option stands: the share of the cases that it was asked, and what they showed."""

    share: float = 0.0
    ended: bool = False
    gains: float = 0.0
    """Cases that only it got right; of graded scores their sum."""
    losses: float = 0.0
    agreed: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """Reviews that were rehearsed under one set of truths.

    `gains` and `losses` are the shares of the cases that only an option, and only the incumbent,
    gets right; a row of `asked` is one review, with the share of the cases that each option was
    asked.
    """

    gains: tuple[float, ...]
    losses: tuple[float, ...]
    asked: tuple[tuple[float, ...], ...]

    def likelihood(self, seen: Sequence[AskedSoFar]) -> float:
        """The logarithm of how likely what was seen of the options is."""
        return sum(
            one.gains * log(max(gain, _RARE))
            + one.losses * log(max(loss, _RARE))
            + one.agreed * log(max(1 - gain - loss, _RARE))
            for one, gain, loss in zip(seen, self.gains, self.losses, strict=True)
        )


_RARE = 0.005
"""A share of cases below which none is held to lie: a single one would exclude it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """How far the options may be asked: reviews rehearsed under many truths, each as likely."""

    rehearsed: tuple[Rehearsed, ...]
    passes: tuple[float, ...]
    """In what share of them each option passed."""

    def given(self, seen: Sequence[AskedSoFar]) -> tuple[tuple[float, ...], float]:
        """The share that each option, and the incumbent, will have been asked in the end.

        By the rehearsed reviews in which the options that go on came as far, weighted by how
        likely their truths make what was seen. An option that has ended stays where it is; without
        any such review the others go on to their last case.

        >>> bad = Rehearsed(gains=(0.0,), losses=(0.5,), asked=((0.25,), (0.5,)))
        >>> good = Rehearsed(gains=(0.0,), losses=(0.0,), asked=((0.5,), (1.0,)))
        >>> foresight = Foresight(rehearsed=(bad, good), passes=(0.25,))
        >>> foresight.given([AskedSoFar()])
        ((0.5625,), 0.5625)
        >>> foresight.given([AskedSoFar(share=0.5, ended=True)])
        ((0.5,), 0.5)
        >>> shares, _ = foresight.given([AskedSoFar(share=0.5, agreed=20)])
        >>> round(shares[0], 3)
        0.75
        """
        matching = [
            (each.likelihood(seen), row)
            for each in self.rehearsed
            for row in each.asked
            if all(one.ended or share >= one.share for share, one in zip(row, seen, strict=True))
        ]
        # Of the matching ones alone: next to a far likelier one that does not match, all of them
        # would count for nothing.
        likeliest = max((likelihood for likelihood, _ in matching), default=0.0)
        weighed = [(exp(likelihood - likeliest), row) for likelihood, row in matching]
        whole = sum(weight for weight, _ in weighed)
        if not whole:
            weighed, whole = [(1.0, tuple(1.0 for _ in seen))], 1.0
        ends = [
            (
                weight / whole,
                [one.share if one.ended else share for share, one in zip(row, seen, strict=True)],
            )
            for weight, row in weighed
        ]
        each = tuple(sum(weight * row[at] for weight, row in ends) for at in range(len(seen)))
        return each, sum(weight * max(row, default=0.0) for weight, row in ends)
