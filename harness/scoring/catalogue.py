"""Every scorer by the name that an eval set uses."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.scoring.assertions import assertions
from harness.scoring.custom import custom
from harness.scoring.form import answer_format
from harness.scoring.graded import graded
from harness.scoring.json_answers import json_fields, json_schema
from harness.scoring.judge import judge
from harness.scoring.judge_options import judge_options
from harness.scoring.numbers import number
from harness.scoring.scorer import Setting
from harness.scoring.text_metric import text_metric
from harness.scoring.words import contains, exact, icontains, label, regex

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evalsets.cases import ScorerSpec
    from harness.scoring.scorer import Scorer

SCORERS: Mapping[str, Callable[[ScorerSpec, Setting], Scorer]] = MappingProxyType(
    {
        "assertions": assertions,
        "contains": contains,
        "evaluate": text_metric,
        "exact": exact,
        "format": answer_format,
        "graded": graded,
        "icontains": icontains,
        "json-fields": json_fields,
        "json-schema": json_schema,
        "judge": judge,
        "label": label,
        "number": number,
        "regex": regex,
    }
)


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
    """Whether a scorer can only say 0 or 1; of the user's own nothing is known, so False."""
    if spec.scorer == "judge":
        options = judge_options(spec)
        return options.compare == "alone" and set(options.grades.values()) <= {0.0, 1.0}
    if spec.scorer == "graded":
        return json.loads(spec.options).get("binary", False)
    if spec.scorer == "json-fields":
        return json.loads(spec.options).get("pass", "all") == "all"
    return spec.scorer in _BINARY


_WITHOUT_TARGET = frozenset({"format", "graded", "judge", "json-schema"})


def needs_target(spec: ScorerSpec) -> bool:
    """Whether a case must have a target (or a label) to be scored; no code of the user's runs."""
    if ":" in spec.scorer:
        return bool(json.loads(spec.options).get("needs_target", True))
    return spec.scorer not in _WITHOUT_TARGET


_CLOSED = frozenset({"exact", "format", "json-fields", "json-schema", "label", "number"})


def is_closed(spec: ScorerSpec) -> bool:
    """Whether equal normal forms have equal scores; no code of the user's runs."""
    if ":" in spec.scorer:
        return json.loads(spec.options).get("normalise") is not None
    return spec.scorer in _CLOSED
