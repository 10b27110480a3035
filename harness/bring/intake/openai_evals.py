"""OpenAI's Evals: the output items of runs to answers.

An item is one answer to one row of the data source (`evals.runs.output_items` of the API), as a
JSON list, a page of the API (`{"data": [...]}`) or JSON Lines. A grade is the only result's score
where it is in [0, 1], else whether every result passed. Runs of one model that asked an item
differently are models of their own: their prompts differ.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from evalsets.cases import Case
from evalsets.samples import as_text, tool_call
from harness.bring.intake.headers import named_as_target
from harness.bring.intake.promptfoo_cases import case_of, main_variable
from harness.bring.intake.values import (
    ForeignModel,
    ImportedAnswer,
    ImportedAnswers,
    Object,
    a_count,
    a_list,
    a_score,
    a_text,
    an_object,
    usage,
    warning,
)
from harness.errors import Problem, UsageError
from providers.completion import TokenUsage

ROW = "datasource_item"
"""The key that an output item has."""
_MODEL_FAULTS = {"length": "length", "content_filter": "content filter"}
_MOST_SECONDS = 2**35
_ID = re.compile(r"-[0-9a-f-]{8,}$")
"""Ends the name of a grader."""


def items_in(value: object) -> list[object]:
    """The output items of a JSON value: a list, a page of the API, or one; none in another."""
    whole = an_object(value)
    listed = a_list(value) or a_list(whole.get("data")) or ([whole] if whole else [])
    return listed if any(ROW in an_object(each) for each in listed) else []


def refuse_definition(value: object, *, file: str) -> None:
    """Refuse an eval's or a run's own description, which holds no answer.

    Raises:
        UsageError: it is one.
    """
    kind = a_text(an_object(value).get("object"))
    if kind in {"eval", "eval.run"}:
        raise UsageError(
            f"{file}: OpenAI's description of {'an eval' if kind == 'eval' else 'a run'}, which "
            "holds no answer; import its output items (the API's GET .../output_items)"
        )


def read_items(items: Sequence[object], *, file: str) -> ImportedAnswers:
    """Read output items.

    Raises:
        UsageError: not one can be read.
    """
    rows = [an_object(each) for each in items]
    reader = _Reader(file=file, main=_main(rows), target=_target(rows), variants=_variants(rows))
    for number, row in enumerate(rows):
        reader.take(number, row)
    if not reader.answers:
        raise UsageError(f"{file}: no output item could be read; first: {reader.problems[0]}")
    return ImportedAnswers(
        tool="OpenAI Evals",
        grader="OpenAI Evals: " + (", ".join(sorted(reader.graders)) or "no grader"),
        answers=tuple(reader.answers),
        cases=tuple(reader.cases.values()),
        problems=tuple(reader.problems),
        told_models=tuple(reader.models.values()),
    )


@dataclass(slots=True, kw_only=True)
class _Reader:
    file: str
    main: str | None
    target: str | None
    variants: Mapping[tuple[str, str], str]
    answers: list[ImportedAnswer] = field(default_factory=list[ImportedAnswer])
    cases: dict[str, Case] = field(default_factory=dict[str, Case])
    models: dict[str, ForeignModel] = field(default_factory=dict[str, ForeignModel])
    problems: list[Problem] = field(default_factory=list[Problem])
    graders: set[str] = field(default_factory=set[str])
    rows: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])

    def take(self, number: int, data: Object) -> None:
        """Read one item, or tell why not."""
        values, sample = data.get(ROW), an_object(data.get("sample"))
        served, at = a_text(sample.get("model")), a_count(data.get("datasource_item_id"))
        if not isinstance(values, dict) or served is None or at is None:
            self.tell(number, f"no {ROW}, {ROW}_id or sample.model: not an output item")
            return
        case = self.case(an_object(data[ROW]), f"item-{at}")
        if self.cases.setdefault(case.id, case) != case:
            self.tell(number, f"{ROW}_id {at} has another row than before")
            return
        model = self.model(served, a_text(data.get("run_id")) or "")
        row = self.rows[case.id, model]
        self.rows[case.id, model] += 1
        self.answers.append(self.answer(data, sample, (case.id, model, row)))

    def case(self, values: Object, case_id: str) -> Case:
        told = {name: as_text(each) for name, each in values.items() if each not in (None, "")}
        right = told.pop(self.target, None) if self.target else None
        return case_of(told, id_=case_id, main=self.main, target=right)

    def model(self, served: str, run: str) -> str:
        part = self.variants.get((served, run), "")
        name = f"{served} / {part}" if part else served
        self.models.setdefault(name, ForeignModel(name=name, id=f"openai:{served}", part=part))
        return name

    def answer(self, data: Object, sample: Object, key: tuple[str, str, int]) -> ImportedAnswer:
        (case_id, model, row), error = key, an_object(sample.get("error"))
        message = next(
            (an_object(each) for each in reversed(a_list(sample.get("output")))), an_object(None)
        )
        text, calls = a_text(message.get("content")), _calls(message)
        fault = _MODEL_FAULTS.get(a_text(sample.get("finish_reason")) or "")
        broken = any(error.values()) or (text is None and calls is None and fault is None)
        score = None if fault or broken else self.score(data)
        return ImportedAnswer(
            case_id=case_id,
            model=model,
            repeat=row,
            row=row,
            ending="missing" if broken else "failed" if fault else "answered",
            text=text if text is not None or calls is None else "",
            tool_calls=calls,
            score=score,
            reason="error in OpenAI Evals" if broken else fault,
            usage=_usage(an_object(sample.get("usage"))),
            served_model=a_text(sample.get("model")),
            at=_moment(a_count(data.get("created_at"))),
        )

    def score(self, data: Object) -> float | None:
        results = [an_object(each) for each in a_list(data.get("results"))]
        for result in results:
            self.graders.add(_ID.sub("", a_text(result.get("name")) or "grader"))
        passed = [result.get("passed") for result in results]
        whole = a_score(results[0].get("score")) if len(results) == 1 else None
        if whole is not None or not results or not all(isinstance(one, bool) for one in passed):
            return whole
        return float(all(passed))

    def tell(self, number: int, message: str) -> None:
        self.problems.append(warning(self.file, None, f"item {number}", message))


def _moment(seconds: int | None) -> str | None:
    """A time of day of seconds since 1970; None for none, or one beyond every calendar of ours."""
    if seconds is None or seconds > _MOST_SECONDS:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _asked(row: Object) -> str:
    """What the model was asked, as one text."""
    turns = [an_object(each) for each in a_list(an_object(row.get("sample")).get("input"))]
    return "\n".join(as_text(turn.get("content")) for turn in turns)


def _target(rows: Sequence[Object]) -> str | None:
    """The column that is the right answer, by its name."""
    return named_as_target(dict.fromkeys(name for row in rows for name in an_object(row.get(ROW))))


def _main(rows: Sequence[Object]) -> str | None:
    """The column that is the input: of those whose values were sent, where they are told."""
    values = [an_object(row.get(ROW)) for row in rows]
    sent = Counter(
        name
        for row, told in zip(rows, values, strict=True)
        for name, value in told.items()
        if value not in (None, "") and as_text(value) in _asked(row)
    )
    names = list(dict.fromkeys(name for told in values for name in told))
    return main_variable(values, [name for name in names if sent[name]] or None)


def _variants(rows: Sequence[Object]) -> Mapping[tuple[str, str], str]:
    """By model and run a word for its prompt, where a model was asked one item in several ways."""
    asked: dict[tuple[str, object], dict[str, str]] = {}
    for row in rows:
        model = a_text(an_object(row.get("sample")).get("model")) or ""
        runs = asked.setdefault((model, a_count(row.get("datasource_item_id"))), {})
        runs[a_text(row.get("run_id")) or ""] = _asked(row)
    differing = {model for (model, _), runs in asked.items() if len(set(runs.values())) > 1}
    found: dict[tuple[str, str], str] = {}
    for (model, _), runs in asked.items():
        for run in runs if model in differing else ():
            number = 1 + sum(known == model for known, _ in found)
            found.setdefault((model, run), f"run-{number}")
    return found


def _calls(message: Object) -> str | None:
    """The tool calls of an answer, as the journal keeps them."""
    calls = [tool_call(each) for each in a_list(message.get("tool_calls"))]
    known = [call for call in calls if call is not None]
    return json.dumps(known) if known and len(known) == len(calls) else None


def _usage(tokens: Object) -> TokenUsage | None:
    return usage(
        {
            "input_tokens": a_count(tokens.get("prompt_tokens")),
            "output_tokens": a_count(tokens.get("completion_tokens")),
            "cache_read_tokens": a_count(tokens.get("cached_tokens")),
        }
    )
