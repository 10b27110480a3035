"""Every scorer by the name that an eval set uses, and a check of them before any call."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from evalsets.cases import Case, EvalSet, ScorerSpec
from evalsets.validation import shown
from harness.errors import UsageError
from harness.judge.scoring.assertions import assertions
from harness.judge.scoring.custom import (
    GradedOptions,
    MetricOptions,
    absent_code,
    custom,
    graded,
    text_metric,
)
from harness.judge.scoring.grounded.scorer import GroundednessOptions, groundedness
from harness.judge.scoring.json_answers import (
    FieldsOptions,
    SchemaOptions,
    json_fields,
    json_schema,
)
from harness.judge.scoring.judge import JudgeOptions, NotGradedError, judge, judge_options
from harness.judge.scoring.scorer import (
    NoTargetError,
    Options,
    Scorer,
    Setting,
    checked_score,
    targets_of,
)
from harness.judge.scoring.text import (
    LabelOptions,
    NumberOptions,
    RegexOptions,
    TextOptions,
    answer_format,
    contains,
    exact,
    icontains,
    label,
    number,
    regex,
)
from harness.judge.scoring.tools.calls import ToolCalls, ToolCallsOptions, calls_of, tool_calls
from harness.wording import plural

SCORERS: Mapping[str, Callable[[ScorerSpec, Setting], Scorer]] = MappingProxyType(
    {
        "assertions": assertions,
        "contains": contains,
        "evaluate": text_metric,
        "exact": exact,
        "format": answer_format,
        "graded": graded,
        "groundedness": groundedness,
        "icontains": icontains,
        "json-fields": json_fields,
        "json-schema": json_schema,
        "judge": judge,
        "label": label,
        "number": number,
        "regex": regex,
        "tool-calls": tool_calls,
    }
)


OPTIONS: Mapping[str, type[Options]] = MappingProxyType(
    {
        "assertions": Options,
        "contains": Options,
        "evaluate": MetricOptions,
        "exact": TextOptions,
        "format": Options,
        "graded": GradedOptions,
        "groundedness": GroundednessOptions,
        "icontains": Options,
        "json-fields": FieldsOptions,
        "json-schema": SchemaOptions,
        "judge": JudgeOptions,
        "label": LabelOptions,
        "number": NumberOptions,
        "regex": RegexOptions,
        "tool-calls": ToolCallsOptions,
    }
)
"""The options of each scorer; every one is described beside its field."""

WHAT: Mapping[str, str] = MappingProxyType(
    {
        "assertions": "the reply passes every check of the case's target, as promptfoo's do",
        "contains": "the target occurs in the reply",
        "evaluate": "a text metric between the reply and the target",
        "exact": "the whole reply is the target",
        "format": "the primary scorer finds an answer in the reply, right or wrong",
        "graded": "the grade that came with an imported answer",
        "groundedness": "quotes, cited ids, numbers and days of the reply stand in the context",
        "icontains": "the target occurs in the reply, whatever the case of letters",
        "json-fields": "fields of a JSON object equal the target's",
        "json-schema": "the reply is JSON that holds a schema",
        "judge": "a model grades the reply by a rubric",
        "label": "the one label that the reply names is the target",
        "number": "the last number of the reply is the target, by value",
        "regex": "a pattern finds the target in the reply; without one the target is the pattern",
        "tool-calls": "the reply calls the tools that the target calls, with equal arguments",
    }
)
"""What each scorer asks of a reply."""


def find_scorer(spec: ScorerSpec, setting: Setting | None = None) -> Scorer:
    """Make the scorer that a spec names, its options checked.

    Raises:
        UsageError: an unknown name or option, or a file that is absent or broken.
    """
    make = custom if ":" in spec.scorer else SCORERS.get(spec.scorer)
    if make is None:
        known = ", ".join(sorted(SCORERS))
        raise UsageError(f"unknown scorer {spec.scorer!r}; known: {known}, or module:function")
    return make(spec, setting or Setting())


_BINARY = frozenset(SCORERS) - {"evaluate", "json-fields"}


def is_binary(spec: ScorerSpec) -> bool:
    """Whether a scorer gives only 0 or 1; False for the user's own, which may not."""
    if spec.scorer == "judge":
        options = judge_options(spec)
        return options.compare == "alone" and set(options.grades.values()) <= {0.0, 1.0}
    if spec.scorer == "graded":
        return json.loads(spec.options).get("binary", False)
    if spec.scorer == "json-fields":
        return json.loads(spec.options).get("pass", "all") == "all"
    return spec.scorer in _BINARY


