"""Procedures that test each option once, on all cases: Holm's, and the fixed sequence.

Holm: every option answers every case, and all are tested together.

Fixed sequence, for a declared order of quality: most expensive option first, each at alpha
(P. H. Westfall and A. Krishen, "Optimally weighted, fixed sequence and gatekeeper multiple testing
procedures", Journal of Statistical Planning and Inference 99 (2001) 25-40). The next cheaper option
is asked only after the one before it passed on quality; the first that does not pass ends the
sequence, and cheaper ones are never asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.judge.comparison.pairs import Pairs
from harness.judge.decision.bounds import (
    Figures,
    incomplete,
    inferior,
    on_all_cases,
    option_p_value,
    shown,
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


def holm_step(design: Design, evidence: PairsSoFar) -> Step:
    """Ask for all cases of all options, then test them together at alpha."""
    size = len(design.order)
    unasked = tuple(
        (option.name, size)
        for option in design.options
        if option.name not in evidence.vetoed and evidence.asked(option.name) < size
    )
    if unasked:
        return Ask(options=unasked, incumbent=size)
    found = holm_standings(design, evidence)
    settled = evidence.cleared | evidence.vetoed
    passing = tuple(
        item.option
        for item in found
        if item.state is QualityState.PASSES and item.option not in settled
    )
    return Confirm(options=passing) if passing else Finished(standings=found)


def holm_standings(design: Design, evidence: PairsSoFar) -> tuple[Standing, ...]:
    """The standings so far; no option passes before it was asked every case."""
    return tuple(_standing(design, evidence, tested) for tested in _tests(design, evidence))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tested:
    """One option's single test; `p_value` is None where it could not be tested."""

    option: str
    p_value: float | None
    passed: bool
    level: float


def _tests(design: Design, evidence: PairsSoFar) -> tuple[_Tested, ...]:
    size = len(design.order)
    names = [option.name for option in design.options]
    p_values = [_full_p_value(design, evidence, name, size) for name in names]
    result = holm([1.0 if p is None else p for p in p_values], design.alpha)
    return tuple(
        _Tested(option=name, p_value=p, passed=bool(passed), level=float(level))
        for name, p, passed, level in zip(names, p_values, result.passed, result.level, strict=True)
    )


def _full_p_value(design: Design, evidence: PairsSoFar, name: str, size: int) -> float | None:
    """None if the option cannot be tested: not fully asked, incomplete, or unlabelled."""
    if evidence.asked(name) < size:
        return None
    pairs = evidence.pairs[name]
    if incomplete(design, pairs) or unlabelled(pairs, size):
        return None
    return option_p_value(design, evidence, name, size)


def _standing(design: Design, evidence: PairsSoFar, tested: _Tested) -> Standing:
    """The standing of an option after its single test."""
    pairs = evidence.pairs.get(tested.option)
    if pairs is None:
        return Standing(option=tested.option, state=QualityState.VETOED)
    size = len(design.order)
    state = _state(design, evidence, tested)
    if state is QualityState.INFERIOR:
        found = on_all_cases(design, pairs)
    else:
        found = shown(design, pairs, cases=(0, size), level=tested.level)
    return Standing(
        option=tested.option,
        state=state,
        asked=len(pairs.pairs),
        figures=found,
        looks=(_look(tested, found, state),),
        unlabelled=unlabelled(pairs, size),
    )


def _state(design: Design, evidence: PairsSoFar, tested: _Tested) -> QualityState:
    pairs: Pairs = evidence.pairs[tested.option]
    if tested.option in evidence.vetoed:
        return QualityState.VETOED
    if incomplete(design, pairs):
        return QualityState.INCOMPLETE
    if unlabelled(pairs, len(design.order)):
        return QualityState.WAITING
    if tested.passed:
        return QualityState.PASSES
    return QualityState.INFERIOR if inferior(design, pairs) else QualityState.OPEN


_ACTIONS = {
    QualityState.PASSES: "pass",
    QualityState.INFERIOR: "inferior",
    QualityState.WAITING: "waiting",
}


def _look(tested: _Tested, found: Figures, state: QualityState) -> LookRow:
    estimate = found.tested
    return LookRow(
        number=1,
        n=0 if estimate is None else estimate.n,
        difference=None if estimate is None else estimate.value,
        worst=None if estimate is None else estimate.lower,
        level=found.level,
        p_value=tested.p_value,
        action=_ACTIONS.get(state, "continue"),
    )


def sequence_step(design: Design, evidence: PairsSoFar) -> Step:
    """Ask the next option every case, as long as all more expensive ones passed."""
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
    return Finished(standings=sequence_standings(design, evidence))


def sequence_standings(design: Design, evidence: PairsSoFar) -> tuple[Standing, ...]:
    """The standings so far, cheapest option first."""
    return tuple(
        _standing(design, evidence, _test(design, evidence, option.name))
        if evidence.asked(option.name) or option.name in evidence.vetoed
        else Standing(option=option.name, state=QualityState.NOT_ASKED)
        for option in design.options
    )


def _test(design: Design, evidence: PairsSoFar, option: str) -> _Tested:
    p = _full_p_value(design, evidence, option, len(design.order))
    passed = p is not None and p < design.alpha
    return _Tested(option=option, p_value=p, passed=passed, level=design.alpha)
