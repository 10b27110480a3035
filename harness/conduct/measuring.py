"""What the scorers of an eval set need of a feature, and what they cannot see of its answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from evalsets.cases import EvalSet, ScorerSpec
from evalsets.loading import CONFIG_FILE, TOOL_CALLS
from evalsets.source import KeyPath, read_yaml
from harness.errors import Problem, UsageError
from harness.judge.scoring.catalogue import find_scorer, may_see_calls
from harness.judge.scoring.grounded.scorer import NAME as GROUNDEDNESS
from harness.judge.scoring.grounded.scorer import groundedness
from harness.judge.scoring.judge import NAME as JUDGE
from harness.judge.scoring.judge import judge_options
from harness.judge.scoring.scorer import Setting, sees_calls
from harness.plan.abilities import unseeing_judges
from harness.wording import plural
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.reading import ParsedFile, Reading, problem_of


def measure_problems(
    reading: Reading,
    entry: ParsedFile[FeatureConfig],
    judged: tuple[EvalSet, Path],
    *,
    run_users_code: bool,
) -> Iterator[Problem]:
    """What is wrong with a feature's scorers beyond their options; `judged` has its folder."""
    evalset, folder = judged
    yield from _ungraded(entry, evalset, folder)
    yield from _without_context(evalset, folder)
    yield from _unseen_calls(entry, evalset, folder, run_users_code=run_users_code)
    for key, why in unseeing_judges(reading, measures_of(evalset), evalset, folder):
        yield at_evalset(folder, key, why)


def at_evalset(folder: Path, key: KeyPath, message: str, *, severity: str = "error") -> Problem:
    """A problem in an `evalset.yaml` that was read before; now its lines are wanted."""
    text = (folder / CONFIG_FILE).read_text(encoding="utf-8-sig")
    source = read_yaml(text, file=f"evalsets/{folder.name}/{CONFIG_FILE}")
    return problem_of(source.fault(key, message), severity=severity)


def _ungraded(
    entry: ParsedFile[FeatureConfig], evalset: EvalSet, folder: Path
) -> Iterator[Problem]:
    """Another tool's grades, wanted of answers that no other tool will see."""
    if entry.config.answers == "imported":
        return
    for key, spec in measures_of(evalset):
        if spec.scorer == "graded":
            message = "reads the grades of imported answers; the feature needs `answers: imported`"
            yield at_evalset(folder, key, message)


def _without_context(evalset: EvalSet, folder: Path) -> Iterator[Problem]:
    """Cases that nothing could be grounded in; an empty context must be stated."""
    for key, spec in measures_of(evalset):
        try:
            scorer = groundedness(spec, Setting()) if spec.scorer == GROUNDEDNESS else None
        except UsageError:
            continue  # Told where the scorer is made.
        told = [why for case in evalset.cases if scorer and (why := scorer.lacks(case))]
        if told:
            more = f" (and {plural(len(told) - 1, 'case')} more)" if len(told) > 1 else ""
            yield at_evalset(folder, key, f"{told[0]}{more}")


def measures_of(evalset: EvalSet) -> Iterator[tuple[KeyPath, ScorerSpec]]:
    """Every scorer of an eval set, with its key."""
    yield ("primary",), evalset.primary
    yield from ((("guardrails", at), each.scorer) for at, each in enumerate(evalset.guardrails))
    if evalset.second_grader is not None:
        yield ("second_grader",), evalset.second_grader


def judges_of(measures: Iterable[tuple[KeyPath, ScorerSpec]]) -> Iterator[str]:
    """The models that judge, as far as their options can be read."""
    for _, spec in measures:
        if spec.scorer == JUDGE:
            with suppress(UsageError):  # Told where the scorer is made.
                yield judge_options(spec).model


def _unseen_calls(
    entry: ParsedFile[FeatureConfig], evalset: EvalSet, folder: Path, *, run_users_code: bool
) -> Iterator[Problem]:
    """Scorers that cannot see what the feature answers with: tool calls, or only text."""
    tools = entry.config.request.tools
    for key, spec in measures_of(evalset):
        if tools is None:
            if spec.scorer == TOOL_CALLS and entry.config.answers != "imported":
                message = (
                    f"{TOOL_CALLS} compares calls of tools, and {entry.source.file} names none; "
                    "state its `request: {tools: FILE}`"
                )
                yield at_evalset(folder, key, message)
        elif not _sees_calls(spec, evalset, folder, run_users_code=run_users_code):
            message = (
                f"{spec.scorer} sees the text of an answer alone, and the feature answers with "
                f"tool calls ({entry.source.file}: request.tools); use {TOOL_CALLS}, a judge, or a "
                "function of your own that takes `tool_calls`"
            )
            yield at_evalset(folder, key, message)


def _sees_calls(spec: ScorerSpec, evalset: EvalSet, folder: Path, *, run_users_code: bool) -> bool:
    """Whether a scorer sees tool calls; of the user's function only where it may be loaded."""
    if ":" not in spec.scorer or not run_users_code:
        return may_see_calls(spec, evalset.primary)
    try:
        return sees_calls(find_scorer(spec, Setting(folder=folder)))
    except UsageError:
        # What cannot be made is told where it is tried.
        return True
