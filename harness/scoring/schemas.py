"""Whether a JSON Schema can be validated with at all, found out before the first answer.

A reference that leads nowhere, or back to itself without a step into the value, is no fault of the
schema's own schema: validators come upon it only when an answer is already paid for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from jsonschema import Draft202012Validator, SchemaError
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import specification_with

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jsonschema.protocols import Validator
    from referencing import Resource
    from referencing._core import Resolved, Resolver

    Make: TypeAlias = "Callable[[Any], Resource[Any]]"

DEEPEST = 64
"""Levels of a JSON value: validating takes several calls a level, and a stack has a thousand."""
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_LISTED = ("allOf", "anyOf", "oneOf")
_SINGLE = ("not", "if", "then", "else")
"""With `dependentSchemas`: what holds for the same value, without a step into it."""


class BrokenSchemaError(UsageError):
    """No answer could be held against this schema; one line says why."""


def too_deep(value: object) -> bool:
    """Whether a JSON value is nested deeper than is read: the same on every machine and stack."""
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
    try:
        return _checked(cast("dict[str, Any]", schema))
    except SchemaError as error:
        raise BrokenSchemaError(error.message.splitlines()[0]) from None


def _checked(schema: dict[str, Any]) -> Validator:
    if not isinstance(schema.get("$schema", ""), str):
        raise BrokenSchemaError("`$schema` must be a text")
    kind = validator_for(schema, default=Draft202012Validator)
    kind.check_schema(schema)
    _refuse_loops(_edges(schema, kind))
    # An empty registry: nothing is ever fetched.
    return kind(schema, registry=Registry())


def _edges(schema: dict[str, Any], kind: type[Validator]) -> dict[int, set[int]]:
    """By schema: those that hold for the same value. Every reference is followed once."""
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
        edges[id(inner)] = {id(target.contents) for target in found} | _beside(inner)
        waiting += [(make(target.contents), target.resolver) for target in found]
        waiting += [(sub, resolver.in_subresource(sub)) for sub in resource.subresources()]
    return edges


def _references(schema: dict[str, Any]) -> Iterator[str]:
    for key in _REFERENCES:
        if isinstance(reference := schema.get(key), str):
            yield reference


def _followed(resolver: Resolver[Any], reference: str) -> Resolved[Any]:
    try:
        return resolver.lookup(reference)
    except Unresolvable:
        raise BrokenSchemaError(f"refers to {reference!r}, which is not in it") from None


def _beside(schema: dict[str, Any]) -> set[int]:
    listed = [each for key in _LISTED for each in schema.get(key, ())]
    single = [schema[key] for key in _SINGLE if key in schema]
    dependent = schema.get("dependentSchemas", {})
    return {id(each) for each in (*listed, *single, *dependent.values())}


def _refuse_loops(edges: dict[int, set[int]]) -> None:
    """Take away what leads nowhere further, again and again: what stays leads back to itself."""
    left = {one: targets & edges.keys() for one, targets in edges.items()}
    while ends := {one for one, targets in left.items() if not targets}:
        left = {one: targets - ends for one, targets in left.items() if one not in ends}
    if left:
        raise BrokenSchemaError("a `$ref` in it leads back to itself without end")
