"""Scorers of JSON answers: fields compared with a target, and validity against a schema.

A schema is checked before the first answer. A reference that leads nowhere, or back to itself
without a step into the value, passes the meta-schema; validators fail on it only when an answer is
already paid for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, cast

from pydantic import Field

from evalsets.cases import Case, ScorerSpec
from harness.errors import UsageError
from harness.judge.scoring.replies import answer_in
from harness.judge.scoring.scorer import Options, Scorer, Setting, plain, read_options, targets_of
from harness.judge.scoring.text import number_text, whole_number
from harness.workspace.patterns import pattern_fault, pattern_limit

if TYPE_CHECKING:
    from jsonschema.protocols import Validator
    from referencing import Resource
    from referencing._core import Resolved, Resolver

    Make: TypeAlias = "Callable[[Any], Resource[Any]]"

DEEPEST = 64
"""Deepest JSON value that is read: validation takes several stack frames a level."""
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_LISTED = ("allOf", "anyOf", "oneOf")
_SINGLE = ("not", "if", "then", "else")
"""Keywords whose subschemas apply to the same value, together with `dependentSchemas`."""


class BrokenSchemaError(UsageError):
    """A schema that no answer can be validated with; the message says why."""


def too_deep(value: object) -> bool:
    """Whether a JSON value is nested deeper than `DEEPEST`, whatever the machine's stack."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for each in level for inner in _inside(each)]
        if not level:
            return False
    return True


def _inside(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []


def validator_of(schema: object) -> Validator:
    """The validator of a schema; nothing is ever fetched.

    Raises:
        BrokenSchemaError: it is no schema, or validating with it could not end.
    """
    if not isinstance(schema, dict):
        raise BrokenSchemaError("a schema must be an object")
    if too_deep(cast("object", schema)):
        raise BrokenSchemaError(f"nested more than {DEEPEST} deep")
    from jsonschema import SchemaError  # noqa: PLC0415  # a tenth of what `check` loads

    try:
        return _checked(cast("dict[str, Any]", schema))
    except SchemaError as error:
        raise BrokenSchemaError(error.message.splitlines()[0]) from None


def _checked(schema: dict[str, Any]) -> Validator:
    if not isinstance(schema.get("$schema", ""), str):
        raise BrokenSchemaError("`$schema` must be a text")
    from jsonschema import Draft202012Validator  # noqa: PLC0415  # see `validator_of`
    from jsonschema.validators import validator_for  # noqa: PLC0415
    from referencing import Registry  # noqa: PLC0415

    kind = validator_for(schema, default=Draft202012Validator)
    kind.check_schema(schema)
    for pattern in _patterns(schema):
        if (fault := pattern_fault(pattern)) is not None:
            raise BrokenSchemaError(f"the pattern {pattern[:40]!r}: {fault}")
    _refuse_loops(_edges(schema, kind))
    # An empty registry: nothing is ever fetched.
    return kind(schema, registry=Registry())


def _patterns(value: object) -> Iterator[str]:
    """Every pattern of a schema; texts that only look like one cost a moment."""
    if isinstance(value, dict):
        facts = cast("dict[str, object]", value)
        stated, by_name = facts.get("pattern"), facts.get("patternProperties")
        if isinstance(stated, str):
            yield stated
        if isinstance(by_name, dict):
            yield from cast("dict[str, object]", by_name)
    for inner in _inside(cast("object", value)):
        yield from _patterns(inner)


def _edges(schema: dict[str, Any], kind: type[Validator]) -> dict[int, set[int]]:
    """For each schema the schemas that apply to the same value; each reference is followed once."""
    from referencing import Registry  # noqa: PLC0415  # see `validator_of`
    from referencing.jsonschema import specification_with  # noqa: PLC0415

    make: Make = specification_with(str(kind.META_SCHEMA["$schema"])).create_resource
    whole = make(schema)
    name = whole.id() or ""
    edges: dict[int, set[int]] = {}
    waiting = [(whole, Registry[Any]().with_resource(name, whole).resolver(name))]
    while waiting:
        resource, resolver = waiting.pop()
        if id(resource.contents) in edges or not isinstance(resource.contents, dict):
            continue
        inner = cast("dict[str, Any]", resource.contents)
        found = [_followed(resolver, each) for each in _references(inner)]
        for target in found:
            kind.check_schema(target.contents)
        edges[id(inner)] = {id(target.contents) for target in found} | _same_value(inner)
        waiting += [(make(target.contents), target.resolver) for target in found]
        waiting += [(sub, resolver.in_subresource(sub)) for sub in resource.subresources()]
    return edges


def _references(schema: dict[str, Any]) -> Iterator[str]:
    for key in _REFERENCES:
        if isinstance(reference := schema.get(key), str):
            yield reference


def _followed(resolver: Resolver[Any], reference: str) -> Resolved[Any]:
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # see `validator_of`

    try:
        return resolver.lookup(reference)
    except Unresolvable:
        raise BrokenSchemaError(f"refers to {reference!r}, which is not in it") from None


def _same_value(schema: dict[str, Any]) -> set[int]:
    listed = [each for key in _LISTED for each in schema.get(key, ())]
    single = [schema[key] for key in _SINGLE if key in schema]
    dependent = schema.get("dependentSchemas", {})
    return {id(each) for each in (*listed, *single, *dependent.values())}


def _refuse_loops(edges: dict[int, set[int]]) -> None:
    """Refuse reference cycles: schemas that remain when all ends are removed repeatedly."""
    unresolved = {one: targets & edges.keys() for one, targets in edges.items()}
    while ends := {one for one, targets in unresolved.items() if not targets}:
        unresolved = {one: targets - ends for one, targets in unresolved.items() if one not in ends}
    if unresolved:
        raise BrokenSchemaError("a `$ref` in it leads back to itself without end")


Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | Decimal | bool | None"

_DATE = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?)?"
)
_ABSENT = "absent"
_MAX_EXPONENT = 400


