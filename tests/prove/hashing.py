"""A record's hashes over RFC 8785's canonical JSON, by code that imports nothing of ours."""

import hashlib
import json
from decimal import Decimal
from typing import Any

Json = dict[str, Any]
NOT_FOUND = {"generated_at", "state", "history", "exception", "finding_sha256", "etag"}


def canonical(value: Any) -> str:
    """RFC 8785; a record holds no number beyond 1e21."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    if isinstance(value, float) and 0 < abs(value) < 1e-6:
        return repr(value).replace("e-0", "e-")
    return f"{Decimal(repr(value)):f}" if isinstance(value, float) else json.dumps(
        value, ensure_ascii=False)  # fmt: skip


def sha256(value: Json, without: set[str]) -> str:
    kept = {key: one for key, one in value.items() if key not in without}
    return hashlib.sha256(canonical(kept).encode()).hexdigest()


def hashes(record: Json) -> list[str]:
    found = dict(record)
    if record["savings"]:
        later = {"realised", "verified_at", "realised_months"}
        found["savings"] = {k: v for k, v in record["savings"].items() if k not in later}
    told = (("finding_sha256", sha256(found, NOT_FOUND)), ("etag", sha256(record, {"etag"})))
    return [f"{name} does not fit the text" for name, made in told if record[name] != made]
