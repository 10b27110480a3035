"""A record's hashes over RFC 8785's canonical JSON, by code that imports nothing of ours."""

import hashlib
from typing import Any

import rfc8785

Json = dict[str, Any]
NOT_FOUND = {"generated_at", "state", "history", "exception", "finding_sha256", "etag"}


def sha256(value: Json, without: set[str]) -> str:
    kept = {key: one for key, one in value.items() if key not in without}
    return hashlib.sha256(rfc8785.dumps(kept)).hexdigest()


def hashes(record: Json) -> list[str]:
    later, saved = {"realised", "verified_at", "realised_months"}, record["savings"] or {}
    found = {**record, "savings": {k: v for k, v in saved.items() if k not in later} or None}
    told = (("finding_sha256", sha256(found, NOT_FOUND)), ("etag", sha256(record, {"etag"})))
    return [f"{name} does not fit the text" for name, made in told if record[name] != made]
