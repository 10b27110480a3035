"""`rightsize tune`: a prompt for each model that is asked for, found on the tune cases alone.

No deciding case is read: whatever asks and compares here is given the tune cases and nothing else.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

from evalsets.cases import Case
from evalsets.prompts import check_template, prompt_fault
from evalsets.splits import TuneParts, tune_parts
from harness.ask.cluster.actors import local_cluster
from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.retry import RetryPolicy
from harness.conduct.access import check_models
from harness.conduct.checking import checked_workspace
from harness.conduct.listening import Listener, Quiet
from harness.conduct.model_hosts import Local, serve_here
from harness.conduct.opening import cycle_of, utc_now
from harness.conduct.preparing.trying import Asking, check_quota
from harness.conduct.tuning.prompt_trials import PromptTrials, TunedWay
from harness.conduct.tuning.searching import (
    LEAST_CASES,
    Goal,
    PromptSearch,
    TuneFound,
    TuneTask,
)
from harness.conduct.tuning.targets import asks_incumbent
from harness.conduct.tuning.ways import PromptWay
from harness.errors import UsageError
from harness.journal.earlier import prompts_tried, tuning_spend
from harness.journal.journal import Journal
from harness.plan.decisions.questions import decides
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption, plan_option
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason
from harness.workspace.model_file import TUNED, is_tuned, split_option
from harness.workspace.prompts import PromptFile
from harness.workspace.state import journal_file, state_folder
from harness.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptToTune:
    """The feature and the model whose prompt is sought, and what it may cost."""

    root: Path
    """Folder of the workspace."""
    feature: str
    model: str | None
    """None: each option that the feature's `tune:` names (`harness.conduct.tuning.tuning`)."""
    max_spend_usd: Decimal | None = None
    """Of this tuning, all its runs in a cycle together; None: what the policy leaves."""
    brought: tuple[Path, ...] = ()
    """Further prompts to begin with."""
    seed: int = 0
    goal: Goal | None = None
    """`shorter`: the cheapest prompt that holds the limit; None: `better`."""
    rewriter: str | None = None
    """A model of the workspace that may see the data, and rewrites prompts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedPrompt:
    """What tuning found; `path` is None where nothing was written."""

    feature: str
    option: str
    """The tuned option, or what it would be called."""
    path: Path | None
    found: TuneFound
    parts: tuple[int, int, int]
    """Cases to show, to search and to choose by."""
    spent_usd: Decimal
    """By all runs of this tuning, what may have been billed too."""
    prompts_tried: int
    """For this option, in every cycle."""
    more_monthly_usd: Decimal | None
    """What the prompt costs a month beyond today's, at the feature's traffic, before discounts."""


def tune(
    asked: PromptToTune,
    *,
    listener: Listener | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> TunedPrompt:
    """Find a better prompt for a model on a feature's tune cases, and write it beside the others.

    Raises:
        WorkspaceError: a fault of the workspace or of this feature.
        UsageError: no such option, one that may not be asked, a missing key, too few tune cases, or
            a prompt that cannot be filled in.
        BudgetRefusedError: the cap allows not one call.
        NoGpuError: the model fits on no GPU, or is above its team's quota.
    """
    now, told = clock(), listener or Quiet()
    loaded = checked_workspace(asked.root, on=now.date(), features=(asked.feature,))
    if loaded.refused:
        told.refused(loaded)
    cycle = cycle_of(None, now.date())
    wanted = Selection(features=(asked.feature,))
    plan = plan_review(loaded, cycle=cycle, on=now.date(), wanted=wanted).features[0]
    task = task_of(plan, asked, loaded, on=now.date())
    team = loaded.features[asked.feature].team
    asks = asked_models(task)
    check_models({rung.model: rung.config for rung in asks}, os.environ)
    for rung in asks:
        check_quota(loaded, rung, team, now)
    path, run_id, at = journal_file(loaded.root), secrets.token_hex(8), now.isoformat()
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.open(path, run_id=run_id, cycle=cycle, now=at))
        models = {rung.model: rung.config for rung in asks if rung.config.serve is not None}
        if models:
            local = Local(workspace=loaded, models=models, say=told.note, clock=clock)
            served = stack.enter_context(serve_here(local, dict.fromkeys(models, (team,))))
            task = served_task(task, served)
        by_ray = bool(models) or loaded.policy.ray == "always"
        asking = Asking(
            cluster=stack.enter_context(
                local_cluster(state=state_folder(loaded.root)) if by_ray else InlineCluster()
            ),
            journal=journal,
            retry=RetryPolicy(rng=Random(secrets.randbits(64))),  # noqa: S311  # jitter, no secret
            share_of_rate_limit=loaded.policy.share_of_rate_limit,
            cap_usd=_cap(task, journal, loaded, cycle),
            now=at,
        )
        return tuned_on(task, asking, root=loaded.root, cycle=cycle)


def _cap(task: TuneTask, journal: Journal, workspace: Workspace, cycle: str) -> Decimal:
    """What all runs of this tuning may spend: what is asked, and no more than the cycle leaves."""
    own = tuning_spend(journal_file(workspace.root), task.plan.feature, task.option, cycle=cycle)
    whole = journal.spend(cycle=cycle)
    others = whole.known_usd + whole.possibly_billed_usd - own.known_usd - own.possibly_billed_usd
    return min(task.cap_usd, max(workspace.policy.max_spend_usd - others, Decimal(0)))


def task_of(plan: FeaturePlan, asked: PromptToTune, workspace: Workspace, *, on: date) -> TuneTask:
    """What is to be tuned.

    Raises:
        UsageError: as `tune` says.
    """
    if plan.config.program is not None:
        raise UsageError(f"{plan.feature} has no prompt of ours to tune: a program asks its models")
    if asked.goal == "shorter" and asked.rewriter is not None:
        raise UsageError("--rewrite-by looks for better prompts: it goes not with --goal shorter")
    rungs = _rungs(plan, asked.model or plan.config.incumbent)
    parts = tune_parts(plan.evalset)
    cases = _cases(parts)
    if len(cases) < LEAST_CASES or not (parts.search and parts.choice):
        raise UsageError(
            f"{plan.feature}: {len(cases)} tune cases, and at least {LEAST_CASES} are needed; set "
            "`tune:` in its evalset.yaml"
        )
    most = workspace.policy.max_spend_usd
    task = TuneTask(
        plan=replace(
            plan,
            evalset=replace(plan.evalset, cases=cases),
            sample=replace(plan.sample, deciding=(), clusters=()),
        ),
        parts=parts,
        rungs=rungs,
        brought=(),
        before=(),
        seed=asked.seed,
        goal=asked.goal or "better",
        cap_usd=most if asked.max_spend_usd is None else min(asked.max_spend_usd, most),
    )
    today = [rung for rung in (plan.incumbent,) if rung is not None]
    starts = [PromptWay(what=f"the prompt of {rung.name}", text=rung.prompt.text) for rung in today]
    folder = workspace.root / "prompts" / plan.feature
    files = [(rung, folder / f"{rung.name}{TUNED}.j2") for rung in rungs]
    return replace(
        task,
        rewriter=_rewriter(plan, asked, workspace, on),
        brought=(*starts, *(_read(path, path.name, task) for path in asked.brought)),
        before=tuple(
            TunedWay.of(_read(file, "the prompt tuned before", task), rung)
            for rung, file in files
            if file.is_file()
        ),
    )


def asked_models(task: TuneTask) -> tuple[PlannedOption, ...]:
    """The options that are asked; today's model only where an answer of it is needed."""
    today = task.plan.incumbent
    asks = today is not None and asks_incumbent(task.plan, task.parts)
    named = (*task.rungs, today if asks else None, task.rewriter)
    return tuple({one.name: one for one in named if one is not None}.values())


