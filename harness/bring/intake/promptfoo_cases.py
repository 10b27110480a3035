"""Promptfoo's tests to cases and scorers.

One variable is the input, the others are metadata. Assertions are converted, or reported with their
line. An `llm-rubric` becomes our judge: what an answer must hold is metadata of its case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsets.cases import Case, GuardrailSpec, ScorerSpec
from evalsets.jsonl import canonical
from harness.bring.intake.values import a_list, a_text, an_object
from harness.judge.scoring.assertions import known

INPUT_NAMES = (
    "input", "question", "query", "prompt", "text", "message", "content", "user_input", "body",
)  # fmt: skip
"""Names that a main variable commonly has, most telling first."""


def case_id(index: int | None) -> str:
    """The id of promptfoo's test number `index`, counted from 0 as promptfoo does."""
    return "test-unknown" if index is None else f"test-{index}"


def main_variable(names: Collection[str]) -> str | None:
    """The variable that is the input: the only one, a telling name, else the first."""
    for name in INPUT_NAMES:
        if name in names:
            return name
    return next(iter(names), None)


def as_text(value: object) -> str:
    """A variable's value as text: JSON for anything but a text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def case_of(
    values: Mapping[str, object],
    *,
    id_: str,
    used: Collection[str] | None = None,
    hidden: Collection[str] = (),
    target: str | None = None,
) -> Case:
    """A case of a test's variables.

    `used` are the ones that the prompts name (None: all): one of them is the input. `hidden` are
    left out: what only an assertion reads is an answer.
    """
    main = main_variable([name for name in values if used is None or name in used])
    metadata = {
        name: as_text(value)
        for name, value in values.items()
        if name != main and name not in hidden
    }
    return Case(
        id=id_,
        input="" if main is None else as_text(values[main]),
        target=target,
        metadata=tuple(sorted(metadata.items())),
    )


_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}")
_SIMPLE = {"equals": "exact", "contains": "contains", "icontains": "icontains", "regex": "regex"}
_READ = frozenset({"type", "value", "metric", "weight"})
RUBRIC = "llm-rubric"
"""The assertion that a model grades by what its value says."""
_SHORT = re.compile(r"(?s)(not-)?([a-z]+(?:-[a-z]+)*)(?:\([^)]*\))?:\s?(.*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One assertion that we can check; `value` has its variables filled in.

    `judge` is the tool's name of the model that grades, where the assertion names one.
    """

    type: str
    value: Any
    judge: str | None = None


def converted(
    entry: object, values: Mapping[str, object], tell: Callable[[str, str], None]
) -> Assertion | None:
    """An assertion of a test, or None when it was told instead: `tell(type, message)`."""
    data = an_object(entry)
    kind = a_text(data.get("type")) or "(no type)"
    value = data.get("value")
    filled = _filled(value, values)
    fault = _fault(kind, data, filled)
    if fault is not None:
        tell(kind, f"assertion not converted{fault}")
        return None
    return Assertion(type=kind, value=filled, judge=_judge(data))


def _fault(kind: str, data: Mapping[str, object], filled: object) -> str | None:
    """Why an assertion cannot be converted, as the end of a sentence; None when it can."""
    value = data.get("value")
    further = sorted(set(data) - _READ - ({"provider"} if kind == RUBRIC else set()))
    from_file = isinstance(value, str) and value.startswith("file://")
    faults = (
        (not known(kind) and kind != RUBRIC, " -> " + _advice(kind)),
        (bool(further), f": its key {next(iter(further), '')!r} is not read"),
        (from_file, ": write the file's content in place"),
        (filled is None and value is not None, ": only plain {{variable}} is read in a value"),
        (kind == RUBRIC and a_text(filled) is None, ": its value must be text"),
    )
    return next((message for holds, message in faults if holds), None)


def _judge(data: Mapping[str, object]) -> str | None:
    named = data.get("provider")
    return a_text(named) or a_text(an_object(named).get("id"))


def short(text: str) -> dict[str, Any]:
    """An assertion as a CSV cell writes it: `icontains: yes`; a bare text means equals."""
    match = _SHORT.fullmatch(text)
    if match and (known(match[2]) or match[2] in _SPELT):
        kind, value = _SPELT.get(match[2], match[2]), match[3]
        listed = kind.endswith(("-any", "-all"))
        parts = [part.strip() for part in value.split(",")] if listed else value
        return {"type": f"{match[1] or ''}{kind}", "value": parts}
    return {"type": "is-json"} if text == "is-json" else {"type": "equals", "value": text}


