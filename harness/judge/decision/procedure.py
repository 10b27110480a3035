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

The ladder has a module of its own. Here stand the procedures that test each option once, on all
cases. Holm: every option answers every case, and all are tested together. Fixed sequence, for a
declared order of quality: most expensive option first, each at alpha (P. H. Westfall and A.
Krishen, "Optimally weighted, fixed sequence and gatekeeper multiple testing procedures", Journal of
Statistical Planning and Inference 99 (2001) 25-40). The next cheaper option is asked only after the
one before it passed on quality; the first that does not pass ends the sequence, and cheaper ones
are never asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from harness.judge.decision import ladder
from harness.judge.decision.bounds import (
    Figures,
    ShownHarm,
    harmful,
    harms,
    incomplete,
    option_p_value,
    shown,
    to_settle,
    unlabelled,
)
from harness.judge.decision.standing import (
    Ask,
    Confirm,
    Finished,
    LookRow,
    PairsSoFar,
    QualityState,
    Standing,
    Step,
)
from harness.stats.sequential.design import Design
from harness.stats.sequential.levels import holm
from harness.stats.sequential.sample_size import size_of

_Test: TypeAlias = tuple[float | None, float]
"""An option's p-value, None where it cannot be tested, and its level: it passes below it."""


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
    match design.kind:
        case "ladder":
            return ladder.step(design, evidence)
        case "holm":
            return _holm_step(design, evidence)
        case "fixed-sequence":
            return _sequence_step(design, evidence)


def standings(design: Design, evidence: PairsSoFar) -> tuple[Standing, ...]:
    """The standings so far, cheapest option first; final once `next_step` is `Finished`."""
    if too_small(design):
        return tuple(
            Standing(option=option, state=QualityState.TOO_SMALL) for option in design.options
        )
    match design.kind:
        case "ladder":
            return ladder.standings(design, evidence)
        case "holm":
            return _holm_standings(design, evidence)
        case "fixed-sequence":
            return _sequence_standings(design, evidence)


def too_small(design: Design) -> bool:
    """Whether not even zero disagreement would clear the margin; then nothing is spent.

    Clusters count as their effective number of cases. An exploratory design is run all the same:
    it shows, and decides nothing.
    """
    return not design.exploratory and size_of(design).too_small


def _holm_step(design: Design, evidence: PairsSoFar) -> Step:
    """Ask for all cases of all options, then test them together at alpha."""
    size = len(design.order)
    if unasked := evidence.unasked(design.options, size):
        return Ask(options=unasked, incumbent=size)
    found = _holm_standings(design, evidence)
    settled = evidence.cleared | evidence.vetoed
    passing = tuple(
        item.option
        for item in found
        if item.state is QualityState.PASSES and item.option not in settled
    )
    return Confirm(options=passing) if passing else Finished(standings=found)


def _holm_standings(design: Design, evidence: PairsSoFar) -> tuple[Standing, ...]:
    """The standings so far; no option passes before it was asked every case."""
    worse = _harms(design, evidence)
    return tuple(
        _standing(design, evidence, option, test, worse.get(option))
        for option, test in _holm_tests(design, evidence).items()
    )


def _harms(design: Design, evidence: PairsSoFar) -> Mapping[str, ShownHarm]:
    used = {option: evidence.asked(option) for option in design.options}
    return harms(design, evidence, used)


def _holm_tests(design: Design, evidence: PairsSoFar) -> Mapping[str, _Test]:
    names = design.options
    p_values = [_full_p_value(design, evidence, name) for name in names]
    shared = holm([1.0 if p is None else p for p in p_values], design.alpha).level
    levels = [min(float(one), most) for one, most in zip(shared, design.limits, strict=True)]
    return dict(zip(names, zip(p_values, levels, strict=True), strict=True))


def _full_p_value(design: Design, evidence: PairsSoFar, option: str) -> float | None:
    """None if the option cannot be tested: not fully asked, or incomplete."""
    size = len(design.order)
    if evidence.asked(option) < size or incomplete(design, evidence.pairs[option]):
        return None
    return option_p_value(design, evidence, option, size)


