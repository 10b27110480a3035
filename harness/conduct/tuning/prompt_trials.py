"""Asks tune cases under one prompt after another, and keeps what each scored and cost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from evalsets.cases import Case
from harness.conduct.preparing.trying import Asking, Tries, answer_text
from harness.conduct.tuning.ways import PromptWay
from harness.journal.earlier import note_tuned_with, note_tuning, prompts_of_run
from harness.journal.journal import SpentOrReserved
from harness.journal.trials import Answered, Attempt, Failed, FaultKind, Missing, Outcome
from harness.money.prices.attempts import attempt_cost
from harness.plan.asking import reserve
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.workspace.fingerprints import fingerprint
from harness.workspace.model_file import TUNED
from harness.workspace.prompts import PromptFile
from providers.request import Message

REPLY_TOKENS = 4096
"""Longest prompt that a rewriting model may write, its reasoning included."""
LEAST_SCORED = 0.9
"""A prompt with fewer of its cases scored is compared with none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TunedWay:
    """One prompt, and the option that is asked under it."""

    way: PromptWay
    rung: PlannedOption

    @property
    def sha256(self) -> str:
        """Of the prompt."""
        return self.rung.prompt.sha256

    @property
    def option(self) -> str:
        """The tuned option that it would be."""
        return f"{self.rung.name}{TUNED}"

    @classmethod
    def of(cls, way: PromptWay, rung: PlannedOption) -> TunedWay:
        """The option under the prompt."""
        file = PromptFile.of(f"{rung.name}{TUNED}.j2", way.text)
        return cls(way=way, rung=replace(rung, prompt=file))


@dataclass(frozen=True, slots=True, kw_only=True)
class PartScore:
    """What a prompt did on one part of the tune cases."""

    scores: Mapping[str, float]
    """By case; without those that brought no score."""
    asked: int
    usd: Decimal
    """Of all its calls, whenever they were paid."""
    input_tokens: float
    output_tokens: float
    """A request, on average."""
    cut: int
    """Answers that reached the longest allowed."""
    longest: int
    """Most output tokens of an answer that scored something."""
    out_of_money: bool

    @property
    def complete(self) -> bool:
        """Whether it can be compared with other prompts."""
        return self.asked > 0 and len(self.scores) >= LEAST_SCORED * self.asked

    @property
    def mean(self) -> float:
        """Of the scores; 0 without one."""
        return sum(self.scores.values()) / len(self.scores) if self.scores else 0.0

    @property
    def usd_per_request(self) -> Decimal:
        """Mean cost of a request."""
        return self.usd / self.asked if self.asked else Decimal(0)


