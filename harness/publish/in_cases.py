"""A difference of quality as people count: of so many cases, so many more go wrong."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING

from harness.publish.words import count, points

if TYPE_CHECKING:
    from harness.record.model import DecisionRecord
    from harness.record.parts import Quality

_HUNDRED, _THOUSAND = 100, 1000
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """What a swap does, in cases of so many, or in points where answers are graded.

    `seen` is more that go wrong (below zero: fewer), `most` what cannot be excluded, `allowed` the
    limit. In cases `seen` is rounded, and `most` is rounded up: it promises no less than the bound.
    """

    seen: float
    most: float
    allowed: float
    of: int | None
    """None: points of a graded score."""

    def text(self, unit: str) -> str:
        """`About 4 more of 100 tickets go wrong; up to 10 cannot be excluded`."""
        return f"{self._seen(unit)}; {self._most()}"

    @property
    def limit(self) -> str:
        """What is allowed, in the same unit: `10`."""
        return f"{self.allowed:,.10g}"

    def _seen(self, unit: str) -> str:
        if self.of is None:
            if not self.seen:
                return "By what was seen an answer scores as much as today's"
            size, word = self._size(abs(self.seen)), "lower" if self.seen > 0 else "higher"
            return f"An answer scores about {size} of 100 points {word}"
        if not self.seen:
            return f"By what was seen not one more of {count(self.of)} {unit} goes wrong"
        word = "more" if self.seen > 0 else "fewer"
        return f"About {self._size(abs(self.seen))} {word} of {count(self.of)} {unit} go wrong"

    def _most(self) -> str:
        if self.most > 0:
            more = " lower" if self.of is None else " more" if self.seen < 0 else ""
            return f"up to {self._size(self.most)}{more} cannot be excluded"
        if self.of is None:
            least = f"at least {self._size(-self.most)} higher" if self.most else "no lower"
            return f"{least} even at worst"
        least = f"{self._size(-self.most)} fewer" if self.most else "not one more"
        return f"{least} even at worst"

    def _size(self, value: float) -> str:
        return points(value, signed=False) if self.of is None else count(value)


def harm_text(record: DecisionRecord, quality: Quality) -> str:
    """The harm in one sentence, with the limit beside it."""
    found, margin = harm(quality), record.margin
    owner = margin.agreed_by in {None, record.feature.owner.partition("@")[0]}
    who = "you allowed" if owner and margin.agreed_on is not None else "the limit allows"
    return f"{found.text(record.feature.unit)}; {who} {found.limit}."


def groups_text(record: DecisionRecord, quality: Quality) -> str:
    """What the bound counts where cases are not independent; nothing where they are."""
    if quality.clusters is None:
        return ""
    return (
        f" The {count(quality.n)} {record.feature.unit} come in {count(quality.clusters)} groups; "
        "what cannot be excluded goes by the groups."
    )


def harm(quality: Quality) -> Harm:
    """The harm of an option, in cases where each is right or wrong, else in points."""
    if quality.only_current_right is None or quality.repeats != 1:
        return Harm(seen=-quality.difference, most=-quality.worst, allowed=quality.margin, of=None)
    base = _base(quality)
    share = base / 100
    return Harm(
        seen=floor(-quality.difference * share + 0.5),
        most=ceil(-quality.worst * share - _ROUNDING),
        allowed=round(quality.margin * share, 1),
        of=base,
    )


def _base(quality: Quality) -> int:
    """Of a thousand where a hundred would round a difference, or a limit, away."""
    small = 0 < abs(quality.difference) < 1 or 0 < abs(quality.worst) < 1
    return _THOUSAND if small or quality.margin != round(quality.margin) else _HUNDRED
