"""Several calls in one JSON document, taken out of it one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, cast

Json: TypeAlias = "Mapping[str, object]"
_ENVELOPES = ("data", "records", "results", "rows", "logs", "items", "value")
_OK = frozenset({"stringValue", "intValue", "doubleValue", "boolValue"})


def listed(value: object) -> Iterator[object]:
    """The items of a list, or the value alone."""
    yield from cast("list[object]", value) if isinstance(value, list) else (value,)


def enveloped(value: object) -> Iterator[object]:
    """The items of a list, or of the list in which an interface answers: `{"data": [...]}`."""
    inner = next((part for name in _ENVELOPES if (part := _part(value, name))), None)
    yield from listed(value if inner is None else inner)


def _part(value: object, key: str) -> list[object]:
    """A list of a document; what is no list, or is not there, has no items."""
    found = _members(value).get(key)
    return cast("list[object]", found) if isinstance(found, list) else []


def _members(value: object) -> Json:
    """An object's members; what is none has none."""
    return cast("Json", value) if isinstance(value, Mapping) else {}


def otlp(document: object) -> Iterator[object]:
    """The spans of an export request, each with its resource's attributes, as flat objects."""
    for group in _part(document, "resourceSpans"):
        shared = _attributes(_members(group).get("resource"))
        for scope in _part(group, "scopeSpans"):
            for span in _part(scope, "spans"):
                yield _span(_members(span), shared)


def _span(span: Json, resource: Json) -> Json:
    attributes = _attributes(span)
    code = _members(span.get("status")).get("code")
    ids = [str(span.get(name) or "") for name in ("traceId", "spanId")]
    return {
        "id": "/".join(ids) if all(ids) else "",
        "parent": span.get("parentSpanId") or "",
        "start": str(span.get("startTimeUnixNano") or ""),
        "end": str(span.get("endTimeUnixNano") or ""),
        "failed": code in (2, "STATUS_CODE_ERROR"),
        "is_call": _is_call(attributes),
        "attributes": attributes,
        "resource": resource,
        "labels": {
            name: value
            for name, value in attributes.items()
            if isinstance(value, str) and name.startswith(("gen_ai.agent.", "gen_ai.prompt.name"))
        },
    }


def _is_call(attributes: Json) -> bool:
    """A span of older instrumentation that names no operation, but a model and tokens."""
    named = {"gen_ai.operation.name", "openinference.span.kind"} & attributes.keys()
    return not named and any(
        name.startswith(("gen_ai.usage.", "llm.usage.", "llm.token_count.")) for name in attributes
    )


def _attributes(holder: object) -> Json:
    return _pairs(_part(holder, "attributes"))


def _pairs(values: list[object]) -> Json:
    pairs = map(_members, values)
    return {str(pair.get("key")): _value(pair.get("value")) for pair in pairs}


def _value(value: object) -> object:
    """An `AnyValue` of the protocol's JSON: its one member."""
    kind, inner = next(iter(_members(value).items()), ("", None))
    if kind == "arrayValue":
        return [_value(each) for each in _part(inner, "values")]
    if kind == "kvlistValue":
        return _pairs(_part(inner, "values"))
    return inner if kind in _OK else None


def cloudwatch(document: object) -> Iterator[object]:
    """A log line itself, or those inside an export of CloudWatch (`logEvents`, `@message`)."""
    events = _part(document, "logEvents") or [document]
    for event in events:
        inner = _members(event)
        message = inner.get("message", inner.get("@message"))
        if isinstance(message, str):
            yield json.loads(message)
        else:
            yield message or event


UNWRAPPED: Mapping[str, Callable[[object], Iterator[object]]] = {
    "cloudwatch": cloudwatch,
    "otlp": otlp,
}
