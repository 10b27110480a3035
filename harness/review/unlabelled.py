"""What is known of an option whose disagreements wait for labels: counts, and no bound.

A bound over the cases that happen to be settled would leave out the very cases that can differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.wording import listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.comparison.pairs import Pair, Pairs


def to_label(pairs: Pairs, unit: str) -> str:
    """`of 300 tickets both answered 298 alike; 2 differ and have no label yet; ...`."""
    asked = [pair for pair in pairs.pairs if not pair.missing]
    waiting = sum(pair.unlabelled for pair in asked)
    alike = sum(pair.difference == 0 for pair in asked)
    worse = sum(pair.difference is not None and pair.difference < 0 for pair in asked)
    verb = "differs and has no label yet" if waiting == 1 else "differ and have no label yet"
    told = listed([f"{waiting:,} {verb}", *_labelled(asked)])
    return (
        f"of {len(asked):,} {unit} both models answered {alike:,} alike; {told}; whatever the "
        f"labels say, at most {worse + waiting:,} more of these {len(asked):,} go wrong"
    )


def _labelled(asked: list[Pair]) -> Iterator[str]:
    """What the labels that are there say."""
    known = [pair.difference for pair in asked if pair.difference]
    worse, better = sum(d < 0 for d in known), sum(d > 0 for d in known)
    if worse:
        yield f"{worse:,} {'was' if worse == 1 else 'were'} worse"
    if better:
        yield f"{better:,} {'was' if better == 1 else 'were'} better"
