"""The appendix's proof: the test as it was fixed, and what each option's cases made of it."""

from __future__ import annotations

from collections.abc import Iterable

from harness.record.model import DecisionRecord
from harness.record.proof import DesignFacts, PartFacts
from harness.tell.words import count, pairs, table
from harness.wording import DASH, in_points
from reports.document import Table


def proof_tables(record: DecisionRecord) -> list[Table | None]:
    """Both tables, where the record proves itself: `rightsize verify RECORD`."""
    design = record.evidence.design
    fixed = None if design is None else pairs("The test, as it was fixed", _rows(design))
    return [fixed, _pilot(record), _levels(record)]


_ENDS = "1-+0"
"""Both right, only today's model, only the candidate, neither."""


def _pilot(record: DecisionRecord) -> Table | None:
    """How the pilot's cases ended, where each is right or wrong; None without a pilot."""
    design = record.evidence.design
    size = design.stages[-1] if design is not None and design.stages else 0
    return table(
        "The pilot's own cases: they choose and weigh the options, and decide nothing",
        (
            "option",
            "cases",
            *("both right", "only today right", "only candidate right", "neither right"),
            "no answer or label",
        ),
        (
            (option.target.option, *_pilot_cells(option.proof.outcomes[:size]))
            for option in record.options
            if size and option.proof is not None and "/" not in option.proof.outcomes
        ),
    )


def _pilot_cells(outcomes: str) -> tuple[str, ...]:
    counts = [outcomes.count(end) for end in _ENDS]
    return tuple(map(count, (len(outcomes), *counts, len(outcomes) - sum(counts))))


def _rows(design: DesignFacts) -> list[tuple[str, str]]:
    mean, deviation, square, worth = design.prior
    savings = ", ".join(f"{name} {saving:g}" for name, saving in design.options)
    return [
        ("procedure, interval", f"{design.kind}, {design.method}"),
        ("error of the whole test", f"{design.alpha:g}"),
        *_limits(design),
        ("share of today's cost saved", savings),
        ("pilot, cases", _counts(design.stages)),
        ("looks, cases", _counts(design.looks)),
        ("checks for stopping, cases", _counts(design.checks)),
        ("spending", f"{design.spending:g}"),
        ("dropped by the pilot below a chance of", f"{design.drop_below:g}"),
        ("stopped below a chance of", f"{design.futile_below:g}"),
        ("dropped below a part of the error of", f"{design.least_weight:g}"),
        (
            "expected before: mean, deviation, mean square, worth cases",
            f"{mean:g}, {deviation:g}, {square:g}, {worth:g}",
        ),
        ("share of cases that may be left out", f"{design.largest_missing_share:g}"),
        ("an error in every answer costs, times today's cost", _number(design.error_worth)),
        *(_part(part) for part in design.parts),
    ]


def _limits(design: DesignFacts) -> list[tuple[str, str]]:
    """What earlier tests left of the error to single options."""
    told = zip(design.options, design.at_most or (), strict=False)
    left = [f"{name} {most:g}" for (name, _), most in told if most is not None]
    return [("of it at most, by earlier tests", ", ".join(left))] if left else []


def _counts(values: Iterable[int]) -> str:
    return ", ".join(map(count, values)) or DASH


def _number(value: float | None) -> str:
    return DASH if value is None else f"{value:.6g}"


def _part(part: PartFacts) -> tuple[str, str]:
    cases = count(part.where.count("1"))
    return (f"to be proven: {part.name}", f"limit {in_points(part.margin)}, {cases} cases")


def _levels(record: DecisionRecord) -> Table | None:
    return table(
        "How the error was shared out",
        (
            "option",
            "its part",
            "level at the end",
            "smallest level at which a look passes",
            "chance by the pilot",
        ),
        (
            (
                option.target.option,
                _number(option.proof.weight),
                _number(option.proof.local),
                _number(option.proof.smallest),
                _number(option.proof.pilot_chance),
            )
            for option in record.options
            if option.proof is not None and option.proof.weight is not None
        ),
    )
