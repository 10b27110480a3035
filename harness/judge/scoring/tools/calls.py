"""The scorer of tool calls: names and arguments compared as JSON values, by the tools' schemas.

Two calls are equal when name and arguments are. `1` is `1.0`, the order of keys does not count,
an argument that is left out is its declared default. Texts are equal as they stand, or by the rule
that `arguments` states for one. The normal form is canonical JSON: a list of calls, `[]` for none;
it is a target as well, so a label can hold it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, cast

from pydantic import Field

from evalsets.cases import Case, ScorerSpec
from evalsets.loading import TOOL_CALLS
from evalsets.samples import inside
from evalsets.validation import shown, suggestion
from harness.errors import UsageError
from harness.judge.scoring.json_answers import too_deep
from harness.judge.scoring.replies import Called, Told, opened, wrapped
from harness.judge.scoring.scorer import Options, Scorer, Setting, plain, read_options, targets_of
from harness.judge.scoring.tools.schemas import (
    ToolsError,
    arguments_of,
    by_value,
    read_tools,
    with_defaults,
)

EVERY = "*"
"""The rule of every argument that has none of its own."""
_PUNCTUATION = re.compile(r"[\s,./\-_*^]+")
ArgumentRule: TypeAlias = Literal["exact", "text", "letters", "unordered", "ignore"]


class ToolCallsOptions(Options):
    """How the calls of a reply are compared with the right ones."""

    order: Literal["any", "stated"] = "any"
    """Whether parallel calls may come in any order, or only in the target's."""
    extra: bool = False
    """Whether calls beyond the right ones do no harm; where no call is right, any call is wrong."""
    arguments: Annotated[dict[str, ArgumentRule], Field(default_factory=dict)]
    """How an argument is compared, by `argument`, `tool.argument`, a dotted path inside it, or `*`
    for all: exact (the default); text (whatever the case of letters and the white space); letters
    (without punctuation, too); unordered (a list in any order); ignore (whatever it is)."""
    tools: str | None = None
    """JSON file of the tools, in the eval set's folder; default: the feature's `request.tools`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compared:
    """One call, its arguments in canonical form."""

    name: str
    arguments: Mapping[str, Any]

    @property
    def text(self) -> str:
        """Canonical JSON: equal for equal calls."""
        whole = {"name": self.name, "arguments": self.arguments}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCalls:
    """The reply calls what the target calls; its text does not count."""

    order: Literal["any", "stated"] = "any"
    extra: bool = False
    rules: Mapping[str, ArgumentRule] = field(default_factory=dict[str, ArgumentRule])
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, "Mapping[str, Any]"])
    """The declared parameters, by tool."""
    closed: bool = True
    needs_target: bool = True
    sees_calls: bool = True

    def normalise(self, answer: str) -> str | None:
        """The calls as canonical JSON; None where arguments are no JSON object."""
        try:
            found = [self._call(call) for call in opened(answer).calls]
        except ValueError:
            return None
        return self._form(found)

    def score(self, case: Case, answer: str) -> float:
        """1 when the calls are those of one of the right answers."""
        form = self.normalise(answer)
        targets = [self.target_form(case, target) for target in targets_of(case)]
        if form is None:
            return 0.0
        return float(form in targets or (self.extra and any(_within(t, form) for t in targets)))

    def reply_of(self, case: Case, target: str) -> str:
        """The reply that makes a target's calls.

        Raises:
            UsageError: the target is no list of calls.
        """
        return wrapped(Told(text="", calls=tuple(calls_of(case, target))))

    def target_form(self, case: Case, target: str) -> str:
        """A target in normal form; raises `UsageError` where it is no list of calls."""
        try:
            return self._form([self._call(call) for call in calls_of(case, target)])
        except ValueError as error:
            raise UsageError(f"case {case.id!r}: the target's arguments: {error}") from None

    def _form(self, calls: Iterable[_Compared]) -> str:
        texts = [call.text for call in calls]
        return f"[{','.join(sorted(texts) if self.order == 'any' else texts)}]"

    def _call(self, call: Called) -> _Compared:
        value = read_arguments(call.arguments)
        schema = self.schemas.get(call.name)
        filled = value if schema is None else with_defaults(value, schema, schema)
        rules = _Rules(self.rules, call.name)
        ruled = {
            key: rules.applied(each, key)
            for key, each in sorted(cast("dict[str, Any]", filled).items())
            if rules.of(key) != "ignore"
        }
        return _Compared(name=call.name, arguments=ruled)


def _within(target: str, form: str) -> bool:
    """Whether a reply makes the calls of a target that has some, whatever else it calls.

    Both are sorted where the order is free, so the target's stand among the reply's in order.
    """
    wanted, made = (_texts(each) for each in (target, form))
    rest = iter(made)
    return bool(wanted) and all(any(call == other for other in rest) for call in wanted)


def _texts(form: str) -> list[str]:
    return [json.dumps(call, ensure_ascii=False) for call in json.loads(form)]


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules for the arguments of one tool."""

    stated: Mapping[str, ArgumentRule]
    tool: str

    def of(self, path: str) -> ArgumentRule:
        for key in (f"{self.tool}.{path}", path, EVERY):
            if key in self.stated:
                return self.stated[key]
        return "exact"

    def applied(self, value: Any, path: str, inherited: ArgumentRule = "exact") -> Any:  # noqa: ANN401
        """A value in the form in which it is compared; a rule holds for all inside it."""
        own = self.of(path)
        rule = inherited if own == "exact" else own
        if isinstance(value, dict):
            return {
                key: self.applied(each, f"{path}.{key}", rule)
                for key, each in sorted(cast("dict[str, Any]", value).items())
                if self.of(f"{path}.{key}") != "ignore"
            }
        if isinstance(value, list):
            made = [self.applied(each, path, rule) for each in cast("list[Any]", value)]
            return sorted(made, key=_sort_key) if rule == "unordered" else made
        return _TEXTS[rule](value) if isinstance(value, str) else value


