"""What people read, as values: every text is worded already, every chart has its numbers.

A document is a page one of blocks and an appendix of sections; the index over a portfolio is
made of the same blocks. Nothing here is trusted: renderers escape every text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A stretch of text set as code: a command, a setting, a hash."""

    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Text that leads to another page of the same folder tree, or to another kind of file.

    `page` is a path without its ending; the renderer adds the ending of its own format, unless the
    link has one.
    """

    text: str
    page: str
    ending: str | None = None
    """`csv`; None: a page of the renderer's own format."""


Run: TypeAlias = str | Code | Link
Tone: TypeAlias = Literal["change", "stay", "open", "stop", "done"]
"""What a badge's colour says beside its words: change it, leave it, not known, halt, over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A word or two that stand out: a verdict, a state; also a table's cell."""

    words: str
    tone: Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Running text after an optional bold lead."""

    kind: ClassVar[str] = "paragraph"
    lead: str | None
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice above everything else."""

    kind: ClassVar[str] = "notice"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The page in one line after a bold lead, larger than the rest."""

    kind: ClassVar[str] = "summary"
    lead: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One answer that a reader may give, and what it brings about."""

    answer: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """What is to be done by when, and what each answer means."""

    kind: ClassVar[str] = "deadline"
    lead: str
    runs: tuple[Run, ...]
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One large figure under its label, and what stands below it."""

    label: str
    value: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Headlines:
    """A few large figures side by side; the caption is for who does not see the page."""

    kind: ClassVar[str] = "headlines"
    caption: str
    items: tuple[Headline, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoning:
    """A sum line by line that ends in one number, and what hangs on that number."""

    kind: ClassVar[str] = "reckoning"
    caption: str
    unit: str
    lines: tuple[tuple[str, str], ...]
    total: tuple[str, str]
    after: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bullets:
    """A short list after an optional bold lead."""

    kind: ClassVar[str] = "bullets"
    lead: str | None
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verbatim:
    """A long text with its line breaks, such as a prompt or an answer."""

    kind: ClassVar[str] = "verbatim"
    lead: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A table's column; numbers stand to the right."""

    text: str
    numeric: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A table's row; its first cell names it."""

    cells: tuple[str | Link | Badge, ...]
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of equal length under named columns."""

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    stacked: bool = False
    """On a narrow screen each row stands as a list of its named cells."""

    def __post_init__(self) -> None:
        width = len(self.columns)
        if any(len(row.cells) != width for row in self.rows):
            raise ValueError(f"every row of {self.caption!r} needs {width} cells")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Boxes to tick and blanks to fill, for who signs on paper."""

    kind: ClassVar[str] = "signature"
    lead: str
    choices: tuple[str, ...]
    blanks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """One labelled row of a forest plot, points."""

    label: str
    value: float
    low: float
    high: float
    strong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forest:
    """Differences of quality against the limit, points; `limit` is negative."""

    kind: ClassVar[str] = "forest"
    caption: str
    description: str
    axis: str
    limit: float
    limit_label: str
    rows: tuple[Interval, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One option in the plane of cost and quality."""

    label: str
    monthly_usd: float
    quality: float
    strong: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CostQuality:
    """Quality (points) against monthly cost (USD); `floor` is the least acceptable quality."""

    kind: ClassVar[str] = "costquality"
    caption: str
    description: str
    x_axis: str
    y_axis: str
    floor: float | None
    floor_label: str
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSeconds:
    """One model's measured seconds; `p95_upper` is the bound that must meet the limit."""

    label: str
    p50: float | None
    p95: float | None
    p95_upper: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Seconds of each model against the promised limit."""

    kind: ClassVar[str] = "latency"
    caption: str
    description: str
    axis: str
    limit: float | None
    limit_label: str
    rows: tuple[MeasuredSeconds, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One term between two monthly costs, USD."""

    label: str
    usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waterfall:
    """From one monthly cost to another, term by term, USD.

    Where the axis begins elsewhere than at zero, `axis` says so, and the bars of both ends show a
    break.
    """

    kind: ClassVar[str] = "waterfall"
    caption: str
    description: str
    axis: str
    start_label: str
    start_usd: float
    steps: tuple[Step, ...]
    end_label: str
    end_usd: float
    axis_from: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedAmount:
    """One named amount, with its text; `against` is an amount that a line across it shows."""

    label: str
    value: float
    text: str
    against: float | None = None
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Named amounts from zero on, one below the other."""

    kind: ClassVar[str] = "bars"
    caption: str
    description: str
    axis: str
    rows: tuple[NamedAmount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One of many in a plane; only a labelled one is named. The form tells what it is."""

    x: float
    y: float
    form: Literal["diamond", "dot", "ring", "cross"]
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scatter:
    """Many points over two axes; thin lines stand at `x_line` and `y_line`."""

    kind: ClassVar[str] = "scatter"
    caption: str
    description: str
    x_axis: str
    y_axis: str
    x_line: float
    y_line: float
    points: tuple[Point, ...]


Chart: TypeAlias = Forest | CostQuality | Latency | Waterfall | Bars | Scatter
Plain: TypeAlias = Paragraph | Notice | Summary | Bullets | Verbatim | Table | Signature | Chart
Block: TypeAlias = "Plain | Deadline | Headlines | Reckoning | Fold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """Blocks that stay closed, on paper too, until a reader opens them; open in Markdown."""

    kind: ClassVar[str] = "fold"
    summary: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A titled part; `anchor` is its name in addresses (letters, digits, hyphens)."""

    anchor: str
    title: str
    blocks: tuple[Block, ...]
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What people read about one feature.

    `stamp` names the record and the renderer's input: equal stamps are equal documents.
    """

    title: str
    status: str
    page: tuple[Block, ...]
    appendix: tuple[Section, ...]
    stamp: str
    badge: Badge | None = None
    home: Link | None = None
    """The page that this one is listed on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheets:
    """Page one of several documents in one file, to be printed: one sheet each."""

    title: str
    status: str
    documents: tuple[Document, ...]
    stamp: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Portfolio:
    """What a review meeting reads: all features of a cycle."""

    title: str
    status: str
    page: tuple[Block, ...]
    views: tuple[Section, ...]
    stamp: str
    badge: Badge | None = None
    home: Link | None = None
