"""The gate's report as people and programs read it: JSON, Markdown, JUnit XML, plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.gate.findings import Change, Check, GateReport, Outcome, Violation
from harness.wording import limit, one_line, plural

TAG = "<!-- rightsize-gate -->"
"""First line of the comment, by which a bot finds the one to update."""
SPEND_TAG = "<!-- rightsize-gate-spend -->"
"""The same of a comment about spend, which stands beside the other."""
LONGEST = 60_000
"""Most characters of a comment; hosts refuse more than 65,536."""
SCHEMA = "rightsizing-gate/v1"
_SHOWN = 5
"""Findings that a comment shows unfolded, the worst first."""
_CLOSED = "</details>"

_LIVE = re.compile(r"([\\`*_{}\[\]<>|#@~!])")
_CODE = re.compile(r"`([^`]+)`")
_CONTROL = re.compile(r"[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")
_ORDER = {one: -at for at, one in enumerate(Outcome)}


def as_text(report: GateReport) -> str:
    """Lines for a terminal: every finding that is not a pass, then a summary."""
    lines = [f"{one.outcome.value}: {_line(one)}" for one in _worst_first(report)]
    lines.append(f"gate: {_matching(report)}.  {report.outcome.value}")
    return "\n".join(lines) + "\n"


def _matching(report: GateReport) -> str:
    if report.against is not None:
        verb = "holds" if report.matching == 1 else "hold"
        return f"{plural(report.matching, 'limit')} on spend {verb} on {report.against}"
    verb = "matches" if report.matching == 1 else "match"
    return f"{plural(report.matching, 'feature')} {verb} the lock"


def as_json(report: GateReport) -> str:
    """The whole report as JSON; money as text, null where unknown."""
    value = {
        "schema_version": SCHEMA,
        "outcome": report.outcome.value,
        "exit_code": int(report.exit_code),
        "matching": report.matching,
        "checks": [_check_json(one) for one in report.checks],
        "findings": [_finding_json(one) for one in report.findings],
        "changes": [_change_json(one) for one in report.changes],
    }
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def as_markdown(report: GateReport, link: str | None = None) -> str:
    """A comment for the pull request: the outcome in a few lines, all the rest folded.

    `link` leads to the whole report where the comment is cut.
    """
    tag, name = (TAG, "Right-sizing") if report.against is None else (SPEND_TAG, "Spend")
    title = f"{tag}\n## {name} gate: {report.outcome.value}\n"
    found = _worst_first(report)
    bad = [one for one in found if one.outcome in {Outcome.FAIL, Outcome.CANNOT_TELL}]
    shown = (bad or found)[:_SHOWN]
    rest = [one for one in found if one not in shown]
    parts = [title, f"{_summary(report)}\n", _bullets(shown)]
    if report.changes:
        table = _changes_table(report.changes)
        parts.append(_folded("Before, after, difference", table))
    if rest:
        parts.append(_folded(plural(len(rest), "other finding"), _bullets(rest)))
    text = "\n".join(part for part in parts if part).rstrip("\n") + "\n"
    return _shortened(text, link)


def _bullets(found: Sequence[Violation]) -> str:
    lines = (f"- **{one.outcome.value}** {_escaped(_line(one))}\n" for one in found)
    return "".join(lines)


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n{_CLOSED}\n"


def _summary(report: GateReport) -> str:
    """`1 change, USD 3,115.71 -> 632.61 a month (-2,483.10). 1 fail, 2 warn; ...`."""
    texts = [_changes_text(report.changes)] if report.changes else []
    counts = [(kind, [one.outcome for one in report.findings].count(kind)) for kind in _ORDER]
    words = [f"{times} {kind.value}" for kind, times in reversed(counts)
             if times and kind is not Outcome.PASS]  # fmt: skip
    texts.append(f"{', '.join(words)}; {_matching(report)}." if words else f"{_matching(report)}.")
    return " ".join(texts)


def _changes_text(changes: tuple[Change, ...]) -> str:
    """How many changes there are, and what they cost together where that is known of each."""
    priced = [one.priced for one in changes]
    months = [(p.before_month, p.after_month) for p in priced if p is not None]
    before = [then for then, _ in months if then is not None]
    after = [now for _, now in months if now is not None]
    if len(before) != len(changes) or len(after) != len(changes):
        return f"{plural(len(changes), 'change')}; what it costs a month is not known."
    first, then = sum(before, Decimal(0)), sum(after, Decimal(0))
    sums = f"USD {_usd(first, 2)} -\\> {_usd(then, 2)} a month ({then - first:+,.2f})"
    return f"{plural(len(changes), 'change')}: {sums}."


def as_junit(report: GateReport) -> str:
    """JUnit XML, one case per feature and rule; a warning passes and carries its message."""
    outcomes = [one.outcome for one in report.checks]
    counts = {
        "tests": len(outcomes),
        "failures": outcomes.count(Outcome.FAIL),
        "errors": outcomes.count(Outcome.CANNOT_TELL),
    }
    root = Element("testsuites")
    suite = SubElement(root, "testsuite", _attributes({"name": "rightsize gate", **counts}))
    for check in report.checks:
        _case(suite, check)
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'


WRITERS: Mapping[str, Callable[[GateReport], str]] = {
    ".json": as_json,
    ".md": as_markdown,
    ".xml": as_junit,
    ".txt": as_text,
}
"""The writer for each file extension."""


def _case(suite: Element, check: Check) -> None:
    facts = {"classname": check.feature, "name": check.rule}
    case = SubElement(suite, "testcase", _attributes(facts))
    words = _printable(_words(check))
    kind = {Outcome.FAIL: "failure", Outcome.CANNOT_TELL: "error"}.get(check.outcome)
    if kind is not None:
        first = next(one for one in check.findings if one.outcome is check.outcome)
        worst = _attributes({"message": first.message, "type": first.code.value})
        SubElement(case, kind, worst).text = words
    elif words:
        SubElement(case, "system-out").text = words


def _words(check: Check) -> str:
    return "\n".join(f"{one.outcome.value}: {_line(one)}" for one in check.findings)


def _attributes(facts: Mapping[str, object]) -> dict[str, str]:
    return {name: _printable(one_line(str(value))) for name, value in facts.items()}


def _printable(text: str) -> str:
    """The text without characters that XML 1.0 forbids."""
    return _CONTROL.sub("?", text)


def _worst_first(report: GateReport) -> list[Violation]:
    shown = [one for one in report.findings if one.outcome is not Outcome.PASS]
    return sorted(shown, key=lambda one: (_ORDER[one.outcome], one.feature, one.rule))


def _line(one: Violation) -> str:
    advice = f" -> {one.advice}" if one.advice else ""
    return one_line(f"{one.feature}: {one.rule}: {one.message} ({one.code.value}){advice}")


def _changes_table(changes: tuple[Change, ...]) -> str:
    """Every change: what it is and its evidence, then each figure before, after, and between."""
    head = "| feature | what | before | after | difference |"
    rows = [row for one in changes for row in _rows(one)]
    return "\n".join([head, "|---|---|---:|---:|---|", *rows]) + "\n"


def _rows(one: Change) -> Iterator[str]:
    before, arrow, after = one.what.partition(" -> ")
    what = ("model", before, after) if arrow else (one.what, "", "")
    yield _row(one.feature, *what, f"evidence: {_evidence(one)}")
    cost = one.priced
    pairs = (
        ("USD a request", cost and cost.before_request, cost and cost.after_request, 4),
        ("USD a month", cost and cost.before_month, cost and cost.after_month, 2),
    )
    for name, then, now, places in pairs:
        yield _row(
            one.feature, name, _usd(then, places), _usd(now, places), _more(then, now, places)
        )
    yield _row(one.feature, "quality", "", "", _quality(one))


def _row(*cells: str) -> str:
    return "| " + " | ".join(_escaped(one_line(cell)) for cell in cells) + " |"


def _more(then: Decimal | None, now: Decimal | None, places: int) -> str:
    """The difference, with its sign."""
    if then is None or now is None:
        return "unknown"
    return f"{'-' if now < then else '+'}{_usd(abs(now - then), places)}"


def _quality(one: Change) -> str:
    shown = one.shown
    if shown is None:
        return "not known"
    return (
        f"{shown.difference:+.1f} points, at worst {shown.worst:+.1f} "
        f"({limit(shown.margin)}) on {shown.n} cases"
    )


def _evidence(one: Change) -> str:
    if one.decision_id is None:
        return "none"
    cost = "" if one.evaluation_usd is None else f", cost USD {one.evaluation_usd:,.2f}"
    return f"{one.decision_id} of {one.evidence_day}{_age(one.evidence_age_days)}{cost}"


def _age(days: int | None) -> str:
    return "" if days is None else f", {days} {'day' if days == 1 else 'days'} old"


def _usd(value: Decimal | None, places: int) -> str:
    if value is None:
        return "unknown"
    # Below the last place two digits are kept, so that half of it is not told as the whole.
    return f"{value:,.{places if not value else max(places, 1 - value.adjusted())}f}"


def _escaped(text: str) -> str:
    """Escape untrusted text (links, mentions, tables); what backticks hold becomes code."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(
        f"`{part}`" if at % 2 else _LIVE.sub(r"\\\1", part) for at, part in enumerate(parts)
    )


