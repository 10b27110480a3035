"""SHA-256 of what must not change unnoticed: prompts, inputs, labels, policy. Standard library."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal

from evalsets.cases import Case, EvalSet, ScorerSpec
from harness.workspace.policy_file import PolicyConfig

_DECIDING = {"confidence", "risk", "minimum_saving_usd", "procedure"}
"""What of the policy a verdict depends on, prices apart (they stand in the record)."""


def fingerprint(value: object) -> str:
    """Hex SHA-256 of a JSON value's canonical text; decimals and days count as text.

    Raises:
        TypeError: the value is no JSON.
        ValueError: it holds NaN or an infinity.
    """
    text = _CANONICAL.encode(value)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def prompt_sha256(text: str) -> str:
    """Of a prompt's text, with line ends as they are on every platform."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode()).hexdigest()


def inputs_sha256(evalset: EvalSet) -> str:
    """Of an eval set's inputs: ids, inputs, metadata and scorers; not of its labels.

    Seeds the order of the cases, and tells whether two reviews used the same set. The order of
    the lines in the file does not count.
    """
    cases = sorted((_inputs(case) for case in evalset.cases), key=lambda case: str(case["id"]))
    scorers = [evalset.primary, *(guardrail.scorer for guardrail in evalset.guardrails)]
    return fingerprint({"cases": cases, "scorers": [_scorer(spec) for spec in scorers]})


def labels_sha256(evalset: EvalSet) -> str | None:
    """Of the right answers, those of the case file included; None when no case has one."""
    right = sorted(
        (case.id, case.target or "", *case.also_right, *(f"not {no}" for no in case.ruled_out))
        for case in evalset.cases
        if case.target is not None or case.ruled_out
    )
    return fingerprint(right) if right else None


def policy_sha256(policy: PolicyConfig) -> str:
    """Of what decides: confidence, margins, minimum saving, procedure."""
    return fingerprint(policy.model_dump(mode="json", include=_DECIDING))


def _inputs(case: Case) -> dict[str, object]:
    facts = asdict(case)
    del facts["target"], facts["also_right"], facts["ruled_out"]
    if case.context is None:
        del facts["context"]
    if not isinstance(case.input, str):
        facts["input"] = [without_absent(turn) for turn in facts["input"]]
    return facts


_ABSENT = {"documents", "document_sha256"}
"""Fields that are no part of a hash where they are empty: a set without them keeps its own."""


def without_absent(facts: Mapping[str, object]) -> dict[str, object]:
    """The fields of a turn or a message without those that it has nothing for."""
    return {key: value for key, value in facts.items() if value or key not in _ABSENT}


def _scorer(spec: ScorerSpec) -> dict[str, object]:
    return asdict(spec)


def _as_text(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no JSON value")


_CANONICAL = json.JSONEncoder(
    sort_keys=True,
    separators=(",", ":"),
    ensure_ascii=False,
    allow_nan=False,
    default=_as_text,
)
