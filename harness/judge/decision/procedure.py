"""Step through a design: what to ask next, or the standing of every option.

The caller asks what an `Ask` names, scores and pairs the answers
(`harness.judge.comparison.pairs.pair_up`) and calls again with the longer evidence. The same
evidence always gives the same step.

    evidence = PairsSoFar()
    while not isinstance(step := next_step(design, evidence), Finished):
        match step:
            case Ask():      # answer the first `step.incumbent` cases of `design.order` with the
                ...          # incumbent, the first n with each (option, n) of `step.options`
            case Confirm():  # look for vetoes of `step.options` (slices, guardrails, latency);
                ...          # name each in `evidence.cleared` or in `evidence.vetoed`
"""

from __future__ import annotations

from harness.judge.decision import ladder, single_test
from harness.judge.decision.standing import Finished, PairsSoFar, QualityState, Standing, Step
from harness.stats.sequential.design import Design
from harness.stats.sequential.sample_size import size_of

_STEPS = {
    "ladder": ladder.step,
    "holm": single_test.holm_step,
    "fixed-sequence": single_test.sequence_step,
}
_STANDINGS = {
    "ladder": ladder.standings,
    "holm": single_test.holm_standings,
    "fixed-sequence": single_test.sequence_standings,
}


def next_step(design: Design, evidence: PairsSoFar) -> Step:
    """Return what to ask, what to confirm, or the final standings.

    Raises:
        ValueError: there are cases that the plan does not have. Adding cases until an option
            passes errs far more often than alpha; added cases are a new test of their own.
    """
    longest = max((len(pairs.pairs) for pairs in evidence.pairs.values()), default=0)
    if longest > len(design.order):
        raise ValueError(
            f"{longest} cases were answered, the plan has {len(design.order)}: "
            "test added cases by a new plan, on the new cases alone"
        )
    if too_small(design):
        return Finished(standings=standings(design, evidence))
    return _STEPS[design.kind](design, evidence)


def standings(design: Design, evidence: PairsSoFar) -> tuple[Standing, ...]:
    """The standings so far, cheapest option first; final once `next_step` is `Finished`."""
    if too_small(design):
        return tuple(
            Standing(option=option.name, state=QualityState.TOO_SMALL) for option in design.options
        )
    return _STANDINGS[design.kind](design, evidence)


def too_small(design: Design) -> bool:
    """Whether not even zero disagreement would clear the margin; then nothing is spent.

    Clusters count as their effective number of cases. An exploratory design is run all the same:
    it shows, and decides nothing.
    """
    return not design.exploratory and size_of(design).too_small
