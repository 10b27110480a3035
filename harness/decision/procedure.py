"""Step through a design: what to ask next, or how every option stands.

The caller replays what `Ask` wants, scores it, pairs it (`harness.comparison.pairs.pair_up`) and
calls again with the longer evidence; the same evidence always gives the same step.

    evidence = Evidence()
    while not isinstance(step := next_step(design, evidence), Finished):
        match step:
            case Ask():      # answer the first `step.incumbent` cases of `design.order` with the
                ...          # incumbent, the first n with each (option, n) of `step.options`
            case Confirm():  # look for vetoes of `step.options` (slices, guardrails, latency);
                ...          # name each in `evidence.cleared` or in `evidence.vetoed`
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.decision import fixed_sequence, holm, ladder
from harness.decision.standing import Standing
from harness.decision.step import Evidence, Finished, Step
from harness.stats.clusters import FEWEST_CLUSTERS
from harness.stats.estimates import smallest_sample

if TYPE_CHECKING:
    from harness.stats.design import Design

_PROCEDURES = {"ladder": ladder, "holm": holm, "fixed-sequence": fixed_sequence}


def next_step(design: Design, evidence: Evidence) -> Step:
    """Return what to ask, what to confirm, or how every option stands."""
    if too_small(design):
        return Finished(standings=standings(design, evidence))
    return _PROCEDURES[design.kind].step(design, evidence)


def standings(design: Design, evidence: Evidence) -> tuple[Standing, ...]:
    """How every option stands so far, cheapest first; final once `next_step` is `Finished`."""
    if too_small(design):
        return tuple(_too_small(option.name) for option in design.options)
    return _PROCEDURES[design.kind].standings(design, evidence)


def too_small(design: Design) -> bool:
    """Not even zero disagreement would clear the margin: refused before spending.

    Clusters count for as many cases as they are worth when each agrees with itself.
    An exploratory design is asked all the same: it shows, and decides nothing.
    """
    if design.exploratory:
        return False
    sharing = 1 if design.kind == "fixed-sequence" else max(len(design.options), 1)
    needed = smallest_sample(design.method, design.margin / 100, design.alpha / sharing)
    sizes = Counter(design.clusters[design.pilot :]).values()
    if design.method != "cluster-t":
        return sum(sizes) < needed
    worth = sum(sizes) ** 2 / sum(size**2 for size in sizes) if sizes else 0
    return worth < needed or len(sizes) < FEWEST_CLUSTERS


def _too_small(option: str) -> Standing:
    return Standing(
        option=option, state="too-small", n=0, asked=0, difference=None, worst=None, best=None,
        level=None, worst_missing_as_zero=None, looks=(),
    )  # fmt: skip
