"""Promptfoo's assertions as entries of our scorer `assertions`, or one line that says why not.

What promptfoo itself refuses, or what means something else here, is told at import: an entry that
is written has promptfoo's own behaviour.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from evalsets.source import SourceError, read_yaml
from harness.bring.intake.promptfoo_schemas import schema_of
from harness.bring.intake.promptfoo_templates import NotTheSameError, filled
from harness.bring.intake.values import a_list, a_text, an_object
from harness.judge.scoring.assertions import SCRIPT, SET, known
from harness.judge.scoring.checks import comma_separated, js_text
from harness.judge.scoring.foreign.markup import SPACE
from harness.judge.scoring.foreign.rouge import has_quotes
from harness.judge.scoring.javascript import names_variables, script_fault
from harness.judge.scoring.js_regex import UntranslatableError, to_python

RUBRIC = "llm-rubric"
"""The assertion that a model grades by what its value says."""
Tell: TypeAlias = "Callable[[str, str], None]"
"""`tell(type, message)`."""
Read: TypeAlias = "Callable[[str], str | None]"
"""`read(name)`: a file's text, its name relative to the configuration; None if it is missing."""
_LISTS = frozenset({"contains-any", "contains-all", "icontains-any", "icontains-all"})
_CHANGING = ("transform", "contextTransform")
"""Keys that change what an assertion sees; any other key changes no verdict."""
_PROGRAMS = (".js", ".ts", ".mjs", ".cjs", ".mts", ".cts", ".py", ".rb")
_MODEL_GRADED = frozenset(
    {
        *("answer-relevance", "classifier", "context-faithfulness", "context-recall", "pi"),
        *("context-relevance", "conversation-relevance", "factuality", "g-eval", "moderation"),
        *("model-graded-closedqa", "model-graded-factuality", "search-rubric", "agent-rubric"),
        *("similar", "similar:cosine", "similar:dot", "similar:euclidean", "select-best"),
    }
)


