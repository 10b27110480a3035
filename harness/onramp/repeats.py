"""Further rows of one case are its repeats, never further cases: what files of answers count.

Rows belong to one case where they ask the same, under whatever ids. Where every further id of a
case holds, model for model, the very answers of the first one, rows were copied and are read once;
else the case was asked again, and each further answer is a repeat.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from evalsets.copies import joined
from harness.errors import UsageError
from harness.onramp.known_cases import KnownCases
from harness.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from evalsets.cases import Case
    from harness.intake.values import ImportedAnswer, ImportedAnswers

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
