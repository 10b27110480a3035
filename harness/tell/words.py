"""The words of a page: reasons, numbers and names, differences of quality, plain tables.

An absent number is a dash. A difference of quality is told as cases that go wrong, more or fewer,
and in points where answers are graded. A table's numeric columns are recognised by their
cells.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import ceil, floor

from harness.money.amounts import CENT, cents, to_unit
from harness.record.base import Reason, Result
from harness.record.model import DecisionRecord
from harness.record.quality_parts import Quality
from harness.wording import DASH, in_points
from reports.document import Badge, Column, Row, Table

_UNITS = (Decimal(1), CENT, Decimal("0.0001"), Decimal("0.000001"))

_OF_AN_OPTION: Mapping[Reason, str] = {
    Reason.NON_INFERIOR_AND_CHEAPER: "holds the limit and is cheaper",
    Reason.SUPERIOR_AND_CHEAPER: "is better and cheaper",
    Reason.SELF_HOST_BELOW_BREAK_EVEN: "is cheaper on own hardware at this volume",
    Reason.SAME_MODEL_CHEAPER: "is the same model, cheaper",
    Reason.QUALITY_INFERIOR: "is worse than the limit allows",
    Reason.UNLIKELY_TO_PASS: "was stopped early as unlikely to hold the limit",
    Reason.SLICE_REGRESSION: "harms a protected part of the cases",
    Reason.GUARDRAIL_FAILED: "fails a guardrail",
    Reason.LATENCY_SLO_MISSED: "is too slow for what is promised",
    Reason.CAPABILITY_GAP: "cannot do what the feature needs",
    Reason.DATA_NOT_PERMITTED: "may not see this data",
    Reason.SAVINGS_BELOW_MINIMUM: "would save less than the minimum",
    Reason.NET_SAVING_BELOW_MINIMUM: "would leave less than the minimum, all its costs counted",
    Reason.MODEL_RETIRING: "is being retired",
    Reason.CHEAPER_ONE_PASSED: "is dearer than one that passed",
    Reason.DRIFT_BUDGET_SPENT: "may have lost more than all steps together are allowed",
    Reason.CAPACITY_BOUGHT: "saves nothing while today's bought capacity is paid",
}
_OF_THE_REVIEW: Mapping[Reason, str] = {
    Reason.NO_CHEAPER_CANDIDATE: "no permitted model is cheaper",
    Reason.QUALITY_UNDECIDED: "these cases could not decide it",
    Reason.SAMPLE_TOO_SMALL: "there are too few cases to decide",
    Reason.LABELS_MISSING: "labels are missing",
    Reason.RUN_INCOMPLETE: "the run is incomplete",
    Reason.BASELINE_FAILS_OWN_BAR: "today's model misses its own bar",
    Reason.JUDGE_UNRELIABLE: "the judge cannot be relied on",
    Reason.PRICE_MISSING: "a price is missing",
    Reason.USAGE_NOT_REPORTED: "a server did not report its usage",
    Reason.TRAFFIC_MISSING: "the traffic is not known",
    Reason.LATENCY_NOT_MEASURED: "the time was not measured",
    Reason.EVALSET_CANNOT_TELL: "these cases cannot tell a good model from none",
    Reason.EVALSET_SPENT: "these cases were tested so often that they can decide nothing more",
}
LEVERS: Mapping[str, str] = {
    "batch": "batch",
    "caching": "prompt caching",
    "effort": "lower effort",
    "prompt": "another prompt",
    "shorter-output": "shorter answers",
}
"""What can be changed on the same model, as people call it."""
REASONS: Mapping[Reason, str] = {**_OF_AN_OPTION, **_OF_THE_REVIEW}


def of_option(name: str, reason: Reason) -> str:
    """`haiku may not see this data`, or `haiku: a price is missing`."""
    return f"{name} {REASONS[reason]}" if reason in _OF_AN_OPTION else f"{name}: {REASONS[reason]}"


def adding_up(whole: Decimal, part: Decimal) -> tuple[str, str, str]:
    """An amount, what is taken from it and what is left, in figures that add up as printed.

    The fewest decimals that leave the larger one three digits, and with which they add up.
    """
    most = max(abs(whole), abs(part))
    for unit in _UNITS:
        if add_up(whole, part, unit=unit) and (most >= unit * 100 or unit == _UNITS[-1]):
            first, second, left = (to_unit(a, unit) for a in (whole, part, whole - part))
            return f"{first:,f}", f"{second:,f}", f"{left:,f}"
    first, second = cents(whole), cents(part)
    return f"{first:,f}", f"{second:,f}", f"{first - second:,f}"


def add_up(whole: Decimal, part: Decimal, *, unit: Decimal) -> bool:
    """Whether an amount, what is taken from it and what is left do so, each rounded by itself."""
    return to_unit(whole, unit) - to_unit(part, unit) == to_unit(whole - part, unit)


def points(value: float | None, *, signed: bool = True) -> str:
    """Points with one decimal: `-0.4`; never a negative zero."""
    if value is None or not math.isfinite(value):
        return DASH
    rounded = round(value, 1) + 0.0
    text = f"{rounded:+.1f}" if signed else f"{rounded:.1f}"
    return "0.0" if rounded == 0 else text


def lowered(bound: float) -> float:
    """A lower bound with one decimal, rounded so that it promises no more.

    >>> lowered(-3.03), lowered(-3.0), lowered(2.98)
    (-3.1, -3.0, 2.9)
    """
    return floor(10 * bound + _ROUNDING) / 10 if math.isfinite(bound) else bound


def at_worst(bound: float | None) -> str:
    """A lower bound in points: `-3.1`."""
    return points(None if bound is None else lowered(bound))


def allowed(margin: float) -> str:
    """The same where a loss is told without a sign: `3 points are allowed`."""
    return f"{in_points(margin)} {'is' if margin == 1 else 'are'} allowed"


def share(value: float | None) -> str:
    """A score in points as a percentage: `94.5 %`."""
    return DASH if value is None else f"{value:.1f} %"


_TWO_DIGITS_BELOW = 0.01


def seconds(value: float | None) -> str:
    """`2.9 s`, with two decimals below one second; nothing takes 0.00 s."""
    if value is None:
        return DASH
    if 0 < value < _TWO_DIGITS_BELOW:
        return f"{value:.2g} s"
    return f"{value:.2f} s" if value < 1 else f"{value:,.1f} s"


def count(value: float | None) -> str:
    """A whole number with thousands separators."""
    return DASH if value is None else f"{value:,.0f}"


def about(value: float) -> str:
    """A count of two significant digits: `about 340`, `2,000`."""
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    step = 10 ** max(0, size - 1)
    if abs(value) < 1:
        return f"{value:.1g}"
    return f"{round(value / step) * step:,.0f}"


def day(value: date | datetime | None) -> str:
    """ISO date."""
    return DASH if value is None else f"{value:%Y-%m-%d}"


def singular(unit: str) -> str:
    """One of the feature's units: `invoices` to `invoice`."""
    if unit.endswith("ies"):
        return unit[:-3] + "y"
    if unit.endswith(("sses", "xes", "shes")):
        return unit[:-2]
    return unit[:-1] if unit.endswith("s") and not unit.endswith("ss") else unit


