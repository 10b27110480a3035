"""Promptfoo's tests to cases and scorers.

One variable, the same of every test, is the input; the others are metadata. Assertions are
converted, or reported with their line. An `llm-rubric` becomes our judge: what an answer must hold
is metadata of its case.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence

from evalsets.cases import Case, GuardrailSpec, ScorerSpec
from evalsets.jsonl import canonical
from harness.bring.intake.promptfoo_assertions import RUBRIC, Assertion

INPUT_NAMES = (
    "input", "question", "query", "prompt", "text", "message", "content", "user_input", "body",
    "messages", "conversation", "conversations",
)  # fmt: skip
"""Names that a main variable commonly has, most telling first."""


def case_id(index: int | None) -> str:
    """The id of promptfoo's test number `index`, counted from 0 as promptfoo does."""
    return "test-unknown" if index is None else f"test-{index}"


def main_variable(
    tests: Sequence[Mapping[str, object]], names: Collection[str] | None = None
) -> str | None:
    """The variable that is the input, of `names` or of all: a telling name, else what varies most.

    Of those that vary alike it is the longest, else the first. What never varies is none, unless
    there is nothing else.

    >>> main_variable([{"company": "A", "ticket": "Late"}, {"company": "A", "ticket": "Broken"}])
    'ticket'
    """
    listed = dict.fromkeys(name for test in tests for name in test) if names is None else names
    texts = {name: [as_text(test.get(name, "")) for test in tests] for name in listed}
    kinds = {name: len(set(given)) for name, given in texts.items()}
    varying = [name for name, count in kinds.items() if count > 1] or list(kinds)
    known = next((name for name in INPUT_NAMES if name in varying), None)
    longest = {name: sum(map(len, given)) for name, given in texts.items()}
    return known or max(varying, key=lambda name: (kinds[name], longest[name]), default=None)


def as_text(value: object) -> str:
    """A variable's value as text: JSON for anything but a text."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def case_of(
    values: Mapping[str, object],
    *,
    id_: str,
    main: str | None,
    hidden: Collection[str] = (),
    target: str | None = None,
) -> Case:
    """A case of a test's variables: `main` is the input.

    `hidden` are left out: what only an assertion reads is an answer.
    """
    metadata = {
        name: as_text(value)
        for name, value in values.items()
        if name != main and name not in hidden
    }
    return Case(
        id=id_,
        input="" if main is None else as_text(values.get(main, "")),
        target=target,
        metadata=tuple(sorted(metadata.items())),
    )


def scorer_of(listed: Sequence[Sequence[Assertion]]) -> tuple[ScorerSpec, list[str | None]]:
    """The scorer for these cases' assertions, and each case's target under it.

    Equal texts everywhere are `exact`, letter by letter; anything else is `assertions`.
    """
    only = {each.type for case in listed for each in case} == {"equals"}
    single = all(len(case) == 1 and isinstance(case[0].value, str) for case in listed)
    plain = all(each.threshold is None and each.weight is None for case in listed for each in case)
    if only and single and plain:
        as_written = ScorerSpec(scorer="exact", options=canonical({"as_written": True}))
        return as_written, [case[0].value for case in listed]
    return ScorerSpec(scorer="assertions"), [_target(case) for case in listed]


def _target(case: Sequence[Assertion]) -> str | None:
    if not case:
        return None
    return json.dumps([each.entry for each in case], sort_keys=True, ensure_ascii=False)


KEY = "rubric"
"""Metadata key of what a case's answer must hold."""
TO_FILL_IN = "fill-in-the-judge"
"""Stands where no model was named: `check` asks for one."""
MARGIN = 5.0
"""Of a judge beside another scorer, in points; the default of risk `medium`."""


def split(
    listed: Sequence[Sequence[Assertion]],
) -> tuple[list[list[Assertion]], list[str | None]]:
    """Each case's other assertions, and what its rubrics ask for."""
    others = [[each for each in case if each.type != RUBRIC] for case in listed]
    return others, [_wanted([each for each in case if each.type == RUBRIC]) for case in listed]


def measures(
    listed: Sequence[Sequence[Assertion]],
) -> tuple[ScorerSpec, list[str | None], tuple[GuardrailSpec, ...]]:
    """The primary scorer, each case's target under it, and the guardrails.

    Rubrics alone are the primary measure. Beside other assertions, which need no model, they are a
    guardrail.
    """
    others, wanted = split(listed)
    if not any(wanted):
        return (*scorer_of(others), ())
    named = [each.judge.rpartition(":")[2] for case in listed for each in case if each.judge]
    options = {"model": named[0] if named else TO_FILL_IN, "requirement": KEY}
    judge = ScorerSpec(scorer="judge", options=canonical(options))
    if not any(others):
        return judge, [None for _ in listed], ()
    primary, targets = scorer_of(others)
    return primary, targets, (GuardrailSpec(scorer=judge, margin=MARGIN),)


def _wanted(rubrics: Sequence[Assertion]) -> str | None:
    texts = [str(each.value) for each in rubrics]
    if len(texts) > 1:
        return "All of these: " + " ".join(f"({n}) {text}" for n, text in enumerate(texts, 1))
    return texts[0] if texts else None
