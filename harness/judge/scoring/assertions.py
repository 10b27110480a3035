"""The scorer `assertions`: each case lists checks, all of which its answer must pass.

The target is a JSON list of `{"type": ..., "value": ...}`. Types are promptfoo's: `equals`,
`contains`, `starts-with`, `regex`, `is-json` (the value, if any, is a JSON Schema), `contains-any`,
`contains-all`, `icontains` and its `-any` and `-all`; `not-` before a type negates it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.json_answers import json_schema, read_json
from harness.judge.scoring.replies import without_reasoning
from harness.judge.scoring.scorer import Options, Scorer, Setting, plain, read_options, targets_of


def _texts(value: object) -> list[str]:
    several = cast("list[object]", value) if isinstance(value, list) else [value]
    return [str(item) for item in several]


def _equals(answer: str, value: object) -> bool:
    if isinstance(value, str):
        return answer == value
    try:
        return read_json(answer) == value
    except ValueError:
        return False


def _is_json(answer: str, value: object) -> bool:
    options = "{}" if value is None else json.dumps({"schema": value})
    scorer = json_schema(ScorerSpec(scorer="json-schema", options=options), Setting())
    return scorer.normalise(answer) is not None


CHECKS: Mapping[str, Callable[[str, Any], bool]] = MappingProxyType(
    {
        "contains": lambda answer, value: str(value) in answer,
        "contains-all": lambda answer, value: all(text in answer for text in _texts(value)),
        "contains-any": lambda answer, value: any(text in answer for text in _texts(value)),
        "equals": _equals,
        "icontains": lambda answer, value: str(value).lower() in answer.lower(),
        "icontains-all": lambda answer, value: all(
            text.lower() in answer.lower() for text in _texts(value)
        ),
        "icontains-any": lambda answer, value: any(
            text.lower() in answer.lower() for text in _texts(value)
        ),
        "is-json": _is_json,
        "regex": lambda answer, value: re.search(str(value), answer) is not None,
        "starts-with": lambda answer, value: answer.startswith(str(value)),
    }
)


def known(kind: str) -> bool:
    """Whether a type of assertion can be checked."""
    return kind.removeprefix("not-") in CHECKS


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
            listed = cast("list[dict[str, Any]]", json.loads(target))
            # All of them, so that a broken one is reported by the first answer.
            reply = without_reasoning(answer)
            held = [_check(reply, entry["type"], entry.get("value")) for entry in listed]
            return all(held)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, re.error) as error:
            raise UsageError(
                f"case {case.id!r}: the target is no list of assertions: {error}"
            ) from None


def _check(answer: str, kind: str, value: object) -> bool:
    return CHECKS[kind.removeprefix("not-")](answer, value) != kind.startswith("not-")


def assertions(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make an `Assertions`."""
    read_options(spec, Options)
    return Assertions()
