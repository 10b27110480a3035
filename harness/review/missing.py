"""What the world prevented of an option's trials, by how each ended."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.decision.quality import missingness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.record.trust import Missingness
    from harness.review.feature_run import FeatureRun

NOT_GRADED = "NotGraded"
"""The model answered, and its judge gave no grade."""


def missing_facts(run: FeatureRun, option: str) -> Missingness:
    """How many trials of each arm have no score, and why.

    A cascade's own arm is made of stored answers: for it nobody can say which of the two lacked.
    """
    pairs = run.pairs(option)
    cases = [pair.case_id for pair in pairs.pairs]
    why = {"why_current": _why(run, run.incumbent.option, cases)}
    if option not in run.cascades:
        why["why_candidate"] = _why(run, option, cases)
    return missingness(pairs).with_reasons(**why)


def _why(run: FeatureRun, option: str, cases: Iterable[str]) -> tuple[tuple[str, int], ...]:
    counts: Counter[str] = Counter()
    for case in cases:
        read = run.board.scored(option, [case])
        # A case that waits for a label lacks no answer.
        if not any(scored.unlabelled for scored in read):
            counts.update(s.reason or NOT_GRADED for s in read if s.scores[0] is None)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
