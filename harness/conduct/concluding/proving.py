"""`verify RECORD`: a verdict worked out again from its record, without journal or workspace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import NamedTuple

from harness.errors import CannotTellError
from harness.judge.decision.bounds import resting_on_all
from harness.judge.decision.procedure import standings
from harness.judge.decision.proof import proof_facts, read_design, read_pairs
from harness.judge.decision.quality import quality
from harness.judge.decision.standing import PairsSoFar, QualityState, Standing
from harness.judge.decision.verdict import SETTLED
from harness.money.interval import generator, interval_of
from harness.money.savings import read_units
from harness.plan.rehearsing import power_again
from harness.record.base import Reason, Result, Verdict
from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord
from harness.record.proof import DesignFacts, ProofFacts
from harness.record.quality_parts import Look, Quality
from harness.record.stored import read_record
from harness.stats.sequential.design import Design
from harness.tell.repricing import months

_CLOSE = 1e-6
_FIGURES = (
    "n", "both_right", "only_current_right", "only_candidate_right", "neither_right",
    "agreed_without_label", "current", "candidate", "difference", "worst", "best", "level",
    "worst_missing_as_zero", "pilot_cases", "deciding_cases", "missing_cases", "best_level",
    "absent", "corrected",
)  # fmt: skip
_STATES: Mapping[Reason, QualityState] = {
    Reason.QUALITY_INFERIOR: QualityState.INFERIOR,
    Reason.UNLIKELY_TO_PASS: QualityState.UNLIKELY,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """What of a record does not follow from what it tells itself; nothing: it proves itself."""

    record: DecisionRecord
    faults: tuple[str, ...]
    earlier: tuple[str, ...] = ()
    """What may follow by an earlier formula alone, of a record that is old by what it lacks. It is
    not proved: nobody can tell it from a figure that was put there by hand."""


def prove(path: Path) -> Proved:
    """Work a record's p-values, bounds, levels and verdict out again, by the code that decides.

    Raises:
        UsageError: it cannot be read, or was changed by hand.
        CannotTellError: it was made before records proved themselves, or nothing was tested.
    """
    record = read_record(path)
    design = record.evidence.design
    if design is None:
        raise CannotTellError(
            f"{path}: nothing in it was tested, or it is older than `rightsizing-decision/v2`: "
            "`rightsize verify` makes it again from the journal"
        )
    found = tuple(_faults(record, design))
    old = record.evidence.power is None
    return Proved(
        record=record,
        faults=tuple(one.text for one in found if not (old and one.by_formula)),
        earlier=tuple(one.text for one in found if old and one.by_formula),
    )


class _Fault(NamedTuple):
    """What does not follow, and whether a formula that has changed since gave it.

    Records of before lack `evidence.power`. Changed were the correction of an option that passed
    (by both formulas between its bound and what was seen), and when harm is shown.
    """

    text: str
    by_formula: bool = False


def _faults(record: DecisionRecord, facts: DesignFacts) -> Iterator[_Fault]:
    design, evidence = _read(record, facts)
    found = {one.option: one for one in standings(design, evidence)}
    proofs = proof_facts(design, evidence)
    for option in record.options:
        name = option.target.option
        if option.proof is None or name not in found:
            continue
        standing = _shown(design, evidence, option, found[name])
        again = proofs.get(name)
        harmed = option.reason_codes == (Reason.QUALITY_INFERIOR,)
        for line in _of_proof(option, again):
            yield _Fault(f"{name}: {line}")
        for line in _of_quality(design, evidence, option, standing):
            changed = harmed or (line.startswith("corrected ") and _is_corrected(option))
            yield _Fault(f"{name}: {line}", by_formula=changed)
        for line in _of_result(record, option, found[name].state):
            yield _Fault(f"{name}: {line}", by_formula=harmed)
    yield from map(_Fault, _unproved(record, design.options))
    yield from map(_Fault, _of_verdict(record))
    yield from map(_Fault, _of_savings(record))
    yield from map(_Fault, _of_power(record, design))


def _is_corrected(option: OptionRecord) -> bool:
    """Whether the estimate lies where every formula has put it."""
    found = option.quality
    if found is None or found.corrected is None:
        return False
    return found.worst - _CLOSE <= found.corrected <= found.difference + _CLOSE


def _of_savings(record: DecisionRecord) -> Iterator[str]:
    """The saving's interval, drawn again from the tokens that it was drawn from."""
    told, found = record.savings, months(record)
    if told is None or told.units is None or found is None:
        return
    again = interval_of(
        read_units(told.units), found[1], found[0], rng=generator(record.evidence.seed)
    )
    ends = (None,) * 4 if again is None else (
        again.lower, again.upper, again.bill_lower, again.bill_upper
    )  # fmt: skip
    names = ("monthly_lower", "monthly_upper", "after_discounts_lower", "after_discounts_upper")
    for name, end in zip(names, ends, strict=True):
        said = getattr(told, name)
        if said != end:
            yield f"savings: {name} is {said} in the record, {end} by its tokens"


def _of_power(record: DecisionRecord, design: Design) -> Iterator[str]:
    """What the cases could decide, rehearsed again."""
    told = record.evidence.power
    if told is None:
        return
    again = power_again(design, told)
    for name in ("chance", "smallest_margin"):
        for line in _differs(name, getattr(told, name), getattr(again, name)):
            yield f"power: {line}"


