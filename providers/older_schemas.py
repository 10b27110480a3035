"""JSON Schema in the older form that Google's first SDK knows: a subset, types in capitals."""

from __future__ import annotations

from providers.documents import JsonObject, as_object
from providers.errors import BadRequestError

COPIED = frozenset(
    {"description", "enum", "format", "maxItems", "minItems", "nullable", "required"}
)
# Says nothing about what fits: left out without loss.
SILENT = frozenset({"$schema", "additionalProperties", "title"})


def to_older(schema: JsonObject) -> JsonObject:
    """Translate a schema, or raise `BadRequestError` for what the older form cannot say."""
    older: JsonObject = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, str):
            older["type"] = value.upper()
        elif key == "properties":
            older[key] = {name: to_older(as_object(of)) for name, of in as_object(value).items()}
        elif key == "items":
            older[key] = to_older(as_object(value))
        elif key in COPIED:
            older[key] = value
        elif key not in SILENT:
            raise BadRequestError(f"google-generativeai knows no schema key {key}", billable=False)
    return older
