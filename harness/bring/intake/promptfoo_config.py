"""A promptfoo configuration to an eval set: cases, one scorer, and prompts as our templates.

Prompts are Nunjucks text or chat JSON. What cannot be converted is reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from evalsets.cases import Case, GuardrailSpec, ScorerSpec
from evalsets.source import Source, SourceError, read_yaml
from harness.bring.intake.promptfoo_assertions import RUBRIC, Assertion, converted
from harness.bring.intake.promptfoo_cases import (
    KEY,
    TO_FILL_IN,
    case_id,
    case_of,
    main_variable,
    measures,
    split,
)
from harness.bring.intake.promptfoo_templates import (
    RawPrompt,
    ReferenceCycleError,
    names_in,
    object_parts,
    raw_prompts,
    renamed,
    renamed_entry,
    resolved,
    template_of,
    used_variables,
    with_parts,
    without_objects,
)
from harness.bring.intake.promptfoo_tests import Test, Tests, no_names
from harness.bring.intake.values import (
    ImportedPrompt,
    ImportedSet,
    Object,
    a_list,
    a_number,
    a_text,
    an_object,
    warning,
)
from harness.errors import Problem, UsageError
from harness.judge.scoring.assertions import SET
from harness.wording import plural

_READ = frozenset({"prompts", "providers", "targets", "tests", "defaultTest", "description"})
_OF_DEFAULTS = frozenset({"vars", "assert", "metadata", "threshold", "description"})
_OURS = {
    "temperature": "temperature",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "max_output_tokens": "max_output_tokens",
    "maxOutputTokens": "max_output_tokens",
    "seed": "seed",
    "stop": "stop",
    "service_tier": "service_tier",
}
"""Settings of a provider's `config` by the key of our `request`."""
_ADDRESSES = frozenset(
    {"apiKey", "apiKeyEnvar", "apiHost", "apiBaseUrl", "organization", "region", "cost"}
)
"""Settings that say where a model is, with which key, or at what price."""
_MOST_NAMED = 5
_HARMLESS = frozenset(
    {"outputPath", "sharing", "writeLatestResults", "evaluateOptions", "env", "tags"}
)


def read_config(
    text: str,
    *,
    file: str,
    read: Callable[[str], str | None],
    names: Callable[[str], Sequence[str]] = no_names,
) -> ImportedSet:
    """Read a configuration.

    `read` gives the text of a file beside it, None where there is none; `names` the files that fit
    a pattern.

    Raises:
        UsageError: no YAML or JSON, it has no tests, or a reference leads back to itself.
    """
    try:
        source = read_yaml(text, file=file, foreign=True)
    except SourceError as error:
        raise UsageError(str(error)) from None
    try:
        data = an_object(resolved(source.data))
    except ReferenceCycleError as error:
        raise UsageError(f"{file}: {error}; write out what it stands for") from None
    found = _Config(
        source=replace(source, data=data), data=data, beside=Tests(read=read, names=names)
    )
    return found.imported()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """What the variables are: those of the prompts, those of assertions alone, and the input."""

    used: list[str]
    hidden: set[str]
    main: str | None