def _read(record: DecisionRecord, facts: DesignFacts) -> tuple[Design, PairsSoFar]:
    design = read_design(facts, record.margin.value)
    proofs = {one.target.option: one for one in record.options if one.proof is not None}
    looked = {name: one.proof.looked_at for name, one in proofs.items() if one.proof}
    return design, PairsSoFar(
        pairs={
            name: read_pairs(one.proof.outcomes, design, name)
            for name, one in proofs.items()
            if one.proof is not None
        },
        measures={
            name: {measure: read_pairs(text, design, name) for measure, text in one.proof.measures}
            for name, one in proofs.items()
            if one.proof is not None
        },
        vetoed=frozenset(name for name, word in looked.items() if word == "vetoed"),
        cleared=frozenset(name for name, word in looked.items() if word == "cleared"),
    )


def _shown(
    design: Design, evidence: PairsSoFar, option: OptionRecord, standing: Standing
) -> Standing:
    """On the cases that the record's figures rest on: all of them where these showed harm."""
    found = option.quality
    whole = found is not None and found.pilot_cases and standing.state is QualityState.VETOED
    if not whole:
        return standing
    return resting_on_all(design, standing, evidence.pairs[standing.option])


def _unproved(record: DecisionRecord, designed: Sequence[str]) -> Iterator[str]:
    """What was tested, and lacks what proves it: a test proves each option of its design."""
    told = {one.target.option for one in record.options}
    for name in designed:
        if name not in told:
            yield f"{name}: the test's design names it, and it is not in the record"
    for option in record.options:
        name = option.target.option
        if name not in designed and _is_tested(option):
            yield f"{name}: it has the result of a test, and the test's design does not name it"
        elif name in designed and option.proof is None:
            yield f"{name}: it was tested, and how its cases ended is not in the record"


def _is_tested(option: OptionRecord) -> bool:
    """Whether the option has a result that only a test can give."""
    by_test = not _STATES.keys().isdisjoint(option.reason_codes)
    return option.result is Result.PASS or option.quality is not None or by_test


def _of_proof(option: OptionRecord, again: ProofFacts | None) -> Iterator[str]:
    """Weights and levels follow from the ends of the cases."""
    told = option.proof
    if told is None or again is None:
        return
    for name in ("weight", "local", "smallest", "pilot_chance"):
        yield from _differs(name, getattr(told, name), getattr(again, name))


def _of_quality(
    design: Design, evidence: PairsSoFar, option: OptionRecord, standing: Standing
) -> Iterator[str]:
    told = option.quality
    if told is None:
        return
    again = quality(design, standing, evidence.pairs[standing.option], told.metric)
    if again is None:
        yield "it has figures, and its cases give none"
        return
    for name in _FIGURES:
        yield from _differs(name, getattr(told, name), getattr(again, name))
    yield from _of_looks(told, again)
    stop, was = standing.stop, option.stopped
    if stop is not None and was is not None:
        yield from _differs("chance", was.chance, stop.chance)
        yield from _differs("cases seen", was.seen, stop.seen)


def _of_looks(told: Quality, again: Quality) -> Iterator[str]:
    if len(told.looks) != len(again.looks):
        yield f"{len(told.looks)} looks, {len(again.looks)} by its cases"
    for one, other in zip(told.looks, again.looks, strict=False):
        for name in Look.model_fields:
            yield from _differs(
                f"look {one.number}: {name}", getattr(one, name), getattr(other, name)
            )


def _differs(name: str, told: object, again: object) -> Iterator[str]:
    if isinstance(told, float) and isinstance(again, int | float):
        if isclose(told, again, rel_tol=_CLOSE, abs_tol=_CLOSE):
            return
    elif told == again:
        return
    yield f"{name} is {told!r} in the record, {again!r} by its cases"


def _of_result(record: DecisionRecord, option: OptionRecord, state: QualityState) -> Iterator[str]:
    """Where an option's result or reasons contradict the state that its test ended in."""
    cannot = Reason.EVALSET_CANNOT_TELL in record.reason_codes
    for reason, needed in _STATES.items():
        if reason in option.reason_codes and state is not needed:
            yield f"{reason.value}, and its test ended {state.value}"
    if option.result is Result.PASS and state is not QualityState.PASSES:
        yield f"it passed, and its test ended {state.value}"
    by_quality = {Reason.QUALITY_INFERIOR, Reason.UNLIKELY_TO_PASS}
    bare = option.result is not Result.PASS and set(option.reason_codes) <= by_quality
    if bare and state is QualityState.PASSES and not cannot:
        yield "its test passed, and nothing says what stood against it"


def _of_verdict(record: DecisionRecord) -> Iterator[str]:
    passed = {one.target.option for one in record.options if one.result is Result.PASS}
    named = {one.target.option for one in record.options}
    open_ones = [
        one
        for one in record.options
        if one.result is not Result.PASS and not set(one.reason_codes) <= SETTLED
    ]
    if record.verdict is Verdict.DOWNGRADE and record.chosen in named - passed:
        yield f"a downgrade to {record.chosen}, which did not pass"
    if record.verdict is not Verdict.DOWNGRADE and passed:
        yield f"{', '.join(sorted(passed))} passed, and the verdict is {record.verdict.value}"
    if record.verdict is Verdict.JUSTIFY and open_ones:
        yield f"a reason to stay, and {open_ones[0].target.option} is open"
