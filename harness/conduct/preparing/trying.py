"""`rightsize try`: one prompt on the tune cases. The deciding cases cannot be reached from here."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random

from evalsets.cases import Case
from evalsets.splits import tune_cases
from harness.ask.cluster.actors import local_cluster
from harness.ask.cluster.workers import Cluster
from harness.ask.replay.engine import replay
from harness.ask.replay.governor import Governor, lane_of
from harness.ask.replay.ledger import Ledger
from harness.ask.replay.retry import RetryPolicy
from harness.ask.replay.throttle import LaneLimits
from harness.ask.serving.gpus import Need, check_team_quotas
from harness.conduct.access import check_models
from harness.conduct.checking import checked_workspace
from harness.conduct.listening import Listener, Quiet
from harness.conduct.loads import room_of
from harness.conduct.model_hosts import Local, serve_here
from harness.conduct.opening import cycle_of, utc_now
from harness.errors import UsageError
from harness.journal.earlier import note_try, prompts_tried
from harness.journal.journal import Journal, SpentOrReserved
from harness.journal.trials import Answered, Outcome, Trial
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.judge import NotGradedError
from harness.judge.scoring.replies import opened, whole
from harness.judge.scoring.scorer import NoTargetError, Scorer, Setting, score_outcome
from harness.money.prices.attempts import attempt_cost
from harness.plan.judging import OPTION as JUDGED_BY
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.plan.planning import Selection, plan_review
from harness.plan.rulings import Judging
from harness.workspace.prompts import PromptFile
from harness.workspace.state import journal_file, state_folder
from harness.workspace.workspace import Workspace
from providers.completion import TokenUsage


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What a try runs on; `cap_usd` bounds it, `now` is UTC, ISO 8601."""

    cluster: Cluster
    journal: Journal
    retry: RetryPolicy
    share_of_rate_limit: float
    cap_usd: Decimal
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneScore:
    """One tune case under the prompt; `score` is None without an answer or a label."""

    case: Case
    text: str
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a prompt did on the tune cases, the worst answers first."""

    option: str
    prompt_sha256: str
    cases: tuple[TuneScore, ...]
    spent_usd: Decimal
    prompts_tried: int
    """Of this option, this one too."""

    @property
    def mean(self) -> float | None:
        """Mean score of the cases that have one."""
        scores = [each.score for each in self.cases if each.score is not None]
        return sum(scores) / len(scores) if scores else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptToTry:
    """A prompt of a feature, and the option that is asked under it."""

    root: Path
    """Folder of the workspace."""
    feature: str
    model: str
    prompt: Path | None = None
    """A file to try instead of the workspace's own."""


def try_prompt(
    asked: PromptToTry,
    *,
    listener: Listener | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Tried:
    """Run a prompt on a feature's tune cases; the deciding cases are never asked.

    Raises:
        WorkspaceError: a fault of the workspace or of this feature.
        UsageError: no such option, one that may not be asked, a missing key, no tune cases, or a
            prompt that cannot be filled in.
        NoGpuError: the model fits on no GPU, or is above its team's quota.
    """
    now, told = clock(), listener or Quiet()
    loaded = checked_workspace(asked.root, on=now.date(), features=(asked.feature,))
    if loaded.refused:
        told.refused(loaded)
    cycle = cycle_of(None, now.date())
    wanted = Selection(features=(asked.feature,))
    plan = plan_review(loaded, cycle=cycle, on=now.date(), wanted=wanted).features[0]
    if plan.config.program is not None:
        raise UsageError(f"{asked.feature} has no prompt of ours to try: a program asks its models")
    text = (asked.prompt.name, asked.prompt.read_text(encoding="utf-8")) if asked.prompt else None
    rung = rung_with(plan, asked.model, text)
    if not (rung.asked or rung.saves_too_little):
        raise UsageError(f"{asked.model}: {rung.excluded}: {rung.note}")
    check_models({rung.model: rung.config}, os.environ)
    team = loaded.features[asked.feature].team
    check_quota(loaded, rung, team, now)
    path, run_id, at = journal_file(loaded.root), secrets.token_hex(8), now.isoformat()
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.open(path, run_id=run_id, cycle=cycle, now=at))
        cluster = stack.enter_context(local_cluster(state=state_folder(loaded.root)))
        if rung.config.serve is not None:
            models = {rung.model: rung.config}
            local = Local(workspace=loaded, models=models, say=told.note, clock=clock)
            served = stack.enter_context(serve_here(local, {rung.model: (team,)}))
            rung = rung.served_at(served[rung.model])
        asking = Asking(
            cluster=cluster,
            journal=journal,
            retry=RetryPolicy(rng=Random(secrets.randbits(64))),  # noqa: S311  # jitter, no secret
            share_of_rate_limit=loaded.policy.share_of_rate_limit,
            cap_usd=loaded.policy.max_spend_usd,
            now=at,
        )
        return tried_on(plan, rung, asking)


def check_quota(workspace: Workspace, rung: PlannedOption, team: str, now: datetime) -> None:
    """Refuse GPUs that the feature's team may not hold."""
    serve = rung.config.serve
    if serve is not None:
        need = Need(model=rung.model, gpus=serve.gpus, teams=frozenset({team}))
        check_team_quotas(need, room_of(workspace, (), now))


