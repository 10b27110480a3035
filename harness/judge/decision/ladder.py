"""The ladder procedure, one step at a time: a pilot of all options, then the cheapest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from harness.judge.comparison.pairs import Pair, sample
from harness.judge.decision.bounds import (
    ShownHarm,
    harmful,
    harms,
    incomplete,
    option_p_value,
    parts_before,
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
    Stop,
)
from harness.stats.sequential.design import Design
from harness.stats.sequential.state import (
    LadderSeen,
    LadderState,
    OptionState,
    Rows,
    ladder_state,
    nominal_level,
)

_LEAST = 1e-12
"""Used instead of a local level of 0 in a table of looks."""


def step(design: Design, evidence: PairsSoFar) -> Step:
    """Ask every survivor the pilot's next stage; after the pilot, one option its next check."""
    size = len(design.order)
    # Where labels come last, every option is asked all cases before any test.
    if not design.stages and (needed := evidence.unasked(design.options, size)):
        return Ask(options=needed, incumbent=size)
    found = _ladder_state(design, evidence)
    names = design.options
    wanted = [(name, item.needed) for name, item in zip(names, found.options, strict=True)]
    if found.wants is not None:
        wanted.append((names[found.wants], found.until))
    needed = tuple((name, count) for name, count in wanted if count > evidence.asked(name))
    if needed:
        return Ask(options=needed, incumbent=max(count for _, count in needed))
    if found.confirm is not None:
        name = names[found.confirm]
        return Confirm(options=(name,))
    return Finished(standings=_standings(design, evidence, found))


def standings(design: Design, evidence: PairsSoFar) -> tuple[Standing, ...]:
    """The standings so far, cheapest option first."""
    return _standings(design, evidence, _ladder_state(design, evidence))


def states(design: Design, evidence: PairsSoFar) -> tuple[OptionState, ...] | None:
    """Where each option's walk stands: weights, levels, chances; None where there is no ladder."""
    return _ladder_state(design, evidence).options if design.kind == "ladder" else None


def _ladder_state(design: Design, evidence: PairsSoFar) -> LadderState:
    names = design.options
    pairs = {name: evidence.pairs[name].pairs for name in names if name in evidence.pairs}
    absent = {name for name in pairs if _lacks_any(design, evidence, name)}

    def filled(value: Callable[[Pair], float | None]) -> tuple[Rows, ...]:
        """By `value` where an option lacks a score or label, else as known."""
        return tuple(
            _rows(design, evidence, name, value if name in absent else _known) for name in names
        )

    seen = LadderSeen(
        known=filled(_known),
        vetoed=tuple(name in evidence.vetoed or _lost(design, evidence, name) for name in names),
        cleared=tuple(name in evidence.cleared for name in names),
        waits=tuple(any(pair.unlabelled for pair in pairs.get(name, ())) for name in names),
        at_worst=filled(lambda pair: pair.least) if absent else None,
        at_best=filled(lambda pair: pair.most) if absent else None,
    )
    return ladder_state(design, seen)


def _lacks_any(design: Design, evidence: PairsSoFar, option: str) -> bool:
    """Whether a score or label is absent under the primary measure or that of a proven part."""
    end = evidence.asked(option)
    parts = parts_before(design, evidence, option, end) if end else ()
    return any(pair.reach is not None for pairs, _, _ in parts for pair in pairs)


def _known(pair: Pair) -> float | None:
    return pair.difference


def _rows(
    design: Design, evidence: PairsSoFar, option: str, value: Callable[[Pair], float | None]
) -> Rows:
    """An option's differences over the cases that it was asked, of the whole and of each part."""
    asked = evidence.asked(option)
    if not asked:
        return ((),) * (1 + len(design.proven))
    whole = tuple(value(pair) for pair in evidence.pairs[option].pairs)
    parts = (
        tuple(
            value(pair) if place in inside else None
            for place, pair in enumerate(evidence.under(option, part.measure).until(asked))
        )
        for part, inside in ((part, frozenset(part.positions)) for part in design.proven)
    )
    return (whole, *parts)