_WITHOUT_TARGET = frozenset({"format", "graded", "groundedness", "judge", "json-schema"})


def needs_target(spec: ScorerSpec) -> bool:
    """Whether a case must have a target or a label to be scored; runs no user code."""
    if ":" in spec.scorer:
        return bool(json.loads(spec.options).get("needs_target", True))
    return spec.scorer not in _WITHOUT_TARGET


_CLOSED = frozenset(
    {
        *("exact", "format", "groundedness", "json-fields", "json-schema", "label", "number"),
        "tool-calls",
    }
)


def is_closed(spec: ScorerSpec) -> bool:
    """Whether equal normal forms have equal scores; runs no user code."""
    if ":" in spec.scorer:
        return json.loads(spec.options).get("normalise") is not None
    return spec.scorer in _CLOSED


SEES: Mapping[str, str] = MappingProxyType(
    {
        "format": "what the primary scorer sees",
        "graded": "the other tool's grade",
        "judge": "the tool calls of the reply, and its text without reasoning before it",
        "tool-calls": "the tool calls of the reply, not its text",
    }
)
"""What a scorer sees, where that is not the text alone."""


def may_see_calls(spec: ScorerSpec, primary: ScorerSpec) -> bool:
    """Whether a scorer may see tool calls; of a function of the user's its signature tells."""
    if spec.scorer == "format":
        return may_see_calls(primary, primary) and primary.scorer != "format"
    return spec.scorer in SEES or ":" in spec.scorer


Fault: TypeAlias = "tuple[tuple[str | int, ...], str]"
"""The key in `evalset.yaml`, and what is wrong there."""

_CONSTANTS = ("", "yes", "0", "{}", "[]", '{"a": [1, "b", null]}')
_FOREIGN = ("evaluate", ":")
"""Marks of scorers that run foreign code: perhaps slow, so they are tried on one case only."""


def scorer_faults(
    evalset: EvalSet, folder: Path, given: Collection[str] | None, *, run_users_code: bool
) -> Iterator[Fault]:
    """Find scorers that cannot be made, or that fail on an answer that a model may give.

    `given` are the tools that the models are given; None: the feature names none. Without
    `run_users_code` of the user's functions and metrics it is only looked up whether they exist.
    """
    absent = dict(_absent_code(evalset, folder))
    yield from absent.items()
    if ("primary",) in absent or (_is_users(evalset.primary) and not run_users_code):
        return
    primary = _tried(evalset.primary, Setting(folder=folder), evalset.cases)
    if isinstance(primary, str):
        yield ("primary",), primary
        return
    yield from _hopeless_targets(evalset, primary)
    if isinstance(primary.scorer, ToolCalls):
        yield from _uncallable(evalset, primary.scorer.schemas.keys() if given is None else given)
    setting = Setting(folder=folder, primary=primary.scorer)
    for key, spec in _others(evalset):
        if key in absent or (_is_users(spec) and not run_users_code):
            continue
        why = _tried(spec, setting, evalset.cases)
        if isinstance(why, str):
            yield key, why


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tried:
    """A scorer that did not fail, and what each case's own target scored, by the case's id."""

    scorer: Scorer
    scores: Mapping[str, float]


def _others(evalset: EvalSet) -> Iterator[tuple[tuple[str | int, ...], ScorerSpec]]:
    for at, guardrail in enumerate(evalset.guardrails):
        yield ("guardrails", at), guardrail.scorer
    if evalset.second_grader is not None:
        yield ("second_grader",), evalset.second_grader


def _absent_code(evalset: EvalSet, folder: Path) -> Iterator[Fault]:
    """The user's scorers and metrics that are not there; none of their code is run."""
    for key, spec in (("primary",), evalset.primary), *_others(evalset):
        try:
            why = absent_code(spec, folder) if _is_users(spec) else None
        except UsageError as error:
            why = str(error)
        if why is not None:
            yield key, why


