"""A test's design and the outcomes of its cases as a record keeps them, and both read back.

Read back, they are the evidence that `harness.judge.decision.procedure` decides on: what proves a
record is decided by the code that decided it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TypeAlias

from harness.judge.comparison.pairs import Missed, Pair, Pairs
from harness.judge.decision.ladder import states
from harness.judge.decision.standing import PairsSoFar
from harness.record.proof import DesignFacts, PartFacts, ProofFacts
from harness.stats.estimates import Method
from harness.stats.sequential.design import Design, Kind, ProvenPart
from harness.stats.sequential.steering import Prior, Steering

_KINDS: Mapping[str, Kind] = {one: one for one in ("ladder", "holm", "fixed-sequence")}
_METHODS: Mapping[str, Method] = {one: one for one in ("tango", "gaffke", "betting", "cluster-t")}
_Scores: TypeAlias = tuple[float | None, float | None]
_BOTH: Mapping[_Scores, str] = {(1.0, 1.0): "1", (0.0, 0.0): "0", (0.0, 1.0): "+", (1.0, 0.0): "-"}
_ONE: Mapping[_Scores, str] = {
    (1.0, None): "a",
    (0.0, None): "b",
    (None, 1.0): "c",
    (None, 0.0): "d",
    (None, None): "m",
}
_SIGNS: Mapping[_Scores, str] = {**_BOTH, **_ONE}
_SCORES = {sign: scores for scores, sign in _SIGNS.items()}


def outcomes_of(pairs: Sequence[Pair]) -> str:
    """How each case ended, as `ProofFacts.outcomes` says."""
    scores = [(pair.incumbent, pair.candidate) for pair in pairs]
    special = [_special(pair) for pair in pairs]
    whole = all(pair.reach is None or pair.difference is None for pair in pairs)
    if whole and all(word or both in _SIGNS for word, both in zip(special, scores, strict=True)):
        return "".join(word or _SIGNS[both] for word, both in zip(special, scores, strict=True))
    return " ".join(
        word or f"{_text(now)}/{_text(new)}{_between(pair)}"
        for word, (now, new), pair in zip(special, scores, pairs, strict=True)
    )


def _between(pair: Pair) -> str:
    """`:least:greatest` that the difference can be, where some repeats are missing; else empty."""
    if pair.reach is None or pair.difference is None:
        return ""
    return f":{pair.reach[0]!r}:{pair.reach[1]!r}"


def _special(pair: Pair) -> str:
    return "?" if pair.unlabelled else "=" if pair.agreed else ""


def _text(score: float | None) -> str:
    return "." if score is None else repr(score)


def read_outcomes(text: str, clusters: Sequence[str]) -> tuple[Pair, ...]:
    """The inverse of `outcomes_of`; cases are named by their places."""
    graded = "/" in text or " " in text
    signs = text.split(" ") if graded else list(text)
    return tuple(
        _pair(str(place), cluster, sign)
        for place, (sign, cluster) in enumerate(zip(signs, clusters, strict=False))
    )


def _pair(case: str, cluster: str, sign: str) -> Pair:
    if sign in {"?", "="}:
        agreed = sign == "="
        return Pair(
            case_id=case,
            cluster=cluster,
            incumbent=None,
            candidate=None,
            difference=0.0 if agreed else None,
            unlabelled=not agreed,
            agreed=agreed,
            reach=None if agreed else (-1.0, 1.0),
        )
    sign, *reach = sign.split(":")
    now, new = _scores(sign)
    known = now is not None and new is not None
    return Pair(
        case_id=case,
        cluster=cluster,
        incumbent=now,
        candidate=new,
        difference=new - now if now is not None and new is not None else None,
        missing=not known,
        reach=(float(reach[0]), float(reach[1])) if reach else _reach(now, new),
    )


def _reach(now: float | None, new: float | None) -> tuple[float, float] | None:
    """The least and greatest difference where one model's score is missing."""
    if now is not None and new is None:
        return -now, 1.0 - now
    return (new - 1.0, new) if new is not None and now is None else None


def _scores(sign: str) -> tuple[float | None, float | None]:
    if sign in _SCORES:
        return _SCORES[sign]
    now, _, new = sign.partition("/")
    return (None if now == "." else float(now), None if new == "." else float(new))


