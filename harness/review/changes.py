"""What differs between the plan that a cycle is held to and a later one, in people's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from harness.wording import listed, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

Plan: TypeAlias = dict[str, Any]
"""A plan's JSON, as the journal keeps it."""

_SCORED = {
    "primary": "the scorer",
    "guardrails": "the guardrails",
    "slices": "the slices",
    "bar": "the bar",
    "judges": "the judges",
}
_WHOLE = {"latency": "the latency limit", "cascades": "the cascades"}
_PROCEDURE = ("kind", "pilot", "looks", "checks", "stages", "steering", "largest_missing_share")
_FOLLOWS = {"inputs", "design", "asked", "repeats", "feature"}
"""Told by what they are made of."""


def changes(before: Plan, after: Plan) -> list[str]:
    """Each thing that was changed, most telling first; never empty.

    What only follows from another change is not told: an order of cases, the kind of interval.
    """
    found = [
        *_of_design(before.get("design") or {}, after.get("design") or {}),
        *(word for key, word in _SCORED.items() if before.get(key) != after.get(key)),
        *_of_cases(before, after),
        *(word for key, word in _WHOLE.items() if before.get(key) != after.get(key)),
        *_of_asked(before.get("asked") or {}, after.get("asked") or {}),
        *_others(before, after),
    ]
    return found or ["the test, as this version of rightsize plans it"]


def _of_design(before: Plan, after: Plan) -> Iterator[str]:
    if before.get("margin") != after.get("margin"):
        yield f"the margin ({_points(before)}, now {_points(after)})"
    if _names(before) != _names(after):
        yield f"the options ({_options(before)}; now {_options(after)})"
    if before.get("alpha") != after.get("alpha"):
        yield f"the confidence ({_confidence(before)}, now {_confidence(after)})"


def _of_cases(before: Plan, after: Plan) -> Iterator[str]:
    one: Plan = before.get("design") or {}
    other: Plan = after.get("design") or {}
    scored = any(before.get(key) != after.get(key) for key in ("primary", "guardrails"))
    same_ids = sorted(one.get("order", ())) == sorted(other.get("order", ()))
    if not same_ids or (before.get("inputs") != after.get("inputs") and not scored):
        yield "the cases"
    elif any(one.get(key) != other.get(key) for key in _PROCEDURE):
        yield "the procedure (its kind, pilot or looks)"
    if before.get("repeats") != after.get("repeats"):
        yield f"the repeats ({before.get('repeats')}, now {after.get('repeats')})"


def _of_asked(before: Plan, after: Plan) -> Iterator[str]:
    both = [option for option in after if option in before]
    for key, word in (("prompt", "the prompt"), ("params", "the request parameters")):
        names = [option for option in both if before[option].get(key) != after[option].get(key)]
        if names:
            yield f"{word} of {listed(names)}"


def _others(before: Plan, after: Plan) -> Iterator[str]:
    """What another version of the program planned by; only keys that both plans have tell."""
    known = {*_SCORED, *_WHOLE, *_FOLLOWS}
    for key in sorted(before.keys() & after.keys() - known):
        if before[key] != after[key]:
            yield f"the plan's {key}"


def _names(design: Plan) -> list[str]:
    """In no order of meaning: the cheapest comes first, and prices move."""
    return sorted(option["name"] for option in design.get("options", ()))


def _options(design: Plan) -> str:
    return ", ".join(_names(design)) or "none"


def _points(design: Plan) -> str:
    margin = design.get("margin")
    return "none" if margin is None else f"{margin:g} points"


def _confidence(design: Plan) -> str:
    return percent(1 - design.get("alpha", 0.0))
