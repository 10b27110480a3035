"""Floors for records: today's model beside the best answer that never changes."""

from __future__ import annotations

from harness.record.trust import FloorFacts


def a_floor(**over: object) -> FloorFacts:
    """Today's model right on 531 of 560; always "paid" would be right on 203."""
    return FloorFacts(
        **{
            "cases": 560,
            "sampled": False,
            "right": 531,
            "level": 94.821429,
            "level_lower": 92.9,
            "best_lower": None,
            "constant": "label",
            "label": "paid",
            "constant_right": 203,
            "constant_score": 36.25,
            "assumed": False,
            "margin": 3.0,
            "clears": True,
            "all_right": False,
            "alike": None,
            **over,
        }
    )


def a_low_floor(**over: object) -> FloorFacts:
    """Today's model right on 18 of 120; always "paid" would be right on 40."""
    return a_floor(
        **{
            "cases": 120,
            "right": 18,
            "level": 15.0,
            "level_lower": 9.93,
            "constant_right": 40,
            "constant_score": 33.333333,
            "clears": False,
            **over,
        }
    )


NOTHING_SEEN = {"right": None, "level": None, "level_lower": None}
UNKNOWN = {
    **NOTHING_SEEN,
    "cases": 0,
    "constant": None,
    "label": None,
    "constant_right": None,
    "constant_score": None,
    "clears": None,
}


def a_hopeless_floor(**over: object) -> FloorFacts:
    """Always "paid" is right on 58 of 60: known before any call."""
    return a_floor(
        **{
            **NOTHING_SEEN,
            "cases": 60,
            "best_lower": 95.13,
            "constant_right": 58,
            "constant_score": 96.666667,
            "clears": False,
            **over,
        }
    )


def an_alike_floor(**over: object) -> FloorFacts:
    """No labels, and one answer to 98.5 % of the cases."""
    return a_floor(**{**UNKNOWN, "clears": False, "alike": 98.5, **over})
