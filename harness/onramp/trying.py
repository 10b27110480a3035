"""`rightsize try`: one prompt on the tune cases. The deciding cases cannot be reached from here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from evalsets.splits import tune_cases
from harness.config.fingerprints import prompt_sha256
from harness.config.prompts import PromptFile
from harness.costing.attempts import attempt_cost
from harness.errors import UsageError
from harness.replay.engine import replay
from harness.replay.governor import Governor, LaneLimits, lane_of
from harness.replay.ledger import Ledger
from harness.replay.tries import note_try
from harness.scoring.catalogue import find_scorer
from harness.scoring.outcomes import score_outcome
from harness.scoring.scorer import NoTargetError, Setting
from harness.trials import Answered

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from evalsets.cases import Case
    from harness.cluster.crew import Cluster
    from harness.plan.ladder import Rung
    from harness.plan.model import FeaturePlan
    from harness.replay.journal import Journal
    from harness.replay.retry import RetryPolicy
    from harness.trials import Outcome, Trial
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
class TriedCase:
    """One tune case under the prompt; `score` is None without an answer or a label."""

    case: Case
    text: str
    score: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What a prompt did on the tune cases, the worst answers first."""

    option: str
    prompt_sha256: str
    cases: tuple[TriedCase, ...]
    spent_usd: Decimal

    @property
    def mean(self) -> float | None:
        """Mean score of the cases that have one."""
        scores = [each.score for each in self.cases if each.score is not None]
        return sum(scores) / len(scores) if scores else None


def rung_with(plan: FeaturePlan, option: str, prompt: tuple[str, str] | None) -> Rung:
    """The option's rung, with another prompt (name, text) where one is given.

    Raises:
        UsageError: the feature has no such option.
    """
    found = [o.rung for o in plan.options] + ([plan.incumbent] if plan.incumbent else [])
    by_name = {rung.option: rung for rung in found}
    if option not in by_name:
        raise UsageError(f"--model {option}: no option of {plan.feature}: {', '.join(by_name)}")
    if prompt is None:
        return by_name[option]
    name, text = prompt
    file = PromptFile(path=name, text=text, sha256=prompt_sha256(text))
    return replace(by_name[option], prompt=file)


def try_prompt(plan: FeaturePlan, rung: Rung, asking: Asking) -> Tried:
    """Ask the tune cases under the rung's prompt.

    Raises:
        UsageError: the eval set keeps no tune cases, or the prompt cannot be filled in.
    """
    cases = {case.id: case for case in tune_cases(plan.evalset)}
    if not cases:
        raise UsageError(f"{plan.feature}: no tune cases; set `tune:` in its evalset.yaml")
    trials = [plan.asker.trial(rung, case, 0, "quality") for case in cases.values()]
    note_try(
        asking.journal, plan.feature, rung.option,
        prompt_sha256=rung.prompt.sha256, now=asking.now,
    )  # fmt: skip
    scorer = find_scorer(plan.evalset.primary, Setting(folder=plan.sample.folder))
    ledger = Ledger(asking.cap_usd, _price(rung))
    limits = {lane_of(trials[0]): LaneLimits(max_concurrency=rung.config.max_concurrency)}
    found: list[TriedCase] = []
    for outcome in replay(
        trials,
        cluster=asking.cluster,
        journal=asking.journal,
        governor=Governor(limits, share_of_rate_limit=asking.share_of_rate_limit),
        ledger=ledger,
        retry=asking.retry,
    ):
        case = cases[outcome.trial.case_id]
        try:
            score = score_outcome(outcome, case, scorer)
        except NoTargetError:
            score = None
        found.append(TriedCase(case=case, text=_text(outcome), score=score))
    found.sort(key=lambda each: (each.score is None, each.score or 0.0, each.case.id))
    return Tried(
        option=rung.option,
        prompt_sha256=rung.prompt.sha256,
        cases=tuple(found),
        spent_usd=ledger.spent_usd,
    )


def _price(rung: Rung) -> Callable[[Trial, TokenUsage], Decimal]:
    rates = rung.priced()
    return lambda _trial, usage: attempt_cost(usage, rates)


def _text(outcome: Outcome) -> str:
    return outcome.text if isinstance(outcome, Answered) else f"({outcome.reason})"
