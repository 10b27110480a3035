"""What the readers of the four wires share: fields by their rows, and keys by their parts' rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from harness.ask.programs.translation.neutral import ChoosingRule
from harness.ask.programs.translation.rows import (
    FIELDS_OF,
    NESTED,
    PARTS_OF,
    LeftOutField,
    PlainField,
)
from harness.ask.programs.wires import RefusedCallError
from providers.answer import JsonObject, as_object, items_at, object_at, text_at, to_json
from providers.provider import Api
from providers.request import ImagePart, Tool

NO_PARAMETERS: JsonObject = {"type": "object", "properties": {}}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedFields:
    """The fields of a body that cross, by path; the others that were there."""

    wire: Api
    values: Mapping[str, object]
    left_out: tuple[str, ...]

    def number(self, field: str, *, plain: float | None = None) -> float | None:
        """The number in a field; None if it is absent or equals the wire's default."""
        value = self.values.get(field)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise wrong(field, "a number")
        return None if plain is not None and value == plain else value

    def whole(self, *fields: str) -> int | None:
        """The whole number of the first of the fields that is stated."""
        for field in fields:
            value = self.number(field)
            if value is not None:
                if value != int(value):
                    raise wrong(field, "a whole number")
                return int(value)
        return None

    def words(self, field: str) -> tuple[str, ...]:
        """A text, or a list of texts."""
        value = self.values.get(field)
        listed = [value] if isinstance(value, str) else items_of(value)
        words = [one for one in listed or () if isinstance(one, str)]
        if listed is None or len(words) < len(listed):
            raise wrong(field, "a text, or a list of texts")
        return tuple(words)

    def object(self, field: str) -> JsonObject:
        """The object of a field; empty where it is not stated."""
        value = self.values.get(field)
        found = as_object(value)
        if value is not None and value != found:
            raise wrong(field, "an object")
        return found

    def objects(self, field: str) -> list[JsonObject]:
        """The objects of a field that is a list."""
        return objects_of(self.values.get(field), field)


def items_of(value: object) -> list[object] | None:
    """The items of a list; empty where there is none, None of what is no list."""
    if value is None:
        return []
    return cast("list[object]", value) if isinstance(value, list) else None


def objects_of(value: object, field: str) -> list[JsonObject]:
    """The objects of a list; empty where there is none.

    Raises:
        RefusedCallError: it is no list, or holds something else.
    """
    found = [as_object(one) for one in items_of(value) or ()]
    if value is not None and value != found:
        raise wrong(field, "a list of objects")
    return found


def wrong(field: str, wanted: str) -> RefusedCallError:
    """A field that is not what its wire says."""
    return RefusedCallError(f"{field[:60]!r} must be {wanted}")


def stated_fields(wire: Api, body: JsonObject) -> StatedFields:
    """The fields of a body, by their rows.

    Raises:
        RefusedCallError: a field has no row, or a value that crosses to nobody.
    """
    values: dict[str, object] = {}
    left_out: list[str] = []
    for field, value in _flat(wire, body):
        row = FIELDS_OF.get((wire, field))
        if row is None:
            raise RefusedCallError(
                f"the field {field[:60]!r} crosses to no other vendor: no row of the table has it"
            )
        if isinstance(row, LeftOutField):
            left_out.append(field)
        elif not isinstance(row, PlainField):
            values[field] = value
        elif value not in row.values:
            raise RefusedCallError(f"the field {field!r} crosses to no other vendor: {row.why}")
    return StatedFields(wire=wire, values=values, left_out=tuple(left_out))


def _flat(wire: Api, body: JsonObject) -> Iterator[tuple[str, object]]:
    for name, value in body.items():
        if value is None or name == "model":
            continue
        if name in NESTED[wire]:
            inside = object_at(body, name)
            if value != inside:
                raise wrong(name, "an object")
            yield from ((f"{name}.{key}", one) for key, one in inside.items() if one is not None)
        else:
            yield name, value


def check_keys(wire: Api, part: str, document: JsonObject) -> None:
    """Refuse a part of a turn that has no row, or a key that its row does not name."""
    row = PARTS_OF.get((wire, part))
    if row is None:
        raise RefusedCallError(f"the part {part[:60]!r} crosses to no other vendor")
    stated = {key for key, value in document.items() if value not in (None, [])} - {"type"}
    more = sorted(stated - row.keys)
    if more and "*" not in row.keys:
        raise RefusedCallError(
            f"{more[0][:60]!r} of the part {part!r} crosses to no other vendor; leave it out"
        )


def check_only(document: JsonObject, keys: frozenset[str], part: str) -> None:
    """Refuse a key of an object inside a part that would be dropped."""
    more = sorted(key for key in set(document) - keys if document[key] not in (None, []))
    if more:
        raise RefusedCallError(f"{more[0][:60]!r} of {part!r} crosses to no other vendor")