def _shortened(text: str, link: str | None) -> str:
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST].rpartition("\n")[0]
    left = text.count("\n") - kept.count("\n") - 1
    rest = "the other outputs of this run"
    where = f"[{rest}]({link})" if link else rest
    if kept.count("<details>") > kept.count(_CLOSED):
        kept = f"{kept}\n\n{_CLOSED}"
    return f"{kept}\n\n{left} more lines are in {where}.\n"


def _check_json(one: Check) -> dict[str, str]:
    facts = {"feature": one.feature, "rule": one.rule, "outcome": one.outcome.value}
    return {**facts, "words": _words(one)}


def _finding_json(one: Violation) -> dict[str, str]:
    return {
        "feature": one.feature,
        "rule": one.rule,
        "code": one.code.value,
        "outcome": one.outcome.value,
        "message": one_line(one.message),
        "advice": one_line(one.advice),
    }


def _change_json(one: Change) -> dict[str, object]:
    cost, shown = one.priced, one.shown
    return {
        "feature": one.feature,
        "what": one.what,
        "decision_id": one.decision_id,
        "evidence_day": None if one.evidence_day is None else one.evidence_day.isoformat(),
        "evidence_age_days": one.evidence_age_days,
        "evaluation_usd": _text(one.evaluation_usd),
        "quality": None
        if shown is None
        else {
            "metric": shown.metric,
            "n": shown.n,
            "difference": shown.difference,
            "worst": shown.worst,
            "margin": shown.margin,
        },
        "cost": None
        if cost is None
        else {
            "request_before": _text(cost.before_request),
            "request_after": _text(cost.after_request),
            "month_before": _text(cost.before_month),
            "month_after": _text(cost.after_month),
            "month_increase": _text(cost.monthly_increase),
        },
    }


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)
