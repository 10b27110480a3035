"""The anchor of a feature: its first incumbent, and the downgrades since.

Four swaps of which each loses less than its limit may lose four limits together. So what passes
is held against the first incumbent, too: what the steps may have lost by their own bounds must add
up to less than the policy's `drift`. So must the difference from the anchor's own answers to the
same cases, where the journal has them (`harness.conduct.finding.drift`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from harness.plan.planned_options import PlannedOption, plan_option
from harness.record.base import Verdict
from harness.record.model import DecisionRecord
from harness.record.stored import read_past
from harness.workspace.model_file import split_option
from harness.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One downgrade of the chain; shares. None: nobody tested it."""

    option: str
    difference: float | None
    worst: float | None
    """The bound that it passed by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The first incumbent of a feature's life, and what production did since."""

    option: str
    since: str
    """The first cycle."""
    level: float | None
    """Its own score then, points."""
    swaps: tuple[Swap, ...] = ()
    budget: float = 0.0
    """Points that the chain may lose."""
    rung: PlannedOption | None = None
    """As it would be asked today; None: the workspace has it no more, or no price of it."""


def histories(root: Path, cycle: str) -> Mapping[str, tuple[DecisionRecord, ...]]:
    """The records of each feature's earlier quarters, oldest first.

    Raises:
        UsageError: a record there cannot be read.
    """
    found: dict[str, list[DecisionRecord]] = {}
    for record in sorted(read_past(root / "reviews" / cycle), key=lambda one: one.cycle):
        found.setdefault(record.feature.id, []).append(record)
    return {name: tuple(records) for name, records in found.items()}


def anchor_of(
    workspace: Workspace, feature: str, past: Iterable[DecisionRecord], *, cycle: str, on: date
) -> Anchor:
    """The anchor of a feature, from the records of its earlier quarters."""
    incumbent = workspace.features[feature].incumbent
    records = tuple(past)
    if not records:
        first = Anchor(option=incumbent, since=cycle, level=None)
    else:
        opening = records[0]
        level = opening.current_quality
        first = Anchor(option=opening.current.option, since=opening.cycle, level=level)
    chain, today = list[Swap](), [*(one.current.option for one in records[1:]), incumbent]
    for record, after in zip(records, today, strict=False):
        chain = _moved(chain, first.option, record, after)
    return replace(
        first,
        swaps=tuple(chain),
        budget=workspace.policy.drift,
        rung=_asked_today(workspace, feature, first.option, on=on),
    )


def _moved(chain: list[Swap], anchor: str, record: DecisionRecord, after: str) -> list[Swap]:
    """The chain after a quarter: one step further, back to where it was, or as it is."""
    if after == anchor:
        return []
    names = [swap.option for swap in chain]
    if after in names:
        return chain[: names.index(after) + 1]
    tested = record.verdict is Verdict.DOWNGRADE and record.chosen == after
    option = next((one for one in record.options if one.target.option == after), None)
    quality = option.quality if tested and option is not None else None
    if quality is None:
        return [*chain, Swap(option=after, difference=None, worst=None)]
    step = Swap(
        option=after,
        difference=quality.difference / 100,
        worst=quality.worst / 100,
    )
    return [*chain, step]


def _asked_today(
    workspace: Workspace, feature: str, option: str, *, on: date
) -> PlannedOption | None:
    if split_option(option)[0] not in workspace.models:
        return None
    rung = plan_option(workspace, feature, option, on=on)
    return rung if rung.rates is not None else None