def person(address: str) -> str:
    """A name from an address: `dana.ruiz@example.com` to `Dana Ruiz`."""
    local = address.partition("@")[0]
    parts = [part for part in local.replace("_", ".").replace("-", ".").split(".") if part]
    return " ".join(part[:1].upper() + part[1:] for part in parts) or address


def spoken(name: str) -> str:
    """A feature's name within a sentence: first letter small unless it is an abbreviation."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def series(parts: Iterable[str]) -> str:
    """`a, b and c`."""
    items = list(parts)
    if len(items) < 2:  # noqa: PLR2004  # one item needs no "and"
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def sentence(text: str) -> str:
    """First letter large, a full stop at the end."""
    body = text.strip()
    if not body:
        return ""
    body = body[0].upper() + body[1:]
    return body if body.endswith((".", "!", "?", "\u2026")) else body + "."


_RESULTS: Mapping[Result, Badge] = {
    Result.PASS: Badge(words="passes", tone="change"),
    Result.FAIL: Badge(words="fails", tone="stop"),
    Result.UNDECIDED: Badge(words="open", tone="open"),
    Result.NOT_RUN: Badge(words="not asked", tone="done"),
}


def result_badge(result: Result, reasons: tuple[Reason, ...]) -> Badge:
    """What became of an option, in plain words."""
    if result is Result.NOT_RUN and Reason.CHEAPER_ONE_PASSED in reasons:
        return Badge(words="not needed", tone="done")
    return _RESULTS[result]


def result_word(result: Result, reasons: tuple[Reason, ...]) -> str:
    """PASS, FAIL, UNDECIDED, NOT RUN or NOT NEEDED."""
    if result is Result.NOT_RUN and Reason.CHEAPER_ONE_PASSED in reasons:
        return "NOT NEEDED"
    return result.value.replace("_", " ")


def reasons_text(reasons: tuple[Reason, ...]) -> str:
    """The codes as they stand in the record."""
    return ", ".join(reason.value for reason in reasons)


_HUNDRED, _THOUSAND = 100, 1000
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Harm:
    """The harm of a swap, in cases of every `of`, or in points where answers are graded.

    `seen` is more that go wrong (below zero: fewer), `most` what cannot be excluded, `allowed` the
    limit. In cases `seen` is rounded, and `most` is rounded up to one in 1,000: it promises no less
    than the bound.
    """

    seen: float
    most: float
    allowed: float
    of: int | None
    """None: points of a graded score."""

    def text(self, unit: str) -> str:
        """`About 4 more of 100 tickets go wrong; up to 10 cannot be excluded`."""
        return f"{self._seen(unit)}; {self._most()}"

    @property
    def brief(self) -> str:
        """`about 4 more of 100 go wrong, at worst 10`."""
        word = "fewer" if self.seen < 0 else "more"
        if self.of is None:
            size = self._size(abs(self.seen))
            most = self.at_most
            word = "higher" if self.seen < 0 else "lower"
            return f"an answer scores about {size} of 100 points {word}, at worst {most} lower"
        seen = f"about {self._size(abs(self.seen))}" if self.seen else "not one"
        more = " more" if self.seen < 0 else ""
        most = f"{self._size(self.most)}{more}" if self.most > 0 else "none"
        verb = "go" if abs(self.seen) > 1 else "goes"
        return f"{seen} {word} of {count(self.of)} {verb} wrong, at worst {most}"

    @property
    def at_most(self) -> str:
        """What cannot be excluded: `4.2`; nothing where even the bound is none."""
        return self._size(max(self.most, 0))

    @property
    def limit(self) -> str:
        """What is allowed, in the same unit: `10`."""
        return f"{self.allowed:,.10g}"

    def _seen(self, unit: str) -> str:
        if self.of is None:
            if not self.seen:
                return "By what was seen an answer scores as much as today's"
            size, word = self._size(abs(self.seen)), "lower" if self.seen > 0 else "higher"
            return f"An answer scores about {size} of 100 points {word}"
        if not self.seen:
            return f"By what was seen not one more of {count(self.of)} {unit} goes wrong"
        word = "more" if self.seen > 0 else "fewer"
        verb = "go" if abs(self.seen) > 1 else "goes"
        return f"About {self._size(abs(self.seen))} {word} of {count(self.of)} {unit} {verb} wrong"

    def _most(self) -> str:
        if self.most > 0:
            more = " lower" if self.of is None else " more" if self.seen < 0 else ""
            return f"up to {self._size(self.most)}{more} cannot be excluded"
        if self.of is None:
            least = f"at least {self._size(-self.most)} higher" if self.most else "no lower"
            return f"{least} even at worst"
        least = f"{self._size(-self.most)} fewer" if self.most else "not one more"
        return f"{least} even at worst"

    def _size(self, value: float) -> str:
        return points(value, signed=False) if self.of is None else f"{value:,.10g}"


def harm_text(record: DecisionRecord, quality: Quality) -> str:
    """The harm in one sentence, with the limit."""
    found, margin = harm(quality), record.margin
    owner = margin.agreed_by in {None, record.feature.owner.partition("@")[0]}
    who = "you allowed" if owner and margin.agreed_on is not None else "the limit allows"
    most = in_points(quality.margin)
    if found.of is not None:
        most = f"{found.limit} of {count(found.of)} ({most})"
    return f"{found.text(record.feature.unit)}; {who} {most}."


def groups_text(record: DecisionRecord, quality: Quality) -> str:
    """How the bound counts cases that are not independent; empty where all are."""
    if quality.clusters is None:
        return ""
    return (
        f" The {count(quality.n)} {record.feature.unit} come in {count(quality.clusters)} groups; "
        "those of one group may go wrong together, and the worst case allows for that."
    )


def harm(quality: Quality) -> Harm:
    """The harm of an option, in cases where each is right or wrong, else in points.

    Of one that passed the corrected estimate: what was picked for looking good looked too good.
    """
    if quality.only_current_right is None or quality.repeats != 1:
        most = -lowered(quality.worst)
        return Harm(seen=-quality.told, most=most, allowed=quality.margin, of=None)
    base = _base(quality)
    share = base / 100
    seen = floor(-quality.told * share + 0.5)
    return Harm(
        seen=seen,
        most=max(seen, _up(-quality.worst * share, base)),
        allowed=round(quality.margin * share, 1),
        of=base,
    )


def _up(value: float, of: int) -> float:
    """Rounded up to one in 1,000, so that it agrees with a count of a month's cases."""
    steps = _THOUSAND / of
    return ceil(value * steps - _ROUNDING) / steps


