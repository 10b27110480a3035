"""Promptfoo's results (`promptfoo eval -o results.json`) to answers.

A row's grade is its `success`: that is what promptfoo's pass rate counts. A row that ended in an
error is missing (the world's fault), whatever the error: promptfoo does not tell them apart. One
model is one provider's id, with its own label behind it where several have that id, and the
prompt's where there are several prompts; a default label, which is the prompt itself, is shortened.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from evalsets.cases import Case
from evalsets.samples import tool_call
from harness.bring.intake.promptfoo_cases import as_text, case_id, case_of, main_variable
from harness.bring.intake.values import (
    ForeignModel,
    ImportedAnswer,
    ImportedAnswers,
    Object,
    a_count,
    a_duration,
    a_list,
    a_text,
    an_object,
    as_json,
    usage,
    warning,
)
from harness.errors import Problem, UsageError
from providers.completion import TokenUsage

_ERROR = 2
"""`failureReason` of a row that ended in an error."""


def read_results(data: bytes, *, file: str) -> ImportedAnswers:
    """Read a results file.

    Raises:
        UsageError: the file is no promptfoo results file, or no row of it can be read.
    """
    whole = an_object(as_json(data, file=file))
    results = an_object(whole.get("results"))
    rows = a_list(results.get("results"))
    if not rows:
        raise UsageError(
            f"{file}: no promptfoo results; write them with `promptfoo eval -o results.json`"
        )
    return read_result_rows(rows, file=file)


def is_result(row: object) -> bool:
    """Whether it is one row of promptfoo's results, as `-o results.jsonl` writes them."""
    return {"testIdx", "vars", "provider"} <= set(an_object(row))


def read_result_rows(rows: list[Any], *, file: str) -> ImportedAnswers:
    """Read the rows of a results file.

    Raises:
        UsageError: no row of it can be read.
    """
    reader = _Reader(file=file, main=_main(rows), prompts=_prompt_words(rows), twins=_twins(rows))
    for number, row in enumerate(rows):
        reader.take(number, row)
    if not reader.answers:
        raise UsageError(f"{file}: no row could be read; first: {reader.problems[0].message}")
    return ImportedAnswers(
        tool="promptfoo",
        grader="promptfoo: " + (", ".join(sorted(reader.kinds)) or "no assertion"),
        answers=tuple(reader.answers),
        cases=tuple(reader.cases.values()),
        problems=tuple(reader.problems),
        told_models=tuple(reader.models.values()),
    )


def _label(row: object) -> str | None:
    """The label of the row's prompt."""
    return a_text(an_object(an_object(row).get("prompt")).get("label"))


_FILE_LABEL = re.compile(r"(?:file://)?(?:[^\s:]*/)?([^\s:/]+)\.\w+(?::.*)?", re.DOTALL)
"""`prompts/short.txt: Classify ...`, as promptfoo labels a prompt of a file."""
_LONGEST_LABEL = 40


def _prompt_words(rows: list[object]) -> dict[str, str]:
    """A short word for each prompt by its label, where there are several; none for one alone."""
    labels = list(dict.fromkeys(label for label in map(_label, rows) if label))
    found: dict[str, str] = {}
    for number, label in enumerate(labels, start=1):
        of_file = _FILE_LABEL.fullmatch(label)
        word = of_file[1] if of_file else label
        whole = len(word) > _LONGEST_LABEL or len(word.splitlines()) > 1 or "{{" in word
        found[label] = f"prompt-{number}" if whole or word in found.values() else word
    return found if len(found) > 1 else {}


def _provider(row: object) -> tuple[str | None, str | None]:
    """The id of a row's provider, and the label that people gave it."""
    provider = an_object(row).get("provider")
    if isinstance(provider, str):
        return a_text(provider), None
    known = an_object(provider)
    label = a_text(known.get("label"))
    return a_text(known.get("id")) or label, label


def _twins(rows: list[object]) -> frozenset[str]:
    """The ids that several providers have: the same model with other settings."""
    labels: dict[str, set[str]] = {}
    for row in rows:
        id_, label = _provider(row)
        if id_ is not None:
            labels.setdefault(id_, set()).add(label or "")
    return frozenset(id_ for id_, found in labels.items() if len(found) > 1)


def _main(rows: list[object]) -> str | None:
    """The variable that is the input: of those that stand in the prompts, where these are told."""
    tests: dict[int, Object] = {}
    counts: Counter[str] = Counter()
    for row in rows:
        values, raw = an_object(an_object(row).get("vars")), _raw(row)
        number = a_count(an_object(row).get("testIdx"))
        tests.setdefault(-1 - len(tests) if number is None else number, values)
        counts.update(name for name, value in values.items() if _stands(as_text(value), raw))
    names = dict.fromkeys(name for test in tests.values() for name in test)
    seen = [name for name in names if counts[name]]
    return main_variable(list(tests.values()), seen or None)


