"""The gate's report as people and programs read it: JSON, Markdown, JUnit XML, plain text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.gate.findings import Change, Check, GateReport, Outcome, Violation
from harness.wording import one_line, plural

TAG = "<!-- rightsize-gate -->"
"""First line of the comment, by which a bot finds the one to update."""
LONGEST = 60_000
"""Most characters of a comment; hosts refuse more than 65,536."""
SCHEMA = "rightsizing-gate/v1"

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
    """A comment for the pull request: the change in cost, then the findings.

    `link` leads to the whole report where the comment is cut.
    """
    title = f"{TAG}\n## Right-sizing gate: {report.outcome.value}\n"
    found = _worst_first(report)
    parts = [title, _changes_table(report.changes)]
    if found:
        parts.append(
            "\n".join(f"- **{one.outcome.value}** {_escaped(_line(one))}" for one in found)
        )
    else:
        parts.append(f"{_matching(report)}.")
    text = "\n".join(part for part in parts if part) + "\n"
    return _shortened(text, link)


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
    if not changes:
        return ""
    head = "| feature | change | quality, at worst (limit) | a request | a month | evidence |"
    lines = [head, "|---|---|---|---|---|---|", *(_row(one) for one in changes)]
    return "\n".join(lines) + "\n"


def _row(one: Change) -> str:
    cells = [one.feature, one.what, _quality(one), *_money(one), _evidence(one)]
    return "| " + " | ".join(_escaped(one_line(cell)) for cell in cells) + " |"


def _quality(one: Change) -> str:
    shown = one.shown
    if shown is None:
        return "not known"
    return (
        f"{shown.difference:+.1f} points, {shown.worst:+.1f} (-{shown.margin:g}) on {shown.n} cases"
    )


def _money(one: Change) -> tuple[str, str]:
    cost = one.priced
    if cost is None:
        return "not known", "not known"
    request = f"USD {_usd(cost.before_request, 4)} -> {_usd(cost.after_request, 4)}"
    month = f"USD {_usd(cost.before_month, 2)} -> {_usd(cost.after_month, 2)}"
    more = cost.monthly_increase
    return request, month if more is None else f"{month} ({more:+,.2f})"


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