def served_task(task: TuneTask, served: Mapping[str, str]) -> TuneTask:
    """The same with models at the addresses where they were started."""
    at = [
        each.served_at(served[each.model]) if each.model in served else each for each in task.rungs
    ]
    today = task.plan.incumbent
    if today is not None and today.model in served:
        today = today.served_at(served[today.model])
    by = task.rewriter
    if by is not None and by.model in served:
        by = by.served_at(served[by.model])
    rungs = {rung.name: rung for rung in at}
    return replace(
        task,
        rungs=tuple(at),
        before=tuple(TunedWay.of(one.way, rungs[one.rung.name]) for one in task.before),
        plan=replace(task.plan, incumbent=today),
        rewriter=by,
    )


def tuned_on(task: TuneTask, asking: Asking, *, root: Path, cycle: str) -> TunedPrompt:
    """Search, choose, and write the prompt if one did better than today's."""
    plan, journal = task.plan, asking.journal
    spent = tuning_spend(journal_file(root), plan.feature, task.option, cycle=cycle)
    trials = PromptTrials(plan, asked_models(task), asking, spent)
    found = PromptSearch(task, trials).find()
    path, option = None, task.option
    if found.best is not None:
        option = found.best.one.option
        if option != task.option:
            trials.count_whole_search(option, counts_for=task.option)
        path = root / "prompts" / plan.feature / f"{option}.j2"
        path.write_text(found.best.one.way.text, encoding="utf-8", newline="\n")
    return TunedPrompt(
        feature=plan.feature,
        option=option,
        path=path,
        found=found,
        parts=(len(task.parts.examples), len(task.parts.search), len(task.parts.choice)),
        spent_usd=trials.spent_usd,
        prompts_tried=prompts_tried(journal, plan.feature, option),
        more_monthly_usd=_more(found, plan),
    )


