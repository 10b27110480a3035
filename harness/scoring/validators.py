"""Checks that tell, without a target, whether a cheap model's answer may stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, TypeAlias

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.scoring.graded import Graded
from harness.scoring.json_answers import json_schema
from harness.scoring.scorer import Setting, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.scoring.scorer import Scorer

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
