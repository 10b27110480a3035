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

from typing import TYPE_CHECKING

from harness.decision import holm, ladder
from harness.decision.standing import Standing
from harness.decision.step import Evidence, Finished, Step
from harness.stats.clusters import FEWEST_CLUSTERS
from harness.stats.estimates import smallest_sample

if TYPE_CHECKING:
    from harness.stats.design import Design


def next_step(design: Design, evidence: Evidence) -> Step:
    """Return what to ask, what to confirm, or how every option stands."""
    if too_small(design):
        return Finished(standings=standings(design, evidence))
    if design.kind == "ladder":
        return ladder.step(design, evidence)
    return holm.step(design, evidence)


def standings(design: Design, evidence: Evidence) -> tuple[Standing, ...]:
    """How every option stands so far, cheapest first; final once `next_step` is `Finished`."""
    if too_small(design):
        return tuple(_too_small(option.name) for option in design.options)
    if design.kind == "ladder":
        return ladder.standings(design, evidence)
    return holm.standings(design, evidence)


def too_small(design: Design) -> bool:
    """Not even zero disagreement would clear the margin: refused before spending.

    An exploratory design is asked all the same: it shows, and decides nothing.
    """
    if design.exploratory:
        return False
    tightest = design.alpha / max(len(design.options), 1)
    needed = smallest_sample(design.method, design.margin / 100, tightest)
    deciding = design.order[design.pilot :]
    if len(deciding) < needed:
        return True
    units = set(design.clusters[design.pilot :])
    return design.method == "cluster-t" and len(units) < FEWEST_CLUSTERS


def _too_small(option: str) -> Standing:
    return Standing(
        option=option, state="too-small", n=0, asked=0, difference=None, worst=None, best=None,
        level=None, worst_missing_as_zero=None, looks=(),
    )  # fmt: skip
