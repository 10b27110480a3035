"""The appendix: everything a reviewer checks, table by table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.record.model import DecisionRecord
from harness.record.parts import LatencyFacts, OptionRecord
from harness.record.quality_parts import Look, Quality
from harness.tell import figures
from harness.tell.appendix.evidence import evidence_sections
from harness.tell.appendix.money import money_sections
from harness.tell.appendix.proof import proof_tables
from harness.tell.appendix.quality import quality_blocks, reliability, tested
from harness.tell.appendix.trust import audit, cascades, repeats
from harness.tell.facts import shown_option
from harness.tell.page.missing import stops_table
from harness.tell.page.page_tables import comparison
from harness.tell.words import at_worst, count, points, seconds, series, share, table
from harness.wording import DASH, in_points
from reports.document import Block, Paragraph, Section, Table


def appendix(record: DecisionRecord) -> tuple[Section, ...]:
    """Every section of the appendix that is not empty."""
    shown = shown_option(record)
    beside = [] if shown is None else [comparison(record, shown)]
    sections = [
        _section("beside", "Today's model beside the other", beside),
        _section("quality", "Quality, option by option", quality_blocks(record)),
        _section("looks", "Looks: when each option was tested", _looks(record)),
        _section("parts", "Parts of the cases, and guardrails", _parts(record)),
        _section("repeats", "Repeats: a model against itself", repeats(record)),
        _section("audit", "Cases to read, and the grader itself", audit(record)),
        _section("cascades", "Cascades", cascades(record)),
        _section("sure", "How sure a model was, and how often right", reliability(record)),
        _section("latency", "Time", _latency(record)),
        *money_sections(record),
        *evidence_sections(record),
    ]
    return tuple(replace(section, folded=True) for section in sections if section.blocks)


def _section(anchor: str, title: str, blocks: Iterable[Block | None]) -> Section:
    return Section(
        anchor=anchor, title=title, blocks=tuple(block for block in blocks if block is not None)
    )


def _looks(record: DecisionRecord) -> list[Block | None]:
    return [
        _hypothesis(record),
        figures.chances(record),
        stops_table(record),
        *_look_tables(record),
        *proof_tables(record),
    ]


def _hypothesis(record: DecisionRecord) -> Paragraph | None:
    """What a p-value is of; None where nothing was tested."""
    margins = {quality.margin for _, quality in tested(record) if quality.looks}
    if not margins:
        return None
    *others, last = sorted(margins)
    worse = series([*(f"{margin:g}" for margin in others), in_points(last)])
    text = (
        f"The hypothesis behind each p-value is that the option is worse than today's model by "
        f"{worse} or more. The p-value is the chance, were that so, of answers that speak "
        "as much for the option as those seen. At or below the level beside it the look passes."
    )
    return Paragraph(lead="What is tested.", runs=(text,))


def _look_tables(record: DecisionRecord) -> list[Block | None]:
    return [
        table(
            f"Looks of {option.target.option}{_planned(quality)}",
            ("look", "cases", *_counted(quality), *_TESTED),
            (_look_cells(look, counted=bool(_counted(quality))) for look in quality.looks),
        )
        for option, quality in tested(record)
    ]


_TESTED = ("difference", "at worst", "level", "p-value", "action")


def _counted(quality: Quality) -> tuple[str, ...]:
    """Who alone was right, where the looks tell."""
    told = any(look.lost is not None for look in quality.looks)
    return ("only today right", "only candidate right") if told else ()


def _planned(quality: Quality) -> str:
    planned = quality.looks_planned
    return "" if planned is None else f", {count(planned)} planned"


def _look_cells(look: Look, *, counted: bool) -> tuple[str, ...]:
    return (
        str(look.number),
        count(look.n),
        *((count(look.lost), count(look.won)) if counted else ()),
        points(look.difference),
        at_worst(look.worst),
        DASH if look.level is None else f"{look.level:.3g}",
        DASH if look.p_value is None else f"{look.p_value:.3g}",
        look.action,
    )


def _parts(record: DecisionRecord) -> list[Block | None]:
    blocks: list[Block | None] = []
    for option in record.options:
        blocks += [_slices(option), _guardrails(option)]
    return blocks


def _slices(option: OptionRecord) -> Table | None:
    return table(
        f"Parts of the cases, {option.target.option}: what was seen, and what could not be "
        "excluded",
        (
            "part",
            "cases",
            "only today right",
            "only candidate right",
            "difference",
            "a drop of this size is possible",
            "at best",
            "limit",
            "protection",
            "veto",
            "smallest loss it could show",
        ),
        (
            (
                f"{part.key}: {part.value}",
                count(part.n) if part.of is None else f"{count(part.n)} of {count(part.of)}",
                count(part.only_current_right),
                count(part.only_candidate_right),
                points(part.difference),
                at_worst(part.worst),
                points(part.best),
                DASH if part.margin is None else f"-{part.margin:g}",
                part.protect,
                "yes" if part.vetoes else "no",
                points(part.could_show, signed=False),
            )
            for part in option.slices
        ),
    )


def _guardrails(option: OptionRecord) -> Table | None:
    return table(
        f"Guardrails, {option.target.option}",
        (
            "guardrail",
            "cases",
            "today",
            "candidate",
            "difference",
            "a drop of this size is possible",
            "limit",
            "protection",
            "veto",
            "smallest loss it could show",
            "note",
        ),
        (
            (
                rail.name,
                count(rail.n) if rail.of is None else f"{count(rail.n)} of {count(rail.of)}",
                share(rail.current),
                share(rail.candidate),
                points(rail.difference),
                at_worst(rail.worst),
                DASH if rail.margin is None else f"-{rail.margin:g}",
                rail.protect,
                "yes" if rail.vetoes else "no",
                points(rail.could_show, signed=False),
                rail.note or DASH,
            )
            for rail in option.guardrails
        ),
    )


def _latency(record: DecisionRecord) -> list[Block | None]:
    measured = [
        (record.current.option, record.current_latency),
        *((option.target.option, option.latency) for option in record.options),
    ]
    known = [(name, facts) for name, facts in measured if facts is not None]
    return [
        figures.latency(record),
        table(
            "Measured time, with the bounds of each percentile",
            (
                "model",
                "requests",
                "p50",
                "p95",
                "p99",
                "first token, p95",
                "limits p95 / first token / p99",
                "met",
                "in flight",
                "from",
                "measured",
            ),
            (_latency_cells(name, facts) for name, facts in known),
        ),
    ]


def _latency_cells(name: str, facts: LatencyFacts) -> tuple[str, ...]:
    met = {True: "yes", False: "no", None: "cannot tell"}[facts.met]
    limits = " / ".join(
        DASH if limit is None else f"{limit:g} s"
        for limit in (facts.slo_p95_s, facts.slo_ttft_p95_s, facts.slo_p99_s)
    )
    return (
        name,
        count(facts.n),
        _bounded(facts.p50_s, facts.p50_lower_s, facts.p50_upper_s),
        _bounded(facts.p95_s, facts.p95_lower_s, facts.p95_upper_s),
        _bounded(facts.p99_s, None, facts.p99_upper_s),
        _bounded(facts.ttft_p95_s, None, facts.ttft_p95_upper_s),
        limits,
        f"{met}; today's model misses it too" if facts.incumbent_misses_too else met,
        count(facts.concurrency),
        facts.region or DASH,
        DASH if facts.measured_at is None else f"{facts.measured_at:%Y-%m-%d %H:%M}",
    )


def _bounded(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return DASH
    if high is None:
        return seconds(value)
    start = "at most" if low is None else f"{seconds(low)} to"
    return f"{seconds(value)} ({start} {seconds(high)})"
