"""A fixed-seed slice of the benchmark, for every run of the tests."""

from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats

from harness.judge.decision.procedure import next_step, too_small
from harness.judge.decision.standing import PairsSoFar
from harness.stats.sequential.levels import look_levels
from harness.stats.sequential.state import nominal_level, rules_of
from tests.benchmarks.decision import broken, others
from tests.benchmarks.decision.cells import Cell, cells, design_of, one_look
from tests.benchmarks.decision.margin import ALLOWED, measure
from tests.benchmarks.decision.outcomes import folder, ladders
from tests.benchmarks.decision.real import cell
from tests.benchmarks.decision.rules import Sampled, composed, ladder_design
from tests.support.decisions import design, pairs
from tests.support.histories import decide_both_ways, differences

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

HISTORIES = 200
"""`command equal` runs 2,000 of them."""
needs_outcomes = pytest.mark.skipif(
    not (folder() / "zeroeval-gsm8k.scores.parquet").exists(), reason="no shared data"
)


def _quick(item: Cell) -> bool:
    return not item.correlated and item.n <= 1000


def test_one_look_errs_at_most_one_fifth_above_alpha_wherever_it_is_not_refused() -> None:
    found = [measure(item, runs=0) for item in one_look() if _quick(item)]
    tested = [row["error"] for row in found if not row["refused"]]
    assert len(tested) > 400
    assert max(tested) <= ALLOWED


def test_several_looks_at_one_option_err_at_most_one_fifth_above_alpha() -> None:
    chosen = [item for item in cells() if item.scene == "looks" and item.n <= 300]
    tested = [row["error"] for row in (measure(item, runs=0) for item in chosen) if row["error"]]
    assert len(tested) > 80
    assert max(tested) <= ALLOWED


def test_at_most_15_percent_of_the_cells_with_200_cases_are_refused() -> None:
    large = [item for item in cells() if item.n >= 200]
    assert np.mean([too_small(design_of(item)) for item in large]) <= 0.15


@pytest.mark.parametrize(
    "item",
    [
        Cell(scene="ladder", n=500, discordance=0.1, margin=5.0),
        Cell(scene="ladder", n=100, discordance=0.05, margin=5.0),
        Cell(scene="ladder", n=500, discordance=0.1, margin=5.0, options=8),
        Cell(scene="ladder", n=500, discordance=0.1, margin=5.0, options=20, correlated=True),
        Cell(scene="ladder", n=500, discordance=0.05, margin=5.0, options=3, correlated=True),
        Cell(scene="graded", n=200, discordance=0.05, margin=5.0, shape="rare losses"),
        Cell(scene="graded", n=500, discordance=0.4, margin=5.0, shape="two-sided"),
        Cell(scene="clustered", n=200, discordance=0.1, margin=10.0, within=1.0),
        Cell(scene="clustered, one look", n=500, discordance=0.1, margin=5.0, within=0.3),
    ],
    ids=lambda item: f"{item.scene}-{item.n}-{item.options}",
)
def test_the_procedure_errs_at_most_one_fifth_above_alpha(item: Cell) -> None:
    found = measure(item, runs=20_000)
    assert found["refused"] or found["at_most"] <= ALLOWED


def test_enumerated_looks_agree_with_simulated_ones() -> None:
    rng = np.random.default_rng(30)
    cell = Cell(scene="looks", n=200, discordance=0.1, margin=5.0)
    rules = rules_of(design_of(cell)).test
    drawn = rng.choice([1.0, -1.0, 0.0], (20_000, 200), p=[*cell.rates, 1 - sum(cell.rates)])
    crossed = look_levels(rules, drawn, None).min(axis=-1) < 0.05
    assert float(crossed.mean()) == pytest.approx(measure(cell, runs=0)["error"], abs=0.006)


