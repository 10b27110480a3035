"""Other readings of an answer: a second grader, and the validators of cascades.

Graders have bugs: in a public data set one reads "$18.00" as 0, and so favours the model that
writes no cents. What a second grader changes is reported with the finding; it decides nothing.

A validator tells without a target whether a cheap model's answer is kept.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from evalsets.cases import Case, EvalSet, ScorerSpec
from harness.errors import UsageError
from harness.journal.trials import Answered, Outcome
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.custom import Graded
from harness.judge.scoring.json_answers import json_schema
from harness.judge.scoring.numbers import column_locale
from harness.judge.scoring.replies import opened
from harness.judge.scoring.scorer import (
    NoTargetError,
    Scorer,
    Setting,
    as_seen,
    plain,
    score_outcome,
    sees_calls,
)

AcceptWhen: TypeAlias = Literal["schema", "format", "not-unsure"]
Validator: TypeAlias = "Callable[[str], bool]"
"""Whether a reply is kept."""
_NO_CASE = Case(id="", input="", target=None, metadata=())


def find_validator(
    accept_when: AcceptWhen, *, primary: Scorer, schema: str | None, unsure: str
) -> Validator:
    """Make the check of a cascade.

    Args:
        accept_when: `schema`: the reply is JSON by the schema; `format`: the primary scorer sees
            an answer in it; `not-unsure`: it sees one, and the reply does not say it is unsure.
        primary: the feature's primary scorer.
        schema: text of the feature's JSON Schema.
        unsure: the text by which a model declares that it is not sure, in any case of letters.

    Raises:
        UsageError: `schema` without a schema, or with a broken one.
    """
    told = text_reader(primary)
    if accept_when == "schema":
        return _by_schema(schema, told)
    if accept_when == "format":
        return lambda text: primary.normalise(text) is not None
    declared = plain(unsure).casefold()
    return lambda text: (
        primary.normalise(text) is not None and declared not in plain(told(text)).casefold()
    )


def _by_schema(schema: str | None, told: Callable[[str], str]) -> Validator:
    if schema is None:
        raise UsageError("a cascade accepts when `schema`, and the feature's request names none")
    options = json.dumps({"schema": json.loads(schema)})
    valid = json_schema(ScorerSpec(scorer="json-schema", options=options), Setting())
    return lambda text: valid.score(_NO_CASE, told(text)) == 1.0


def text_reader(primary: Scorer) -> Callable[[str], str]:
    """A function that returns the model's text, without its grade or its tool calls."""
    if isinstance(primary, Graded):
        return lambda text: primary.normalise(text) or ""
    return (lambda text: opened(text).text) if sees_calls(primary) else lambda text: text


_OWN_READING = frozenset(
    {"number", "label", "json-fields", "json-schema", "judge", "evaluate", "tool-calls"}
)
"""Scorers whose replies no number decides, or that read numbers themselves."""


def second_spec(evalset: EvalSet) -> ScorerSpec | None:
    """The second grader that an eval set names, else `number` if all targets are numbers."""
    if evalset.second_grader is not None:
        return evalset.second_grader
    if evalset.primary.scorer in _OWN_READING:
        return None
    targets = [case.target for case in evalset.cases if case.target is not None]
    return number_spec(targets)


def number_spec(targets: Sequence[str]) -> ScorerSpec | None:
    """The scorer `number` for targets that are all numbers, in the locale that they show."""
    found = column_locale(targets)
    if found is None:
        return None
    options = {} if found.locale == "en" else {"locale": found.locale}
    return ScorerSpec(scorer="number", options=json.dumps(options))


def grade_again(
    spec: ScorerSpec, primary: Scorer, folder: Path
) -> Callable[[Outcome, Case], float | None]:
    """A function that scores an outcome by the second grader; it returns None if that cannot.

    Raises:
        UsageError: an unknown scorer or option.
    """
    scorer = find_scorer(spec, Setting(folder=folder, primary=primary))
    told = text_reader(primary)

    def again(outcome: Outcome, case: Case) -> float | None:
        if not isinstance(outcome, Answered):
            return score_outcome(outcome, case, scorer)
        try:
            if sees_calls(scorer):
                return scorer.score(case, as_seen(outcome, scorer))
            return scorer.score(case, told(as_seen(outcome, primary)))
        except NoTargetError:
            return None

    return again
