from __future__ import annotations

from harness.judge.comparison.pairs import Arm, pair_up
from harness.judge.comparison.parts import cascade_arm

ORDER = ("c0", "c1", "c2", "c3")
CHEAP = Arm(
    option="small",
    scores={"c0": (1.0,), "c1": (0.0,), "c2": (0.0,), "c3": (None,)},
    failed=frozenset({"c2"}),
    answers={"c0": "a", "c1": "b"},
)
FLAGSHIP = Arm(
    option="big",
    scores={"c0": (1.0,), "c1": (1.0,), "c2": (1.0,), "c3": (1.0,)},
    answers={"c0": "a", "c1": "c"},
)
ACCEPTED = {"c0": (True,), "c1": (False,), "c2": (False,), "c3": (True,)}


def test_what_the_validator_refuses_and_what_failed_goes_to_the_incumbent() -> None:
    arm = cascade_arm("cascade", CHEAP, FLAGSHIP, ACCEPTED)
    assert arm.scores == {"c0": (1.0,), "c1": (1.0,), "c2": (1.0,), "c3": (None,)}
    assert arm.failed == frozenset()
    assert arm.answers == {"c0": "a", "c1": "c"}


def test_a_cascade_is_compared_like_any_candidate() -> None:
    arm = cascade_arm("cascade", CHEAP, FLAGSHIP, ACCEPTED)
    found = pair_up(FLAGSHIP, arm, order=ORDER, clusters=ORDER)
    assert [pair.difference for pair in found.pairs] == [0.0, 0.0, 0.0, None]
    assert found.pairs[3].missing


def test_repeats_are_kept_one_by_one() -> None:
    cheap = Arm(option="small", scores={"c0": (1.0, 0.0)}, answers={})
    dear = Arm(option="big", scores={"c0": (0.5, 0.75)}, answers={"c0": "a"})
    arm = cascade_arm("cascade", cheap, dear, {"c0": (True, False)})
    assert arm.scores == {"c0": (1.0, 0.75)}
    assert arm.answers == {}


def test_an_escalated_case_without_a_label_agrees_with_itself() -> None:
    bare = {"c0": (None,)}
    cheap = Arm(option="s", scores=bare, unlabelled=frozenset(bare), answers={"c0": "x"})
    dear = Arm(option="b", scores=bare, unlabelled=frozenset(bare), answers={"c0": "y"})
    arm = cascade_arm("cascade", cheap, dear, {"c0": (False,)})
    (pair,) = pair_up(dear, arm, order=("c0",), clusters=("c0",)).pairs
    assert pair.agreed
    assert pair.difference == 0.0
    kept = cascade_arm("cascade", cheap, dear, {"c0": (True,)})
    (pair,) = pair_up(dear, kept, order=("c0",), clusters=("c0",)).pairs
    assert pair.unlabelled
