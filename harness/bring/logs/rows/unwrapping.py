"""Several calls in one JSON document, taken out of it one by one by the engine.

Each is a query over `batch` (line, text, reason) that gives rows of the same columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias, cast

Json: TypeAlias = "Mapping[str, object]"
_ENVELOPES = ("data", "records", "result", "results", "rows", "logs", "items", "value")


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


_EVENT = (
    "coalesce(json_extract_string({0}, '/message'), json_extract_string({0}, '/@message'), {0})"
)
_CLOUDWATCH = f"""
SELECT line, reason, unnest(CASE
  WHEN starts_with(event[1], '[') AND event[1] <> '[]' THEN list_transform(
    json_extract(event[1], '$[*]')::VARCHAR[], lambda one: {_EVENT.format("one")})
  ELSE [coalesce(event[2], event[3], text)] END) AS text
FROM (SELECT line, reason, text, CASE WHEN json_valid(text)
  THEN json_extract_string(text, ['/logEvents', '/message', '/@message']) END AS event FROM batch)
"""  # noqa: S608
"""A log line itself, or those inside an export of CloudWatch (`logEvents`, `@message`)."""


_KEYED = (
    "list_transform(json_extract({0}, '$.values[*].key')::VARCHAR[], lambda name, place: "
    "name || ':' || (json_extract({0}, '$.values[*].value.*')::VARCHAR[])[place])"
)
_VALUE = (
    'CASE WHEN starts_with({0}, \'{{"values":[{{"key":\') '
    f"THEN '{{{{' || array_to_string({_KEYED}, ',') || '}}}}' "
    "WHEN starts_with({0}, '{{\"values\":') "
    "THEN '[' || array_to_string(json_extract({0}, '$.values[*].*')::VARCHAR[], ',') || ']' "
    "ELSE coalesce({0}, 'null') END"
)
"""An `AnyValue` of the protocol's JSON, whose one member is taken already, as plain JSON."""


def _listed(document: str, where: str) -> str:
    """Names and values of attributes, as columns."""
    names, values = (
        f"json_extract({document}, '{where}[*].{part}')::VARCHAR[]" for part in ("key", "value.*")
    )
    return f"{names} AS names, {values} AS given"


def _pairs(document: str, where: str) -> str:
    """Attributes, each as the text of an object's member; one without a value has none."""
    alone = "(json_extract(one, '$.value.*')::VARCHAR[])[1]"
    return (
        "CASE WHEN len(names) = len(given) THEN list_transform(names, "
        f"lambda name, nth: name || ':' || {_VALUE.format('given[nth]')}) "
        f"ELSE list_transform(json_extract({document}, '{where}[*]')::VARCHAR[], lambda one: "
        f"json_extract(one, '$.key')::VARCHAR || ':' || {_VALUE.format(alone)}) END"
    )


def _object(members: str) -> str:
    return f"'{{' || coalesce(array_to_string({members}, ','), '') || '}}'"


def _any(names: tuple[str, ...]) -> str:
    """Whether a member's name begins with one of some texts."""
    tests = " OR ".join(f"""starts_with(one, '"{name}')""" for name in names)
    return f"len(list_filter(members, lambda one: {tests})) > 0"


_NAMED = ('gen_ai.operation.name"', 'openinference.span.kind"')
_COUNTED = ("gen_ai.usage.", "llm.usage.", "llm.token_count.")
_LABELS = (
    "list_filter(members, lambda one: ends_with(one, '\"') AND (starts_with(one, "
    "'\"gen_ai.agent.') OR starts_with(one, '\"gen_ai.prompt.name\"')))"
)
_SPAN = ("/traceId", "/spanId", "/parentSpanId", "/startTimeUnixNano", "/endTimeUnixNano")
_OTLP = f"""
WITH groups AS (
  SELECT line, reason, text, unnest(CASE WHEN len(found) > 0 THEN found ELSE [NULL] END) AS held
  FROM (SELECT *, TRY(json_extract(text, '$.resourceSpans[*]'))::VARCHAR[] AS found FROM batch)),
held AS (
  SELECT line, reason, text, held, {_listed("held", "$.resource.attributes")},
    json_extract(held, '$.scopeSpans[*].spans[*]')::VARCHAR[] AS found FROM groups),
spans AS (
  SELECT line, reason, text, {_object(_pairs("held", "$.resource.attributes"))} AS resource,
    unnest(CASE WHEN len(found) > 0 THEN found ELSE [NULL] END) AS span FROM held),
listed AS (
  SELECT line, reason, text, resource, span, {_listed("span", "$.attributes")},
    list_transform(json_extract_string(span, {[*_SPAN]}), lambda one: coalesce(one, '')) AS own,
    json_extract_string(span, '/status/code') IN ('2', 'STATUS_CODE_ERROR') AS failed
  FROM spans),
told AS (SELECT *, {_pairs("span", "$.attributes")} AS members FROM listed)
SELECT line, reason, CASE WHEN span IS NOT NULL THEN concat(
    '{{"id":', to_json(CASE WHEN '' IN (own[1], own[2]) THEN '' ELSE own[1] || '/' || own[2] END),
    ',"parent":', to_json(own[3]), ',"start":', to_json(own[4]), ',"end":', to_json(own[5]),
    ',"failed":', coalesce(failed, false), ',"is_call":', NOT ({_any(_NAMED)}) AND {_any(_COUNTED)},
    ',"attributes":', {_object("members")}, ',"resource":', resource,
    ',"labels":', {_object(_LABELS)}, '}}')
  WHEN json_valid(text) THEN '{{}}' ELSE text END AS text
FROM told
"""  # noqa: S608
"""The spans of an export request, each with its resource's attributes, as flat objects.

A span of older instrumentation names no operation, but a model and tokens: `is_call`.
"""
UNWRAPPED: Mapping[str, str] = {"cloudwatch": _CLOUDWATCH, "otlp": _OTLP}