def _rungs(plan: FeaturePlan, model: str) -> tuple[PlannedOption, ...]:
    """The option that is named; of a bare model every effort that the feature may ask.

    Raises:
        UsageError: there is none, or it may not be asked.
    """
    every = [*plan.options, *([plan.incumbent] if plan.incumbent else [])]
    plain = [rung for rung in every if rung.cascade is None and not rung.name.endswith(TUNED)]
    found = [rung for rung in plain if rung.name == model] or [
        rung for rung in plain if rung.model == model
    ]
    if not found:
        names = ", ".join(rung.name for rung in plain)
        raise UsageError(f"--model {model}: no option of {plan.feature}: {names}")
    able = [rung for rung in found if rung.asked or rung.saves_too_little]
    if not able:
        raise UsageError(f"{found[0].name}: {found[0].excluded}: {found[0].note}")
    return tuple(able)


def _rewriter(
    plan: FeaturePlan, asked: PromptToTune, workspace: Workspace, on: date
) -> PlannedOption | None:
    """The model that rewrites, if one is named.

    Raises:
        UsageError: the workspace has no such model, or it may not be asked.
    """
    name = asked.rewriter
    if name is None:
        return None
    if split_option(name)[0] not in workspace.models:
        known = ", ".join(workspace.models)
        raise UsageError(f"--rewrite-by {name}: not in the workspace; known: {known}")
    rung = plan_option(workspace, plan.feature, name, on=on)
    if rung.excluded is not None and rung.excluded is not Reason.CAPABILITY_GAP:
        raise UsageError(f"--rewrite-by {name}: {rung.excluded}: {rung.note}")
    if decides(rung.config):
        raise UsageError(
            f"--rewrite-by {name}: it decides and writes no text; name one that writes"
        )
    return rung


def _read(path: Path, what: str, task: TuneTask) -> PromptWay:
    """A prompt to begin with.

    Raises:
        UsageError: it cannot be read, or cannot be filled in for the tune cases.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    fault = check_template(text) or prompt_fault(text, _cases(task.parts))
    if fault is not None:
        raise UsageError(f"{path}: {fault}")
    _ = PromptFile.of(str(path), text).settings
    return PromptWay(what=what, text=text)


def _cases(parts: TuneParts) -> tuple[Case, ...]:
    return (*parts.examples, *parts.search, *parts.choice)


def _more(found: TuneFound, plan: FeaturePlan) -> Decimal | None:
    """Cost a month beyond today's prompt, by what the choosing cases cost."""
    traffic = plan.config.traffic
    new, old = found.best and found.best.choice, found.today.choice
    if traffic is None or new is None or old is None:
        return None
    return (new.usd_per_request - old.usd_per_request) * traffic.requests_per_month


def asked_tunings(asked: PromptToTune, *, on: date) -> tuple[PromptToTune, ...]:
    """A search for the model that is named, else for each option that the feature's `tune:` names.

    `incumbent` is today's model. Of it the cheapest prompt that holds the limit is sought where the
    file asks and no goal is stated: a dearer one would never be chosen.

    Raises:
        WorkspaceError: a fault of the workspace or of this feature.
        UsageError: no model is named, and the feature's file asks for none.
    """
    loaded = checked_workspace(asked.root, on=on, features=(asked.feature,))
    if asked.feature not in loaded.features:
        return (asked,)  # The search itself says what is wrong with it.
    config = loaded.features[asked.feature]
    if asked.model is not None:
        named = config.incumbent if asked.model == "incumbent" else asked.model
        return (replace(asked, model=named),)
    if not config.to_tune:
        raise UsageError(
            f"--model: name the option whose prompt is sought, or state `tune: [incumbent]` in "
            f"features/{asked.feature}.yaml"
        )
    today = config.incumbent
    return tuple(
        replace(asked, model=one, goal=asked.goal or ("shorter" if one == today else "better"))
        for one in config.to_tune
        if one != today or not is_tuned(one)
    )
