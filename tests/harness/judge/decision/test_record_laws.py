"""Whatever an option's history, the figures that are written of it fit together.

Random histories go through the product's own door and into a record whose laws are enforced.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.conduct.finding.checks import audit
from harness.judge.comparison.pairs import Missed, Pairs
from harness.judge.decision.procedure import next_step, standings
from harness.judge.decision.quality import missingness, quality
from harness.judge.decision.standing import Ask, Confirm, Finished, PairsSoFar
from harness.judge.decision.verdict import Circumstances, WeighedOption, decide
from harness.record.quality_parts import StopFacts
from tests.support.decisions import design
from tests.support.histories import prefix
from tests.support.record_parts import a_margin, an_eval_set, an_evidence, an_option
from tests.support.records import a_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.judge.decision.standing import Standing
    from harness.record.model import DecisionRecord
    from harness.stats.sequential.design import Design

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

N = 160
METHODS = {
    "tango": (-1.0, 0.0, 1.0),
    "gaffke": (-1.0, -0.3, 0.0, 0.2, 1.0),
    "cluster-t": (-1, 0, 1),
}


def history(plan: Design, name: str, values: list[float], seed: int) -> Pairs:
    """All cases of one option: some lack an answer, some are alike without a label."""
    rng = np.random.default_rng(seed)
    whole = prefix(plan, name, values, len(plan.order))
    lost, alike = rng.random(len(values)) < 0.01, rng.random(len(values)) < seed % 3 * 0.1
    nothing = {"incumbent": None, "candidate": None, "difference": None, "missing": True}
    agreed = {"incumbent": None, "candidate": None, "agreed": True}
    pairs = [
        replace(pair, **nothing)
        if gone
        else replace(pair, **agreed)
        if same and pair.difference == 0
        else pair
        for pair, gone, same in zip(whole.pairs, lost, alike, strict=True)
    ]
    return replace(whole, pairs=tuple(pairs))


def until(pairs: Pairs, count: int) -> Pairs:
    seen = pairs.pairs[:count]
    missed = Missed(trials=count, missing=sum(pair.missing for pair in seen), failed=0)
    return replace(pairs, pairs=seen, incumbent=missed, candidate=missed)


def stop_facts(standing: Standing) -> StopFacts | None:
    """Why it was given up, as a review writes it of answers that cost nothing."""
    stop = standing.stop
    if stop is None or standing.state != "unlikely":
        return None
    return StopFacts(
        seen=stop.seen,
        cases=stop.size,
        chance=stop.chance,
        threshold=stop.threshold,
        share=stop.share,
        least_share=stop.least_share,
        saved_usd=None,
        cases_to_decide=None,
        cost_to_decide_usd=None,
    )


def record_of(
    plan: Design, found: tuple[Standing, ...], pairs: Mapping[str, Pairs]
) -> DecisionRecord:
    """As a review writes it: refused where a law is broken."""
    decided = decide(
        Circumstances(),
        [WeighedOption(option=each.option, quality=each.state) for each in found if each.asked],
    )
    options = []
    for each, result in zip([f for f in found if f.asked], decided.options, strict=True):
        own = pairs[each.option]
        shown = quality(plan, each, own, "label") if each.n else None
        resting = replace(own, pairs=own.pairs[slice(*each.cases)]) if shown else own
        options.append(
            an_option(
                each.option, result=result.result, reason_codes=result.reasons, quality=shown,
                slices=(), guardrails=(), missing=missingness(own), audit=audit(resting),
                error_break_even=None, stopped=stop_facts(each),
            )
        )  # fmt: skip
    size = len(plan.order)
    cases = an_eval_set(n=size + 60, tune=60, pilot=plan.pilot, deciding=size - plan.pilot)
    return a_record(
        laws=1,
        margin=a_margin(value=plan.margin),
        options=tuple(options),
        evidence=an_evidence(eval_set=cases),
    )


@settings(deadline=None, max_examples=25)
@given(
    st.sampled_from(sorted(METHODS)),
    st.sampled_from(["ladder", "holm", "fixed-sequence"]),
    st.lists(st.tuples(st.floats(0, 0.1), st.floats(0, 0.4)), min_size=1, max_size=3),
    st.integers(0, 10_000),
)
def test_every_standing_on_the_way_makes_a_lawful_record(
    method: str, kind: str, truths: list[tuple[float, float]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    cases = tuple(f"c{index}" for index in range(N))
    clusters = tuple(f"g{index // 4}" for index in range(N)) if method == "cluster-t" else cases
    plan = design(
        n=N, options=len(truths), kind=kind, margin=10.0, method=method, clusters=clusters
    )
    whole: dict[str, Pairs] = {}
    for place, (gain, loss) in enumerate(truths):
        steps = METHODS[method]
        few = len(steps) // 2
        odds = [loss / few] * few + [1 - gain - loss] + [gain / few] * few
        values = [float(value) for value in rng.choice(steps, N, p=odds)]
        whole[f"o{place}"] = history(plan, f"o{place}", values, seed + place)
    asked = dict.fromkeys(whole, 0)
    evidence = PairsSoFar()
    while not isinstance(step := next_step(plan, evidence), Finished):
        cleared = evidence.cleared
        if isinstance(step, Confirm):
            cleared |= set(step.options)
        else:
            assert isinstance(step, Ask)
            asked |= dict(step.options)
        seen = {name: until(whole[name], count) for name, count in asked.items() if count}
        evidence = PairsSoFar(pairs=seen, cleared=cleared)
        assert record_of(plan, standings(plan, evidence), evidence.pairs).laws == 1
    assert record_of(plan, step.standings, evidence.pairs).laws == 1
