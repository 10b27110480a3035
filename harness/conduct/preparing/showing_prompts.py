"""A prompt as a model would be sent it, filled in for one case; nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalsets.cases import Case, Turn
from evalsets.prompts import PromptError, render_prompt
from evalsets.splits import tune_cases
from harness.errors import UsageError
from harness.plan.model import FeaturePlan
from harness.wording import plural
from harness.workspace.fingerprints import prompt_sha256
from harness.workspace.prompts import PromptFile


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledPrompt:
    """One prompt, filled in for a case, and the options that are sent it."""

    feature: str
    case_id: str
    options: tuple[str, ...]
    path: str
    turns: tuple[Turn, ...]


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
    files = {rung.prompt.path: rung.prompt for rung in rungs}
    return tuple(
        _filled(plan, case, file, [r.name for r in rungs if r.prompt.path == file.path])
        for file in files.values()
    )


def tune_prompt(plan: FeaturePlan, option: str, prompt: Path | None) -> FilledPrompt:
    """The prompt that `try` would send for the first tune case, or for the first case of all.

    Raises:
        UsageError: no such option, no case, or a prompt that cannot be filled in.
    """
    _refuse_program(plan)
    rungs = [*([plan.incumbent] if plan.incumbent else []), *plan.options]
    file = next((rung.prompt for rung in rungs if rung.name == option), None)
    if file is None:
        names = ", ".join(rung.name for rung in rungs)
        raise UsageError(f"--model {option}: no option of {plan.feature}: {names}")
    if prompt is not None:
        text = prompt.read_text(encoding="utf-8")
        file = PromptFile(path=prompt.name, text=text, sha256=prompt_sha256(text))
    cases = tune_cases(plan.evalset) or plan.evalset.cases
    if not cases:
        raise UsageError(f"{plan.feature}: the eval set has no case")
    return _filled(plan, cases[0], file, [option])


def _refuse_program(plan: FeaturePlan) -> None:
    if plan.config.program is not None:
        raise UsageError(f"{plan.feature} has no prompt of ours: a program asks its models")


def _filled(plan: FeaturePlan, case: Case, file: PromptFile, options: list[str]) -> FilledPrompt:
    try:
        turns = render_prompt(file.text, case)
    except PromptError as error:
        raise UsageError(f"{file.path}: case {case.id}: {error}") from None
    return FilledPrompt(
        feature=plan.feature,
        case_id=case.id,
        options=tuple(options),
        path=file.path,
        turns=turns,
    )


def prompt_lines(filled: FilledPrompt) -> Iterator[str]:
    """The prompt for a terminal: who is sent it, then each message."""
    who = ", ".join(filled.options)
    yield f"{filled.feature}, case {filled.case_id!r}, {filled.path}, to {who}:"
    for turn in filled.turns:
        yield f"=== {turn.role} ==="
        yield turn.content
        if turn.images:
            yield f"(and {plural(len(turn.images), 'image')})"
        if turn.documents:
            yield f"(and {plural(len(turn.documents), 'document')})"