def _passed(test: _Test) -> bool:
    p_value, level = test
    return p_value is not None and p_value < level


def _standing(
    design: Design, evidence: PairsSoFar, option: str, test: _Test, harm: ShownHarm | None
) -> Standing:
    """The standing of an option after its single test."""
    pairs = evidence.pairs.get(option)
    if pairs is None:
        return Standing(option=option, state=QualityState.VETOED)
    size = len(design.order)
    p_value, level = test
    state = _state(design, evidence, option, test, harm)
    if state is QualityState.INFERIOR and harm is not None:
        found = harmful(design, pairs, harm, level=level)
    else:
        found = shown(design, pairs, cases=(0, size), level=level)
    return Standing(
        option=option,
        state=state,
        asked=len(pairs.pairs),
        figures=found,
        looks=(_look(p_value, found, state),),
        unlabelled=unlabelled(pairs, size) if state is QualityState.WAITING else (),
        fewest=to_settle(design, evidence, option, count=size, level=level)
        if state in {QualityState.WAITING, QualityState.INCOMPLETE}
        else 0,
    )


def _state(
    design: Design, evidence: PairsSoFar, option: str, test: _Test, harm: ShownHarm | None
) -> QualityState:
    if option in evidence.vetoed:
        return QualityState.VETOED
    if incomplete(design, evidence.pairs[option]):
        return QualityState.INCOMPLETE
    if _passed(test):
        return QualityState.PASSES
    return QualityState.INFERIOR if harm is not None else _open(design, evidence, option, test[1])


def _open(design: Design, evidence: PairsSoFar, option: str, level: float) -> QualityState:
    """Whether it waits for labels or answers: it would pass if they favoured it."""
    size = len(design.order)
    best = option_p_value(design, evidence, option, size, best=True)
    if best is None or best >= level:
        return QualityState.OPEN
    waits = unlabelled(evidence.pairs[option], size)
    return QualityState.WAITING if waits else QualityState.INCOMPLETE


_ACTIONS = {
    QualityState.PASSES: "pass",
    QualityState.INFERIOR: "inferior",
    QualityState.WAITING: "waiting",
}


def _look(p_value: float | None, found: Figures, state: QualityState) -> LookRow:
    estimate = found.tested
    return LookRow(
        number=1,
        n=0 if estimate is None else estimate.n,
        difference=None if estimate is None else estimate.value,
        worst=None if estimate is None else estimate.lower,
        level=found.level,
        p_value=p_value,
        action=_ACTIONS.get(state, "continue"),
    )


def _sequence_step(design: Design, evidence: PairsSoFar) -> Step:
    """Ask the next option every case, as long as all more expensive ones passed."""
    size = len(design.order)
    settled = evidence.cleared | evidence.vetoed
    for option in reversed(design.options):
        early_veto = option in evidence.vetoed and not evidence.asked(option)
        if early_veto:
            continue
        if evidence.asked(option) < size:
            return Ask(options=((option, size),), incumbent=size)
        if not _passed(_sequence_test(design, evidence, option)):
            break
        if option not in settled:
            return Confirm(options=(option,))
    return Finished(standings=_sequence_standings(design, evidence))


def _sequence_standings(design: Design, evidence: PairsSoFar) -> tuple[Standing, ...]:
    """The standings so far, cheapest option first."""
    worse = _harms(design, evidence)
    return tuple(
        _standing(design, evidence, name, _sequence_test(design, evidence, name), worse.get(name))
        if evidence.asked(name) or name in evidence.vetoed
        else Standing(option=name, state=QualityState.NOT_ASKED)
        for name in design.options
    )


def _sequence_test(design: Design, evidence: PairsSoFar, option: str) -> _Test:
    place = design.options.index(option)
    return _full_p_value(design, evidence, option), design.limits[place]