def _base(quality: Quality) -> int:
    """100 cases, or 1,000 where 100 would round a difference or the limit to nothing."""
    small = 0 < abs(quality.told) < 1 or 0 < abs(quality.worst) < 1
    return _THOUSAND if small or quality.margin != round(quality.margin) else _HUNDRED


_NUMBER = re.compile(r"^(USD )?[-+]?\d[\d,.]*( %| s)?$|^\u2013$")
_SOMETHING = re.compile(r"\d")


def table(
    caption: str,
    names: Sequence[str],
    rows: Iterable[tuple[str, ...]],
    *,
    strong: Collection[str] = (),
) -> Table | None:
    """A table of plain cells, or None when it has no row.

    `strong` names the first cells whose rows stand out.
    """
    cells = list(rows)
    if not cells:
        return None
    columns = tuple(
        Column(text=name, numeric=at > 0 and _numeric([row[at] for row in cells]))
        for at, name in enumerate(names)
    )
    made = tuple(Row(cells=row, strong=row[0] in strong) for row in cells)
    return Table(caption=caption, columns=columns, rows=made)


def pairs(caption: str, rows: Iterable[tuple[str, str]]) -> Table:
    """A table of names and values."""
    made = tuple(Row(cells=cells) for cells in rows)
    return Table(caption=caption, columns=(Column(text="what"), Column(text="value")), rows=made)


def _numeric(cells: Sequence[str]) -> bool:
    numbers = all(_NUMBER.match(cell) for cell in cells)
    return numbers and any(_SOMETHING.search(cell) for cell in cells)
