"""What is kept of an answer beside its score."""

from __future__ import annotations

from harness.conduct.finding.scores import answer_digest


def test_half_a_surrogate_pair_has_a_digest_of_its_own() -> None:
    assert answer_digest("\ud83d") != answer_digest("\ud83c")
    assert answer_digest("yes") == "8a798890fe938171"