def stated_text(document: JsonObject, key: str, part: str) -> str:
    """The text of a part; empty where it is not stated."""
    return "" if document.get(key) is None else text_in(document, key, part)


def text_in(document: JsonObject, key: str, part: str) -> str:
    """The text of a part.

    Raises:
        RefusedCallError: there is none.
    """
    text = text_at(document, key)
    if text is None:
        raise wrong(f"{part}.{key}", "a text")
    return text


def inline_image(url: str) -> ImagePart:
    """An image from its data URL."""
    head, comma, data = url.partition(",")
    kind, _, coding = head.removeprefix("data:").partition(";")
    if not comma or not url.startswith("data:") or coding != "base64":
        raise RefusedCallError("an image must be a data URL in base64")
    return ImagePart(media_type=kind, data=data)


def arguments_of(text: str) -> str:
    """A frozen call's arguments, which must be one JSON object for every other vendor."""
    try:
        value: object = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise RefusedCallError("the arguments of a tool call are not one JSON object")
    return text or "{}"


def tool_of(document: JsonObject, parameters: object) -> Tool:
    """A tool's name, description and schema."""
    found = as_object(parameters)
    if parameters is not None and parameters != found:
        raise wrong("the parameters of a tool", "an object")
    return Tool(
        name=text_in(document, "name", "tool"),
        description=stated_text(document, "description", "tool"),
        parameters=to_json(found or NO_PARAMETERS),
    )


_FUNCTION_KEYS = frozenset({"type", "name", "description", "parameters", "strict"})
_NESTED_KEYS = frozenset({"type", "function"})
_SCHEMA_KEYS = frozenset({"type", "name", "schema", "strict", "description"})


def openai_tools(tools: list[JsonObject], *, nested: bool) -> tuple[Tool, ...]:
    """The functions of Chat Completions (`nested`) and Responses."""
    found: list[Tool] = []
    for tool in tools:
        function = object_at(tool, "function") if nested else tool
        if tool.get("type") != "function":
            raise RefusedCallError("a tool that is no function crosses to no other vendor")
        check_only(tool, _NESTED_KEYS if nested else _FUNCTION_KEYS, "tool")
        check_only(function, _FUNCTION_KEYS, "tool")
        found.append(tool_of(function, function.get("parameters")))
    return tuple(found)


def openai_rule(choice: object) -> ChoosingRule | None:
    """The tool choice of Chat Completions and Responses."""
    if choice in ("none", "auto", "required"):
        return ChoosingRule(mode=choice)
    stated = as_object(choice)
    name = text_at(object_at(stated, "function"), "name") or text_at(stated, "name")
    if choice is None:
        return None
    if stated.get("type") != "function" or not name:
        raise RefusedCallError("this 'tool_choice' crosses to no other vendor")
    return ChoosingRule(mode="named", name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerForm:
    """How an answer is to look, as OpenAI's two wires state it."""

    schema: str | None = None
    strict: bool | None = None
    json: bool = False
    """Any JSON object is wanted."""
    left_out: tuple[str, ...] = ()


def openai_form(form: JsonObject, field: str, *, nested: bool) -> AnswerForm:
    """The form of Chat Completions (`nested`) and Responses.

    Raises:
        RefusedCallError: it is another one, has a key that would be dropped, or lacks its schema.
    """
    kind = form.get("type")
    if kind == "json_schema":
        inside = f"{field}.json_schema" if nested else field
        if nested:
            check_only(form, frozenset({"type", "json_schema"}), field)
        stated = object_at(form, "json_schema") if nested else form
        check_only(stated, _SCHEMA_KEYS, inside)
        return _schema_form(stated, inside)
    if kind not in ("json_object", "text", None):
        raise RefusedCallError(f"this {field!r} crosses to no other vendor")
    check_only(form, frozenset({"type"}), field)
    return AnswerForm(json=kind == "json_object")


def _schema_form(stated: JsonObject, field: str) -> AnswerForm:
    """A description is the schema's own where that has none; there is no other place for it."""
    schema, strict = stated.get("schema"), stated.get("strict")
    if not isinstance(schema, dict):
        raise wrong(f"{field}.schema", "an object")
    if strict is not None and not isinstance(strict, bool):
        raise wrong(f"{field}.strict", "true or false")
    stated_text(stated, "name", field)
    said, own = stated_text(stated, "description", field), object_at(stated, "schema")
    left_out = said and own.get("description") not in (None, said)
    if said and not left_out:
        own = {**own, "description": said}
    return AnswerForm(
        schema=to_json(own),
        strict=strict is True,
        left_out=(f"{field}.description",) if left_out else (),
    )


def content_pieces(document: JsonObject, key: str) -> list[JsonObject] | str | None:
    """A content that is a text, a list of parts, or nothing."""
    value = document.get(key)
    if value is None or isinstance(value, str):
        return value
    found = items_at(document, key)
    if value != found:
        raise wrong(key, "a text, or a list of parts")
    return found