def _is_users(spec: ScorerSpec) -> bool:
    """Whether it is the user's: a function, or a metric script in the eval set's folder."""
    return ":" in spec.scorer or (spec.scorer == "evaluate" and '"./' in spec.options)


def _tried(spec: ScorerSpec, setting: Setting, cases: Sequence[Case]) -> _Tried | str:
    """The scorer, or one line about why it fails."""
    try:
        scorer = find_scorer(spec, setting)
        return _Tried(scorer=scorer, scores=_try(spec, scorer, cases))
    except UsageError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  # user code: whatever it raises is reported
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return f"scorer {spec.scorer!r}: {reason}"


def _try(spec: ScorerSpec, scorer: Scorer, cases: Sequence[Case]) -> Mapping[str, float]:
    """Score a few constants and each case's own target, so that errors show before answers do."""
    if spec.scorer == "graded":
        return {}
    foreign = any(mark in spec.scorer for mark in _FOREIGN)
    labelled = [case for case in cases if case.target is not None]
    for case in (labelled or list(cases))[:1]:
        for answer in _CONSTANTS[: 1 if foreign else None]:
            _score(scorer, case, answer)
    tried = labelled[: 1 if foreign else None]
    scored = (_score(scorer, case, target_reply(scorer, case, case.target or "")) for case in tried)
    return {case.id: one for case, one in zip(tried, scored, strict=True) if one is not None}


def _score(scorer: Scorer, case: Case, answer: str) -> float | None:
    scorer.normalise(answer)
    try:
        return checked_score(scorer, case, answer)
    except (NoTargetError, NotGradedError):
        return None


def target_reply(scorer: Scorer, case: Case, target: str) -> str:
    """The reply that a target stands for: itself, or one that makes its tool calls."""
    return scorer.reply_of(case, target) if isinstance(scorer, ToolCalls) else target


def _hopeless(tried: _Tried, case: Case, target: str) -> bool:
    known = None if case.also_right else tried.scores.get(case.id)
    if known is None:
        alone = replace(case, target=target, also_right=()) if case.also_right else case
        known = tried.scorer.score(alone, target_reply(tried.scorer, alone, target))
    return known < 1


def _hopeless_targets(evalset: EvalSet, tried: _Tried) -> Iterator[Fault]:
    """Find targets that score as wrong answers: both models would fail on them and seem equal."""
    primary = tried.scorer
    if not (primary.closed and primary.needs_target) or _is_users(evalset.primary):
        return
    wrong = [
        (case.id, target)
        for case in evalset.cases
        if case.target is not None
        for target in (case.target, *case.also_right)
        if _hopeless(tried, case, target)
    ]
    if wrong:
        cases = dict(reversed(wrong))
        case_id, target = wrong[0]
        why = (
            f"no answer can be right on {plural(len(cases), 'case')}, for the target itself "
            f"scores as wrong; the first is {case_id!r}, its target {shown(target)}"
        )
        yield ("primary",), why


def _uncallable(evalset: EvalSet, given: Collection[str]) -> Iterator[Fault]:
    """Find cases whose every right answer calls a tool that no model is given.

    The scorer's own `tools` may be fewer: it compares calls of others by what they state alone.
    """
    lost = [
        (case.id, unknown[0])
        for case in evalset.cases
        if case.target is not None
        if (unknown := [_unknown_tool(case, target, given) for target in targets_of(case)])
        if all(unknown)
    ]
    if lost:
        case_id, tool = lost[0]
        yield (
            ("primary",),
            (
                f"no answer can be right on {plural(len(lost), 'case')}: the target calls a tool "
                f"that the feature's `tools` do not name; the first is {case_id!r}, "
                f"its tool {tool!r}"
            ),
        )


def _unknown_tool(case: Case, target: str, given: Collection[str]) -> str | None:
    """A tool that a target calls and no model is given; None if none, or if `given` is empty."""
    names = (call.name for call in calls_of(case, target)) if given else ()
    return next((name for name in names if name not in given), None)
