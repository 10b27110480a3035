"""A promptfoo configuration to an eval set: cases, one scorer, prompts, and all that is left."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from evalsets.source import SourceError, read_yaml
from harness.errors import Problem, UsageError
from harness.intake.promptfoo_asserts import Assertion, converted, variables
from harness.intake.promptfoo_cases import case_id, case_of
from harness.intake.promptfoo_prompts import RawPrompt, raw_prompts, template_of, used_variables
from harness.intake.promptfoo_rubrics import KEY, TO_FILL_IN, measures, split
from harness.intake.promptfoo_tests import Test, Tests
from harness.intake.reading import a_list, a_text, an_object, warning
from harness.intake.values import ImportedPrompt, ImportedSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evalsets.cases import Case, GuardrailSpec, ScorerSpec
    from evalsets.source import Source
    from harness.intake.reading import Object

_READ = frozenset({"prompts", "providers", "targets", "tests", "defaultTest", "description"})
_HARMLESS = frozenset(
    {"outputPath", "sharing", "writeLatestResults", "evaluateOptions", "env", "tags"}
)


def read_config(text: str, *, file: str, read: Callable[[str], str | None]) -> ImportedSet:
    """Read a configuration; `read` gives the text of a file beside it, None where there is none.

    Raises:
        UsageError: no YAML or JSON, or it has no tests.
    """
    try:
        source = read_yaml(text, file=file)
    except SourceError as error:
        raise UsageError(str(error)) from None
    return _Config(source=source, data=an_object(source.data), read=read).imported()


@dataclass(slots=True, kw_only=True)
class _Config:
    source: Source
    data: Object
    read: Callable[[str], str | None]
    problems: list[Problem] = field(default_factory=list[Problem])
    told: set[tuple[str, int | None, str]] = field(default_factory=set[tuple[str, int | None, str]])
    count: int = 0

    def imported(self) -> ImportedSet:
        self.unread_keys()
        tests = self.tests()
        raw = raw_prompts(a_list(self.data.get("prompts")), self.read, self.tell_prompt)
        known = list(dict.fromkeys(name for test in tests for name in test.values))
        answers = self.answers(tests)
        used = used_variables(raw, known) or [n for n in known if n not in answers] or known
        listed = [self.assertions(test) for test in tests]
        primary, targets, guardrails = measures(listed)
        _, wanted = split(listed)
        hidden = answers - set(used)
        cases = [
            self.case(number, test, (used, hidden), (target, rubric))
            for number, (test, target, rubric) in enumerate(
                zip(tests, targets, wanted, strict=True)
            )
        ]
        self.tell_judges(primary, guardrails)
        return ImportedSet(
            cases=tuple(cases),
            primary=primary,
            guardrails=guardrails,
            prompts=self.prompts(raw, used),
            models=self.models(),
            converted=self.count,
            problems=tuple(self.problems),
        )

    def unread_keys(self) -> None:
        for key in sorted(set(self.data) - _READ - _HARMLESS):
            self.tell((key,), "key is not read")
        for key in sorted(set(self.defaults()) - {"vars", "assert", "metadata"}):
            self.tell(("defaultTest", key), "key is not read")

    def defaults(self) -> Object:
        return an_object(self.data.get("defaultTest"))

    def tests(self) -> list[Test]:
        reader = Tests(read=self.read)
        found = list(reader.of(self.data.get("tests"), self.source, ("tests",)))
        self.problems += reader.problems
        if not found:
            reason = f"; {reader.problems[0]}" if reader.problems else ""
            raise UsageError(f"{self.source.file}: no tests to import{reason}")
        given = an_object(self.defaults().get("vars"))
        return [
            Test(
                values=t.values | {name: v for name, v in given.items() if name not in t.values},
                assertions=t.assertions,
                defaults=t.defaults,
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
        found: list[Assertion] = []
        for entry, file, line in (*given, *test.assertions):
            made = converted(entry, test.values, self.teller(file, line))
            if made is not None:
                found.append(made)
                self.count += 1
        return tuple(found)

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
        return {name for entry in entries for name in variables(an_object(entry).get("value"))}

    def case(
        self,
        number: int,
        test: Test,
        names: tuple[list[str], set[str]],
        wanted: tuple[str | None, str | None],
    ) -> Case:
        (used, hidden), (target, rubric) = names, wanted
        # A variable that a test leaves out is empty in promptfoo, and an error in our templates.
        values = {**dict.fromkeys(used, ""), **test.values}
        if target is None and rubric is None:
            self.unlabelled(number)
        case = case_of(values, id_=case_id(number), used=used, hidden=hidden, target=target)
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

    def prompts(self, raw: list[RawPrompt], used: list[str]) -> tuple[ImportedPrompt, ...]:
        found: list[ImportedPrompt] = []
        for prompt in raw:
            text, fault = template_of(prompt, used)
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

    def models(self) -> tuple[str, ...]:
        entries = a_list(self.data.get("providers")) or a_list(self.data.get("targets"))
        names = [
            entry
            if isinstance(entry, str)
            else a_text(an_object(entry).get("label")) or a_text(an_object(entry).get("id"))
            for entry in entries
        ]
        return tuple(name for name in names if name)

    def tell_prompt(self, at: int, message: str) -> None:
        self.tell(("prompts", at), message)

    def tell(self, path: tuple[str | int, ...], message: str) -> None:
        fault = self.source.fault(path, message)
        self.problems.append(warning(fault.file, fault.line, fault.key, message))


def _slug(label: str, number: int) -> str:
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or f"prompt-{number + 1}"
