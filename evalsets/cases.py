r"""What an eval set is: cases, how they are scored, and which of them belong together.

Two rows ask the same when input, choices, context and metadata are equal; they are one case, named
by the first row of the file, so that copies do not make the eval set larger. Texts are compared in
Unicode's normal form C, with line ends as `\n` and without white space at both ends; images and
documents by their bytes. A row without a target takes its copy's. Two copies with different targets
contradict each other, and a person must say which is right.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Content: TypeAlias = tuple[object, ...]
"""What a case asks, in the form in which it is compared: equal contents are one case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a case whose input is a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    images: tuple[str, ...] = ()
    """Files relative to the eval set's folder, or `data:image/...` addresses."""
    image_sha256: tuple[str, ...] = ()
    """Of the images' bytes, in their order."""
    documents: tuple[str, ...] = ()
    """PDF files relative to the eval set's folder, or `data:application/pdf` addresses."""
    document_sha256: tuple[str, ...] = ()
    """Of the documents' bytes, in their order."""
    tool_calls: str | None = None
    """Frozen tool calls, as JSON text."""
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundText:
    """One text that was found for a case; `id` is how an answer cites it, None: by its place."""

    text: str
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One frozen input. `target` is None for a case that is to be labelled."""

    id: str
    input: str | tuple[Turn, ...]
    target: str | None
    metadata: tuple[tuple[str, str], ...]
    """Sorted (key, value) pairs; values as text."""
    also_right: tuple[str, ...] = ()
    """Further right answers, where there are several."""
    ruled_out: tuple[str, ...] = ()
    """Answers that a person saw and found wrong, while no right one is known."""
    choices: tuple[str, ...] = ()
    """Answers to choose from, where the case offers some."""
    context: tuple[FoundText, ...] | None = None
    """What was found for it; empty: nothing. None: it has no context."""

    def meta(self, key: str) -> str | None:
        """Value of a metadata key, None when the case lacks it."""
        return dict(self.metadata).get(key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSpec:
    """A scorer's name and its options (JSON text, canonical)."""

    scorer: str
    options: str = "{}"
    files_sha256: tuple[tuple[str, str], ...] = ()
    """(name, SHA-256) of the files of the eval set's folder that the options name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardrailSpec:
    """A second measure that must hold by itself, by its own margin (points)."""

    scorer: ScorerSpec
    margin: float
    protect: Literal["alarm", "proven"] = "alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceSpec:
    """The cases with metadata `key` = `value`, and the largest harm to them (points)."""

    key: str
    value: str
    margin: float
    protect: Literal["alarm", "proven"] = "alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What one person said about one case. No `answers`: none of those shown was right."""

    case: str
    answers: tuple[str, ...]
    by: str
    at: str
    shown: tuple[str, ...] = ()
    """The normalised answers that were shown, in their order."""
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What one person said an open answer is worth, by a rubric: what a judge is held against."""

    case: str
    answer_sha256: str
    """Of the answer's text; the text itself stays in the journal."""
    grade: str
    by: str
    at: str
    rubric_sha256: str
    """Of the rubric that the person read: another rubric is another question."""
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalSet:
    """A feature's frozen cases and how they decide.

    `unit` is what one case is called on a page ("invoices"); `provenance` is one line for it.
    """

    feature: str
    unit: str
    cases: tuple[Case, ...]
    primary: ScorerSpec
    guardrails: tuple[GuardrailSpec, ...]
    slices: tuple[SliceSpec, ...]
    cluster_key: str | None
    tune: int
    """How many cases are kept for writing prompts and never decide."""
    repeats: int
    bar: float | None
    """The incumbent's own minimum, in points of 100; None when none is set."""
    provenance: str
    targets: str
    """Who made the targets: `human`, `model`, `program`, `none`."""
    second_grader: ScorerSpec | None = None
    """Scores the same answers again, and decides nothing; None: none is named."""
    cases_file: str = "cases.jsonl"
    """The rows, in the eval set's folder."""
    is_table: bool = False
    """Whether the cases come from `cases: {dataset: ...}`: a table is read and never written."""
    labels_file: str = "labels.jsonl"
    """Where people's labels are appended, in the eval set's folder."""
    labels: tuple[Label, ...] = ()
    """Every label, in the file's order; the cases have taken theirs already."""
    grades_file: str = "grades.jsonl"
    """Where people's grades of open answers are appended, in the eval set's folder."""
    grades: tuple[Grade, ...] = ()
    """Every grade, in the file's order."""
    copies: tuple[tuple[str, str], ...] = ()
    """Ids of further rows that ask the same as a case, each with its case's id."""

    def __post_init__(self) -> None:
        """Refuse two cases that ask the same: whatever counts cases would count one twice."""
        first: dict[Content, str] = {}
        for case in self.cases:
            other = first.setdefault(content(case), case.id)
            if other != case.id:
                raise ValueError(f"cases {other!r} and {case.id!r} ask the same: one is a copy")

    @property
    def rows(self) -> int:
        """Rows of the case file, copies included."""
        return len(self.cases) + len(self.copies)

    def cluster(self, case: Case) -> str:
        """The case's cluster: its cluster key's value, else the case itself."""
        value = case.meta(self.cluster_key) if self.cluster_key else None
        return value if value is not None else case.id


def content(case: Case) -> Content:
    """What a case asks, as `evalsets.cases` says.

    Journals keep digests of it: what a case may have and this one lacks is no part of it.
    """
    asked = case.input
    told: Content = (
        plain(asked) if isinstance(asked, str) else tuple(_turn(turn) for turn in asked),
        tuple((key, plain(value)) for key, value in case.metadata),
        tuple(plain(choice) for choice in case.choices),
    )
    if case.context is None:
        return told
    return (*told, tuple((found.id, plain(found.text)) for found in case.context))


def plain(text: str) -> str:
    """A text in the form in which it is compared."""
    return unicodedata.normalize("NFC", text).replace("\r\n", "\n").strip()


def _turn(turn: Turn) -> Content:
    images = turn.image_sha256 or turn.images
    documents = turn.document_sha256 or turn.documents
    said: Content = (turn.role, plain(turn.content), images, turn.tool_calls, turn.tool_call_id)
    return (*said, documents) if documents else said


@dataclass(frozen=True, slots=True, kw_only=True)
class Distinct:
    """Rows by what they ask. `copies` and `clashes` are pairs of ids: the further row, its case."""

    cases: tuple[Case, ...]
    copies: tuple[tuple[str, str], ...]
    clashes: tuple[tuple[str, str], ...]
    """Copies whose targets differ."""


def distinct(rows: Iterable[Case]) -> Distinct:
    """Every case once, in the order of its first row."""
    cases: dict[Content, Case] = {}
    copies: list[tuple[str, str]] = []
    clashes: list[tuple[str, str]] = []
    for row in rows:
        asked = content(row)
        first = cases.get(asked)
        if first is None:
            cases[asked] = row
            continue
        copies.append((row.id, first.id))
        both = joined(first, row)
        if both is None:
            clashes.append((row.id, first.id))
        else:
            cases[asked] = both
    return Distinct(cases=tuple(cases.values()), copies=tuple(copies), clashes=tuple(clashes))


def joined(first: Case, further: Case) -> Case | None:
    """The first row with the target of either; None where the two have different ones."""
    if further.target is None:
        return first
    if first.target is None:
        return replace(first, target=further.target, also_right=further.also_right)
    return first if right(first) == right(further) else None


def right(case: Case) -> frozenset[str]:
    """The right answers of a case with a target, in the form in which they are compared."""
    return frozenset(plain(text) for text in (case.target or "", *case.also_right))
