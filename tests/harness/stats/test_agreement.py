import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm
from statsmodels.stats.inter_rater import cohens_kappa

from harness.stats.reliability import cohen_kappa, share_lower

labels = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=3)


def reference(first: list[str], second: list[str]) -> object:
    names = sorted({*first, *second})
    table = np.zeros((len(names), len(names)))
    for one, other in zip(first, second, strict=True):
        table[names.index(one), names.index(other)] += 1
    return cohens_kappa(table)


def test_agrees_with_statsmodels() -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        first = list(rng.choice(["a", "b", "c"], size=60))
        second = [one if rng.random() < 0.7 else str(rng.choice(["a", "b", "c"])) for one in first]
        found, theirs = cohen_kappa(first, second), reference(first, second)
        assert found.value == pytest.approx(theirs.kappa)  # type: ignore[attr-defined]
        assert found.lower == pytest.approx(theirs.kappa_low)  # type: ignore[attr-defined]
        assert found.upper == pytest.approx(theirs.kappa_upp)  # type: ignore[attr-defined]


@given(labels)
def test_the_two_labellers_are_alike_and_the_interval_holds_the_value(
    pairs: list[tuple[str, str]],
) -> None:
    first, second = [one for one, _ in pairs], [other for _, other in pairs]
    found, mirrored = cohen_kappa(first, second), cohen_kappa(second, first)
    assert found.value == pytest.approx(mirrored.value)
    if found.value is not None:
        assert found.lower is not None
        assert found.upper is not None
        assert -1 <= found.lower <= found.value + 1e-12
        assert found.value - 1e-12 <= found.upper <= 1


def test_perfect_agreement_is_not_certainty() -> None:
    found = cohen_kappa(["a", "b"] * 10, ["a", "b"] * 10)
    assert found.value == 1
    assert found.lower == pytest.approx(0.7)


def test_one_label_only_tells_nothing() -> None:
    assert cohen_kappa(["a"] * 5, ["a"] * 5).value is None


def test_lists_must_be_parallel() -> None:
    with pytest.raises(ValueError, match="two lists of one length"):
        cohen_kappa(["a"], [])
    with pytest.raises(ValueError, match="got 0"):
        cohen_kappa([], [])


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_share_of_agreement_has_the_exact_bound(confidence: float) -> None:
    """At the bound, as many or more agree with just the chance that is left."""
    for agreed, n in ((1, 4), (55, 60), (60, 60)):
        bound = share_lower(agreed, n, confidence=confidence)
        assert binom.sf(agreed - 1, n, bound) == pytest.approx(1 - confidence)
    assert share_lower(55, 60) == share_lower(55, 60, confidence=0.95)
    assert share_lower(0, 60) == 0.0


@pytest.mark.parametrize(("agreed", "n"), [(-1, 3), (4, 3), (0, 0)])
def test_no_more_agree_than_there_are(agreed: int, n: int) -> None:
    with pytest.raises(ValueError, match="need 0 <= agreed <= n and n > 0"):
        share_lower(agreed, n)


def test_a_wider_interval_is_surer() -> None:
    first, second = list("aaaabbbbcc"), list("aaabbbbccc")
    wide, usual = (cohen_kappa(first, second, confidence=level) for level in (0.99, 0.95))
    assert usual == cohen_kappa(first, second)
    assert wide.lower is not None
    assert usual.lower is not None
    assert wide.value is not None
    assert usual.value is not None
    ratio = (wide.value - wide.lower) / (usual.value - usual.lower)
    assert ratio == pytest.approx(norm.isf(0.005) / norm.isf(0.025))