def _raw(row: object) -> str:
    return a_text(an_object(an_object(row).get("prompt")).get("raw")) or ""


def _stands(text: str, raw: str) -> bool:
    """Whether a value stands in a prompt: as it is, or as JSON writes it."""
    return bool(text.strip()) and (text.strip() in raw or json.dumps(text)[1:-1] in raw)


@dataclass(slots=True, kw_only=True)
class _Reader:
    file: str
    main: str | None
    """The variable that is the input."""
    prompts: dict[str, str]
    """A short word for each prompt by its label, where there are several."""
    twins: frozenset[str]
    """The ids that several providers have."""
    models: dict[str, ForeignModel] = field(default_factory=dict[str, ForeignModel])
    answers: list[ImportedAnswer] = field(default_factory=list[ImportedAnswer])
    cases: dict[str, Case] = field(default_factory=dict[str, Case])
    problems: list[Problem] = field(default_factory=list[Problem])
    kinds: set[str] = field(default_factory=set[str])
    seen: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])

    def take(self, at: int, row: object) -> None:
        """Read one row, or tell why not."""
        data = an_object(row)
        values, model = an_object(data.get("vars")), self.model(data)
        if not isinstance(data.get("vars"), dict) or model is None or not self.graded(data):
            self.tell(at, "no vars, no provider, or no success: not a result of promptfoo")
            return
        told = an_object(an_object(data.get("testCase")).get("metadata"))
        number = a_count(data.get("testIdx"))
        case = case_of(told | values, id_=case_id(number), main=self.main)
        if case.id in self.cases and self.cases[case.id] != case:
            self.tell(at, f"test {case.id!r} has other vars than before")
            return
        self.cases[case.id] = case
        repeat = self.seen.get((case.id, model), 0)
        self.seen[case.id, model] = repeat + 1
        self.answers.append(self.answer(at, data, (case.id, model, repeat)))

    def graded(self, data: Object) -> bool:
        return isinstance(data.get("success"), bool)

    def model(self, data: Object) -> str | None:
        """The name of the row's model, which is noted with all that is told of it."""
        id_, label = _provider(data)
        if id_ is None:
            return None
        words = [label] if label and label != id_ and id_ in self.twins else []
        words += [word] if (word := self.prompts.get(_label(data) or "")) else []
        name = " / ".join([id_, *words])
        model = ForeignModel(name=name, id=id_, part="-".join(words), label=label or "")
        self.models.setdefault(name, model)
        return name

    def answer(self, number: int, data: Object, key: tuple[str, str, int]) -> ImportedAnswer:
        case, model, repeat = key
        response = an_object(data.get("response"))
        output = response.get("output")
        calls = _calls(output)
        text = _output(output) if calls is None else ""
        broken = data.get("failureReason") == _ERROR or text is None
        if broken and not a_text(data.get("error")):
            self.tell(number, "no output and no error; taken as missing")
        self.kinds.update(_kinds(data))
        seconds = a_duration(data.get("latencyMs"))
        return ImportedAnswer(
            case_id=case,
            model=model,
            repeat=repeat,
            ending="missing" if broken else "answered",
            text=None if broken else text,
            tool_calls=None if broken else calls,
            score=None if broken else float(data["success"]),
            reason="error in promptfoo" if broken else None,
            usage=_usage(response),
            # An answer out of promptfoo's cache took no time, and tells nothing.
            seconds=None if seconds is None or response.get("cached") else seconds / 1000,
        )

    def tell(self, number: int, message: str) -> None:
        self.problems.append(warning(self.file, None, f"results[{number}]", message))


def _calls(value: object) -> str | None:
    """The tool calls that an output is, as promptfoo takes them from OpenAI's wire; else None."""
    listed = [an_object(each) for each in a_list(value)]
    known = [tool_call(each) for each in listed if each.get("type") == "function"]
    calls = [call for call in known if call is not None]
    return json.dumps(calls) if calls and len(calls) == len(a_list(value)) else None


def _output(value: object) -> str | None:
    """The answer's text; promptfoo parses JSON answers, so a value is written out again."""
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _kinds(data: Object) -> set[str]:
    grading = an_object(data.get("gradingResult"))
    parts = [an_object(part) for part in a_list(grading.get("componentResults"))]
    kinds = {a_text(an_object(part.get("assertion")).get("type")) for part in parts}
    return {kind for kind in kinds if kind}


def _usage(response: Object) -> TokenUsage | None:
    tokens = an_object(response.get("tokenUsage"))
    if response.get("cached"):
        return None
    details = an_object(tokens.get("completionDetails"))
    return usage(
        {
            "input_tokens": a_count(tokens.get("prompt")),
            "output_tokens": a_count(tokens.get("completion")),
            "cache_read_tokens": a_count(details.get("cacheReadInputTokens")),
            "cache_write_tokens": a_count(details.get("cacheCreationInputTokens")),
            "reasoning_tokens": a_count(details.get("reasoning")),
        }
    )
