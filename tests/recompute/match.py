"""Holds texts of a page against templates; what has digits and is in no template is a fault."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from tests.recompute.forms import DASH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_SLOT = re.compile(r"\{([^{}]*)\}")
_NUMBER = rf"[-+]?\d+(?:,\d{{3}})*(?:\.\d+)?(?:e[-+]\d+)?|{DASH}"
_DONE = "\u00b7"
MARK = re.compile("\u2039([a-z]+)\u203a")

IDENTITIES: tuple[tuple[str, Callable[..., bool]], ...] = (
    (
        (
            r"of (\d+) [^\d;]*? both models answered (\d+) alike; (\d+) differ[^\d]*?"
            r"at most (\d+) more of these (\d+)"
        ),
        lambda asked, alike, differ, most, of: asked == alike + differ == of and most == differ,
    ),
    (
        (
            r"of (\d+) [^\d;]*? both models answered (\d+) alike; (\d+) differs? [^\d;]*?"
            r"(\d+) w(?:as|ere) worse; whatever the labels say, at most (\d+) more of these (\d+)"
        ),
        lambda asked, alike, differ, worse, most, of: (
            asked == alike + differ + worse == of and most == differ + worse
        ),
    ),
    (
        (
            r"of (\d+) [^\d;]*? both models answered (\d+) alike; (\d+) differs? [^\d;]*?"
            r"(\d+) w(?:as|ere) better; whatever the labels say, at most (\d+) more of these (\d+)"
        ),
        lambda asked, alike, differ, better, most, of: (
            asked == alike + differ + better == of and most == differ
        ),
    ),
    (
        (
            r"of (\d+) [^\d;]*? both models answered (\d+) alike; (\d+) differs? [^\d;]*?"
            r"(\d+) w(?:as|ere) worse and (\d+) w(?:as|ere) better; whatever the labels say, at "
            r"most (\d+) more of these (\d+)"
        ),
        lambda asked, alike, differ, worse, better, most, of: (
            asked == alike + differ + worse + better == of and most == differ + worse
        ),
    ),
    (
        (
            r"(\d+) cases in (\d+) clusters are worth (\d+) independent ones, and cannot clear a "
            r"margin of [\d.]+ points even without one disagreement: at least (\d+) are needed"
        ),
        lambda cases, clusters, worth, needed: max(clusters, worth) <= cases and worth < needed,
    ),
    (
        (
            r"on (\d+) [^\d;:]*? \((\d+) of the pilot, (\d+) that decide\) it scored (\d+) %, "
            r"today's model (\d+) %"
        ),
        lambda n, pilot, deciding, then, today: n == pilot + deciding and max(then, today) <= 100,
    ),
    (
        r"on (\d+) [^\d;:]*? of the pilot it scored (\d+) %, today's model (\d+) %",
        lambda n, then, today: n > 0 and max(then, today) <= 100,
    ),
    (
        (
            r"(\d+) of (\d+) cases are left to decide, and cannot clear a margin of [\d.]+ points "
            r"even without one disagreement: at least (\d+) are needed"
        ),
        lambda deciding, n, needed: deciding <= n and deciding < needed,
    ),
    (
        r"a shared prefix of at least (\d),(\d{3}) tokens; this one has (\d+)",
        lambda thousands, rest, has: has < 1000 * thousands + rest,
    ),
    (
        r"(\d+) tests? of it on these cases ha(?:s|ve) spent the (\d+) % that they share",
        lambda tests, promised: tests > 0 and promised == 5,
    ),
    (r"mark the first ([\d,]+) tokens as cacheable", lambda tokens: tokens > 0),
    (r"\blabels? of (\d+)(?: more)? random cases?\b", lambda asked: 0 < asked <= 30),
    (r"\bthe (\d+) random cases that are labelled\b", lambda drawn: 0 < drawn <= 30),
)
"""Sentences whose figures the record does not hold, with what must hold between them."""

EXCEPTIONS: Mapping[str, str] = {
    "a day": r"\b\d{4}-\d\d-\d\d\b(?: \d\d:\d\d)?(?: UTC)?",
    "a cycle": r"\b\d{4}-Q\d\b",
    "a hash": r"\b(?=[0-9a-f]*\d)[0-9a-f]{6,64}\b",
    "a percentile's name": r"\bp(?:50|95|99)\b",
    "the top of a scale": r"\bof 100\b",
    "a hash's name": r"\bSHA-256\b",
    "the zero of an axis": r"^ *\u00b7? *(?:limit)?.* 0$",
    "a schema's name": r"rightsizing-[a-z]+/v\d",
}
"""Digits that are no figures: dates, names, hashes, versions."""


@dataclass(kw_only=True)
class Finding:
    """A figure that is wrong, or that nothing here recomputes."""

    where: str
    text: str
    why: str


@dataclass(kw_only=True)
class Report:
    """What a run found: faults, figures recomputed, and exceptions by pattern."""

    findings: list[Finding] = field(default_factory=list)
    figures: int = 0
    excepted: Counter[str] = field(default_factory=Counter)

    def add(self, where: str, text: str, why: str) -> None:
        self.findings.append(Finding(where=where, text=text, why=why))


@cache
def compiled(template: str) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """A template as a pattern, and the names of its figures in order."""
    names: list[str] = []
    pattern = ""
    last = 0
    for slot in _SLOT.finditer(template):
        pattern += re.escape(template[last : slot.start()])
        last = slot.end()
        name = slot[1]
        if name == "*":
            pattern += r"[^\d;:]*?"
        elif name == "option":
            pattern += "\u2039(?P<option>[a-z]+)\u203a"
        elif name == "day":
            pattern += r"\d{4}-\d\d-\d\d"
        else:
            pattern += rf"(?P<n{len(names)}>{_NUMBER})"
            names.append(name)
    pattern += re.escape(template[last:])
    start = r"(?<![\d.,])" if template[:1] == "{" else ""
    return re.compile(start + pattern + r"(?![\d]|[.,]\d)"), tuple(names)


class Matcher:
    """Reads the texts of one page."""

    def __init__(self, report: Report, where: str, names: Mapping[str, str]) -> None:
        """`names` are texts that are no figures, with what stands for each."""
        self.report, self.where = report, where
        self.names = sorted(names.items(), key=lambda item: -len(item[0]))

    def masked(self, text: str) -> str:
        """The text with names in place of what the workspace calls its things."""
        for name, mark in self.names:
            if name in text:
                text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w]|-\w|\.(?!yaml)\w)", mark, text)
        return text

    def read(
        self,
        text: str,
        templates: tuple[str, ...],
        figures: Callable[[str | None, str], set[str] | None],
    ) -> None:
        """Check every figure of a text; `figures` gives the texts of one, by option and name."""
        left = self.masked(text)
        for template in templates:
            pattern, names = compiled(template)
            for found in [*pattern.finditer(left)]:
                left = self._one(text, left, found, names, figures)
        left = self._identities(text, left)
        for kind, pattern_text in EXCEPTIONS.items():
            left, times = re.subn(pattern_text, _DONE, left)
            self.report.excepted[kind] += times
        if re.search(r"\d", left):
            self.report.add(self.where, text, f"not recomputed: {MARK.sub('(name)', left)}")

    def _identities(self, text: str, left: str) -> str:
        for pattern, holds in IDENTITIES:
            for found in [*re.finditer(pattern, left)]:
                self.report.figures += len(found.groups())
                if not holds(*(int(one.replace(",", "")) for one in found.groups())):
                    self.report.add(self.where, text, f"does not add up: {found[0]}")
                start, end = found.span()
                left = left[:start] + re.sub(r"\d", _DONE, found[0]) + left[end:]
        return left

    def _one(
        self,
        text: str,
        left: str,
        found: re.Match[str],
        names: tuple[str, ...],
        figures: Callable[[str | None, str], set[str] | None],
    ) -> str:
        option = found.groupdict().get("option")
        wrong: list[str] = []
        for at, name in enumerate(names):
            printed, wanted = found[f"n{at}"], figures(option, name)
            if not wanted:
                if printed == DASH:
                    continue
                return left
            self.report.figures += 1
            if printed not in wanted:
                wrong.append(f"{name} is {printed}, recomputed {' or '.join(sorted(wanted))}")
        if wrong:
            self.report.add(self.where, text, "; ".join(wrong))
        start, end = found.span()
        return left[:start] + re.sub(r"\d", _DONE, left[start:end]) + left[end:]
