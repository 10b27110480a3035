"""The scorer `assertions`: each case lists checks, all of which its answer must pass.

The target is a JSON list of `{"type": ..., "value": ...}`. Types and behaviour are promptfoo's
(`harness/judge/scoring/checks.py`); `not-` before a type negates it. An entry of type `assert-set`
holds entries of its own under `assert`. With a `threshold` a set passes by the mean of its entries,
each counted by its `weight` (1, unless it says).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.checks import CHECKS, GRADES, LEAST_GRADES, Claim, script_verdict
from harness.judge.scoring.replies import without_reasoning
from harness.judge.scoring.scorer import Options, Scorer, Setting, plain, read_options, targets_of
from harness.workspace.patterns import pattern_limit

Entry: TypeAlias = "dict[str, Any]"
SET = "assert-set"
SCRIPT = "javascript"


def known(kind: str) -> bool:
    """Whether a type of assertion can be checked."""
    base = kind.removeprefix("not-")
    return base == SCRIPT or base in CHECKS or base in GRADES


@dataclass(frozen=True, slots=True)
class Assertions:
    """All assertions of the case hold."""

    closed: bool = False
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The reply itself; None when it is empty."""
        return plain(without_reasoning(answer)) or None

    def score(self, case: Case, answer: str) -> float:
        """1 when every assertion holds.

        Raises:
            UsageError: the target is not a list of known assertions.
        """
        return float(any(self._holds(case, target, answer) for target in targets_of(case)))

    def _holds(self, case: Case, target: str, answer: str) -> bool:
        try:
            listed = cast("list[Entry]", json.loads(target))
            with pattern_limit(f"case {case.id!r}: its assertions on an answer"):
                passed, _ = _all(without_reasoning(answer), listed, threshold=None)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, re.error) as error:
            raise UsageError(
                f"case {case.id!r}: the target is no list of assertions: {error}"
            ) from None
        return passed


def _all(answer: str, listed: Sequence[Entry], *, threshold: float | None) -> tuple[bool, float]:
    """Whether a list of assertions passes, and the mean of its entries.

    Every entry is tried, so that a broken one is reported by the first answer.
    """
    ends = [_one(answer, entry) for entry in listed]
    weights = [float(entry.get("weight", 1)) for entry in listed]
    whole = sum(weights)
    scores = [score * weight for (_, score), weight in zip(ends, weights, strict=True)]
    mean = sum(scores) / whole if whole > 0 else 0.0
    return all(passed for passed, _ in ends) if threshold is None else mean >= threshold, mean


def _one(answer: str, entry: Entry) -> tuple[bool, float]:
    if entry["type"] == SET:
        passed, score = _all(answer, entry["assert"], threshold=entry.get("threshold"))
    else:
        passed, score = _check(answer, entry)
    # What has no weight decides nothing.
    return passed or entry.get("weight") == 0, score


def _check(answer: str, entry: Entry) -> tuple[bool, float]:
    kind = str(entry["type"])
    base = kind.removeprefix("not-")
    negated = base != kind
    check = Claim(kind=base, value=entry.get("value"), threshold=entry.get("threshold"))
    if base == SCRIPT:
        return script_verdict(answer, check, negated=negated)
    if base in GRADES:
        grade = GRADES[base](answer, check)
        if grade is None:
            return False, 0.0
        least = LEAST_GRADES[base] if check.threshold is None else check.threshold
        return (grade >= least) != negated, 1 - grade if negated else grade
    passed = CHECKS[base](answer, check) != negated
    return passed, float(passed)


def assertions(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make an `Assertions`."""
    read_options(spec, Options)
    return Assertions()
