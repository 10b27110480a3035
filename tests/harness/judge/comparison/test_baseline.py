"""Whether the incumbent passes its own bar, where that can be known."""

from __future__ import annotations

from harness.judge.comparison.pairs import Pair
from harness.judge.comparison.parts import baseline
from harness.judge.decision.quality import score_levels


def pairs(*, agreed: int) -> list[Pair]:
    """Forty labelled cases, half of them right, and some that agree without a label."""
    labelled = [
        Pair(
            case_id=f"c{number}",
            cluster=f"c{number}",
            incumbent=float(number % 2),
            candidate=1.0 - number % 2,
            difference=1.0 - 2 * (number % 2),
        )
        for number in range(40)
    ]
    alike = [
        Pair(
            case_id=f"a{number}",
            cluster=f"a{number}",
            incumbent=None,
            candidate=None,
            difference=0.0,
            agreed=True,
        )
        for number in range(agreed)
    ]
    return labelled + alike


def test_a_labelled_set_tells_the_incumbents_own_score() -> None:
    found = baseline(pairs(agreed=0))
    assert found is not None
    assert (found.value, found.n) == (50.0, 40)
    assert found.fails(80.0)
    levels = score_levels(pairs(agreed=0))
    assert (levels.incumbent, levels.candidate) == (0.5, 0.5)


def test_a_bar_is_failed_only_where_no_label_that_lacks_would_change_it() -> None:
    """Half of forty are right: with 5 more at most 56 in 100 are, clearly below a bar of 80."""
    for lacking, fails in ((0, True), (1, True), (5, True), (60, False), (200, False)):
        found = baseline(pairs(agreed=lacking))
        assert found is not None
        assert found.n == 40 + lacking
        assert found.fails(80.0) is fails


def test_disagreements_alone_tell_nobodys_own_score() -> None:
    levels = score_levels(pairs(agreed=1))
    assert (levels.incumbent, levels.candidate) == (None, None)
