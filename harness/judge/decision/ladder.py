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
    if needed := _unasked(design, evidence):
        return Ask(options=needed, incumbent=len(design.order))
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


def _unasked(design: Design, evidence: PairsSoFar) -> tuple[tuple[str, int], ...]:
    """Cases to ask before any test if labels come last: all of them, for every option."""
    if design.stages:
        return ()
    size = len(design.order)
    return tuple(
        (option, size)
        for option in design.options
        if option not in evidence.vetoed and evidence.asked(option) < size
    )


def _ladder_state(design: Design, evidence: PairsSoFar) -> LadderState:
    names = design.options
    pairs = {name: evidence.pairs[name].pairs for name in names if name in evidence.pairs}
    absent = {name for name, own in pairs.items() if any(pair.reach is not None for pair in own)}

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
    every = [_Seen(design, evidence, found, place) for place in range(len(design.options))]
    worse = harms(design, evidence, {seen.name: seen.used or seen.piloted for seen in every})
    for seen in every:
        seen.harm = worse.get(seen.name)
    return tuple(_standing(seen) for seen in every)


class _Seen:
    """One option with everything that its standing is made from."""

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
        self.harm: ShownHarm | None = None
        self.decided = min(self.known, key=lambda k: state.levels[k] or 0.0, default=None)

    @property
    def used(self) -> int:
        """Cases that its walk has used; all that it was asked if it was vetoed."""
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
    def hanging(self) -> int | None:
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
        """Labels or answers that can settle that look."""
        look = self.hanging
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


def _standing(seen: _Seen) -> Standing:
    if seen.pairs is None or not seen.cases[1]:
        return _never_tested(seen)
    state = _state(seen)
    if state is QualityState.INFERIOR and seen.harm is not None:
        figures = harmful(seen.design, seen.pairs, seen.harm, level=seen.tested_level)
    else:
        figures = shown(seen.design, seen.pairs, cases=seen.cases, level=seen.level)
    return Standing(
        option=seen.name,
        state=state,
        asked=len(seen.pairs.pairs),
        figures=figures,
        looks=_looks(seen, state),
        stop=seen.stop if state is QualityState.UNLIKELY else None,
        unlabelled=_to_label(seen),
        local=seen.state.local,
        fewest=seen.fewest if state in {QualityState.WAITING, QualityState.INCOMPLETE} else 0,
    )


def _never_tested(seen: _Seen) -> Standing:
    to_label = _to_label(seen)
    unasked = QualityState.WAITING if to_label else QualityState.NOT_ASKED
    return Standing(
        option=seen.name,
        state=QualityState.VETOED if seen.name in seen.evidence.vetoed else unasked,
        asked=0 if seen.pairs is None else len(seen.pairs.pairs),
        unlabelled=to_label,
    )


def _state(seen: _Seen) -> QualityState:
    ordered: tuple[tuple[bool, QualityState], ...] = (
        (seen.name in seen.evidence.vetoed, QualityState.VETOED),
        (seen.lost, QualityState.INCOMPLETE),
        (seen.passes, QualityState.PASSES),
        (seen.harm is not None, QualityState.INFERIOR),
        (seen.stop is not None, QualityState.UNLIKELY),
        (bool(_to_label(seen)), QualityState.WAITING),
        (seen.hanging is not None, QualityState.INCOMPLETE),
    )
    for holds, state in ordered:
        if holds:
            return state
    return QualityState.OPEN


def _to_label(seen: _Seen) -> tuple[str, ...]:
    """Disagreements without a label before the first look that depends on them."""
    look = seen.hanging
    return (
        ()
        if seen.pairs is None or look is None
        else unlabelled(seen.pairs, seen.design.looks[look])
    )


def _looks(seen: _Seen, state: QualityState) -> tuple[LookRow, ...]:
    """Every look that was taken; the last row says how the option ended."""
    rows = [_row(seen, place, state) for place in seen.known]
    if seen.state.dropped:
        return (_ending(seen, 0, "dropped"),)
    harmful_too = state is QualityState.INFERIOR
    if harmful_too or (seen.state.stopped and not seen.passes):
        number = 1 + sum(end < seen.used for end in seen.design.looks)
        action = "inferior" if harmful_too else "futile"
        if rows and rows[-1].number == number:
            rows[-1] = replace(rows[-1], action=action)
        else:
            rows.append(_ending(seen, number, action))
    return tuple(rows)


def _row(seen: _Seen, place: int, state: QualityState) -> LookRow:
    design = seen.design
    end = design.looks[place]
    level = nominal_level(design, max(seen.state.local, _LEAST), place)
    pairs = seen.evidence.pairs[seen.name]
    found = shown(design, pairs, cases=(design.pilot, end), level=level).tested
    passed = place == seen.look and state in {QualityState.PASSES, QualityState.VETOED}
    return LookRow(
        number=place + 1,
        n=0 if found is None else found.n,
        difference=None if found is None else found.value,
        worst=None if found is None else found.lower,
        level=level,
        p_value=option_p_value(design, seen.evidence, seen.name, end),
        action="pass" if passed else "continue",
    )


def _ending(seen: _Seen, number: int, action: str) -> LookRow:
    start, end = seen.cases
    found = sample(seen.evidence.pairs[seen.name].pairs[start:end]).differences
    return LookRow(
        number=number,
        n=len(found),
        difference=sum(found) / len(found) if found else None,
        worst=None,
        level=None,
        p_value=None,
        action=action,
    )
