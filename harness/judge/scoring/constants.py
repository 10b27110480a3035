"""The score of a model that answers every case alike, found without a call.

An eval set on which such an answer does as well as the incumbent cannot tell models apart: its
labels match no answer, the prompt lacks the case, or nearly all cases have one target. The answers
tried are those of a lazy model: none at all, each label, the commonest targets, a few fixed texts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.assertions import Assertions
from harness.judge.scoring.custom import Custom, Graded, TextMetric
from harness.judge.scoring.grounded.scorer import Groundedness
from harness.judge.scoring.json_answers import JsonFields
from harness.judge.scoring.judge import Judge, NotGradedError
from harness.judge.scoring.scorer import NoTargetError, Scorer, checked_score, plain
from harness.judge.scoring.text import Classification, Extract
from harness.judge.scoring.tools.calls import ToolCalls

ConstantKind: TypeAlias = Literal["empty answer", "label", "commonest target", "fixed text"]

_FIXED = (
    "{}", "[]", "null", "true", "false", "0", "1", "yes", "no", "Yes", "No", "OK", "N/A",
    "I don't know.", "Sorry, I cannot help with that.",
)  # fmt: skip
_MOST_TARGETS = 20
"""Number of common targets that are tried; a rarer one is right on at most a twentieth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """One answer to every case. `text` leaves this package only if it is a scorer's own label."""

    kind: ConstantKind
    text: str

    @property
    def label(self) -> str | None:
        """The label, which comes from the eval set's settings and not from a case; else None."""
        return self.text if self.kind == "label" else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantScore:
    """What one constant answer scores, case by case in the order given; shares."""

    constant: Constant
    scores: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean score over the cases."""
        return sum(self.scores) / len(self.scores)

    @property
    def right(self) -> int | None:
        """Cases on which it is right; None where scores are graded."""
        return int(sum(self.scores)) if set(self.scores) <= {0.0, 1.0} else None


def runs_here(spec: ScorerSpec) -> bool:
    """Whether a constant can be scored without running the user's code or a metric."""
    return ":" not in spec.scorer and spec.scorer != "evaluate"


def is_assumed(scorer: Scorer) -> bool:
    """Whether scores come from a model or another tool, so that a constant's are assumed."""
    return isinstance(scorer, Graded | Judge)


def best_constant(scorer: Scorer, cases: Sequence[Case]) -> ConstantScore:
    """The constant answer with the highest mean score.

    For a case with neither target nor label, any answer that no label ruled out counts as right, so
    the score is never too low. Answers that a model or another tool graded cannot be graded again:
    the empty answer then scores 0, and a target is right on cases that have it.

    Raises:
        ValueError: there is no case.
    """
    groups = _alike(scorer, cases)
    tried = [
        found
        for constant in _constants(scorer, cases)
        if (found := _scored(scorer, constant, cases, groups)) is not None
    ]
    return max(tried, key=lambda found: found.mean)


def _constants(scorer: Scorer, cases: Sequence[Case]) -> Iterator[Constant]:
    """The constants to try; of equal ones the first is reported."""
    yield Constant(kind="empty answer", text="")
    if isinstance(scorer, Judge):
        return
    if isinstance(scorer, Classification):
        yield from (Constant(kind="label", text=label) for label in scorer.labels.values())
        return
    for text in _common(_target_answers(scorer, cases)):
        yield Constant(kind="commonest target", text=text)
    if not isinstance(scorer, Graded | TextMetric) and not (scorer.closed and scorer.needs_target):
        yield from (Constant(kind="fixed text", text=text) for text in _FIXED)
    if isinstance(scorer, JsonFields):
        yield Constant(kind="fixed text", text="{}")
        yield Constant(kind="commonest target", text=_common_fields(scorer, cases))


def _common(texts: Iterable[str]) -> list[str]:
    """The most common text, and others that occur more than once."""
    counted = Counter(texts).most_common(_MOST_TARGETS)
    return [text for place, (text, count) in enumerate(counted) if count > 1 or not place]


def _target_answers(scorer: Scorer, cases: Sequence[Case]) -> Iterator[str]:
    """The targets as answers, in the scorer's normal form if it has one."""
    texts = [text for case in cases for text in _targets(case)]
    if isinstance(scorer, Graded) and len(set(texts)) == 1:
        # A target shared by every graded case is an instruction, not an answer.
        return
    for text in texts:
        if isinstance(scorer, ToolCalls):
            yield scorer.reply_of(cases[0], scorer.target_form(cases[0], text))
        elif isinstance(scorer, Assertions):
            yield _satisfying(text)
        elif isinstance(scorer, Extract) or not scorer.closed:
            yield plain(text)
        else:
            yield scorer.normalise(text) or text


def _targets(case: Case) -> tuple[str, ...]:
    return () if case.target is None else (case.target, *case.also_right)


def _satisfying(target: str) -> str:
    """An answer with the texts that a list of assertions asks for."""
    try:
        listed = cast("list[dict[str, Any]]", json.loads(target))
        parts = [part for entry in listed for part in _wanted(entry)]
    except (ValueError, TypeError, KeyError, AttributeError):
        return ""
    return " ".join(parts)


def _wanted(entry: dict[str, Any]) -> list[str]:
    kind, value = str(entry["type"]), entry.get("value")
    if kind == "is-json":
        return ["{}"]
    if kind.startswith("not-") or kind == "regex" or value is None:
        return []
    if isinstance(value, list):
        several = [str(item) for item in cast("list[object]", value)]
        return several[:1] if kind.endswith("-any") else several
    return [value if isinstance(value, str) else json.dumps(value)]


def _common_fields(scorer: JsonFields, cases: Sequence[Case]) -> str:
    """An object of each field's most common value."""
    values: dict[str, Counter[str]] = {}
    for case in cases:
        form = scorer.normalise(case.target or "")
        fields = cast("dict[str, Any]", json.loads(form) if form else {})
        for name, value in fields.items():
            values.setdefault(name, Counter())[json.dumps(value, sort_keys=True)] += 1
    return json.dumps({n: json.loads(found.most_common(1)[0][0]) for n, found in values.items()})


def _alike(scorer: Scorer, cases: Sequence[Case]) -> list[int]:
    """For each case the index of the first case on which any constant scores the same."""
    known = not isinstance(scorer, Custom | Groundedness | Judge)
    first: dict[object, int] = {}
    return [
        first.setdefault((case.target, case.also_right, case.ruled_out), at) if known else at
        for at, case in enumerate(cases)
    ]


def _scored(
    scorer: Scorer, constant: Constant, cases: Sequence[Case], groups: Sequence[int]
) -> ConstantScore | None:
    """Score a constant on every case; None if the team's own scorer refuses it."""
    known: dict[int, float] = {}
    try:
        for at in groups:
            if at not in known:
                known[at] = _score(scorer, constant, cases[at])
    except UsageError:
        if constant.kind != "empty answer":
            return None
        known = dict.fromkeys(groups, 0.0)
    return ConstantScore(constant=constant, scores=tuple(known[at] for at in groups))


def _score(scorer: Scorer, constant: Constant, case: Case) -> float:
    if isinstance(scorer, Graded):
        return float(bool(constant.text) and plain(constant.text) in map(plain, _targets(case)))
    if isinstance(scorer, Extract) and constant.text:
        # How a reply must be written for the pattern is not known; what it would find is.
        return float(case.target is None or constant.text in map(plain, _targets(case)))
    try:
        return checked_score(scorer, case, constant.text)
    except NotGradedError:
        return 0.0
    except NoTargetError:
        return 1.0
