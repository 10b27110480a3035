"""Who spends what today: the dearest features, and spend by environment and cost centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.economics.portfolio import drivers, spend_by, untagged
from harness.publish.store import file_name
from harness.publish.words import count, person, usd
from harness.wording import plural
from reports.document import Column, Link, Paragraph, Row, Section, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.economics.portfolio import Tag, TagSpend
    from harness.record.model import DecisionRecord
    from reports.document import Block

_TAGS: tuple[tuple[Tag, str], ...] = (
    ("environment", "environment"),
    ("cost_center", "cost centre"),
)


def spend_section(records: Sequence[DecisionRecord]) -> Section:
    """The view of today's spend; untagged spend is called out by name."""
    return Section(anchor="spend", title="Today's spend", blocks=tuple(_blocks(records)))


def _blocks(records: Sequence[DecisionRecord]) -> Iterable[Block]:
    nobody = untagged(records, "cost_center")
    if nobody is not None and nobody.monthly:
        text = f"{usd(nobody.monthly)} a month on {plural(nobody.features, 'feature')}."
        yield Paragraph(lead="Without a cost centre.", runs=(text,))
    found = drivers(records)
    if not found:
        yield Paragraph(lead=None, runs=("None is known.",))
        return
    names = {record.feature.id: record.feature.name for record in records}
    yield Table(
        caption="The ten features that spend most today, at list price",
        columns=_columns("feature", "owner", "model", numeric=("a month", "share")),
        rows=tuple(
            Row(
                cells=(
                    Link(text=names[one.feature], page=f"documents/{file_name(one.feature)}"),
                    person(one.owner),
                    one.model,
                    usd(one.monthly),
                    f"{100 * one.share:.0f} %",
                )
            )
            for one in found
        ),
    )
    for tag, word in _TAGS:
        yield Table(
            caption=f"Spend by {word} at list price, and proposed saving after discounts",
            columns=_columns(word, numeric=("features", "a month", "saves a month")),
            rows=tuple(_row(one) for one in spend_by(records, tag)),
        )


def _row(spend: TagSpend) -> Row:
    value = spend.value or "(none)"
    return Row(cells=(value, count(spend.features), usd(spend.monthly), usd(spend.saving)))


def _columns(*words: str, numeric: tuple[str, ...]) -> tuple[Column, ...]:
    texts = tuple(Column(text=word, numeric=False) for word in words)
    return (*texts, *(Column(text=word, numeric=True) for word in numeric))