class _NotJsonError(ValueError):
    """The text is no JSON value."""


def read_json(text: str) -> Json:
    """Read a reply that is JSON, or one code fence around it, behind any reasoning.

    Floats are read as decimals.

    Raises:
        ValueError: it is not JSON, or it has NaN, an infinity, a number beyond 400 digits, or
            more than 64 levels.
    """
    try:
        value: Json = json.loads(answer_in(text), parse_float=_decimal, parse_constant=_refuse)
    except RecursionError:
        raise _NotJsonError("nested too deeply") from None
    if too_deep(value):
        raise _NotJsonError(f"nested more than {DEEPEST} deep")
    return value


def _refuse(constant: str) -> Json:
    raise _NotJsonError(f"{constant} is no JSON value")


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > _MAX_EXPONENT:
        raise _NotJsonError("a number out of range")
    return value


def canonical(value: Json) -> Json:
    """The same form for equal values: numbers by value, ISO dates, white space collapsed, no nulls.

    A text that is wholly a number, or a date with the year first, counts as one. The function is
    idempotent, so a label can hold a canonical form.
    """
    match value:
        case dict():
            return {key: canonical(item) for key, item in value.items() if item is not None}
        case list():
            return [canonical(item) for item in value]
        case bool() | None:
            return value
        case str():
            return _canonical_text(plain(value))
        case _:
            return number_text(Decimal(value))


def _canonical_text(text: str) -> str:
    value = whole_number(text)
    if value is not None:
        return number_text(value)
    match = _DATE.fullmatch(text)
    if match is not None:
        try:
            return date(int(match[1]), int(match[3]), int(match[4])).isoformat()
        except ValueError:
            return text
    return text


def _at(value: dict[str, Json], path: str) -> Json:
    """The value at a dotted path (`total.amount`, `lines.0.sku`); None where there is none."""
    if path in value:
        return value[path]
    found: Json = value
    for part in path.split("."):
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return None
    return found


class FieldsOptions(Options):
    """Which fields are compared."""

    fields: tuple[str, ...] = ()
    """Dotted paths; default: the top-level fields of each case's target."""
    pass_: Annotated[Literal["all", "share"], Field(alias="pass")] = "all"  # noqa: S105  # no password
    """`all`: 1 when every field is right; `share`: the share of right fields."""


