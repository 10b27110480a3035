from __future__ import annotations

import pytest

from harness.stats.estimates import Sample, Stratum, estimate, stratified

LOSING = Sample(differences=(-1.0,) * 10 + (0.0,) * 90)
EQUAL = Sample(differences=(0.0,) * 100)


def test_the_mix_is_the_policys_and_not_the_samples() -> None:
    found = stratified(
        [Stratum(share=0.9, sample=LOSING), Stratum(share=0.1, sample=EQUAL)], "tango", 0.05
    )
    assert found is not None
    assert found.value == pytest.approx(-0.09)
    assert found.lower < found.value < found.upper
    assert found.n == 200


def test_one_stratum_is_the_plain_estimate() -> None:
    plain = estimate(LOSING, "tango", 0.05)
    assert plain is not None
    found = stratified([Stratum(share=1.0, sample=LOSING)], "tango", 0.05)
    assert found == plain


def test_an_empty_stratum_leaves_the_mix_unknown() -> None:
    empty = Stratum(share=0.5, sample=Sample(differences=()))
    assert stratified([Stratum(share=0.5, sample=EQUAL), empty], "tango", 0.05) is None


def test_shares_must_be_shares() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        stratified([Stratum(share=0.5, sample=EQUAL)], "tango", 0.05)


def test_the_bounds_share_the_level_between_the_strata() -> None:
    found = stratified(
        [Stratum(share=0.75, sample=LOSING), Stratum(share=0.25, sample=EQUAL)], "tango", 0.05
    )
    losing, equal = (estimate(sample, "tango", 0.025) for sample in (LOSING, EQUAL))
    assert found is not None
    assert losing is not None
    assert equal is not None
    assert found.lower == pytest.approx(0.75 * losing.lower + 0.25 * equal.lower)
    assert found.upper == pytest.approx(0.75 * losing.upper + 0.25 * equal.upper)
    assert (found.level, found.method) == (0.05, "tango")


@pytest.mark.parametrize(("off", "refused"), [(1e-10, False), (1e-8, True), (-1e-8, True)])
def test_shares_sum_to_one_but_for_rounding(off: float, *, refused: bool) -> None:
    strata = [Stratum(share=0.5, sample=EQUAL), Stratum(share=0.5 + off, sample=EQUAL)]
    if refused:
        with pytest.raises(ValueError, match="sum to 1"):
            stratified(strata, "tango", 0.05)
    else:
        assert stratified(strata, "tango", 0.05) is not None
