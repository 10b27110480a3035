"""Fixed sequence, for ladders whose order of quality was declared: dearest first, each at alpha.

Source: P. H. Westfall and A. Krishen, "Optimally weighted, fixed sequence and gatekeeper multiple
testing procedures", Journal of Statistical Planning and Inference 99 (2001) 25-40. The next
cheaper option is asked only after the dearer one passed on quality; the first that does not pass
ends the sequence, and what is cheaper is never asked.
"""

from __future__ import annotations

from harness.judge.decision.holm import Tested, full_p_value, standing_of
from harness.judge.decision.standing import Ask, Confirm, Finished, PairsSoFar, Standing, Step
from harness.stats.sequential.design import Design


def step(design: Design, evidence: PairsSoFar) -> Step:
    """Ask the next option of the sequence for every case, as long as all dearer ones passed."""
    size = len(design.order)
    settled = evidence.cleared | evidence.vetoed
    for option in reversed(design.options):
        early_veto = option.name in evidence.vetoed and not evidence.asked(option.name)
        if early_veto:
            continue
        if evidence.asked(option.name) < size:
            return Ask(options=((option.name, size),), incumbent=size)
        if not _test(design, evidence, option.name).passed:
            break
        if option.name not in settled:
            return Confirm(options=(option.name,))
    return Finished(standings=standings(design, evidence))


def standings(design: Design, evidence: PairsSoFar) -> tuple[Standing, ...]:
    """How every option stands so far, cheapest first."""
    return tuple(
        standing_of(design, evidence, _test(design, evidence, option.name))
        if evidence.asked(option.name) or option.name in evidence.vetoed
        else _not_asked(option.name)
        for option in design.options
    )


def _test(design: Design, evidence: PairsSoFar, option: str) -> Tested:
    p = full_p_value(design, evidence, option, len(design.order))
    passed = p is not None and p < design.alpha
    return Tested(option=option, p_value=p, passed=passed, level=design.alpha)


def _not_asked(option: str) -> Standing:
    return Standing(
        option=option, state="not-asked", n=0, asked=0, difference=None, worst=None, best=None,
        level=None, worst_missing_as_zero=None, looks=(),
    )  # fmt: skip
