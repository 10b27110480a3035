"""Which repeat an imported answer is, beside those that the journal has of its case and model.

Repeats are exchangeable, so an answer that is there is found whatever its row. One that is not
stands in conflict with one that the file no longer has, and is a further repeat where all of those
are there. Unanswered ones leave the lowest numbers free: a gap says that an answer is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.replay.settled import Settled
    from providers.completion import TokenUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """One answer, as the journal would keep it."""

    kind: str
    """`answered` or `failed`."""
    text: str | None
    reason: str | None
    usage: TokenUsage | None

    def is_there(self, known: Settled) -> bool:
        """Whether the journal's is this one; a usage that the file does not tell is no other."""
        stored = known.attempts[-1].usage if known.attempts else None
        said = (known.kind, known.text if known.kind == "answered" else None, known.reason or None)
        return said == (self.kind, self.text, self.reason) and self.usage in (None, stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Answers of one case by one model, each by its place in the list that was given."""

    there: int
    fresh: Mapping[int, int] = field(default_factory=dict[int, int])
    """Repeat by answer."""
    differing: Mapping[int, int] = field(default_factory=dict[int, int])
    """Repeat by answer: the journal has another one there."""
    too_many: int = 0


def place(
    answers: Sequence[Brought], known: Mapping[int, Settled], *, missing: int, repeats: int
) -> Placed:
    """Give each answer its repeat; `missing` are those that the tool has no answer of."""
    left = dict(known)
    rest: list[int] = []
    for at, answer in enumerate(answers):
        same = next((repeat for repeat, each in left.items() if answer.is_there(each)), None)
        if same is None:
            rest.append(at)
        else:
            del left[same]
    differing = dict(zip(rest, left, strict=False))
    free = [repeat for repeat in range(repeats) if repeat not in known][missing:]
    further = rest[len(differing) :]
    fresh = dict(zip(further, free, strict=False))
    return Placed(
        there=len(answers) - len(rest),
        fresh=fresh,
        differing=differing,
        too_many=len(further) - len(fresh),
    )