_SPELT = {
    "fn": "javascript", "eval": "javascript", "javascript": "javascript", "python": "python",
    "grade": "llm-rubric", "llm-rubric": "llm-rubric", "similar": "similar",
}  # fmt: skip


def scorer_of(listed: Sequence[Sequence[Assertion]]) -> tuple[ScorerSpec, list[str | None]]:
    """The scorer for these cases' assertions, and each case's target under it.

    One assertion of one type everywhere is a scorer of its own; any mixture is `assertions`.
    """
    kinds = {each.type for case in listed for each in case}
    single = all(len(case) == 1 and isinstance(case[0].value, str) for case in listed)
    if single and len(kinds) == 1 and (name := _SIMPLE.get(next(iter(kinds)))):
        return ScorerSpec(scorer=name), [case[0].value for case in listed]
    if kinds == {"is-json"} and all(each.value is None for case in listed for each in case):
        return ScorerSpec(scorer="json-schema"), [None for _ in listed]
    return ScorerSpec(scorer="assertions"), [_target(case) for case in listed]


def _target(case: Sequence[Assertion]) -> str | None:
    if not case:
        return None
    entries = [{"type": each.type, "value": each.value} for each in case]
    return json.dumps(entries, sort_keys=True, ensure_ascii=False)


def variables(value: object) -> set[str]:
    """The variables that an assertion's value names."""
    return set(_VARIABLE.findall(as_text(value))) if value is not None else set()


def _filled(value: object, values: Mapping[str, object]) -> Any:  # noqa: ANN401  # any JSON value
    several = a_list(value)
    if isinstance(value, list):
        parts = [_filled(part, values) for part in several]
        return None if any(part is None for part in parts) else parts
    if not isinstance(value, str):
        return value
    text = _VARIABLE.sub(lambda match: as_text(values.get(match[1], "")), value)
    plain = not ("{%" in value or "{{" in _VARIABLE.sub("", value))
    return text if plain else None


def _advice(kind: str) -> str:
    if RUBRIC in kind or kind in {"factuality", "similar", "model-graded-closedqa"}:
        return "import its graded results (`rightsize import outcomes`), or label the answers"
    return "write it as module:function"


KEY = "rubric"
"""Metadata key of what a case's answer must hold."""
TO_FILL_IN = "fill-in-the-judge"
"""Stands where no model was named: `check` asks for one."""
MARGIN = 5.0
"""Of a judge beside another scorer, in points; the default of risk `medium`."""


def split(
    listed: Sequence[Sequence[Assertion]],
) -> tuple[list[list[Assertion]], list[str | None]]:
    """Each case's other assertions, and what its rubrics ask for."""
    others = [[each for each in case if each.type != RUBRIC] for case in listed]
    return others, [_wanted([each for each in case if each.type == RUBRIC]) for case in listed]


def measures(
    listed: Sequence[Sequence[Assertion]],
) -> tuple[ScorerSpec, list[str | None], tuple[GuardrailSpec, ...]]:
    """The primary scorer, each case's target under it, and the guardrails.

    Rubrics alone are the primary measure. Beside other assertions, which need no model, they are a
    guardrail.
    """
    others, wanted = split(listed)
    if not any(wanted):
        return (*scorer_of(others), ())
    named = [each.judge.rpartition(":")[2] for case in listed for each in case if each.judge]
    options = {"model": named[0] if named else TO_FILL_IN, "requirement": KEY}
    judge = ScorerSpec(scorer="judge", options=canonical(options))
    if not any(others):
        return judge, [None for _ in listed], ()
    primary, targets = scorer_of(others)
    return primary, targets, (GuardrailSpec(scorer=judge, margin=MARGIN),)


def _wanted(rubrics: Sequence[Assertion]) -> str | None:
    texts = [str(each.value) for each in rubrics]
    if len(texts) > 1:
        return "All of these: " + " ".join(f"({n}) {text}" for n, text in enumerate(texts, 1))
    return texts[0] if texts else None