class PromptTrials:
    """Asks the tune cases, and no other: it holds none."""

    def __init__(
        self,
        plan: FeaturePlan,
        rungs: Iterable[PlannedOption],
        asking: Asking,
        spent: SpentOrReserved,
    ) -> None:
        self._plan = plan
        self._asking = asking
        self._tries = Tries(rungs, plan, asking, spent)
        self._used: dict[str, Decimal] = {}

    @property
    def spent_usd(self) -> Decimal:
        """Of this tuning in all runs, what may have been billed too."""
        return self._tries.ledger.spent_usd + self._tries.ledger.possibly_billed_usd

    @property
    def used_usd(self) -> Decimal:
        """What the answers cost that were read so far, whenever they were paid.

        A run that goes on after a stop reads the same ones: whatever is decided by this is decided
        alike.
        """
        return sum(self._used.values(), Decimal(0))

    def note(self, one: TunedWay, *, counts_for: str) -> None:
        """Write down that a prompt is tried: from then on, the run's calls count for the option.

        At another effort it is tried for that effort's tuned option, too.
        """
        note_tuning(
            self._asking.journal, self._plan.feature, counts_for,
            prompt_sha256=one.sha256, now=self._asking.now,
        )  # fmt: skip
        if one.option != counts_for:
            self._count_for(one.option, one.sha256)

    def count_whole_search(self, option: str, *, counts_for: str) -> None:
        """Count all prompts that this run tried for the option that was chosen among them."""
        for sha256 in prompts_of_run(self._asking.journal, self._plan.feature, counts_for):
            self._count_for(option, sha256)

    def _count_for(self, option: str, sha256: str) -> None:
        note_tuned_with(
            self._asking.journal, self._plan.feature, option,
            prompt_sha256=sha256, now=self._asking.now,
        )  # fmt: skip

    def score(self, one: TunedWay, cases: Sequence[Case], *, counts_for: str) -> PartScore:
        """Ask the cases under a prompt, which counts as tried for the option `counts_for`."""
        return _part(self._ask(one, cases, counts_for), one.rung)

    def read(
        self, one: TunedWay, cases: Sequence[Case], *, counts_for: str
    ) -> Mapping[str, tuple[str, float | None]]:
        """The same, as each case's answer and score."""
        return {
            outcome.trial.case_id: (answer_text(outcome), score)
            for outcome, score in self._ask(one, cases, counts_for)
        }

    def reply(self, rung: PlannedOption, text: str, case: Case) -> str:
        """What a model says to a text of ours; empty where it says nothing.

        `case` is any of the tune cases: the request is made as one of its, and then changed.
        """
        asker = self._plan.asker
        request = replace(
            asker.request(rung, case, "quality"),
            messages=(Message(role="user", text=text),),
            max_output_tokens=REPLY_TOKENS,
            schema=None,
            tools=(),
            stop=(),
        )
        named = {"served": rung.served_identity(), "model": rung.version, "said": text}
        sha256 = fingerprint({"reply": named, "effort": rung.effort})
        trial = replace(
            asker.trial(rung, case, 0, "quality"),
            fingerprint=sha256,
            case_id=f"rewriting {sha256[:12]}",
            request=request,
            reserve_usd=reserve(rung, request),
        )
        (found,) = self._tries.answers([trial])
        self._count(found, rung)
        return found.text if isinstance(found, Answered) else ""

    def _ask(
        self, one: TunedWay, cases: Sequence[Case], counts_for: str
    ) -> list[tuple[Outcome, float | None]]:
        self.note(one, counts_for=counts_for)
        found = self._tries.scored(one.rung, {case.id: case for case in cases})
        for outcome, _ in found:
            self._count(outcome, one.rung)
        return found

    def answers(self, rung: PlannedOption, cases: Sequence[Case]) -> Mapping[str, str]:
        """A model's answers under its own prompt, by case; without those that it did not give."""
        trials = [self._plan.asker.trial(rung, case, 0, "quality") for case in cases]
        found = self._tries.answers(trials)
        for outcome in found:
            self._count(outcome, rung)
        return {each.trial.case_id: each.text for each in found if isinstance(each, Answered)}

    def _count(self, outcome: Outcome, rung: PlannedOption) -> None:
        self._used[outcome.trial.fingerprint] = _paid(outcome.attempts, rung)


def _part(found: Sequence[tuple[Outcome, float | None]], rung: PlannedOption) -> PartScore:
    used = [
        (each.usage.input_tokens, each.usage.output_tokens)
        for outcome, _ in found
        for each in outcome.attempts[-1:]
        if each.usage is not None
    ]
    return PartScore(
        scores={each.trial.case_id: score for each, score in found if score is not None},
        asked=len(found),
        usd=sum((_paid(each.attempts, rung) for each, _ in found), Decimal(0)),
        input_tokens=sum(tokens for tokens, _ in used) / len(used) if used else 0.0,
        output_tokens=sum(tokens for _, tokens in used) / len(used) if used else 0.0,
        cut=sum(isinstance(each, Failed) and each.reason == "length" for each, _ in found),
        longest=max(
            (
                attempt.usage.output_tokens
                for each, score in found
                for attempt in each.attempts[-1:]
                if score and attempt.usage is not None
            ),
            default=0,
        ),
        out_of_money=any(
            isinstance(each, Missing) and each.reason == FaultKind.BUDGET_EXHAUSTED
            for each, _ in found
        ),
    )


def _paid(attempts: Sequence[Attempt], rung: PlannedOption) -> Decimal:
    """At today's rates, so that a run that goes on counts what the first one counted."""
    return sum(
        (attempt_cost(each.usage, rung.priced()) for each in attempts if each.usage is not None),
        Decimal(0),
    )
