"""The appendix's tables of a model on own hardware: how it would run, and from which volume on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.tables import pairs, table
from harness.publish.words import DASH, count, seconds, usd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.record.model import DecisionRecord
    from harness.record.parts import HostingFacts
    from reports.document import Table


def hosting_tables(record: DecisionRecord) -> Iterator[Table]:
    """Two tables for each model on own hardware; today's included."""
    for option, facts in _hosted(record):
        yield pairs(f"{option} on own hardware, a month", _rows(facts))
        even = table(
            f"From how many requests a month on {option} is no dearer; a dash: at no volume",
            ("than", "requests a month"),
            ((one.option, count(one.requests_per_month)) for one in facts.break_even),
        )
        if even is not None:
            yield even


def _hosted(record: DecisionRecord) -> Iterator[tuple[str, HostingFacts]]:
    if record.current_cost.hosting is not None:
        yield record.current.option, record.current_cost.hosting
    for option in record.options:
        name, month = option.target.option, option.cascade.month if option.cascade else None
        if option.cost.hosting is not None:
            yield name, option.cost.hosting
        if month is not None and month.first_hosting is not None:
            yield f"{name}: first", month.first_hosting


def _rows(facts: HostingFacts) -> list[tuple[str, str]]:
    load = DASH if facts.load_s is None else seconds(float(facts.load_s))
    return [
        ("GPUs per replica", count(facts.gpus_per_replica)),
        ("requests a second per replica, within the promised times", f"{facts.goodput_per_s:g}"),
        ("replicas committed to", count(facts.committed_replicas)),
        (
            "replicas, quietest to busiest hour",
            f"{count(facts.fewest_replicas)} to {count(facts.most_replicas)}",
        ),
        ("committed hours", usd(facts.committed_usd)),
        ("hours on demand", usd(facts.on_demand_usd)),
        ("starting replicas", usd(facts.scale_up_usd)),
        ("requests sent back to the hosted model", usd(facts.overflow_usd)),
        ("of the GPU hours, idle", usd(facts.idle_usd)),
        ("capacity used", f"{facts.utilisation * 100:.1f} %"),
        ("time to load a replica", load),
        ("source", facts.source),
    ]
