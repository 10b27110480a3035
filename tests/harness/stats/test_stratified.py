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