class _RefusedError(ValueError):
    """Why an assertion is not converted, as the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """One assertion that we can check; `value` has its variables filled in.

    `judge` is the tool's name of the model that grades, where the assertion names one. `inside` are
    the assertions of a set.
    """

    type: str
    value: Any = None
    judge: str | None = None
    threshold: float | None = None
    weight: float | None = None
    inside: tuple[Assertion, ...] = ()

    @property
    def entry(self) -> dict[str, Any]:
        """The assertion as the target of a case holds it."""
        found: dict[str, Any] = {"type": self.type}
        if self.type == SET:
            found["assert"] = [each.entry for each in self.inside]
        else:
            found["value"] = self.value
        if self.threshold is not None:
            found["threshold"] = self.threshold
        if self.weight is not None:
            found["weight"] = self.weight
        return found


def converted(
    entry: object, values: Mapping[str, object], read: Read, tell: Tell
) -> Assertion | None:
    """An assertion of a test; None when it was told instead, or decides nothing."""
    data = an_object(entry)
    kind = a_text(data.get("type")) or "(no type)"
    weight = data.get("weight")
    if weight == 0:
        return None
    try:
        if kind == SET:
            return _set(data, values, read, tell)
        return _converted(kind, data, values, read)
    except _RefusedError as refusal:
        tell(kind, f"assertion not converted{refusal}")
        return None


def _set(
    data: Mapping[str, Any], values: Mapping[str, object], read: Read, tell: Tell
) -> Assertion | None:
    listed = a_list(data.get("assert"))
    inside = [converted(each, values, read, tell) for each in listed]
    weightless = [an_object(each).get("weight") == 0 for each in listed]
    if any(each is None and not none for each, none in zip(inside, weightless, strict=True)):
        raise _RefusedError(": a part of the set is not converted")
    kept = tuple(each for each in inside if each is not None)
    if any(each.type == RUBRIC for each in kept):
        raise _RefusedError(": a model grades a part of the set -> " + advice(RUBRIC))
    return Assertion(
        type=SET,
        inside=kept,
        threshold=_number(data, "threshold"),
        weight=_number(data, "weight"),
    )


def _converted(
    kind: str, data: Mapping[str, Any], values: Mapping[str, object], read: Read
) -> Assertion:
    base = kind.removeprefix("not-")
    if kind != RUBRIC and not known(kind):
        raise _RefusedError(" -> " + advice(kind))
    changing = next((key for key in _CHANGING if data.get(key) is not None), None)
    if changing is not None:
        raise _RefusedError(f": its key {changing!r} is a program")
    value = _value(data.get("value"), values, read) if "value" in data else _UNSAID
    if base == SCRIPT:
        value = _script(value, values)
    if kind == RUBRIC:
        if data.get("threshold") is not None:
            raise _RefusedError(": its key 'threshold' is not read")
        if a_text(value) is None:
            raise _RefusedError(": its value must be text")
        return Assertion(type=kind, value=value, judge=_judge(data))
    return Assertion(
        type=kind,
        value=_checked(base, value),
        threshold=_number(data, "threshold"),
        weight=_number(data, "weight"),
    )


_UNSAID = object()


def _number(data: Mapping[str, Any], key: str) -> float | None:
    value = data.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _RefusedError(f": its {key} is no number")
    return value


def _value(value: object, values: Mapping[str, object], read: Read) -> object:
    """The value with its files read and its variables filled in."""
    if isinstance(value, str):
        return _of_file(value, read) if value.startswith("file://") else _filled(value, values)
    if isinstance(value, list):
        several = cast("list[object]", value)
        return [_value(each, values, read) if isinstance(each, str) else each for each in several]
    return value


def _filled(value: str, values: Mapping[str, object]) -> str:
    try:
        return filled(value, values)
    except NotTheSameError as error:
        raise _RefusedError(str(error)) from None


def _of_file(name: str, read: Read) -> object:
    where = name.removeprefix("file://")
    if where.partition(":")[0].endswith(_PROGRAMS):
        raise _RefusedError(f": {where} is a program; write what it expects in place")
    text = read(where)
    if text is None:
        raise _RefusedError(f": no such file: {where}")
    if where.endswith((".json", ".yaml", ".yml")):
        return yaml_value(text, where)
    if where.endswith(".txt"):
        return text.strip()
    raise _RefusedError(f": promptfoo reads no file of this kind: {where}")


def yaml_value(text: str, file: str) -> object:
    """The value of a YAML or JSON text of another tool."""
    try:
        return read_yaml(text, file=file, foreign=True).data
    except SourceError as error:
        raise _RefusedError(f": {error.faults[0]}") from None


def _checked(base: str, value: object) -> object:
    """The value in the form that our scorer reads; refused where promptfoo refuses it."""
    if base in _READ_AS:
        return _READ_AS[base](value)
    return "undefined" if value is _UNSAID else value


def _plain(value: object, *, numbers: bool, empty: bool = False) -> object:
    number = numbers and isinstance(value, int | float) and not isinstance(value, bool)
    if not number and not (isinstance(value, str) and (value or empty)):
        raise _RefusedError(": promptfoo itself refuses its value")
    return value


def _listed(value: object) -> object:
    if isinstance(value, str) and value:
        found = comma_separated(value)
        if value.count('"') and not _is_quoted_well(value):
            raise _RefusedError(": promptfoo itself refuses its list: a quote does not end")
        return found
    if not isinstance(value, list):
        raise _RefusedError(": promptfoo itself refuses its value")
    return [js_text(each) for each in cast("list[object]", value)]


def _is_quoted_well(text: str) -> bool:
    """Whether each field that begins with a quote ends with one, before a comma or the end."""
    field = r'\s*(?:"(?:[^"\\]|\\.|"")*"\s*(?=,|\Z)|[^",\s][^,]*|(?=,))'
    return re.fullmatch(rf"(?s){field}(?:,{field})*,?\s*", text) is not None


def _regex(value: object) -> str:
    try:
        return to_python(str(value))
    except UntranslatableError as error:
        raise _RefusedError(f": {error}") from None


def _script(value: object, values: Mapping[str, object]) -> object:
    """JavaScript as our scorer runs it, with the variables that it reads."""
    if not isinstance(value, str):
        raise _RefusedError(": promptfoo itself refuses its value")
    fault = script_fault(value)
    if fault is not None:
        raise _RefusedError(f": {fault} -> {advice(SCRIPT)}")
    return {"script": value, "vars": dict(values)} if names_variables(value) else {"script": value}


def _texts(value: object) -> object:
    several = [value] if isinstance(value, str) else a_list(value)
    if not several or not all(isinstance(each, str) for each in several):
        raise _RefusedError(": promptfoo itself refuses its value")
    return value


def _schema(value: object) -> object:
    if value is _UNSAID or value is None or value == "":
        return None
    schema = yaml_value(value, "schema") if isinstance(value, str) else value
    if not isinstance(schema, dict):
        raise _RefusedError(": its schema is no object")
    try:
        return schema_of(cast("dict[str, Any]", schema))
    except Exception as error:  # noqa: BLE001  # whatever a foreign schema does to the validator
        raise _RefusedError(f": {str(error).splitlines()[0][:120]}") from None


def _count(value: object) -> object:
    if isinstance(value, dict):
        bounds = cast("dict[str, Any]", value)
        numbers = [bounds[key] for key in ("min", "max") if key in bounds]
        if not numbers or any(
            isinstance(n, bool) or not isinstance(n, int | float) for n in numbers
        ):
            raise _RefusedError(": promptfoo itself refuses its bounds")
        return {key: bounds[key] for key in ("min", "max") if key in bounds}
    if (
        isinstance(value, bool)
        or value is _UNSAID
        or not re.fullmatch(r"\d+(\.\d+)?", str(value).strip())
    ):
        raise _RefusedError(": promptfoo itself refuses its value")
    return float(str(value))


def _elements(value: object) -> object:
    """Paths of elements that XML must have."""
    if isinstance(value, str):
        return [each.strip(SPACE) for each in value.split(",")]
    listed = value
    if isinstance(value, dict):
        listed = an_object(cast("object", value)).get("requiredElements")
    if isinstance(listed, list):
        return [js_text(each) for each in cast("list[object]", listed)]
    if value is _UNSAID or value is None or value == {}:
        return []
    if isinstance(value, dict):
        raise _RefusedError(": promptfoo itself refuses its value")
    return []


def _reference(value: object) -> object:
    if not isinstance(value, str):
        raise _RefusedError(": promptfoo itself refuses its value")
    if has_quotes(value):
        raise _RefusedError(": a double quote in its value may be read otherwise here")
    return value


_READ_AS: Mapping[str, Callable[[object], object]] = {
    **dict.fromkeys(_LISTS, _listed),
    **dict.fromkeys(("contains", "icontains"), lambda value: _plain(value, numbers=True)),
    "starts-with": lambda value: _plain(value, numbers=False),
    "levenshtein": lambda value: _plain(value, numbers=False, empty=True),
    **dict.fromkeys(("bleu", "gleu"), _texts),
    "regex": lambda value: _regex(_plain(value, numbers=False)),
    "is-json": _schema,
    "contains-json": _schema,
    "word-count": _count,
    **dict.fromkeys(("is-xml", "contains-xml"), _elements),
    **dict.fromkeys(("is-html", "contains-html"), lambda _: None),
    "rouge-n": _reference,
}


def _judge(data: Mapping[str, object]) -> str | None:
    named = data.get("provider")
    return a_text(named) or a_text(an_object(named).get("id"))


_SHORT = re.compile(
    r"(?s)(not-)?([a-z]+(?:-[a-z0-9]+)*(?::(?:cosine|dot|euclidean))?)(?:\((\d+(?:\.\d+)?)\))?(?::(.*))?"
)
_TYPES = frozenset(
    {
        *("bleu", "classifier", "contains", "contains-all", "contains-any", "contains-html"),
        *("contains-json", "contains-sql", "contains-xml", "cost", "equals", "finish-reason"),
        *("gleu", "guardrails", "icontains", "icontains-all", "icontains-any", "is-html"),
        *("is-json", "is-refusal", "is-sql", "is-valid-function-call", "is-xml", "javascript"),
        *("is-valid-openai-function-call", "is-valid-openai-tools-call", "latency", "meteor"),
        *("levenshtein", "perplexity", "perplexity-score", "python", "regex", "rouge-n", "ruby"),
        *("skill-used", "starts-with", "tool-call-f1", "trace-error-spans", "trace-span-count"),
        *("trace-span-duration", "webhook", "word-count", RUBRIC),
    }
) | (_MODEL_GRADED - {"select-best"})
_SPELT = {"fn": "javascript", "eval": "javascript", "grade": RUBRIC}
_WITH_THRESHOLD = frozenset({"cost", "latency", "levenshtein", "perplexity", "rouge-n"})


def short(text: str) -> dict[str, Any]:
    """An assertion as a CSV cell writes it: `icontains: yes`; a text of no known type is equal."""
    program = text.startswith("file://") and text.partition(":")[2].partition(":")[0].endswith(
        _PROGRAMS
    )
    if program:
        return {"type": "python" if ".py" in text else "javascript", "value": text}
    match = _SHORT.fullmatch(text)
    kind = _SPELT.get(match[2], match[2]) if match else ""
    if match is None or (kind not in _TYPES) or (match[2] in _SPELT and match[4] is None):
        return {"type": "equals", "value": text}
    value = match[4]
    entry: dict[str, Any] = {"type": f"{match[1] or ''}{kind}"}
    if value is not None:
        entry["value"] = value if kind in {"is-json", "contains-json", RUBRIC} else value.strip()
    if kind in _WITH_THRESHOLD:
        entry["threshold"] = float(match[3]) if match[3] else 0.75
    return entry


def advice(kind: str) -> str:
    """What to do about an assertion of a type that is not checked here."""
    base = kind.removeprefix("not-")
    if base == RUBRIC or base in _MODEL_GRADED:
        return "import its graded results (`rightsize import outcomes`), or label the answers"
    if base == "latency":
        return "a feature's `latency: {p95_s: ...}` says it"
    if base in {"cost", "perplexity", "perplexity-score"}:
        return "costs are counted by themselves" if base == "cost" else "not told by an answer"
    return "write it as module:function"