@dataclass(slots=True, kw_only=True)
class _Config:
    source: Source
    data: Object
    beside: Tests
    problems: list[Problem] = field(default_factory=list[Problem])
    told: set[tuple[str, int | None, str]] = field(default_factory=set[tuple[str, int | None, str]])
    count: int = 0
    parts: dict[str, str] = field(default_factory=dict[str, str])
    bare: list[str] = field(default_factory=list[str])
    """Tests of which no own assertion is left."""
    skewed: list[str] = field(default_factory=list[str])
    """Tests whose mean lacks an assertion."""

    def imported(self) -> ImportedSet:
        self.unread_keys()
        tests = self.tests()
        self.parts = object_parts(test.values for test in tests)
        tests = [replace(test, values=with_parts(test.values, self.parts)) for test in tests]
        raw = [
            replace(prompt, text=renamed(prompt.text, self.parts))
            for prompt in raw_prompts(self.prompt_entries(), self.beside.read, self.tell_prompt)
        ]
        known = list(dict.fromkeys(name for test in tests for name in test.values))
        answers = self.answers(tests)
        used = used_variables(raw, known) or [n for n in known if n not in answers] or known
        listed = [self.assertions(test) for test in tests]
        primary, targets, guardrails = measures(listed)
        _, wanted = split(listed)
        hidden = answers - set(used)
        main = main_variable([test.values for test in tests], used)
        cases = [
            self.case(number, test, _Named(used=used, hidden=hidden, main=main), (target, rubric))
            for number, (test, target, rubric) in enumerate(
                zip(tests, targets, wanted, strict=True)
            )
        ]
        self.tell_judges(primary, guardrails)
        self.tell_lost(tests)
        self.tell_settings()
        return ImportedSet(
            cases=tuple(cases),
            primary=primary,
            guardrails=guardrails,
            prompts=self.prompts(raw, used, main),
            models=self.models(),
            converted=self.count,
            problems=tuple(self.problems),
        )

    def unread_keys(self) -> None:
        for key in sorted(set(self.data) - _READ - _HARMLESS):
            self.tell((key,), "key is not read")
        for key in sorted(set(self.defaults()) - _OF_DEFAULTS):
            self.tell(("defaultTest", key), "key is not read")

    def prompt_entries(self) -> list[object]:
        """The prompts: a list, one text, or names of files with their labels."""
        given = self.data.get("prompts")
        if isinstance(given, dict):
            pairs = cast("dict[str, object]", given).items()
            return [{"raw": name, "label": label} for name, label in pairs]
        several = [given] if isinstance(given, str) else a_list(given)
        return [name for each in several for name in self.prompt_files(each)]

    def prompt_files(self, entry: object) -> list[object]:
        """A prompt, or the files that a pattern means."""
        if not isinstance(entry, str) or not re.search(r"[*?\[]", entry) or "\n" in entry:
            return [entry]
        found = sorted(self.beside.names(entry.removeprefix("file://")))
        return [f"file://{name}" for name in found] or [entry]

    def defaults(self) -> Object:
        given = self.data.get("defaultTest")
        if isinstance(given, str):
            found = self.beside.document(given.removeprefix("file://"))
            return an_object(cast("object", None if found is None else found.data))
        return an_object(cast("object", given))

    def tests(self) -> list[Test]:
        reader = self.beside
        found = list(reader.of(self.data.get("tests"), self.source, ("tests",)))
        self.problems += reader.problems
        if not found:
            reason = f"; {reader.problems[0]}" if reader.problems else ""
            raise UsageError(f"{self.source.file}: no tests to import{reason}")
        defaults = self.defaults()
        given = reader.variables(defaults.get("vars"), self.source, ("defaultTest",))
        least = a_number(defaults.get("threshold"))
        return [
            replace(
                t,
                values=t.values | {name: v for name, v in given.items() if name not in t.values},
                metadata=an_object(defaults.get("metadata")) | t.metadata,
                threshold=least if t.threshold is None else t.threshold,
            )
            for t in found
        ]

    def assertions(self, test: Test) -> tuple[Assertion, ...]:
        path = ("defaultTest", "assert")
        given = [
            (entry, self.source.file, self.source.line((*path, number)))
            for number, entry in enumerate(a_list(self.defaults().get("assert")))
            if test.defaults
        ]
        common = self.made(given, test)
        own = self.made(test.assertions, test)
        self.lost_assertions(test, common, own)
        found = [each for each in (*common, *own) if each is not None]
        graded = any(each.type == RUBRIC for each in found)
        if test.threshold is None or not found or graded:
            return tuple(found)
        return (Assertion(type=SET, inside=tuple(found), threshold=test.threshold),)

    def made(
        self, entries: Sequence[tuple[object, str, int | None]], test: Test
    ) -> list[Assertion | None]:
        """What assertions with a weight become; None for each that was told instead."""
        found: list[Assertion | None] = []
        for entry, file, line in entries:
            asked = renamed_entry(entry, self.parts)
            one = converted(asked, test.values, self.beside.read, self.teller(file, line))
            if one is not None or an_object(asked).get("weight") != 0:
                found.append(one)
                self.count += one is not None
        return found

    def lost_assertions(
        self, test: Test, common: Sequence[Assertion | None], own: Sequence[Assertion | None]
    ) -> None:
        """Note a test that is judged otherwise without what was not converted."""
        if own and not any(own) and any(common):
            self.bare.append(test.name)
        elif test.threshold is not None and None in (*common, *own) and any((*common, *own)):
            self.skewed.append(test.name)

    def tell_lost(self, tests: Sequence[Test]) -> None:
        """Tell the tests that are judged otherwise, or not taken over whole, by their names."""
        for names, message in (
            (self.bare, "none of its own assertions is converted; only defaultTest's judge it"),
            (self.skewed, "its threshold is of a mean that lacks the assertions not converted"),
            ([t.name for t in tests if t.description], "descriptions are not taken over"),
        ):
            if names:
                listed = ", ".join(names[:_MOST_NAMED]) + (", ..." if names[_MOST_NAMED:] else "")
                what = f"{plural(len(names), 'test')} ({listed}): {message}"
                self.problems.append(warning(self.source.file, None, "tests", what))

    def teller(self, file: str, line: int | None) -> Callable[[str, str], None]:
        def tell(kind: str, message: str) -> None:
            # A default assertion fails to convert once, not once for each test.
            if (file, line, kind) not in self.told:
                self.told.add((file, line, kind))
                self.problems.append(warning(file, line, kind, message))

        return tell

    def answers(self, tests: list[Test]) -> set[str]:
        """The variables that an assertion reads."""
        entries = [entry for test in tests for entry, _, _ in test.assertions]
        entries += a_list(self.defaults().get("assert"))
        asked = [an_object(renamed_entry(entry, self.parts)) for entry in entries]
        return {name for entry in asked for name in names_in(entry.get("value"))}

    def case(
        self,
        number: int,
        test: Test,
        names: _Named,
        wanted: tuple[str | None, str | None],
    ) -> Case:
        used, (target, rubric) = names.used, wanted
        # A variable that a test leaves out is empty in promptfoo, and an error in our templates.
        told = {name: value for name, value in test.metadata.items() if name not in test.values}
        values = {**told, **dict.fromkeys(used, ""), **without_objects(test.values, used)}
        if target is None and rubric is None:
            self.unlabelled(number)
        main, hidden = names.main, names.hidden
        case = case_of(values, id_=case_id(number), main=main, hidden=hidden, target=target)
        if rubric is None:
            return case
        metadata = {**dict(case.metadata), KEY: rubric}
        return replace(case, metadata=tuple(sorted(metadata.items())))

    def tell_judges(self, primary: ScorerSpec, guardrails: Sequence[GuardrailSpec]) -> None:
        specs = [primary, *(guardrail.scorer for guardrail in guardrails)]
        if any(TO_FILL_IN in spec.options for spec in specs):
            message = f"no grading model is named: write it in place of {TO_FILL_IN!r}"
            self.problems.append(warning(self.source.file, None, "llm-rubric", message))

    def unlabelled(self, number: int) -> None:
        key = ("", None, "unlabelled")
        if key not in self.told:
            self.told.add(key)
            message = f"test {number} and maybe others have no converted assertion: to be labelled"
            self.problems.append(warning(self.source.file, None, "tests", message))

    def prompts(
        self, raw: list[RawPrompt], used: list[str], main: str | None
    ) -> tuple[ImportedPrompt, ...]:
        found: list[ImportedPrompt] = []
        for prompt in raw:
            text, fault = template_of(prompt, used, main)
            if fault is not None:
                self.tell_prompt(prompt.at, f"prompt not converted: {fault}")
                continue
            name = "default" if not found else _slug(prompt.label, len(found))
            found.append(ImportedPrompt(name=name, text=text))
            if name != "default":
                self.tell_prompt(
                    prompt.at, f"written as {name}.j2; name it after a model to use it"
                )
        return tuple(found)

    def tell_settings(self) -> None:
        """Tell how the providers' models are asked, which a feature's file says here."""
        key = "providers" if a_list(self.data.get("providers")) else "targets"
        for number, entry in enumerate(a_list(self.data.get(key))):
            config = an_object(an_object(entry).get("config"))
            ours = ", ".join(f"{_OURS[name]}: {config[name]}" for name in _OURS if name in config)
            others = sorted(set(config) - set(_OURS) - _ADDRESSES)
            told = [f"features/NAME.yaml says it: `request: {{{ours}}}`"] if ours else []
            told += [f"not read: {', '.join(others)}"] if others else []
            if told:
                self.tell(
                    (key, number, "config"), f"settings are not taken over; {'; '.join(told)}"
                )

    def models(self) -> tuple[str, ...]:
        entries = a_list(self.data.get("providers")) or a_list(self.data.get("targets"))
        single = self.data.get("providers")
        names = [_provider(entry) for entry in ([single] if isinstance(single, str) else entries)]
        return tuple(name for name in names if name)

    def tell_prompt(self, at: int, message: str) -> None:
        self.tell(("prompts", at), message)

    def tell(self, path: tuple[str | int, ...], message: str) -> None:
        fault = self.source.fault(path, message)
        self.problems.append(warning(fault.file, fault.line, fault.key, message))


def _provider(entry: object) -> str | None:
    """The tool's name of a model: a text, or the label, id or key of an object."""
    data = an_object(entry)
    if isinstance(entry, str) or not data:
        return entry if isinstance(entry, str) else None
    known = a_text(data.get("label")) or a_text(data.get("id"))
    return known or next((name for name in data if name != "config"), None)


_LONGEST_STEM = 60


def _slug(label: str, number: int) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", label.lower())[:_LONGEST_STEM].strip("-")
    return stem or f"prompt-{number + 1}"