def _sort_key(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


_TEXTS: Mapping[ArgumentRule, Callable[[str], str]] = MappingProxyType(
    {
        "exact": str,
        "text": lambda text: plain(text).casefold(),
        "letters": lambda text: _PUNCTUATION.sub("", plain(text).casefold()).replace("'", '"'),
        "unordered": str,
        "ignore": str,
    }
)


def read_arguments(text: str) -> dict[str, Any]:
    """A call's arguments, numbers by value; no text at all is no arguments.

    Raises:
        ValueError: no JSON object, or one with NaN, an infinity, a key twice, a number beyond 400
            places, or more than 64 levels.
    """
    if not text.strip():
        return {}
    try:
        value: object = json.loads(
            text,
            parse_float=by_value,
            parse_constant=_refused,
            object_pairs_hook=_object,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if value is None:
        return {}
    if not isinstance(value, dict) or too_deep(cast("object", value)):
        raise ValueError("not a JSON object, or nested too deeply")
    return cast("dict[str, Any]", value)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refused(constant: str) -> Any:  # noqa: ANN401
    raise ValueError(f"{constant} is no JSON value")


_FORMS = (
    "a list of calls, each {name, arguments: {...}}; [] where no call is right; OpenAI's, "
    "Anthropic's and Google's forms of a call are read, too"
)


def calls_of(case: Case, target: str) -> list[Called]:
    """The calls that a target states.

    Raises:
        UsageError: it states none, and is not the empty list.
    """
    try:
        value = cast("object", json.loads(target, parse_constant=_refused))
    except (ValueError, RecursionError):
        raise UsageError(f"case {case.id!r}: the target is no JSON; want {_FORMS}") from None
    listed = cast("list[object]", value) if isinstance(value, list) else [value]
    found = [call_in(each) for each in listed]
    wrong = next((each for each, call in zip(listed, found, strict=True) if call is None), None)
    if None in found:
        raise UsageError(
            f"case {case.id!r}: {shown(wrong)} in the target is no call; want {_FORMS}"
        )
    return [call for call in found if call is not None]


def call_in(value: object) -> Called | None:
    """One call in any vendor's form; None where it is none."""
    facts = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    for key in ("function", "functionCall", "function_call"):
        if isinstance(inner := facts.get(key), dict):
            facts = cast("dict[str, Any]", inner)
    name = facts.get("name", facts.get("function"))
    given = [facts[key] for key in ("arguments", "input", "args") if key in facts]
    if not isinstance(name, str) or not name or len(given) > 1:
        return None
    arguments: object = given[0] if given else None
    if not isinstance(arguments, str | dict | None):
        return None
    if not isinstance(arguments, str):
        arguments = json.dumps(cast("object", arguments), ensure_ascii=False)
    return Called(name=name, arguments=arguments)


def shown_calls(form: str) -> str:
    """A normal form as a person reads it: one call a line.

    >>> shown_calls('[{"name":"weather","arguments":{"city":"Paris"}}]'), shown_calls("[]")
    ('weather(city="Paris")', '(no call)')
    """
    calls = [call_in(each) for each in cast("list[object]", json.loads(form))]
    return "\n".join(call.shown() for call in calls if call is not None) or "(no call)"


def tool_calls(spec: ScorerSpec, setting: Setting) -> Scorer:
    """Make a `ToolCalls`.

    Raises:
        UsageError: the tools cannot be read, or a rule is about what no tool has.
    """
    options = read_options(spec, ToolCallsOptions)
    schemas = _declared(options.tools, setting.folder) if options.tools else {}
    if schemas:
        _refuse_unknown(options.arguments, schemas)
    return ToolCalls(
        order=options.order, extra=options.extra, rules=options.arguments, schemas=schemas
    )


def _declared(name: str, folder: Path | None) -> dict[str, Mapping[str, Any]]:
    """The parameters of each tool of a file."""
    path = None if folder is None else inside(folder, name)
    try:
        if path is None:
            raise FileNotFoundError(name)
        tools = read_tools(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"scorer {TOOL_CALLS!r}: no file {name!r} in the eval set's folder"
        ) from None
    except ToolsError as error:
        raise UsageError(f"scorer {TOOL_CALLS!r}: {name}: {error}") from None
    return {tool.name: json.loads(tool.parameters) for tool in tools}


def _refuse_unknown(
    rules: Mapping[str, ArgumentRule], schemas: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse a rule about an argument that no tool has: it would never hold."""
    known = {
        form
        for tool, schema in schemas.items()
        for argument in arguments_of(schema)
        for form in (argument, f"{tool}.{argument}")
    }
    for key in rules:
        heads = {".".join(key.split(".")[: at + 1]) for at in range(key.count(".") + 1)}
        if key != EVERY and known and not heads & known:
            raise UsageError(
                f"scorer {TOOL_CALLS!r}: option 'arguments': no tool has {key!r}"
                f"{suggestion(key, sorted(known))}"
            )