def design_facts(design: Design) -> DesignFacts:
    """A design as a record keeps it."""
    steering, prior = design.steering, design.steering.prior
    return DesignFacts(
        kind=design.kind,
        method=design.method,
        alpha=design.alpha,
        options=tuple(zip(design.options, design.savings, strict=True)),
        stages=design.stages,
        looks=design.looks,
        checks=design.checks,
        spending=steering.spending,
        drop_below=steering.drop_below,
        futile_below=steering.futile_below,
        least_weight=steering.least_weight,
        prior=(prior.mean, prior.deviation, prior.discordance, prior.weight),
        largest_missing_share=design.largest_missing_share,
        error_worth=design.error_worth,
        clusters=_sizes(design),
        parts=tuple(_part(part, len(design.order)) for part in design.proven),
        at_most=design.at_most,
    )


def _sizes(design: Design) -> str | None:
    if len(set(design.clusters)) == len(design.clusters):
        return None
    return " ".join(str(len(list(run))) for _, run in groupby(design.clusters))


def _part(part: ProvenPart, size: int) -> PartFacts:
    inside = set(part.positions)
    where = "".join("1" if place in inside else "0" for place in range(size))
    return PartFacts(name=part.name, margin=part.margin, measure=part.measure, where=where)


def read_design(facts: DesignFacts, margin: float) -> Design:
    """The inverse of `design_facts`; cases and clusters are named by their places."""
    size = facts.looks[-1]
    mean, deviation, discordance, weight = facts.prior
    return Design(
        options=tuple(name for name, _ in facts.options),
        savings=tuple(saving for _, saving in facts.options),
        margin=margin,
        order=tuple(str(place) for place in range(size)),
        clusters=clusters_of(facts),
        kind=_KINDS[facts.kind],
        method=_METHODS[facts.method],
        alpha=facts.alpha,
        pilot=facts.stages[-1] if facts.stages else 0,
        looks=facts.looks,
        checks=facts.checks,
        stages=facts.stages,
        steering=Steering(
            prior=Prior(mean=mean, deviation=deviation, discordance=discordance, weight=weight),
            drop_below=facts.drop_below,
            futile_below=facts.futile_below,
            least_weight=facts.least_weight,
            spending=facts.spending,
        ),
        proven=tuple(
            ProvenPart(
                name=part.name,
                margin=part.margin,
                measure=part.measure,
                positions=tuple(place for place, sign in enumerate(part.where) if sign == "1"),
            )
            for part in facts.parts
        ),
        largest_missing_share=facts.largest_missing_share,
        error_worth=facts.error_worth,
        at_most=facts.at_most,
    )


def clusters_of(facts: DesignFacts) -> tuple[str, ...]:
    """The cluster of each case, by its place."""
    if facts.clusters is None:
        return tuple(str(place) for place in range(facts.looks[-1]))
    sizes = map(int, facts.clusters.split(" "))
    return tuple(f"k{place}" for place, size in enumerate(sizes) for _ in range(size))


def proof_facts(design: Design, evidence: PairsSoFar) -> Mapping[str, ProofFacts]:
    """What proves each option's part of a finding."""
    found = states(design, evidence)
    return {
        option: ProofFacts(
            outcomes=outcomes_of(evidence.pairs[option].pairs),
            measures=tuple(
                (name, outcomes_of(pairs.pairs))
                for name, pairs in sorted(evidence.measures.get(option, {}).items())
            ),
            looked_at="vetoed"
            if option in evidence.vetoed
            else "cleared"
            if option in evidence.cleared
            else "",
            weight=None if found is None else found[place].weight,
            local=None if found is None else found[place].local,
            smallest=None if found is None else found[place].smallest,
            pilot_chance=found[place].predicted if found is not None and design.stages else None,
        )
        for place, option in enumerate(design.options)
        if option in evidence.pairs
    }


def read_pairs(text: str, design: Design, option: str) -> Pairs:
    """An option's pairs under one measure."""
    none, pairs = Missed(trials=0, missing=0, failed=0), read_outcomes(text, design.clusters)
    return Pairs(option=option, pairs=pairs, incumbent=none, candidate=none, repeats=1)