def test_student_and_bca_err_on_rare_total_losses_as_their_references_do() -> None:
    tiny, values = 0.02, np.repeat([-1.0, 0.02], [7, 93])
    student = stats.ttest_1samp(values, 0).confidence_interval(0.9).low
    assert others.student_lower(np.array([7]), 100, tiny, 0.05)[0] == pytest.approx(student)
    bca = stats.bootstrap(
        (values,), np.mean, confidence_level=0.9, method="BCa", n_resamples=5000, batch=500,
        rng=np.random.default_rng(1),
    ).confidence_interval.low  # fmt: skip
    assert others.bca_lower(7, 100, tiny, 0.05) == pytest.approx(bca, abs=0.011)
    found = others.worst_errors(100, 0.05, 0.05)
    assert found["t"] > 0.12
    assert found["bca"] > ALLOWED
    assert found["betting"] <= 0.05


def test_product_and_kernel_decide_alike_on_random_histories() -> None:
    rng = np.random.default_rng(2000)
    plan = design(n=120, options=3, kind="ladder", margin=8.0)
    rates = rng.uniform(0, [0.06, 0.1], (HISTORIES, 3, 2))
    histories = [differences(rng, [(g, b) for g, b in truth], 120) for truth in rates.tolist()]
    product, kernel = decide_both_ways(plan, histories)
    assert product == kernel
    assert {any(one.passed) for one in product} == {True, False}


def test_error_1_boundaries_of_the_whole_alpha_with_holm_at_each_look() -> None:
    rng = np.random.default_rng(31)
    assert broken.holm_at_full_alpha_boundaries(rng, 20_000) > 1.1 * 0.05
    assert broken.boundaries_of_the_share(rng, 20_000) <= 0.054
    plan = ladder_design(20, 1000)
    for look in range(4):
        share = nominal_level(plan, 0.05 / 20, look)
        assert share < nominal_level(plan, 0.05, look) / 20


def test_error_2_passing_on_the_level_of_a_futile_option() -> None:
    rng = np.random.default_rng(32)
    assert broken.passing_on_futile_levels(rng, 20_000) > 2 * 0.05
    found = measure(Cell(scene="ladder", n=1000, discordance=0.1, margin=5.0, options=8), runs=2000)
    assert found["at_most"] <= ALLOWED


def test_error_3_adding_cases_until_it_passes() -> None:
    rng = np.random.default_rng(33)
    once, twice, often = (
        broken.adding_cases_until_it_passes(rng, 20_000, tries) for tries in (1, 2, 4)
    )
    assert once <= ALLOWED < twice < often
    assert often > 1.5 * 0.05
    small, large = design(n=300, options=1), design(n=400, options=1)
    grown = PairsSoFar(pairs={"o0": pairs(large, "o0", [0.0] * 400)})
    with pytest.raises(ValueError, match="new plan, on the new cases alone"):
        next_step(small, grown)


def test_fourteen_thousand_pairs_are_decided_in_under_a_minute() -> None:
    rng = np.random.default_rng(34)
    sample = Sampled(
        differences=rng.choice([-1.0, 0.0, 1.0], p=[0.06, 0.9, 0.04], size=(1750, 8, 300)),
        savings=np.linspace(0.9, 0.4, 8),
        margin=0.05,
        binary=True,
        current=np.full(1750, 0.9),
    )
    start = time.process_time()
    picked = composed(sample)
    assert time.process_time() - start < 60
    assert picked.option.shape == (1750,)


@needs_outcomes
def test_on_real_ladders_it_saves_what_holm_saves_with_a_third_of_the_calls() -> None:
    chosen = ladders("zeroeval")[:7]
    rows = [row for ladder in chosen for row in cell(ladder, 500, 0.03, runs=60)]

    def mean(rule: str, figure: str) -> float:
        return float(np.mean([row[figure] for row in rows if row["rule"] == rule]))

    assert mean("composed", "calls") <= 0.37
    assert mean("composed", "saved") >= mean("Holm", "saved") - 0.01
    assert mean("composed", "wrong") <= 0.02
    assert mean("point", "wrong") > mean("composed", "wrong")
    assert mean("composed", "saved") > mean("Holm, same calls", "saved")


def test_the_benchmark_uses_the_products_default_design() -> None:
    assert rules_of(ladder_design(3, 500)).stages == design(n=500, kind="ladder").stages