def _lost(design: Design, evidence: PairsSoFar, option: str) -> bool:
    """Whether too many cases were left out at a look, so that the option can no longer pass."""
    pairs = evidence.pairs.get(option)
    return pairs is not None and len(pairs.pairs) >= design.looks[0] and incomplete(design, pairs)


def _standings(design: Design, evidence: PairsSoFar, found: LadderState) -> tuple[Standing, ...]:
    every = [_Walked(design, evidence, found, place) for place in range(len(design.options))]
    worse = harms(design, evidence, {one.name: one.used or one.piloted for one in every})
    return tuple(_standing(one, worse.get(one.name)) for one in every)


class _Walked:
    """One option where the ladder's walk has left it: its state, and the pairs that led to it."""

    def __init__(
        self, design: Design, evidence: PairsSoFar, found: LadderState, place: int
    ) -> None:
        self.design, self.evidence = design, evidence
        self.name, self.state = design.options[place], found.options[place]
        self.pairs = evidence.pairs.get(self.name)
        self.passes = place == found.confirm or self.state.accepted
        state = self.state
        known = [place for place, level in enumerate(state.levels) if level is not None]
        self.known = [place for place in known if design.looks[place] <= self.used]
        self.decided = min(self.known, key=lambda k: state.levels[k] or 0.0, default=None)

    @property
    def used(self) -> int:
        """Cases that its walk has used; of a vetoed option all that it was asked."""
        if self.state.reached or self.pairs is None:
            return self.state.reached
        walked = len(self.pairs.pairs) if self.vetoed else 0
        return walked if walked > self.design.pilot else 0

    @property
    def piloted(self) -> int:
        """Cases on which the pilot dropped it; 0 if it did not."""
        return (self.state.piloted or self.design.pilot) if self.state.dropped else 0

    @property
    def vetoed(self) -> bool:
        """Whether it was vetoed by the caller, or too many cases were left out."""
        return self.name in self.evidence.vetoed or self.lost

    @property
    def lost(self) -> bool:
        """Whether too many cases were left out."""
        return _lost(self.design, self.evidence, self.name)

    @property
    def open_look(self) -> int | None:
        """The first look that passes only if what is absent favours it; None if there is none.

        None as well while it has cases to be asked, or once it has ended otherwise.
        """
        ended = self.state.stopped or self.state.dropped or self.passes
        if ended or self.used < self.design.looks[-1]:
            return None
        hopes = enumerate(self.state.hopes)
        return next((k for k, hope in hopes if hope is not None and hope < self.state.local), None)

    @property
    def fewest(self) -> int:
        """Labels or answers that can settle the open look; 0 without one."""
        look = self.open_look
        if look is None:
            return 0
        level = nominal_level(self.design, self.state.local, look)
        count = self.design.looks[look]
        return to_settle(self.design, self.evidence, self.name, count=count, level=level)

    @property
    def look(self) -> int | None:
        """The look whose bound is shown: the one that it passed, else the last one taken."""
        best = None if self.decided is None else self.state.levels[self.decided]
        if best is not None and best < self.state.local:
            return self.decided
        return self.known[-1] if self.known else None

    @property
    def cases(self) -> tuple[int, int]:
        """The cases that its figures rest on."""
        if self.state.dropped or not self.used:
            return (0, self.piloted)
        passed = self.passes or self.vetoed
        look = self.look
        end = self.design.looks[look] if passed and look is not None else self.used
        return (self.design.pilot, end)

    @property
    def stop(self) -> Stop | None:
        """Why it was stopped, in the pilot or later; None if it was not."""
        state, steering = self.state, self.design.steering
        if state.last_chance is None or self.vetoed or self.passes:
            return None
        return Stop(
            seen=state.piloted if state.dropped else state.reached,
            size=len(self.design.order),
            chance=state.last_chance,
            threshold=steering.drop_below if state.dropped else steering.futile_below,
            share=state.share,
            least_share=steering.least_weight if state.dropped else None,
        )

    @property
    def level(self) -> float:
        """The level of the shown bound: a look's nominal one, else the option's local level."""
        state = self.state
        if state.local <= 0:
            return self.design.alpha
        given_up = state.stopped and not (self.passes or self.vetoed)
        return state.local if given_up else self.tested_level

    @property
    def tested_level(self) -> float:
        """The nominal level of the shown look; without one the option's local level."""
        local = max(self.state.local, _LEAST)
        return local if self.look is None else nominal_level(self.design, local, self.look)


