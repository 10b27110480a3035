"""A file's value against its model: every fault at once, with key path, line and a suggestion."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, TypeVar, cast, get_args

from pydantic import BaseModel, ValidationError

from evalsets.source import Fault, KeyPath, Source, SourceError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


M = TypeVar("M", bound=BaseModel)
_SHOWN = 60
_PLAIN_WORDS = (
    ("a valid dictionary", "keys with values"),
    ("a valid tuple", "a list"),
    ("a valid string", "a text"),
    ("a valid ", "a "),
    ("a integer", "an integer"),
)


def validated(source: Source, model: type[M], *, at: KeyPath = ()) -> M:
    """The value of a source, or of the part of it at a key path, as `model`.

    Raises:
        SourceError: unknown keys, wrong types, missing keys; all of them.
    """
    data = part_of(source.data, at)
    if data is None:
        raise SourceError([source.fault(at, f"is empty; it needs {_required(model)}")])
    if not isinstance(data, dict):
        raise SourceError([source.fault(at, f"must be keys with values, got {shown(data)}")])
    try:
        return model.model_validate(data, by_alias=True, by_name=False)
    except ValidationError as error:
        raise SourceError(_faults(error, source, model, at)) from None


def part_of(data: object, path: KeyPath) -> object:
    """What stands at a key path; None when nothing does."""
    for step in path:
        if isinstance(data, dict):
            data = cast("dict[object, object]", data).get(step)
        elif isinstance(data, list) and isinstance(step, int):
            items = cast("list[object]", data)
            data = items[step] if step < len(items) else None
        else:
            return None
    return data


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean ...?` or the words that are known.

    >>> suggestion("incumbant", ["incumbent", "owner"])
    '; did you mean `incumbent`?'
    """
    words = sorted(known)
    near = get_close_matches(word, words, n=1, cutoff=0.6)
    if near:
        return f"; did you mean `{near[0]}`?"
    if not words:
        return ""
    listed = ", ".join(words[:12]) + (", ..." if len(words) > 12 else "")  # noqa: PLR2004
    return f"; known: {listed}"


def shown(value: object) -> str:
    """A value as a message shows it: short, and never the inside of a collection."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "keys with values"
        case list():
            return "a list"
        case str():
            text = repr(value)
        case _:
            text = str(value).lower()
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _faults(
    error: ValidationError, source: Source, model: type[BaseModel], at: KeyPath
) -> list[Fault]:
    """One fault per key; the members of a union that was not met are joined by "or"."""
    details: dict[KeyPath, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        details.setdefault(_own_path(detail, source.data, at), []).append(detail)
    faults = [
        source.fault(path, _message(found, path[len(at) :], model))
        for path, found in details.items()
    ]
    return sorted(faults, key=lambda fault: fault.line or 0)


def _own_path(detail: ErrorDetails, data: object, at: KeyPath) -> KeyPath:
    """The error's path without the parts that only pydantic has: names of union members."""
    path = at
    for step in detail["loc"]:
        if _holds(part_of(data, path), step):
            path = (*path, step)
    return (*path, detail["loc"][-1]) if detail["type"] == "missing" else path


def _holds(value: object, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int)


def _message(found: list[ErrorDetails], path: KeyPath, model: type[BaseModel]) -> str:
    first = found[0]
    match first["type"]:
        case "extra_forbidden":
            return f"unknown key{suggestion(str(path[-1]), _keys_at(model, path[:-1]))}"
        case "missing":
            return "is required and missing"
        case "value_error":
            return first["msg"].removeprefix("Value error, ")
        case _:
            expected = dict.fromkeys(_expected(detail) for detail in found)
            return f"must be {' or '.join(expected)}, got {shown(first['input'])}"


def _expected(detail: ErrorDetails) -> str:
    """What the value should be, in plain words."""
    if detail["type"] in {"decimal_parsing", "decimal_type"}:
        return "a number"
    if detail["type"].startswith("date"):
        return "a day, as 2026-11-30"
    text = detail["msg"].split(" or instance of ", 1)[0].removeprefix("Input should be ")
    for vendor, plain in _PLAIN_WORDS:
        text = text.replace(vendor, plain)
    return text.split(", unable to", 1)[0]


def _required(model: type[BaseModel]) -> str:
    names = [info.alias or name for name, info in model.model_fields.items() if info.is_required()]
    return ", ".join(f"`{name}`" for name in names) or "nothing; remove it"


def _keys_at(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Names of the keys that the model at a key path knows."""
    kinds: list[type[BaseModel]] = [model]
    for step in path:
        kinds = [inner for kind in kinds for inner in _step(kind, step)]
    return [info.alias or name for kind in kinds for name, info in kind.model_fields.items()]


def _step(kind: type[BaseModel], step: str | int) -> list[type[BaseModel]]:
    """What stands under `step`; a step that is no field is an index or a name of the user's."""
    for name, info in kind.model_fields.items():
        if step in {name, info.alias}:
            return _models_in(info.annotation)
    return [kind]


def _models_in(annotation: object) -> list[type[BaseModel]]:
    """Every model named in an annotation, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [inner for argument in get_args(annotation) for inner in _models_in(argument)]
