"""Forty-odd ways to change a record, each with hashes that fit what it says then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.record.parts import PowerFacts
from tests.prove.hashing import NOT_FOUND, sha256

Json = dict[str, Any]
Change = Callable[[Json], None]


def resealed(record: Json) -> Json:
    """The record with hashes that fit."""
    facts = dict(record)
    if record["savings"]:
        later = {"realised", "verified_at", "realised_months"}
        facts["savings"] = {k: v for k, v in record["savings"].items() if k not in later}
    sealed = {**record, "finding_sha256": sha256(facts, NOT_FOUND)}
    return {**sealed, "etag": sha256(sealed, {"etag"})}


def option(record: Json, place: int = -1) -> Json:
    return record["options"][place]


def at(*path: str | int, to: Any) -> Change:
    """Put another value there; of a function its result."""

    def change(record: Json) -> None:
        holder: Any = record
        for key in path[:-1]:
            holder = holder[key]
        old = holder[path[-1]]
        new = to(old) if callable(to) else to
        assert new != old, path
        holder[path[-1]] = new

    return change


def sign(old: str, new: str) -> Change:
    """One case of the chosen option ended otherwise."""

    def change(record: Json) -> None:
        proof = option(record)["proof"]
        text = proof["outcomes"]
        place = text.rindex(old)
        proof["outcomes"] = text[:place] + new + text[place + 1 :]

    return change


def passed_after_all(record: Json) -> None:
    option(record, 0)["result"] = "PASS"
    option(record, 0)["reason_codes"] = ["NON_INFERIOR_AND_CHEAPER"]


def failed_after_all(record: Json) -> None:
    option(record)["result"] = "FAIL"
    option(record)["reason_codes"] = ["QUALITY_INFERIOR"]
    record |= {"verdict": "justify", "chosen": None}


def unproved(record: Json) -> None:
    for one in record["options"]:
        one["proof"] = None


def another_limit(record: Json) -> None:
    record["margin"]["value"] = 8.0
    for one in record["options"]:
        if one["quality"]:
            one["quality"]["margin"] = 8.0


def power(**told: float) -> Change:
    """Another power, and the note that says it."""

    def change(record: Json) -> None:
        facts = PowerFacts(**{**record["evidence"]["power"], **told})
        record["evidence"] |= {"power": facts.model_dump(mode="json"), "power_note": facts.note}

    return change


def more(value: float) -> float:
    return value + 1


_QUALITY, _LOOK = ("options", -1, "quality"), ("options", -1, "quality", "looks", -1)
_PROOF, _DESIGN = ("options", -1, "proof"), ("evidence", "design")

CHANGES: dict[str, Change] = {
    "the verdict": at("verdict", to="justify"),
    "the chosen one": at("chosen", to="bad"),
    "a failed option that passes": passed_after_all,
    "a passed option that fails": failed_after_all,
    "the limit": another_limit,
    "all proofs left out": unproved,
    "the proof of the chosen one left out": at("options", -1, "proof", to=None),
    "the proof of a failed one left out": at("options", 0, "proof", to=None),
    "an option of the test left out": at("options", to=lambda options: options[1:]),
    "an option left out of the design": at(
        "evidence", "design", "options", to=lambda options: options[1:]
    ),
    "a loss made right": sign("-", "1"),
    "a loss made a gain": sign("-", "+"),
    "a case that both got right, lost": sign("1", "-"),
    "a case that neither got right, won": sign("0", "+"),
    "cases left out": at(*_PROOF, "outcomes", to=lambda text: text[:-30]),
    "cases in another order": at(*_PROOF, "outcomes", to=lambda text: text[::-1]),
    "the difference": at(*_QUALITY, "difference", to=more),
    "the worst": at(*_QUALITY, "worst", to=more),
    "the best": at(*_QUALITY, "best", to=more),
    "the level": at(*_QUALITY, "level", to=0.05),
    "the number of cases": at(*_QUALITY, "n", to=more),
    "the losses": at(*_QUALITY, "only_current_right", to=0),
    "the gains": at(*_QUALITY, "only_candidate_right", to=9),
    "both right": at(*_QUALITY, "both_right", to=more),
    "neither right": at(*_QUALITY, "neither_right", to=more),
    "today's level": at(*_QUALITY, "current", to=more),
    "the candidate's level": at(*_QUALITY, "candidate", to=more),
    "a look's p-value": at(*_LOOK, "p_value", to=lambda p: p / 2),
    "a look's level": at(*_LOOK, "level", to=lambda level: level * 2),
    "a look's worst": at(*_LOOK, "worst", to=more),
    "a look's difference": at(*_LOOK, "difference", to=more),
    "a look's losses": at(*_LOOK, "lost", to=more),
    "a look's gains": at(*_LOOK, "won", to=more),
    "a look's cases": at(*_LOOK, "n", to=lambda n: n - 20),
    "a look's number": at(*_LOOK, "number", to=lambda number: 1 if number > 1 else 2),
    "its part of the error": at(*_PROOF, "weight", to=lambda one: one / 2),
    "its local level": at(*_PROOF, "local", to=0.05),
    "its smallest level": at(*_PROOF, "smallest", to=0.3),
    "its chance by the pilot": at(*_PROOF, "pilot_chance", to=lambda one: one / 2),
    "that it was looked at": at(*_PROOF, "looked_at", to=""),
    "the error of the test": at(*_DESIGN, "alpha", to=0.1),
    "the pilot": at(*_DESIGN, "stages", to=lambda stages: [stages[0], stages[-1] + 20]),
    "the looks": at(*_DESIGN, "looks", to=lambda looks: [*(x - 7 for x in looks[:-1]), looks[-1]]),
    "what is spent when": at(*_DESIGN, "spending", to=0.2),
    "the prior": at(*_DESIGN, "prior", to=[0.1, 0.02, 0.01, 100.0]),
    "the interval": at(*_DESIGN, "method", to="gaffke"),
    "what this test takes": at("evidence", "eval_set", "life", "level", to=1.0),
    "the saving": at("savings", "monthly", to="999"),
    "the saving after discounts": at("savings", "after_discounts", to="999"),
    "the saving's lower end": at("savings", "monthly_lower", to="1"),
    "the saving's upper end": at("savings", "after_discounts_upper", to="999"),
    "the tokens of the saving": at("savings", "units", to=lambda text: f"9{text}"),
    "the corrected difference": at(*_QUALITY, "corrected", to=lambda one: one - 0.5),
    "the chance to decide": power(chance=0.2),
    "the smallest limit": power(smallest_margin=0.5),
    "what today costs": at("current_cost", "monthly_after_discounts", to="999"),
}
"""By what is changed, of a record whose last option was chosen."""