def _standing(walked: _Walked, harm: ShownHarm | None) -> Standing:
    if walked.pairs is None or not walked.cases[1]:
        return _never_tested(walked)
    state = _state(walked, harm)
    if state is QualityState.INFERIOR and harm is not None:
        figures = harmful(walked.design, walked.pairs, harm, level=walked.tested_level)
    else:
        figures = shown(walked.design, walked.pairs, cases=walked.cases, level=walked.level)
    return Standing(
        option=walked.name,
        state=state,
        asked=len(walked.pairs.pairs),
        figures=figures,
        looks=_looks(walked, state),
        stop=walked.stop if state is QualityState.UNLIKELY else None,
        unlabelled=_to_label(walked),
        local=walked.state.local,
        fewest=walked.fewest if state in {QualityState.WAITING, QualityState.INCOMPLETE} else 0,
    )


def _never_tested(walked: _Walked) -> Standing:
    to_label = _to_label(walked)
    unasked = QualityState.WAITING if to_label else QualityState.NOT_ASKED
    return Standing(
        option=walked.name,
        state=QualityState.VETOED if walked.name in walked.evidence.vetoed else unasked,
        asked=0 if walked.pairs is None else len(walked.pairs.pairs),
        unlabelled=to_label,
    )


def _state(walked: _Walked, harm: ShownHarm | None) -> QualityState:
    ordered: tuple[tuple[bool, QualityState], ...] = (
        (walked.name in walked.evidence.vetoed, QualityState.VETOED),
        (walked.lost, QualityState.INCOMPLETE),
        (walked.passes, QualityState.PASSES),
        (harm is not None, QualityState.INFERIOR),
        (walked.stop is not None, QualityState.UNLIKELY),
        (bool(_to_label(walked)), QualityState.WAITING),
        (walked.open_look is not None, QualityState.INCOMPLETE),
    )
    for holds, state in ordered:
        if holds:
            return state
    return QualityState.OPEN


def _to_label(walked: _Walked) -> tuple[str, ...]:
    """Disagreements without a label before the first look that depends on them."""
    look = walked.open_look
    if walked.pairs is None or look is None:
        return ()
    return unlabelled(walked.pairs, walked.design.looks[look])


def _looks(walked: _Walked, state: QualityState) -> tuple[LookRow, ...]:
    """Every look that was taken; the last row says how the option ended."""
    rows = [_row(walked, place, state) for place in walked.known]
    if walked.state.dropped:
        return (_ending(walked, 0, "dropped"),)
    is_harmful = state is QualityState.INFERIOR
    if is_harmful or (walked.state.stopped and not walked.passes):
        number = 1 + sum(end < walked.used for end in walked.design.looks)
        action = "inferior" if is_harmful else "futile"
        if rows and rows[-1].number == number:
            rows[-1] = replace(rows[-1], action=action)
        else:
            rows.append(_ending(walked, number, action))
    return tuple(rows)


def _row(walked: _Walked, place: int, state: QualityState) -> LookRow:
    design = walked.design
    end = design.looks[place]
    level = nominal_level(design, max(walked.state.local, _LEAST), place)
    pairs = walked.evidence.pairs[walked.name]
    found = shown(design, pairs, cases=(design.pilot, end), level=level).tested
    passed = place == walked.look and state in {QualityState.PASSES, QualityState.VETOED}
    return LookRow(
        number=place + 1,
        n=0 if found is None else found.n,
        difference=None if found is None else found.value,
        worst=None if found is None else found.lower,
        level=level,
        p_value=option_p_value(design, walked.evidence, walked.name, end),
        action="pass" if passed else "continue",
    )


def _ending(walked: _Walked, number: int, action: str) -> LookRow:
    start, end = walked.cases
    found = sample(walked.evidence.pairs[walked.name].pairs[start:end]).differences
    return LookRow(
        number=number,
        n=len(found),
        difference=sum(found) / len(found) if found else None,
        worst=None,
        level=None,
        p_value=None,
        action=action,
    )
