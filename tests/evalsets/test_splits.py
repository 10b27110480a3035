"""Orders and splits: seeded, whole clusters, and nothing a person could turn."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from evalsets.cases import Case, EvalSet, ScorerSpec
from evalsets.splits import deciding_order, order_seed, tune_cases, tune_parts


def evalset(clusters: list[int], *, tune: int = 0, feature: str = "f") -> EvalSet:
    """An eval set with a case for each entry, in the cluster of that number; 0 is in none."""
    cases = tuple(
        Case(
            id=f"case-{at}",
            input=f"text {at}",
            target=None,
            metadata=(("sender", f"s-{cluster}"),) if cluster else (),
        )
        for at, cluster in enumerate(clusters)
    )
    return EvalSet(
        feature=feature,
        unit="cases",
        cases=cases,
        primary=ScorerSpec(scorer="exact"),
        guardrails=(),
        slices=(),
        cluster_key="sender",
        tune=tune,
        repeats=1,
        bar=None,
        provenance="",
        targets="human",
    )


def order(built: EvalSet, *, inputs: str = "aa", cycle: str = "2026-Q4") -> list[str]:
    return [case.id for case in deciding_order(built, inputs_sha256=inputs, cycle=cycle)]


some_clusters = st.lists(st.integers(0, 6), min_size=1, max_size=30)


@given(some_clusters, st.integers(0, 10))
def test_tune_and_deciding_cases_share_no_case_and_no_cluster(
    clusters: list[int], tune: int
) -> None:
    built = evalset(clusters, tune=tune)
    kept = tune_cases(built)
    rest = deciding_order(built, inputs_sha256="aa", cycle="2026-Q4")
    assert Counter(case.id for case in (*kept, *rest)) == Counter(case.id for case in built.cases)
    assert not {built.cluster(case) for case in kept} & {built.cluster(case) for case in rest}
    assert len(kept) >= min(tune, len(clusters))


@given(some_clusters, st.integers(0, 30))
def test_the_parts_of_the_tune_cases_share_none_and_no_cluster(
    clusters: list[int], tune: int
) -> None:
    built = evalset(clusters, tune=tune)
    parts = tune_parts(built)
    whole = [*parts.examples, *parts.search, *parts.choice]
    assert sorted(c.id for c in whole) == sorted(c.id for c in tune_cases(built))
    named = [{built.cluster(case) for case in part} for part in (
        parts.examples, parts.search, parts.choice,
    )]  # fmt: skip
    assert sum(map(len, named)) == len(set().union(*named))
    assert 2 * len(parts.choice) >= len(whole)


@given(some_clusters)
def test_a_cluster_is_never_torn_apart(clusters: list[int]) -> None:
    built = evalset(clusters)
    rest = deciding_order(built, inputs_sha256="aa", cycle="2026-Q4")
    runs = [name for name, _ in groupby(rest, key=built.cluster)]
    assert len(runs) == len(set(runs))


@given(some_clusters, st.randoms())
def test_the_order_of_the_file_does_not_count(clusters: list[int], random: object) -> None:
    built = evalset(clusters, tune=2)
    cases = list(built.cases)
    getattr(random, "shuffle")(cases)  # noqa: B009  # hypothesis' own Random
    shuffled = EvalSet(
        **{name: getattr(built, name) for name in EvalSet.__slots__ if name != "cases"},
        cases=tuple(cases),
    )
    assert order(shuffled) == order(built)
    assert tune_cases(shuffled) == tune_cases(built)


def test_the_seed_is_of_feature_inputs_and_cycle() -> None:
    built = evalset([0] * 30)
    orders = {
        tuple(order(built)),
        tuple(order(built, inputs="bb")),
        tuple(order(built, cycle="2027-Q1")),
        tuple(order(evalset([0] * 30, feature="g"))),
    }
    assert len(orders) == 4
    text = b"1:f2:aa7:2026-Q4"
    assert order_seed("f", inputs_sha256="aa", cycle="2026-Q4") == hashlib.sha256(text).hexdigest()


def test_the_parts_of_a_seed_do_not_run_together() -> None:
    assert order_seed("fa", inputs_sha256="a", cycle="c") != order_seed(
        "f", inputs_sha256="aa", cycle="c"
    )


def test_a_tune_case_stays_one_whatever_the_cycle_and_the_labels() -> None:
    built = evalset([0] * 40, tune=10)
    assert [case.id for case in tune_cases(built)] == [case.id for case in tune_cases(built)]
    for cycle in ("2026-Q4", "2027-Q1"):
        assert not {case.id for case in tune_cases(built)} & set(order(built, cycle=cycle))


def test_orders_are_spread_evenly() -> None:
    """The first place of 400 features' orders falls on each of four cases about 100 times."""
    firsts = Counter(order(evalset([0] * 4, feature=f"f-{at}"))[0] for at in range(400))
    expected = 100
    chi_square = sum((firsts[f"case-{at}"] - expected) ** 2 / expected for at in range(4))
    assert chi_square < 16.3  # 0.1 % of a chi-square with 3 degrees of freedom
