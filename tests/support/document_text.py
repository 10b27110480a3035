"""The words of a document, without its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reports.document import (
    Bars,
    Bullets,
    CostQuality,
    Deadline,
    Fold,
    Forest,
    Headlines,
    Latency,
    Notice,
    Paragraph,
    Reckoning,
    Scatter,
    Signature,
    Summary,
    Table,
    Verbatim,
    Waterfall,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.document import Badge, Block, Code, Document, Link


def texts(document: Document) -> list[str]:
    """Every stretch of text that a reader sees, in order; charts apart."""
    sections = [text for part in document.appendix for text in (part.title, *_of(part.blocks))]
    badge = [] if document.badge is None else [document.badge.words]
    return [document.title, *badge, document.status, *_of(document.page), *sections]


def _of(blocks: tuple[Block, ...]) -> list[str]:
    return [text for block in blocks for text in _texts(block)]


def _texts(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from (block.lead or "", *(_run(run) for run in block.runs))
        case Verbatim():
            yield from (block.lead, block.text)
        case Notice():
            yield block.text
        case Bullets():
            yield from (block.lead or "", *block.items)
        case Table():
            yield from (block.caption, *(column.text for column in block.columns))
            yield from (_run(cell) for row in block.rows for cell in row.cells)
        case Signature():
            yield from (block.lead, *block.choices, *block.blanks)
        case Forest() | CostQuality() | Latency() | Waterfall() | Bars() | Scatter():
            yield block.caption
        case _:
            yield from _standing_out(block)


def _standing_out(block: Summary | Deadline | Headlines | Reckoning | Fold) -> Iterator[str]:
    match block:
        case Summary():
            yield from (block.lead, block.text)
        case Deadline():
            yield from (block.lead, *(_run(run) for run in block.runs))
            yield from (text for one in block.choices for text in (f"{one.answer}:", one.text))
        case Headlines():
            for item in block.items:
                yield from (item.label, item.value, *item.notes)
        case Reckoning():
            lines = (*block.lines, block.total, *block.after)
            yield from (block.caption, block.unit, *(text for line in lines for text in line))
        case Fold():
            yield from (block.summary, *_of(block.blocks))
        case _:
            assert_never(block)


def _run(run: str | Code | Link | Badge) -> str:
    if isinstance(run, str):
        return run
    if hasattr(run, "words"):
        return run.words
    return run.code if hasattr(run, "code") else run.text
