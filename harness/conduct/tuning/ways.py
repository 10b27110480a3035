"""The ways in which a prompt may be changed: a line on the answer's form, and examples.

Pure: the same cases, answers and seed make the same prompts in the same order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from evalsets.cases import Case, ScorerSpec
from evalsets.prompt_writing import ShownExample, literal, with_examples, with_line
from evalsets.prompts import PromptError

SIZES = (2, 4, 8)
"""Examples that a prompt shows."""
DRAWS = 2
"""How often each number of examples is drawn."""
LONGEST_EXAMPLE = 4_000
"""Letters of an example, question and answer; longer ones are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptWay:
    """A template, and in words what was done to which."""

    what: str
    text: str


def form_lines(spec: ScorerSpec, schema: str | None) -> tuple[tuple[str, str], ...]:
    """Lines on the answer's form that the scorer's answers have: (in words, the line)."""
    match spec.scorer:
        case "label":
            options = cast("dict[str, list[str]]", json.loads(spec.options))
            named = f"Answer only with one of these, as written: {', '.join(options['labels'])}"
            both = (f"the labels named, {_OPENED[0]}", f"{named}\n{_OPENED[1]}")
            return (("the labels named", named), both, _OPENED)
        case "number":
            last = "Work step by step. End with the answer as a number alone on the last line."
            return (("the number alone", "Answer only with the number."), ("step by step", last))
        case "json-fields" | "json-schema":
            only = ("JSON alone", "Answer only with one JSON object, without any other text.")
            shown = f"{only[1]} It must hold this JSON Schema:\n{(schema or '').strip()}"
            return (only, ("JSON alone, its schema shown", shown)) if schema else (only,)
        case "tool-calls" | "judge" | "graded" | "evaluate":
            return ()
        case _:
            brief = "Reply with the answer alone, without any explanation."
            return (("the answer alone", brief), _OPENED)


_OPENED = ('"Answer:" at the end', "Answer:")


def with_forms(start: PromptWay, lines: Sequence[tuple[str, str]]) -> Iterator[PromptWay]:
    """The prompt with each line on the answer's form."""
    for what, line in lines:
        put = literal(line)
        if put is not None:
            yield PromptWay(what=f"{start.what} + {what}", text=with_line(start.text, put))


def with_draws(
    start: PromptWay, pool: Sequence[Case], answers: Mapping[str, str], seed: str
) -> Iterator[PromptWay]:
    """The prompt with examples drawn from the pool, each right answer as often as the others."""
    shown = [
        ShownExample(case=case, answer=answers[case.id])
        for case in pool
        if case.id in answers and _fits(start.text, case, answers[case.id])
    ]
    made: set[str] = set()
    for size in SIZES:
        for draw in range(DRAWS):
            if size > len(shown):
                return
            text = with_examples(start.text, drawn(shown, size, f"{seed} {size} {draw}"))
            if text is not None and text not in made:
                made.add(text)
                yield PromptWay(what=f"{start.what} + {size} examples, draw {draw + 1}", text=text)


def drawn(shown: Sequence[ShownExample], size: int, seed: str) -> tuple[ShownExample, ...]:
    """So many examples by seed: one of each answer in turn, in an order of their own."""
    by_answer: dict[str, list[ShownExample]] = {}
    for example in sorted(shown, key=lambda each: _digest(seed, each.case.id)):
        by_answer.setdefault(example.answer, []).append(example)
    queues = sorted(by_answer.values(), key=lambda queue: _digest(seed, "answer", queue[0].answer))
    taken: list[ShownExample] = []
    while len(taken) < size and any(queues):
        for queue in queues:
            if queue and len(taken) < size:
                taken.append(queue.pop(0))
    return tuple(sorted(taken, key=lambda each: _digest(seed, "order", each.case.id)))


def _fits(template: str, case: Case, answer: str) -> bool:
    """Whether a case can be shown under the template, and is short enough."""
    try:
        text = with_examples(template, (ShownExample(case=case, answer=answer),))
    except PromptError:
        return False
    return text is not None and len(text) - len(template) <= LONGEST_EXAMPLE


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
