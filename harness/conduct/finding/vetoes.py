"""What stands against an option that passed on quality: slices, guardrails, latency."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from harness.conduct.finding.drift import exceeds
from harness.conduct.finding.feature_run import FeatureRun, Vetoes
from harness.judge.comparison.pairs import Pairs
from harness.judge.comparison.parts import SubTest, guardrail_result, slice_result, weakest_unnamed
from harness.judge.decision.standing import Standing
from harness.judge.scoring.catalogue import is_binary
from harness.record.base import Reason
from harness.record.parts import LatencyFacts
from harness.record.quality_parts import GuardrailResult, SliceResult
from harness.stats.estimates import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Slices and guardrails of one option."""

    slices: tuple[SliceResult, ...]
    guardrails: tuple[GuardrailResult, ...]


def look_at_parts(run: FeatureRun, standing: Standing, *, in_full: bool = False) -> Parts:
    """What an option's slices and second measures show.

    They rest on the cases of the standing's own figures; a proven part is shown at the level that
    it was tested at. With `in_full` a slice or guardrail that raises an alarm rests on all of its
    cases: one that was asked only until the whole was decided shows harm too seldom.
    """
    basis = _Basis(level=standing.level or run.design.alpha, cases=standing.cases)
    return Parts(
        slices=_slices(run, standing.option, basis, in_full=in_full),
        guardrails=_guardrails(run, standing.option, basis, in_full=in_full),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basis:
    """The level at which an option was tested, and on which cases of the order."""

    level: float
    cases: tuple[int, int]

    def of(self, pairs: Pairs) -> Pairs:
        """The pairs that count."""
        if not self.cases[1]:
            return pairs
        return replace(pairs, pairs=pairs.pairs[slice(*self.cases)])


def find_vetoes(run: FeatureRun, standing: Standing, *, latency: LatencyFacts | None) -> Vetoes:
    """Look at one option that passed on quality."""
    parts = look_at_parts(run, standing, in_full=True)
    slices, guardrails = parts.slices, parts.guardrails
    reasons: list[Reason] = []
    if any(found.vetoes for found in slices):
        reasons.append(Reason.SLICE_REGRESSION)
    if any(found.vetoes for found in guardrails):
        reasons.append(Reason.GUARDRAIL_FAILED)
    if exceeds(run, standing):
        reasons.append(Reason.DRIFT_BUDGET_SPENT)
    stated = run.plan.config.latency is not None and run.plan.latency_requests > 0
    doubts: tuple[Reason, ...] = ()
    if stated and (latency is None or latency.met is None):
        doubts = (Reason.LATENCY_NOT_MEASURED,)
    elif latency is not None and latency.met is False and not latency.incumbent_misses_too:
        reasons.append(Reason.LATENCY_SLO_MISSED)
    return Vetoes(
        standing=standing,
        slices=slices,
        guardrails=guardrails,
        latency=latency,
        reasons=tuple(reasons),
        doubts=doubts,
    )


def _slices(
    run: FeatureRun, option: str, basis: _Basis, *, in_full: bool
) -> tuple[SliceResult, ...]:
    groups = _groups(run)
    named = [
        SubTest(
            key=spec.key,
            value=spec.value,
            margin=spec.margin,
            protect=spec.protect,
            case_ids=groups.get((spec.key, spec.value), frozenset()),
            proven_level=basis.level,
            in_full=in_full and spec.protect == "alarm",
        )
        for spec in run.plan.evalset.slices
    ]
    taken = {(part.key, part.value) for part in named}
    unnamed = {key: cases for key, cases in groups.items() if key not in taken}
    method = run.design.method
    chosen = basis.of(run.pairs(option))
    every = run.every_pair(option) if in_full else chosen
    return (
        *(slice_result(every if part.in_full else chosen, part, method) for part in named),
        *weakest_unnamed(chosen, unnamed, method),
    )


def _groups(run: FeatureRun) -> Mapping[tuple[str, str], frozenset[str]]:
    """Cases by metadata key and value: neither a cluster nor what a judge reads is a slice."""
    apart = {run.plan.evalset.cluster_key, *(j.options.requirement for j in run.plan.judges)}
    groups: dict[tuple[str, str], set[str]] = defaultdict(set)
    for case in run.plan.sample.deciding:
        for key, value in case.metadata:
            if key not in apart:
                groups[key, value].add(case.id)
    return {key: frozenset(cases) for key, cases in groups.items()}


def _guardrails(
    run: FeatureRun, option: str, basis: _Basis, *, in_full: bool
) -> tuple[GuardrailResult, ...]:
    found: list[GuardrailResult] = []
    for index, spec in enumerate(run.plan.evalset.guardrails, start=1):
        part = SubTest(
            key=spec.scorer.scorer,
            value="",
            margin=spec.margin,
            protect=spec.protect,
            case_ids=frozenset(run.design.order),
            proven_level=basis.level,
            in_full=in_full and spec.protect == "alarm",
        )
        method = _measure_method(run.design.method, binary=is_binary(spec.scorer))
        whole = run.every_pair(option, index) if part.in_full else None
        pairs = basis.of(run.pairs(option, index)) if whole is None else whole
        found.append(guardrail_result(pairs, part, method))
    return tuple(found)


def _measure_method(method: Method, *, binary: bool) -> Method:
    if method == "cluster-t":
        return method
    return "tango" if binary and method == "tango" else "gaffke"
