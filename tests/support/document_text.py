"""The words of a document, without its charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reports.document import (
    Bars,
    Bullets,
    CostQuality,
    Fold,
    Forest,
    Latency,
    Notice,
    Paragraph,
    Scatter,
    Signature,
    Table,
    Verbatim,
    Waterfall,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reports.document import Block, Code, Document, Link


def texts(document: Document) -> list[str]:
    """Every stretch of text that a reader sees, in order; charts apart."""
    sections = [text for part in document.appendix for text in (part.title, *_of(part.blocks))]
    return [document.title, document.status, *_of(document.page), *sections]


def _of(blocks: tuple[Block, ...]) -> list[str]:
    return [text for block in blocks for text in _texts(block)]


def _texts(block: Block) -> Iterator[str]:
    match block:
        case Paragraph():
            yield from (block.lead or "", *(_run(run) for run in block.runs))
        case Verbatim() | Notice():
            yield from (block.lead if isinstance(block, Verbatim) else "", block.text)
        case Bullets():
            yield from (block.lead or "", *block.items)
        case Table():
            yield from (block.caption, *(column.text for column in block.columns))
            yield from (_run(cell) for row in block.rows for cell in row.cells)
        case Signature():
            yield from (block.lead, *block.choices, *block.blanks)
        case Forest() | CostQuality() | Latency() | Waterfall() | Bars() | Scatter():
            yield block.caption
        case Fold():
            yield block.summary
            yield from _of(block.blocks)
        case _:
            assert_never(block)


def _run(run: str | Code | Link) -> str:
    if isinstance(run, str):
        return run
    return run.code if hasattr(run, "code") else run.text