@dataclass(frozen=True, slots=True)
class JsonFields:
    """The named fields of a JSON object equal the target's. Anything but an object is malformed.

    A field that the reply lacks, or has as null, is right only where the target lacks it, or has it
    as null; a value that the reply invents for a null is wrong.
    """

    fields: tuple[str, ...]
    share: bool
    closed: bool = True
    needs_target: bool = True

    def normalise(self, answer: str) -> str | None:
        """The fields in canonical form, as JSON text; all of them where none are named."""
        form = self._form(answer)
        return None if form is None else json.dumps(form, sort_keys=True, ensure_ascii=False)

    def score(self, case: Case, answer: str) -> float:
        """1 when all fields are right, or the share of them."""
        form = self._form(answer)
        if form is None:
            return 0.0
        targets = [self._target(case, target) for target in targets_of(case)]
        return max(self._agreement(form, target) for target in targets)

    def _target(self, case: Case, text: str) -> dict[str, Json]:
        target = self._values(text)
        if target is None:
            raise UsageError(f"case {case.id!r}: the target is not a JSON object")
        return target

    def _agreement(self, form: dict[str, Json], target: dict[str, Json]) -> float:
        names = self.fields or tuple(target)
        right = sum(form.get(name) == target.get(name) for name in names)
        if self.share:
            return right / len(names) if names else 1.0
        return float(right == len(names))

    def _form(self, text: str) -> dict[str, Json] | None:
        values = self._values(text)
        if values is None:
            return None
        return {name: item for name, item in values.items() if item is not None}

    def _values(self, text: str) -> dict[str, Json] | None:
        try:
            value = read_json(text)
        except ValueError:
            return None
        if not isinstance(value, dict):
            return None
        found = {name: _at(value, name) for name in self.fields} if self.fields else value
        return {name: canonical(item) for name, item in found.items()}


def json_fields(spec: ScorerSpec, _setting: Setting) -> Scorer:
    """Make a `JsonFields`."""
    options = read_options(spec, FieldsOptions)
    return JsonFields(options.fields, options.pass_ == "share")  # noqa: S105


class SchemaOptions(Options):
    """The schema, in a file or in place; without one, any JSON will do."""

    json_schema: Annotated[str | dict[str, Any] | None, Field(alias="schema")] = None
    """JSON Schema: a file relative to the eval set's folder, or the schema itself."""


@dataclass(frozen=True, slots=True)
class JsonValid:
    """The reply is JSON that its schema accepts."""

    validator: Validator
    closed: bool = True
    needs_target: bool = False

    def normalise(self, answer: str) -> str | None:
        """The value in canonical form, as JSON text; None when it is not valid."""
        try:
            value = read_json(answer)
        except ValueError:
            return None
        try:
            with pattern_limit("an answer against its schema"):
                valid = self.validator.is_valid(_floats(value))
        except ArithmeticError:
            # A number too large for the validator's arithmetic is not valid.
            valid = False
        form = canonical(value) if valid else None
        return json.dumps(form, sort_keys=True, ensure_ascii=False) if valid else None

    def score(self, case: Case, answer: str) -> float:  # noqa: ARG002  # no target is needed
        """1 when the reply is valid."""
        return float(self.normalise(answer) is not None)


def _floats(value: Json) -> Any:  # noqa: ANN401  # what the validator reads
    """The value with decimals as floats: the validator knows no decimals."""
    match value:
        case dict():
            return {key: _floats(item) for key, item in value.items()}
        case list():
            return [_floats(item) for item in value]
        case Decimal():
            return float(value)
        case _:
            return value


def json_schema(spec: ScorerSpec, setting: Setting) -> Scorer:
    """Make a `JsonValid`.

    Raises:
        UsageError: the schema is missing or broken.
    """
    schema = read_options(spec, SchemaOptions).json_schema
    if isinstance(schema, str):
        schema = _schema_file(schema, setting)
    try:
        return JsonValid(validator_of({} if schema is None else schema))
    except BrokenSchemaError as error:
        raise UsageError(f"scorer {spec.scorer!r}: broken schema: {error}") from None


def _schema_file(name: str, setting: Setting) -> dict[str, Any]:
    if setting.folder is None:
        raise UsageError(f"scorer 'json-schema': {name}: no folder to look in")
    path = setting.folder / name
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError:
        raise UsageError(f"scorer 'json-schema': no such file: {path}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"scorer 'json-schema': {path}: not JSON: {error}") from None
