"""Matches another tool's cases and repeats with those that are known, and counts a file's rows.

A case is matched by what it asks, whatever its id, and by its id only where the file has no inputs.
Ids of two files, or of a file and the eval set, name the same case only by chance: promptfoo counts
its tests, and a second run may have others. A file that does not
tell what was asked (a plain table without `input`) is taken at its ids.

Repeats are exchangeable, so an answer that is there is found whatever its row. One that is not
stands in conflict with one that the file no longer has, and is a further repeat where all of those
are there. Unanswered ones leave the lowest numbers free: a gap says that an answer is missing.

Rows belong to one case where they ask the same, under whatever ids. Where every further id of a
case holds, model for model, the very answers of the first one, rows were copied and are read once;
else the case was asked again, and each further answer is a repeat.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TypeAlias

from evalsets.cases import Case, Content, content, joined, plain
from harness.bring.intake.values import ImportedAnswer, ImportedAnswers, has_no_input
from harness.errors import UsageError
from harness.journal.rows import Settled
from harness.wording import plural
from providers.completion import TokenUsage


@dataclass(slots=True, kw_only=True)
class KnownCases:
    """Known cases, to be found by what they ask."""

    by_content: dict[Content, Case] = field(default_factory=dict["Content", "Case"])
    by_input: dict[object, list[Case]] = field(default_factory=dict[object, "list[Case]"])
    by_id: dict[str, Case] = field(default_factory=dict[str, "Case"])

    @classmethod
    def of(cls, cases: Iterable[Case], copies: Iterable[tuple[str, str]] = ()) -> KnownCases:
        """Index some cases; `copies` maps further ids to their case's."""
        known = cls()
        for case in cases:
            known.add(case)
        for copy, case_id in copies:
            known.by_id[copy] = known.by_id[case_id]
        return known

    def add(self, case: Case) -> None:
        """Add a case to the index."""
        self.by_content[content(case)] = case
        self.by_input.setdefault(content(case)[0], []).append(case)
        self.by_id[case.id] = case

    def find(self, case: Case) -> Case | None:
        """The case that asks the same; None where there is none, or several."""
        same = self.by_content.get(content(case))
        if same is not None:
            return same
        named = self.by_id.get(case.id)
        if named is not None and _may_be(named, case):
            return named
        alike = [] if has_no_input(case) else self.by_input.get(content(case)[0], [])
        only = alike[0] if len(alike) == 1 else None
        return only if only is not None and not (case.metadata and only.metadata) else None


def _may_be(named: Case, case: Case) -> bool:
    """Whether two cases of one id may ask the same: promptfoo's input is one of its variables."""
    if has_no_input(named) or has_no_input(case):
        return True
    told = {content(case)[0], *(plain(value) for _, value in case.metadata)}
    return content(named)[0] in told


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """One answer, as the journal would keep it."""

    kind: str
    """`answered` or `failed`."""
    text: str | None
    reason: str | None
    usage: TokenUsage | None
    tool_calls: str | None = None

    def is_there(self, known: Settled) -> bool:
        """Whether the journal's is this one; a usage that the file does not tell is no other."""
        stored = known.attempts[-1].usage if known.attempts else None
        answered = known.kind == "answered"
        text, calls = (known.text, known.tool_calls) if answered else (None, None)
        said = (known.kind, text, calls, known.reason or None)
        ours = (self.kind, self.text, self.tool_calls, self.reason)
        return said == ours and self.usage in (None, stored)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Answers of one case by one model, each by its place in the list that was given."""

    there: int
    fresh: Mapping[int, int] = field(default_factory=dict[int, int])
    """Repeat by answer."""
    differing: Mapping[int, int] = field(default_factory=dict[int, int])
    """Repeat by answer: the journal has another one there."""
    too_many: int = 0


def place(
    answers: Sequence[Brought], known: Mapping[int, Settled], *, missing: int, repeats: int
) -> Placed:
    """Give each answer its repeat; `missing` are those that the tool has no answer of."""
    left = dict(known)
    rest: list[int] = []
    for at, answer in enumerate(answers):
        same = next((repeat for repeat, each in left.items() if answer.is_there(each)), None)
        if same is None:
            rest.append(at)
        else:
            del left[same]
    differing = dict(zip(rest, left, strict=False))
    free = [repeat for repeat in range(repeats) if repeat not in known][missing:]
    further = rest[len(differing) :]
    fresh = dict(zip(further, free, strict=False))
    return Placed(
        there=len(answers) - len(rest),
        fresh=fresh,
        differing=differing,
        too_many=len(further) - len(fresh),
    )


Block: TypeAlias = list[ImportedAnswer]
"""The answers of one model in one row; several where the file numbers its repeats."""
Row: TypeAlias = tuple[int, str, int]
"""A file, its own id of a case, and which of the rows with that id."""
Places: TypeAlias = Mapping[tuple[str, str], Mapping[Row, Block]]
"""Blocks by case and model, then by row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatCounts:
    """What the files hold: each case once, each further answer a repeat."""

    cases: tuple[Case, ...]
    answers: tuple[ImportedAnswer, ...]
    notes: tuple[str, ...]


