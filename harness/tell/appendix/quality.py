"""The appendix on quality: how it was tested, what each option showed, how sure a model was."""

from __future__ import annotations

from collections.abc import Iterator

from harness.record.model import DecisionRecord
from harness.record.parts import OptionRecord
from harness.record.quality_parts import Quality, ReliabilityFacts
from harness.tell.appendix.trust import agreement_tables, mixes
from harness.tell.page.missing import missing_table
from harness.tell.words import at_worst, count, points, reasons_text, result_word, share, table
from harness.wording import DASH, plural
from harness.workspace.model_file import is_tuned
from reports.document import Block, Paragraph, Table


def quality_blocks(record: DecisionRecord) -> list[Block | None]:
    """The section's paragraphs and tables; None where a record has nothing to show."""
    return [
        *_method(record),
        table(
            "Difference of quality, candidate minus today, in points",
            (
                "option",
                "cases",
                "today",
                "candidate",
                "difference",
                "at worst",
                "at best",
                "limit",
                "level",
                "at worst, missing as wrong",
            ),
            (
                (
                    option.target.option,
                    count(q.n),
                    share(q.current),
                    share(q.candidate),
                    points(q.difference),
                    at_worst(q.worst),
                    points(q.best),
                    f"-{q.margin:g}",
                    f"{q.level:.3g}",
                    at_worst(q.worst_missing_as_zero),
                )
                for option, q in tested(record)
            ),
        ),
        _corrected(record),
        _worse(record),
        _rests_on(record),
        _absent(record),
        mixes(record),
        _disagreements(record),
        *agreement_tables(record),
        _outcome(record),
        missing_table(record),
    ]


def tested(record: DecisionRecord) -> list[tuple[OptionRecord, Quality]]:
    """The options that have figures of quality, each with them."""
    return [(o, o.quality) for o in record.options if o.quality is not None]


def _method(record: DecisionRecord) -> list[Block]:
    methods = sorted({f"{q.metric}, {q.method}" for _, q in tested(record)})
    if not methods:
        return []
    own = (
        "How good today's model is by itself is not known: where the models agree nobody labelled. "
        if record.current_quality is None
        else f"Today's model scored {share(record.current_quality)} on "
        f"{_every_case(record)}that it was asked. "
    )
    absent = (
        ", every answer or label that is missing counted against the option"
        if any(q.absent is not None for _, q in tested(record))
        else ""
    )
    harm = (
        "; that an option is worse than the limit is said at a level that holds over all looks "
        "and options together, and its bound at best is the one at that level"
        if any(q.best_level is not None for _, q in tested(record))
        else ""
    )
    text = (
        f"{'; '.join(methods)}. {own}The same cases under both models; the case is the unit. Every "
        f'"at worst" is the lower bound at the level that decided{absent}; "at best" is one-sided '
        f"and unadjusted{harm}."
    )
    return [Paragraph(lead="How it was measured.", runs=(text,))]


def _every_case(record: DecisionRecord) -> str:
    cases = record.current_cases
    return "every case " if cases is None else f"all {plural(cases, 'case')} "


def _rests_on(record: DecisionRecord) -> Table | None:
    return table(
        "The cases that each option's figures rest on: those that decide; where all of them show "
        "that it is worse, the pilot's too",
        ("option", "cases", "of the pilot", "that decide", "an answer or a label is missing"),
        (
            (
                option.target.option,
                count(q.n),
                count(q.pilot_cases),
                count(q.deciding_cases),
                count(q.missing_cases),
            )
            for option, q in tested(record)
            if q.pilot_cases is not None
        ),
    )


def _corrected(record: DecisionRecord) -> Table | None:
    return table(
        "The estimate of an option that passed: what was picked for looking good looked too good "
        "on average, so page one tells the corrected one",
        ("option", "seen", "corrected"),
        (
            (option.target.option, points(q.difference), points(q.corrected))
            for option, q in tested(record)
            if q.corrected is not None
        ),
    )


