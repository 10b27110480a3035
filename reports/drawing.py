"""What a picture is made of: lines, marks, bars and labels on a plane of fixed width.

`templates/chart.svg.j2` writes a drawing as SVG; the page's sheet paints the tones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from math import ceil, floor, log10
from typing import Literal, TypeAlias

Tone: TypeAlias = Literal["ink", "soft", "limit", "chosen", "other"]

WIDTH = 360.0
"""Units of every picture: a little less than a pixel each on a phone, 1.3 on a wide page."""
FONT = 12.0
EDGE = 2.0
Form: TypeAlias = Literal["dot", "diamond", "ring", "cross"]
_RADIUS: dict[Form, float] = {"dot": 4.0, "diamond": 5.0, "ring": 4.0, "cross": 4.0}
_HOLE = 0.5
_ARM = 0.35
_BAR = 6.0
_MOST_TICKS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Whether the two share more than an edge."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """The point of the rectangle that is closest to another point."""
        return max(self.left, min(x, self.right)), max(self.top, min(y, self.bottom))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """A straight line, `width` units wide."""

    x1: float
    y1: float
    x2: float
    y2: float
    tone: Tone
    width: float = 1.0
    dashed: bool = False

    @property
    def path(self) -> str:
        """The line as SVG path data."""
        return f"M{self.x1:g} {self.y1:g}L{self.x2:g} {self.y2:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A filled form whose centre stands at a number."""

    x: float
    y: float
    form: Form
    tone: Tone

    @property
    def path(self) -> str:
        """The outline as SVG path data; a ring's hole is drawn the other way round."""
        r = _RADIUS[self.form]
        start = f"M{self.x - r:g} {self.y:g}"
        match self.form:
            case "dot":
                return _circle(self.x, self.y, r, turn=0)
            case "ring":
                hole = _circle(self.x, self.y, r * _HOLE, turn=1)
                return f"{_circle(self.x, self.y, r, turn=0)}{hole}"
            case "diamond":
                return f"{start}l{r:g} {-r:g} {r:g} {r:g} {-r:g} {r:g}Z"
            case "cross":
                return _cross(self.x, self.y, r)

    @property
    def box(self) -> Box:
        """The rectangle that the form covers."""
        r = _RADIUS[self.form]
        return Box(left=self.x - r, top=self.y - r, right=self.x + r, bottom=self.y + r)


def _circle(x: float, y: float, r: float, *, turn: int) -> str:
    half = f"a{r:g} {r:g} 0 1 {turn}"
    return f"M{x - r:g} {y:g}{half} {2 * r:g} 0{half} {-2 * r:g} 0Z"


def _cross(x: float, y: float, r: float) -> str:
    """Two bars that lie across each other, as one outline."""
    arm = r * _ARM
    long = round(r - arm, 2)
    turns = (
        *((arm, -arm), (long, long), (long, -long), (arm, arm)),
        *((-long, long), (long, long), (-arm, arm), (-long, -long)),
        *((-long, long), (-arm, -arm), (long, -long)),
    )
    steps = "".join(f"l{dx:g} {dy:g}" for dx, dy in turns)
    return f"M{x - r:g} {y - long:g}{steps}Z"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A horizontal bar from `x1` to `x2`; a change ends in a tip that shows its direction."""

    x1: float
    x2: float
    y: float
    tone: Tone
    change: bool = False
    width: float = 1.0

    @property
    def path(self) -> str:
        """The outline as SVG path data."""
        tip = max(-_BAR, min(_BAR, self.x2 - self.x1)) if self.change else 0.0
        top, bottom, neck = self.y - _BAR, self.y + _BAR, self.x2 - tip
        upper = f"M{self.x1:g} {top:g}L{neck:g} {top:g} {self.x2:g} {self.y:g}"
        return f"{upper} {neck:g} {bottom:g} {self.x1:g} {bottom:g}Z"

    @property
    def box(self) -> Box:
        """The rectangle that the bar covers."""
        left, right = sorted((self.x1, self.x2))
        return Box(left=left, top=self.y - _BAR, right=right, bottom=self.y + _BAR)


Shape: TypeAlias = Stroke | Mark | Block


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A text on its baseline; one that may be wider than `room` is set to exactly that width."""

    text: str
    x: float
    y: float
    anchor: Literal["start", "middle", "end"] = "middle"
    tone: Tone = "ink"
    room: float = WIDTH - 2 * EDGE

    @property
    def squeezed(self) -> float | None:
        """The width to set the text to; None leaves it to the browser's font."""
        return self.room if text_width(self.text) > self.room else None

    @property
    def box(self) -> Box:
        """The rectangle that the text stays within."""
        width = min(text_width(self.text), self.room)
        left = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return Box(left=left, top=self.y - 11, right=left + width, bottom=self.y + 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A whole picture; `plot` is the part within the axes, later shapes lie over earlier ones."""

    height: float
    plot: Box
    shapes: tuple[Shape, ...]
    labels: tuple[Caption, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Numbers from `low` to `high` laid along the units from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a number stands, to a tenth of a unit."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, most: int = _MOST_TICKS) -> dict[str, float]:
        """Round numbers within the axis, as text, and where they stand."""
        steps = nice_ticks(self.low, self.high, most)
        return {f"{step:,f}": self.at(float(step)) for step in steps}

    def spaced_ticks(self) -> dict[str, float]:
        """As many ticks as have room for their texts side by side."""
        most = _MOST_TICKS
        while not _apart(found := self.ticks(most)):
            most -= 1
        return found


def axis_over(numbers: Iterable[float], start: float, end: float) -> Axis:
    """An axis that spans all the numbers; those that are equal, or nearly, stand at its start."""
    known = tuple(numbers)
    low, high = min(known), max(known)
    size = max(abs(low), abs(high), 1.0)
    if high - low <= 1e-6 * size:
        high += size
    return Axis(low=low, high=high, start=start, end=end)


def nice_ticks(low: float, high: float, most: int) -> tuple[Decimal, ...]:
    """The multiples of 1, 2 or 5 times a power of ten from `low` to `high`; `most` at most.

    >>> [str(tick) for tick in nice_ticks(-13.5, 1.2, 5)]
    ['-10', '-5', '0']
    """
    power = floor(log10((high - low) / most))
    steps = (Decimal(digit).scaleb(power + more) for more in (0, 1) for digit in (1, 2, 5))
    bottom, top = Decimal(str(low)), Decimal(str(high))
    ends = ((step, ceil(bottom / step), floor(top / step)) for step in steps)
    step, first, last = next(end for end in ends if end[2] - end[1] < most)
    return tuple(step * times for times in range(first, last + 1))


def _apart(ticks: dict[str, float]) -> bool:
    boxes = [centred(text, x, 0).box for text, x in ticks.items()]
    return all(right.left - left.right >= FONT / 2 for left, right in pairwise(boxes))


def centred(text: str, x: float, y: float, tone: Tone = "ink") -> Caption:
    """A label around a place, moved as far as the picture's edges ask."""
    half = min(text_width(text) / 2 + EDGE, WIDTH / 2)
    return Caption(text=text, x=round(max(half, min(x, WIDTH - half)), 1), y=y, tone=tone)


def text_width(text: str) -> float:
    """Units that a text takes at most in DejaVu Sans, which is wider than other page fonts."""
    return FONT * sum(_ems(letter) for letter in text)


def _ems(letter: str) -> float:
    if letter in " !'(),-./:;I[]fijlrt|":
        return 0.42
    if letter in "mwMW@%&+=<>~#^" or not letter.isascii():
        return 1.0
    return 0.8 if letter.isupper() else 0.64
