"""The power of a feature's test, by simulating the deciding code before any answer.

One option, the most expensive, is assumed to equal the incumbent; every cheaper one loses twice the
margin. The chance is that of finding the equal one, with the pilot, the looks, lazy asking and
early stopping included, and the calls are those of getting there.

What a review is expected to ask is rehearsed apart: most cheaper models are no equals, and are
given up early. What an option's difference may be is then taken from published answers
(`harness.plan.expecting.DIFFERENCES`), or from its last review.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cache
from math import ceil, floor, log

from harness.money.interval import generator
from harness.plan.designing import design_of
from harness.plan.expecting import DIFFERENCES, Expectation
from harness.plan.model import FeaturePlan, Power
from harness.record.base import Reason
from harness.record.parts import PowerFacts
from harness.stats.estimates import Method
from harness.stats.sequential.design import (
    Design,
    DesignInput,
    Kind,
    ProvenCases,
    make_design,
)
from harness.stats.sequential.foresight import AskedShare, AskedSoFar, Foresight, Rehearsed
from harness.stats.sequential.rehearsal import Rehearsal, Truth, rehearse
from harness.stats.sequential.sample_size import size_of
from harness.workspace.fingerprints import fingerprint

WANTED_POWER = 0.8
_RUNS = 300
"""Gives a standard error of two points: enough for a plan."""
_TRUTHS, _EACH = 25, 8
"""Sets of truths of a foresight, and reviews that are rehearsed under each."""
_MOST_CASES = 20_000
_GROWTH = 1.12
"""Factor between the numbers of cases tried: an answer is at most this much too large."""
_SNAP = 1.02
_NARROWEST, _WIDEST = 0.25, 50.0
"""Range of margins tried, points."""
_GRAIN = 10
"""Savings are rounded up to tenths, so that many features share one simulation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A proven part: its share of the cases, or a second measure on all of them."""

    margin: float
    share: float
    measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scene:
    """The inputs of a simulation; equal ones of two features are simulated once."""

    n: int
    margin: float
    kind: Kind
    method: Method
    alpha: float
    looks: int
    pilot: float
    labelled: bool
    savings: tuple[float, ...]
    discordance: float
    parts: tuple[_Part, ...]
    error_worth: float | None = None
    limits: tuple[float | None, ...] | None = None
    in_full: float = 0.0
    """Share of the cases that are asked of an option before it is accepted; changes no chance."""


def power_of(plan: FeaturePlan, expected: Expectation) -> Power:
    """What the eval set can decide, and what it would take to decide more.

    Raises:
        LookupError: the feature has no design.
    """
    design = plan.design
    if design is None:
        raise LookupError(f"{plan.feature} has no design")
    asked = (plan.procedure.looks, plan.procedure.pilot)
    expected = expected.over(plan.repeats)
    scene = _scene(design, *asked, expected.discordance)
    full = round(len(plan.protected) / max(len(design.order), 1), 2)
    scene = replace(scene, in_full=full)
    found = _rehearsed(scene)
    enough = found.decided >= WANTED_POWER
    needed = scene.n if enough else _needed(_at_levels(scene, plan.added_levels))
    smallest = _smallest(scene, found)
    foresight = _foresight(scene, tuple(_beliefs(plan, expected)))
    count = len(plan.asked)
    each, own = foresight.given([AskedSoFar()] * count)
    equal = plan.by_model(found.asked, found.incumbent)
    passes = plan.by_model(foresight.passes, 1.0)
    return Power(
        chance=found.decided,
        smallest_margin=smallest,
        cases_needed=None if needed is None else _in_cases(needed, scene, design),
        expected_share_of_calls=(sum(each) + own) / (count + 1),
        note=PowerFacts(
            chance=found.decided,
            smallest_margin=smallest,
            disagreement=expected.discordance,
            source=expected.source,
            cases=len(design.order) - design.pilot,
            looks=asked[0],
            pilot=asked[1],
        ).note,
        discordance=expected.discordance,
        source=expected.source,
        shares={
            name: AskedShare(expected=share, equal=equal[name], passes=passes[name])
            for name, share in plan.by_model(each, own).items()
        },
        equal_share=found.calls,
        foresight=foresight,
    )


def new_cases(plan: FeaturePlan, expected: Expectation) -> int | None:
    """Cases of a set of their own, as `FeaturePlan.new_cases`."""
    if not plan.ahead:
        return None
    tested = [one for one in plan.options if one.asked or one.excluded is Reason.EVALSET_SPENT]
    options = tuple(replace(one, excluded=None, at_most=None) for one in tested)
    level = max(one.new for one in plan.ahead.values())
    design = design_of(replace(plan, options=options, alpha=level))
    asked, expected = (plan.procedure.looks, plan.procedure.pilot), expected.over(plan.repeats)
    scene = _scene(design, *asked, expected.discordance)
    fewest = floor(size_of(design).needed / _GROWTH)
    needed = _needed(replace(scene, n=fewest))
    return None if needed is None else _in_cases(needed, scene, design)


def _at_levels(scene: _Scene, levels: Mapping[str, float]) -> _Scene | None:
    """The scene with these levels of its options, without those that have none; None: none has."""
    alpha = max(levels.values(), default=0.0)
    if alpha <= 0:
        return None
    kept = [
        (saving, one) for saving, one in zip(scene.savings, levels.values(), strict=True) if one
    ]
    limits = tuple(one if one < alpha else None for _, one in kept)
    return replace(
        scene,
        savings=tuple(saving for saving, _ in kept),
        alpha=alpha,
        limits=limits if any(limits) else None,
    )


def power_facts(plan: FeaturePlan, design: Design) -> PowerFacts | None:
    """What a record tells of the power, with the design that decides; None: none was rehearsed."""
    if plan.power is None or design.exploratory:
        return None
    told = PowerFacts(
        chance=0.0,
        smallest_margin=None,
        disagreement=plan.power.discordance,
        source=plan.power.source,
        cases=len(design.order) - design.pilot,
        looks=plan.procedure.looks,
        pilot=plan.procedure.pilot,
    )
    return power_again(design, told)


def power_again(design: Design, told: PowerFacts) -> PowerFacts:
    """The same facts with chance and smallest margin rehearsed again."""
    scene = _scene(design, told.looks, told.pilot, told.disagreement)
    found = _rehearsed(scene)
    again = {
        "chance": found.decided,
        "smallest_margin": _smallest(scene, found),
        "cases": len(design.order) - design.pilot,
    }
    return told.model_copy(update=again)


def _scene(design: Design, looks: int, pilot: float, discordance: float) -> _Scene:
    worth = size_of(design).worth
    counted = len(design.order) - design.pilot
    whole = len(design.order)
    return _Scene(
        n=_snapped(whole if design.method != "cluster-t" else worth * whole / max(counted, 1)),
        margin=design.margin,
        kind=design.kind,
        method=design.method,
        alpha=design.alpha,
        looks=looks,
        pilot=pilot,
        labelled=bool(design.stages) or not pilot,
        savings=tuple(max(ceil(_GRAIN * saving), 1) / _GRAIN for saving in design.savings),
        discordance=discordance,
        parts=tuple(
            _Part(
                margin=part.margin,
                share=len(part.positions) / max(whole, 1),
                measured=part.measure is not None,
            )
            for part in design.proven
        ),
        error_worth=None if design.error_worth is None else float(f"{design.error_worth:.1g}"),
        limits=design.at_most,
    )


def _snapped(cases: float) -> int:
    """Round down to numbers 2 % apart, so that eval sets of similar size share a simulation."""
    return max(floor(_SNAP ** floor(log(max(cases, 1.0), _SNAP) + 1e-9)), 1)


@cache
def _rehearsed(scene: _Scene) -> Rehearsal:
    """Simulate a scene, seeded by its own hash, so that equal scenes give equal figures."""
    others = Truth(
        difference=-2 * scene.margin / 100,
        discordance=min(2 * scene.margin / 100 + scene.discordance, 1.0),
    )
    equal = Truth(difference=0.0, discordance=scene.discordance)
    truths = [others if others.possible else equal] * (len(scene.savings) - 1) + [equal]
    told = {name: value for name, value in asdict(scene).items() if value is not None}
    del told["in_full"]
    seed = fingerprint({**told, "n": 0, "margin": 0})
    return rehearse(_staged(scene), truths, generator(seed), runs=_RUNS, in_full=scene.in_full)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Belief:
    """What an option's difference may be, in points, each as likely.

    Options of one model, under other prompts or efforts, have the same number: what is true of one
    is about true of the other.
    """

    model: int
    differences: tuple[float, ...]


def _beliefs(plan: FeaturePlan, expected: Expectation) -> Iterator[_Belief]:
    models: dict[tuple[str, str], int] = {}
    for option in plan.asked:
        config = option.first.config
        weights = config.serve.weights if config.serve is not None else None
        served = (config.provider, weights or config.version or option.first.model)
        differences = expected.differences.get(option.name, DIFFERENCES)
        yield _Belief(model=models.setdefault(served, len(models)), differences=differences)


@cache
def _foresight(scene: _Scene, beliefs: tuple[_Belief, ...]) -> Foresight:
    """Rehearse a scene under `_TRUTHS` sets of truths, in which each value comes as often."""
    told = {"beliefs": [asdict(belief) for belief in beliefs], "discordance": scene.discordance}
    rng = generator(fingerprint(told))
    design = _staged(scene)
    orders = [list(map(int, rng.permutation(_TRUTHS))) for _ in beliefs]
    drawn = [
        [belief.differences[at % len(belief.differences)] / 100 for at in orders[belief.model]]
        for belief in beliefs
    ]
    truths = [[_truth(scene, one) for one in each] for each in zip(*drawn, strict=True)]
    found = [rehearse(design, each, rng, runs=_EACH, in_full=scene.in_full) for each in truths]
    passes = zip(*(one.passes for one in found), strict=True)
    return Foresight(
        rehearsed=tuple(
            Rehearsed(
                gains=tuple(truth.gains for truth in each),
                losses=tuple(truth.discordance - truth.gains for truth in each),
                asked=one.each,
            )
            for each, one in zip(truths, found, strict=True)
        ),
        passes=tuple(sum(shares) / len(found) for shares in passes),
    )


def _truth(scene: _Scene, difference: float) -> Truth:
    """A difference, and as many disagreements as it needs beside those of an equal."""
    return Truth(difference=difference, discordance=min(abs(difference) + scene.discordance, 1.0))


def _staged(scene: _Scene) -> Design:
    """A design of independent cases; clusters count as their effective number.

    A few cases are dropped so that looks are evenly spaced and boundaries can be shared.
    """
    designs = (_design(scene, size) for size in range(scene.n, 0, -1))
    return next((one for one in designs if _is_even(one)), _design(scene, scene.n))


def _is_even(design: Design) -> bool:
    looks = design.looks
    return design.kind != "ladder" or (len(design.order) - design.pilot) % len(looks) == 0


def _design(scene: _Scene, size: int) -> Design:
    cases = tuple(map(str, range(size)))
    return make_design(
        DesignInput(
            options=tuple(map(str, range(len(scene.savings)))),
            savings=scene.savings,
            at_most=scene.limits,
            margin=scene.margin,
            cases=cases,
            clusters=cases,
            method=scene.method,
            kind=scene.kind,
            alpha=scene.alpha,
            looks=scene.looks,
            pilot_share=scene.pilot,
            labelled=scene.labelled,
            proven=tuple(_proven(scene, cases)),
            error_worth=scene.error_worth,
        )
    )


def _proven(scene: _Scene, cases: tuple[str, ...]) -> Iterator[ProvenCases]:
    """The proven parts, each spread evenly over the cases."""
    for part in scene.parts:
        if part.measured:
            yield ProvenCases(name="measure", margin=part.margin, measure="measure")
            continue
        inside = [
            case
            for place, case in enumerate(cases)
            if int((place + 1) * part.share) > int(place * part.share)
        ]
        yield ProvenCases(name="part", margin=part.margin, case_ids=frozenset(inside or cases[:1]))


def _needed(scene: _Scene | None) -> int | None:
    """Fewest cases with the wanted power, to the next step; None when 20,000 are too few."""
    if scene is None:
        return None
    size = scene.n
    while (size := ceil(size * _GROWTH)) <= _MOST_CASES:
        if _rehearsed(replace(scene, n=size)).decided >= WANTED_POWER:
            return size
    return None


def _smallest(scene: _Scene, found: Rehearsal) -> float | None:
    """Smallest margin that an equal candidate clears with the wanted power; None beyond 50."""
    low, high = (
        (_NARROWEST, scene.margin) if found.decided >= WANTED_POWER else (scene.margin, _WIDEST)
    )
    if low == scene.margin and _rehearsed(replace(scene, margin=high)).decided < WANTED_POWER:
        return None
    while high - low > max(0.05 * high, 0.1):
        middle = (low * high) ** 0.5
        enough = _rehearsed(replace(scene, margin=middle)).decided >= WANTED_POWER
        low, high = (low, middle) if enough else (middle, high)
    return round(high, 1)


def _in_cases(independent: int, scene: _Scene, design: Design) -> int:
    """Convert independent cases to cases in clusters of the present sizes."""
    if independent == scene.n:
        return len(design.order)
    return ceil(independent * len(design.order) / max(scene.n, 1))