def rung_with(plan: FeaturePlan, option: str, prompt: tuple[str, str] | None) -> PlannedOption:
    """The option's rung, with another prompt (name, text) where one is given.

    Raises:
        UsageError: the feature has no such option.
    """
    found = [*plan.options, *([plan.incumbent] if plan.incumbent else [])]
    by_name = {rung.name: rung for rung in found}
    if option not in by_name:
        raise UsageError(f"--model {option}: no option of {plan.feature}: {', '.join(by_name)}")
    if prompt is None:
        return by_name[option]
    return replace(by_name[option], prompt=PromptFile.of(*prompt))


def tried_on(plan: FeaturePlan, rung: PlannedOption, asking: Asking) -> Tried:
    """Ask the tune cases under the rung's prompt.

    Raises:
        UsageError: the eval set keeps no tune cases, or the prompt cannot be filled in.
    """
    cases = {case.id: case for case in tune_cases(plan.evalset)}
    if not cases:
        raise UsageError(f"{plan.feature}: no tune cases; set `tune:` in its evalset.yaml")
    note_try(
        asking.journal, plan.feature, rung.name,
        prompt_sha256=rung.prompt.sha256, now=asking.now,
    )  # fmt: skip
    tries = Tries([rung], plan, asking)
    outcomes = tries.scored(rung, cases)
    found = [
        TuneScore(case=cases[outcome.trial.case_id], text=answer_text(outcome), score=score)
        for outcome, score in outcomes
    ]
    found.sort(key=lambda each: (each.score is None, each.score or 0.0, each.case.id))
    return Tried(
        option=rung.name,
        prompt_sha256=rung.prompt.sha256,
        cases=tuple(found),
        spent_usd=tries.ledger.spent_usd,
        prompts_tried=prompts_tried(asking.journal, plan.feature, rung.name),
    )


def _judging(plan: FeaturePlan, cases: Mapping[str, Case]) -> Judging | None:
    """The judges at work.

    Raises:
        UsageError: a judge holds answers beside today's, which nobody asks for here.
    """
    if any(judge.pairwise for judge in plan.judges):
        raise UsageError(
            f"{plan.feature}: its judge compares with today's answer, and a try has none; "
            "try it with `compare: alone`"
        )
    today = plan.incumbent.name if plan.incumbent else ""
    return Judging.of(plan.judges, cases, today)


class Tries:
    """Asks within one cap, whoever is asked: the models that are tried, and their judges."""

    def __init__(
        self,
        rungs: Iterable[PlannedOption],
        plan: FeaturePlan,
        asking: Asking,
        spent: SpentOrReserved | None = None,
    ) -> None:
        """`spent` is what earlier runs used of the cap."""
        judges = {f"{JUDGED_BY}{judge.rung.name}": judge.rung for judge in plan.judges}
        self._rungs = {**{rung.name: rung for rung in rungs}, **judges}
        self._plan = plan
        self._asking = asking
        self.ledger = Ledger(
            asking.cap_usd,
            self._price,
            spent_usd=spent.known_usd if spent else Decimal(0),
            possibly_billed_usd=spent.possibly_billed_usd if spent else Decimal(0),
        )

    def scored(
        self, rung: PlannedOption, cases: Mapping[str, Case]
    ) -> list[tuple[Outcome, float | None]]:
        """Each case's outcome under the rung's prompt, with the primary measure's score."""
        plan = self._plan
        judging = _judging(plan, cases)
        outcomes = self.answers(
            [plan.asker.trial(rung, case, 0, "quality") for case in cases.values()]
        )
        if judging is not None:
            for outcome in outcomes:
                judging.hold(outcome)
            for ruling in self.answers(list(judging.trials())):
                judging.take(ruling)
        setting = Setting(folder=plan.sample.folder, grades=judging.book if judging else None)
        scorer = find_scorer(plan.evalset.primary, setting)
        return [(each, _score(each, cases[each.trial.case_id], scorer)) for each in outcomes]

    def answers(self, trials: Sequence[Trial]) -> list[Outcome]:
        """Every outcome, as they settle."""
        asking = self._asking
        limits = {
            lane_of(trial): LaneLimits(
                max_concurrency=self._rungs[trial.option].config.max_concurrency
            )
            for trial in trials
        }
        return list(
            replay(
                trials,
                cluster=asking.cluster,
                journal=asking.journal,
                governor=Governor(limits, share_of_rate_limit=asking.share_of_rate_limit),
                ledger=self.ledger,
                retry=asking.retry,
            )
        )

    def _price(self, trial: Trial, usage: TokenUsage) -> Decimal:
        return attempt_cost(usage, self._rungs[trial.option].priced())


def _score(outcome: Outcome, case: Case, scorer: Scorer) -> float | None:
    try:
        return score_outcome(outcome, case, scorer)
    except (NoTargetError, NotGradedError):
        return None


def answer_text(outcome: Outcome) -> str:
    """An answer as people read it; else why there is none."""
    if not isinstance(outcome, Answered):
        return f"({outcome.reason})"
    return opened(whole(outcome.text, outcome.tool_calls)).shown()
