"""The second grader: scores the same answers again, to show what the first one may get wrong.

Graders have bugs: in a public data set one reads "$18.00" as 0, and so favours the model that
writes no cents. What a second grader changes is shown beside the finding; it decides nothing.

Checks that tell, without a target, whether a cheap model's answer may stand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from evalsets.cases import Case, EvalSet, ScorerSpec
from harness.errors import UsageError
from harness.journal.trials import Answered, Outcome
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.custom import Graded
from harness.judge.scoring.json_answers import json_schema
from harness.judge.scoring.scorer import NoTargetError, Scorer, Setting, plain, score_outcome
from harness.judge.scoring.text import whole_number

AcceptWhen: TypeAlias = Literal["schema", "format", "not-unsure"]
Validator: TypeAlias = "Callable[[str], bool]"
"""Whether a reply may stand."""
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
    told = told_by(primary)
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


def told_by(primary: Scorer) -> Callable[[str], str]:
    """Reads what the model said: of an imported answer, without the other tool's grade."""
    if isinstance(primary, Graded):
        return lambda text: primary.normalise(text) or ""
    return lambda text: text


_OWN_READING = frozenset({"number", "label", "json-fields", "json-schema", "judge", "evaluate"})
"""Scorers that a number in the reply says nothing about, or that read numbers by themselves."""


def second_spec(evalset: EvalSet) -> ScorerSpec | None:
    """The second grader that an eval set names; without one `number`, where all targets are."""
    if evalset.second_grader is not None:
        return evalset.second_grader
    if evalset.primary.scorer in _OWN_READING:
        return None
    targets = [case.target for case in evalset.cases if case.target is not None]
    if not targets or any(whole_number(target) is None for target in targets):
        return None
    return ScorerSpec(scorer="number")


def grade_again(
    spec: ScorerSpec, primary: Scorer, folder: Path
) -> Callable[[Outcome, Case], float | None]:
    """The function that scores an outcome again; None where it cannot be scored.

    Raises:
        UsageError: an unknown scorer or option.
    """
    scorer = find_scorer(spec, Setting(folder=folder, primary=primary))
    told = told_by(primary)

    def again(outcome: Outcome, case: Case) -> float | None:
        if not isinstance(outcome, Answered):
            return score_outcome(outcome, case, scorer)
        try:
            return scorer.score(case, told(outcome.text))
        except NoTargetError:
            return None

    return again