def _worse(record: DecisionRecord) -> Table | None:
    return table(
        "Options that are shown to be worse than the limit: the bound that shows it",
        ("option", "at best", "limit", "level"),
        (
            (
                option.target.option,
                points(q.best),
                f"-{q.margin:g}",
                f"{q.best_level:.3g}",
            )
            for option, q in tested(record)
            if q.best_level is not None
        ),
    )


def _absent(record: DecisionRecord) -> Table | None:
    return table(
        "Cases without an answer or a label: left out only if both models failed, else counted at "
        "their worst where it says at worst, and at their best where it says at best",
        ("option", "both failed", "one failed", "no label", "counted at worst", "counted at best"),
        (
            (
                option.target.option,
                count(absent.left_out),
                count(absent.unanswered),
                count(absent.unlabelled),
                _counts_as(absent.worst),
                _counts_as(absent.best),
            )
            for option, q in tested(record)
            if (absent := q.absent) is not None
        ),
    )


def _counts_as(outcomes: tuple[int, int, int] | None) -> str:
    if outcomes is None:
        return DASH
    lost, alike, won = outcomes
    return f"{count(lost)} lost, {count(alike)} alike, {count(won)} won"


def _disagreements(record: DecisionRecord) -> Table | None:
    return table(
        "Cases by who was right",
        (
            "option",
            "both",
            "only today",
            "only candidate",
            "neither",
            "agreed without a label",
            "clusters",
            "answers per case",
        ),
        (
            (
                option.target.option,
                count(q.both_right),
                count(q.only_current_right),
                count(q.only_candidate_right),
                count(q.neither_right),
                count(q.agreed_without_label),
                count(q.clusters),
                count(q.repeats),
            )
            for option, q in tested(record)
        ),
    )


def _outcome(record: DecisionRecord) -> Table | None:
    return table(
        "What became of each option",
        (
            "option",
            "result",
            "codes",
            "lever",
            "prompts tried",
            "missing today / candidate",
            "failed today / candidate",
            "performance risk",
            "migration",
        ),
        (
            (
                option.target.option,
                result_word(option.result, option.reason_codes),
                reasons_text(option.reason_codes) or DASH,
                option.lever,
                _prompts_tried(option),
                *_missing_cells(option),
                option.performance_risk,
                option.migration_effort,
            )
            for option in record.options
        ),
    )


def _prompts_tried(option: OptionRecord) -> str:
    """How many prompts were tried; not known if the journal of the search is not here."""
    unknown = option.prompts_tried == 0 and is_tuned(option.target.option)
    return "not known" if unknown else count(option.prompts_tried)


def _missing_cells(option: OptionRecord) -> tuple[str, str]:
    lost = option.missing
    if lost is None:
        return DASH, DASH
    return (
        f"{lost.current} / {lost.candidate}",
        f"{lost.failed_current} / {lost.failed_candidate}",
    )


def reliability(record: DecisionRecord) -> Iterator[Block | None]:
    """A paragraph and a table for each model that told how sure it is."""
    for facts in record.evidence.reliability or ():
        yield _in_a_line(facts)
        yield table(
            f"How sure against how right: {facts.option}",
            ("it told", "answers", "told on average", "right", "squared error"),
            (
                (
                    f"{band.low:g} to {band.high:g}",
                    count(band.n),
                    share(band.said),
                    share(band.right),
                    f"{band.squared_error:.4f}",
                )
                for band in facts.bands
            ),
        )


def _in_a_line(facts: ReliabilityFacts) -> Paragraph:
    text = (
        f"{facts.option} told a probability with {plural(facts.answers, 'answer')} that decided. "
        f"Its Brier score is {facts.brier:.4f}: 0 is best, and telling one half each time has "
        f"0.25. What it told and how often it was right differ by {facts.gap:.1f} points on "
        "average."
    )
    return Paragraph(lead="How sure it was.", runs=(text,))