def counted(files: Sequence[tuple[str, ImportedAnswers]]) -> RepeatCounts:
    """Count the rows of some files, each with its name.

    Raises:
        UsageError: two rows ask the same and have different targets.
    """
    found = _Cases()
    for number, (name, each) in enumerate(files):
        for case in each.cases:
            found.take(case, (number, case.id), file=name)
    places: dict[tuple[str, str], dict[Row, Block]] = {}
    for number, (name, each) in enumerate(files):
        for answer in each.answers:
            case_id = found.ids[number, answer.case_id]
            row = (number, answer.case_id, answer.row)
            place = places.setdefault((case_id, answer.model), {})
            place.setdefault(row, []).append(replace(answer, file=name))
    copied = all(_same(list(blocks.values())) for blocks in places.values())
    answers = tuple(chain.from_iterable(_repeats(places, once=copied)))
    read = sum(len(each.answers) for _, each in files)
    ids = {(name, case_id) for (_, name), case_id in found.ids.items()}
    return RepeatCounts(
        cases=tuple(found.cases.values()),
        answers=answers,
        notes=tuple(_notes(len(ids), len(found.cases), read - len(answers))),
    )


@dataclass(slots=True, kw_only=True)
class _Cases:
    """The cases of some files; `ids` are their own by ours."""

    known: KnownCases = field(default_factory=KnownCases)
    cases: dict[str, Case] = field(default_factory=dict[str, "Case"])
    ids: dict[tuple[int, str], str] = field(default_factory=dict[tuple[int, str], str])

    def take(self, case: Case, source: tuple[int, str], *, file: str) -> None:
        """Find a file's case among those that are known, or add it."""
        same = self.known.find(case)
        if same is None:
            fresh = replace(case, id=self.free(case.id))
            self.known.add(fresh)
            self.cases[fresh.id] = fresh
            self.ids[source] = fresh.id
            return
        both = joined(self.cases[same.id], case)
        if both is None:
            raise UsageError(
                f"{file}: case {case.id!r} asks the same as case {same.id!r} and has another "
                f"target; correct one of them"
            )
        self.cases[same.id] = both
        self.ids[source] = same.id

    def free(self, name: str) -> str:
        """The name, or one like it that no other case has."""
        number, found = 2, name
        while found in self.cases:
            number, found = number + 1, f"{name}-{number}"
        return found


def _same(blocks: Sequence[Block]) -> bool:
    first, *further = ([answer.told for answer in block] for block in blocks)
    return all(block == first for block in further)


def _repeats(places: Places, *, once: bool) -> Iterator[list[ImportedAnswer]]:
    """By case and model its answers, numbered; of copied rows the first id's alone."""
    for (case_id, _), blocks in places.items():
        read = list(blocks.values())[:1] if once else blocks.values()
        ordered = chain.from_iterable(sorted(b, key=lambda answer: answer.repeat) for b in read)
        yield [
            replace(answer, case_id=case_id, repeat=number) for number, answer in enumerate(ordered)
        ]


def _notes(ids: int, cases: int, dropped: int) -> Iterable[str]:
    if ids > cases:
        yield f"{ids:,} case ids, {plural(cases, 'case')}: rows that ask the same are one case" + (
            "" if dropped else ", their further answers its repeats"
        )
    if dropped:
        yield f"{plural(dropped, 'answer')} read once: copies of rows, the same for every model"
