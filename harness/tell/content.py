"""Prompts and answers for the feature's owner: a file of its own, never part of a document.

It is the only artefact with prompt or answer text. It is written only on request and readable only
by its owner; its texts come in as `ContentCase`, and no record has a field for them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.record.model import DecisionRecord
from harness.record.stored import file_name
from harness.tell.facts import read_facts
from harness.tell.words import spoken
from harness.workspace.state import write_private
from reports.document import (
    Block,
    Bullets,
    Document,
    Notice,
    Paragraph,
    Section,
    Signature,
    Verbatim,
)
from reports.render import render

_MOST_CASES = 10
_LONGEST = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentCase:
    """One case as both models answered it; scores in [0, 1], None where there is none."""

    case_id: str
    part: str
    """The slice that it belongs to; empty: none."""
    prompt: str
    incumbent_answer: str
    candidate_answer: str
    incumbent_score: float | None
    candidate_score: float | None
    judge_reason: str | None

    @property
    def gain(self) -> float:
        """Candidate minus incumbent score; 0, and so in no list, where one is absent."""
        if self.incumbent_score is None or self.candidate_score is None:
            return 0.0
        return self.candidate_score - self.incumbent_score


def write_content(
    record: DecisionRecord, option: str, cases: Sequence[ContentCase], folder: Path, now: datetime
) -> tuple[Path, Path]:
    """Write the worst regressions and best gains of an option, and a blind sheet, as HTML.

    Both files are made with mode 0600 and replace earlier ones.

    Returns:
        The paths of the two files.
    """
    safe = read_facts(record, now).record
    name = file_name(record.feature.id)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    shown, blind = folder / f"{name}.html", folder / f"{name}-blind.html"
    write_private(shown, render(to_content(safe, option, cases), to="html"))
    write_private(blind, render(to_blind_sheet(safe, cases), to="html"))
    return shown, blind


def to_content(record: DecisionRecord, option: str, cases: Sequence[ContentCase]) -> Document:
    """The worst regressions and best gains, each with both answers."""
    ordered = sorted(cases, key=lambda case: (case.gain, case.case_id))
    worst = [case for case in ordered if case.gain < 0][:_MOST_CASES]
    best = [case for case in reversed(ordered) if case.gain > 0][:_MOST_CASES]
    names = (record.current.option, option)
    return Document(
        title=f"Answers for {spoken(record.feature.name)}: {names[0]} and {option}",
        status=f"{record.decision_id} \u00b7 contains prompts and answers",
        page=(
            _private(),
            Bullets(
                lead="How many differ.",
                items=(
                    f"{sum(case.gain < 0 for case in cases)} worse with {option}",
                    f"{sum(case.gain > 0 for case in cases)} better with {option}",
                    f"{len(cases)} looked at",
                ),
            ),
        ),
        appendix=(
            Section(anchor="worst", title="Worst regressions", blocks=_both(worst, names)),
            Section(anchor="best", title="Best gains", blocks=_both(best, names)),
            Section(anchor="key", title="Key to the blind sheet", blocks=(_key(record, cases),)),
        ),
        stamp="",
    )


def to_blind_sheet(record: DecisionRecord, cases: Sequence[ContentCase]) -> Document:
    """The cases whose answers differ, without model names; a hash shuffles sides and order."""
    blocks: list[Block] = [_private()]
    for number, case in enumerate(_sheet_cases(record, cases), start=1):
        left, right = case.incumbent_answer, case.candidate_answer
        if _is_swapped(record, case):
            left, right = right, left
        blocks += [
            Verbatim(lead=f"Case {number}", text=_cut(case.prompt)),
            Verbatim(lead="A", text=_cut(left)),
            Verbatim(lead="B", text=_cut(right)),
            Signature(lead="Right:", choices=("A", "B", "both", "neither"), blanks=()),
        ]
    return Document(
        title=f"Which answer is right? {record.feature.name}",
        status=f"{record.decision_id} \u00b7 blind: the key is in the other file",
        page=tuple(blocks),
        appendix=(),
        stamp="",
    )


def _private() -> Notice:
    return Notice(text="This file holds prompts and answers. Do not commit it or pass it on.")


def _both(cases: Sequence[ContentCase], names: tuple[str, str]) -> tuple[Block, ...]:
    if not cases:
        return (Paragraph(lead=None, runs=("None.",)),)
    return tuple(block for case in cases for block in _one(case, names))


def _one(case: ContentCase, names: tuple[str, str]) -> list[Block]:
    part = f", {case.part}" if case.part else ""
    blocks: list[Block] = [
        Verbatim(lead=f"Case {case.case_id}{part}", text=_cut(case.prompt)),
        Verbatim(lead=f"{names[0]}, score {_score(case.incumbent_score)}",
                 text=_cut(case.incumbent_answer)),
        Verbatim(lead=f"{names[1]}, score {_score(case.candidate_score)}",
                 text=_cut(case.candidate_answer)),
    ]  # fmt: skip
    if case.judge_reason:
        blocks.append(Verbatim(lead="The judge's reason", text=_cut(case.judge_reason)))
    return blocks


def _score(score: float | None) -> str:
    return "not known" if score is None else f"{score:.2f}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n[cut: {len(text):,} characters]"


def _digest(record: DecisionRecord, case: ContentCase, purpose: str) -> bytes:
    return hashlib.sha256(f"{record.evidence.seed}\0{purpose}\0{case.case_id}".encode()).digest()


def _is_swapped(record: DecisionRecord, case: ContentCase) -> bool:
    return _digest(record, case, "side")[0] % 2 == 1


def _sheet_cases(record: DecisionRecord, cases: Sequence[ContentCase]) -> list[ContentCase]:
    differ = [case for case in cases if case.incumbent_answer != case.candidate_answer]
    return sorted(differ, key=lambda case: _digest(record, case, "order"))[: 2 * _MOST_CASES]


def _key(record: DecisionRecord, cases: Sequence[ContentCase]) -> Bullets:
    items = tuple(
        f"case {number} is {case.case_id}: A is "
        f"{'the candidate' if _is_swapped(record, case) else 'today'}"
        for number, case in enumerate(_sheet_cases(record, cases), start=1)
    )
    return Bullets(lead=None, items=items or ("No answers differ.",))
