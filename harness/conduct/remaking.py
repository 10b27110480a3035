"""The finding made again from the journal, held against the record's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from harness.record.model import DecisionRecord, seal

_NOT_FOUND = frozenset({"generated_at", "state", "history", "exception", "finding_sha256", "etag"})
_MOST_LINES = 20
_AT_LIST = ("at_estimate", "at_worst", "net_saving_estimate", "net_saving_worst")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """Whether the finding is the same, and where it is not."""

    same: bool
    differences: tuple[str, ...]
    """`options.0.quality.worst: -2.1 in the record, -2.4 recomputed`, at most 20."""


def compare_findings(record: DecisionRecord, again: DecisionRecord) -> Recomputed:
    """Hold a record against the one that was made again without a call.

    The hash of the record as it is written counts, not the one that it claims.
    """
    left, right = _facts(record), _facts(again)
    _on_one_basis(left, right)
    lines = list(_differences(left, right, ""))
    claimed = seal(record).finding_sha256
    if claimed != record.finding_sha256:
        lines.insert(0, f"finding_sha256: {record.finding_sha256[:12]} stands in the record, "
                        f"{claimed[:12]} fits its text")  # fmt: skip
    return Recomputed(same=not lines, differences=tuple(lines[:_MOST_LINES]))


def _facts(record: DecisionRecord) -> dict[str, Any]:
    facts = cast("dict[str, Any]", json.loads(record.model_dump_json(exclude=set(_NOT_FOUND))))
    if facts["savings"] is not None:
        facts["savings"] |= {"realised": None, "verified_at": None}
    # All three grow with every later review or try on the same journal.
    facts["evidence"] |= {"journal_runs": None}
    # Why a record decides nothing is worded for people, by whichever version wrote it.
    facts["evidence"] |= {"exploratory": bool(record.evidence.exploratory)}
    facts["evidence"]["eval_set"] |= {"times_used": None}
    for option in facts["options"]:
        option |= {"prompts_tried": None}
    return facts


def _on_one_basis(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Leave out what an older record held at list price and is made after discounts now."""
    for ours, theirs in zip(left["options"], right["options"], strict=False):
        first, second = ours["error_break_even"], theirs["error_break_even"]
        if first and second and "saving_after_discounts" not in first:
            for name in _AT_LIST:
                first[name] = second[name]
    if left["savings"] and right["savings"] and "minimum_usd" not in left["savings"]:
        left["bridge"] = right["bridge"]
        left["savings"]["payback_months"] = right["savings"]["payback_months"]


def _differences(left: Any, right: Any, path: str) -> Iterator[str]:  # noqa: ANN401  # JSON
    if isinstance(left, dict) and isinstance(right, dict):
        ours, theirs = cast("dict[str, Any]", left), cast("dict[str, Any]", right)
        # A key that the record does not have came after it: its writer could not say so much.
        for key in sorted(ours):
            yield from _differences(ours[key], theirs.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(left, list) and isinstance(right, list):
        first, second = cast("list[Any]", left), cast("list[Any]", right)
        if len(first) != len(second):
            yield f"{path}: {len(first)} entries in the record, {len(second)} recomputed"
        for at, (one, other) in enumerate(zip(first, second, strict=False)):
            yield from _differences(one, other, f"{path}.{at}")
    elif left != right:
        yield f"{path}: {left!r} in the record, {right!r} recomputed"
