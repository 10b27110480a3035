"""Promptfoo's `llm-rubric` to our judge: what an answer must hold is metadata of its case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsets.cases import GuardrailSpec, ScorerSpec
from evalsets.jsonl import canonical
from harness.intake.promptfoo_asserts import RUBRIC, Assertion, scorer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

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
