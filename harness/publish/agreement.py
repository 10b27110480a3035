"""The appendix's tables of how far a judge agrees with people, and people with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.publish.tables import pairs
from harness.publish.words import DASH, count, series, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.record.model import DecisionRecord
    from harness.record.parts import JudgeFacts, LabelFacts
    from reports.document import Table


def agreement_tables(record: DecisionRecord) -> Iterator[Table]:
    """One table for the judge and one for the labels, where there are any."""
    judge, labels = record.evidence.judge, record.evidence.labels
    if judge is not None:
        yield pairs("How far the judge agrees with people", _judge_rows(judge))
    if labels is not None:
        yield pairs("Who labelled, and how far they agree", _label_rows(labels))


def _judge_rows(judge: JudgeFacts) -> list[tuple[str, str]]:
    orders = (
        DASH
        if judge.swapped is None
        else f"{count(judge.swapped_alike)} of {count(judge.swapped)} pairs"
    )
    kappa = f"{_kappa(judge.kappa)}, at least {_kappa(judge.kappa_lower)}"
    return [
        ("judge", judge.option),
        ("may decide", "yes" if judge.reliable else "no"),
        ("cases that people judged too", count(judge.labels)),
        ("judged by", series(judge.people) or DASH),
        ("both agree on", share(judge.agreement)),
        ("at least", f"{share(judge.agreement_lower)} (needed {share(judge.needed)})"),
        ("beyond chance (kappa)", f"{kappa} (needed {_kappa(judge.kappa_needed)})"),
        ("same winner in both orders", orders),
        ("options of its own family", series(judge.same_family) or DASH),
        ("judge's prompt, SHA-256", judge.prompt_sha256),
    ]


def _label_rows(labels: LabelFacts) -> list[tuple[str, str]]:
    interval = f"{_kappa(labels.kappa_lower)} to {_kappa(labels.kappa_upper)}"
    return [
        ("labelled by", series(f"{who} ({count(cases)})" for who, cases in labels.by)),
        ("cases that two labelled", count(labels.shared)),
        ("of these alike", count(labels.agreed)),
        ("beyond chance (kappa)", f"{_kappa(labels.kappa)} ({interval})"),
    ]


def _kappa(value: float | None) -> str:
    return DASH if value is None else f"{value:.2f}"
