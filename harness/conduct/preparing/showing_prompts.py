"""A prompt as a model would be sent it, filled in for one case; nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalsets.cases import Case, Turn
from evalsets.prompts import PromptError, render_prompt
from evalsets.splits import tune_cases
from harness.errors import UsageError
from harness.plan.decisions.questions import case_turns, decides, question
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.wording import plural
from harness.workspace.fingerprints import prompt_sha256
from harness.workspace.prompts import PromptFile
from providers.request import TypedQuestion


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledPrompt:
    """One prompt, filled in for a case, and the options that are sent it."""

    feature: str
    case_id: str
    options: tuple[str, ...]
    path: str
    turns: tuple[Turn, ...]
    question: TypedQuestion | None = None
    """What a decision model is asked about the turns, which are then the case's own."""


def prompts_for(plan: FeaturePlan, case_id: str) -> tuple[FilledPrompt, ...]:
    """Each prompt that a feature's options are sent for a case.

    Raises:
        UsageError: there is no such case, no model to ask, or a prompt that cannot be filled in.
    """
    _refuse_program(plan)
    case_of = dict(plan.evalset.copies)
    wanted = case_of.get(case_id, case_id)
    case = next((each for each in plan.evalset.cases if each.id == wanted), None)
    if case is None:
        first = plan.evalset.cases[0].id if plan.evalset.cases else "none"
        raise UsageError(f"{plan.feature} has no case {case_id!r}; its first is {first!r}")
    rungs = [*([plan.incumbent] if plan.incumbent else []), *plan.options]
    if not rungs:
        reason = plan.note or ", ".join(plan.reasons)
        raise UsageError(f"{plan.feature} asks no model: {reason}; `rightsize check` says more")
    groups: dict[tuple[str, bool], list[PlannedOption]] = {}
    for rung in rungs:
        groups.setdefault((rung.prompt.path, decides(rung.config)), []).append(rung)
    return tuple(_filled(plan, case, group[0].prompt, group) for group in groups.values())


def tune_prompt(plan: FeaturePlan, option: str, prompt: Path | None) -> FilledPrompt:
    """The prompt that `try` would send for the first tune case, or for the first case of all.

    Raises:
        UsageError: no such option, no case, or a prompt that cannot be filled in.
    """
    _refuse_program(plan)
    rungs = [*([plan.incumbent] if plan.incumbent else []), *plan.options]
    rung = next((rung for rung in rungs if rung.name == option), None)
    if rung is None:
        names = ", ".join(rung.name for rung in rungs)
        raise UsageError(f"--model {option}: no option of {plan.feature}: {names}")
    file = rung.prompt
    if prompt is not None:
        text = prompt.read_text(encoding="utf-8")
        file = PromptFile(path=prompt.name, text=text, sha256=prompt_sha256(text))
    cases = tune_cases(plan.evalset) or plan.evalset.cases
    if not cases:
        raise UsageError(f"{plan.feature}: the eval set has no case")
    return _filled(plan, cases[0], file, [rung])


def _refuse_program(plan: FeaturePlan) -> None:
    if plan.config.program is not None:
        raise UsageError(f"{plan.feature} has no prompt of ours: a program asks its models")


def _filled(
    plan: FeaturePlan, case: Case, file: PromptFile, rungs: Sequence[PlannedOption]
) -> FilledPrompt:
    labels = plan.asker.labels
    asked = None
    try:
        if decides(rungs[0].config) and labels:
            asked, turns = question(labels, file.text, case), case_turns(case)
        else:
            turns = render_prompt(file.text, case)
    except PromptError as error:
        raise UsageError(f"{file.path}: case {case.id}: {error}") from None
    return FilledPrompt(
        feature=plan.feature,
        case_id=case.id,
        options=tuple(rung.name for rung in rungs),
        path=file.path,
        turns=turns,
        question=asked,
    )


def prompt_lines(filled: FilledPrompt) -> Iterator[str]:
    """The prompt for a terminal: who is sent it, then each message."""
    who = ", ".join(filled.options)
    yield f"{filled.feature}, case {filled.case_id!r}, {filled.path}, to {who}:"
    if filled.question is not None:
        yield f"=== {filled.question.kind} ==="
        yield filled.question.instructions
        yield "=== answers ==="
        yield from filled.question.options
    for turn in filled.turns:
        yield f"=== {turn.role} ==="
        yield turn.content
        if turn.images:
            yield f"(and {plural(len(turn.images), 'image')})"
        if turn.documents:
            yield f"(and {plural(len(turn.documents), 'document')})"
