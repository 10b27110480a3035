"""Finds prompts on one part of the tune cases and chooses among the best of them on another.

Step by step, each from the best so far: where to start, the form of the answer, examples, how the
model is asked, and what another model rewrites. Money is set aside for the choice: the search ends
when half of the cap is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal, TypeAlias

from evalsets.cases import Case
from evalsets.prompt_writing import PromptSettings, with_less, with_settings
from evalsets.splits import TuneParts
from harness.conduct.tuning.prompt_trials import PartScore, PromptTrials, TunedWay
from harness.conduct.tuning.rewriting import RewriteTask, rewritten
from harness.conduct.tuning.targets import with_targets
from harness.conduct.tuning.ways import PromptWay, form_lines, with_draws, with_forms
from harness.plan.decisions.questions import decides
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.stats.estimates import Estimate, Method, Sample, estimate
from harness.workspace.model_file import TUNED

Goal: TypeAlias = Literal["better", "shorter"]
"""`shorter`: the cheapest prompt that loses no more than the limit to today's."""
LEAST_CASES = 10
"""Tune cases without which nothing can be chosen."""
MOST_CUTS = 24
"""Prompts that are tried with something left out."""
ROOM = 1.25
"""Longest answers allowed over the longest right one seen, where shorter ones are sought."""
FINALISTS = 3
"""Prompts that go from the search to the choice, beside today's."""
LEVEL = 0.05
"""One-sided, of all finalists together."""
LONGER = 4
"""How much longer an answer may be, where some reached the longest allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPrompt:
    """A prompt and what it did; `choice` is None where it did not get so far."""

    one: TunedWay
    search: PartScore
    choice: PartScore | None = None

    @property
    def rank(self) -> tuple[float, Decimal, int]:
        """Best first, then cheapest, then shortest."""
        return (-self.search.mean, self.search.usd_per_request, len(self.one.way.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneFound:
    """What a search found; `best` is None where no prompt did better than today's."""

    today: TriedPrompt
    tried: tuple[TriedPrompt, ...]
    """In the order in which they were tried, today's first."""
    best: TriedPrompt | None
    difference: Estimate | None
    """The best one minus today's on the choosing cases: bounds for all finalists together."""
    out_of_money: bool
    """The cap ended the search, or the choice."""

    @property
    def chosen_from(self) -> int:
        """Prompts that were compared with today's on the choosing cases."""
        done = [each for each in self.tried if each.choice is not None and each.choice.complete]
        return max(len(done) - 1, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneTask:
    """What is tuned: an option of a feature, on which cases, from which prompts."""

    plan: FeaturePlan
    parts: TuneParts
    rungs: tuple[PlannedOption, ...]
    """The model as the feature asks it; each further one at another effort."""
    brought: tuple[PromptWay, ...]
    """Further prompts to begin with: the incumbent's, and those that people brought."""
    before: tuple[TunedWay, ...]
    """Those tuned before: compared last, so that the same search finds the same."""
    seed: int
    cap_usd: Decimal
    goal: Goal = "better"
    rewriter: PlannedOption | None = None
    """The model that rewrites prompts; None: nobody does."""

    @property
    def first(self) -> PlannedOption:
        """The option under today's prompt."""
        return self.rungs[0]

    @property
    def option(self) -> str:
        """The tuned option: what tried prompts are counted for."""
        return f"{self.first.name}{TUNED}"


class PromptSearch:
    """One search, from today's prompt on."""

    def __init__(self, task: TuneTask, trials: PromptTrials) -> None:
        self._task = task
        self._trials = trials
        self._tried: dict[tuple[str, str], TriedPrompt] = {}
        self._out_of_money = False

    def find(self) -> TuneFound:
        """Search, then choose."""
        task = self._task
        today = PromptWay(what="today's prompt", text=task.first.prompt.text)
        starts = [TunedWay.of(each, task.first) for each in (today, *task.brought)]
        # Before any call: what a run that stops here has spent is counted, too.
        self._trials.note(starts[0], counts_for=task.option)
        parts, answers = with_targets(task.plan, task.parts, self._trials)
        self._try(starts, parts.search)
        if task.goal == "shorter":
            self._shorten(parts.search)
            return self._chosen(parts.choice)
        lines = form_lines(task.plan.evalset.primary, task.plan.asker.schema)
        # What decides chooses from a list, so that no line on an answer's form tells it anything.
        lines = () if decides(task.first.config) else lines
        self._try(self._at_best(with_forms(self._best().one.way, lines)), parts.search)
        seed = f"{task.plan.feature} {task.seed}"
        draws = with_draws(self._best().one.way, parts.examples, answers, seed)
        self._try(self._at_best(draws), parts.search)
        self._try(self._otherwise_asked(), parts.search)
        self._rewrite(parts.search)
        self._try(task.before, parts.search)
        return self._chosen(parts.choice)

    def _best(self) -> TriedPrompt:
        done = [each for each in self._tried.values() if each.search.complete]
        return min(done, key=self._rank) if done else next(iter(self._tried.values()))

    def _rank(self, tried: TriedPrompt) -> tuple[float | Decimal, ...]:
        """By the goal, best first."""
        if self._task.goal == "better":
            return tried.rank
        today = next(iter(self._tried.values()))
        return (not self._holds(tried.search, today.search), *tried.rank[1:], tried.rank[0])

    def _holds(self, part: PartScore, today: PartScore) -> bool:
        """Whether a prompt seems to lose less than the limit to today's."""
        return part.mean >= today.mean - self._task.plan.margin / 100

    def _shorten(self, cases: Sequence[Case]) -> None:
        """Leave out what can be left out, one after the other; then bound the answer's length."""
        while len(self._tried) < MOST_CUTS:
            best = self._best().one
            cuts = (
                TunedWay.of(
                    PromptWay(what=f'{best.way.what} without "{what}"', text=text), best.rung
                )
                for what, text in with_less(best.way.text)
            )
            self._try(cuts, cases)
            if self._out_of_money or self._best().one is best:
                break
        best = self._best()
        longest = max(round(ROOM * best.search.longest), 1)
        if best.search.longest and longest < best.one.rung.longest(self._task.plan.config):
            text = with_settings(best.one.way.text, PromptSettings(max_output_tokens=longest))
            what = f"{best.one.way.what} + answers of up to {longest:,} tokens"
            self._try([TunedWay.of(PromptWay(what=what, text=text), best.one.rung)], cases)

    def _at_best(self, ways: Iterable[PromptWay]) -> Iterator[TunedWay]:
        rung = self._best().one.rung
        return (TunedWay.of(way, rung) for way in ways)

    def _otherwise_asked(self) -> Iterator[TunedWay]:
        """The best prompt with longer answers, where some were cut; and at other efforts."""
        best = self._best()
        way, rung = best.one.way, best.one.rung
        if best.search.cut:
            longest = LONGER * rung.longest(self._task.plan.config)
            text = with_settings(way.text, PromptSettings(max_output_tokens=longest))
            what = f"{way.what} + answers of up to {longest:,} tokens"
            yield TunedWay.of(PromptWay(what=what, text=text), rung)
        for other in self._task.rungs[1:]:
            yield TunedWay.of(replace(way, what=f"{way.what}, as {other.name}"), other)

    def _rewrite(self, cases: tuple[Case, ...]) -> None:
        """Rewritten prompts, from the user's own and from the best one so far."""
        by = self._task.rewriter
        if by is None:
            return
        best, today = self._best().one, next(iter(self._tried.values())).one
        for start in {one.sha256: one for one in (today, best)}.values():
            if self._is_spent():
                self._out_of_money = True
                return
            task = RewriteTask(
                rung=start.rung, cases=cases, by=by, option=self._task.option, seed=self._task.seed
            )
            ways = rewritten(start.way, task, self._trials, out_of_money=self._is_spent)
            self._try((TunedWay.of(way, start.rung) for way in ways), cases)

    def _is_spent(self) -> bool:
        """Whether the search has used its half of the cap."""
        return self._trials.used_usd * 2 >= self._task.cap_usd

    def _try(self, ways: Iterable[TunedWay], cases: Sequence[Case]) -> None:
        for one in ways:
            key = (one.rung.name, one.sha256)
            if key in self._tried:
                continue
            if self._tried and self._is_spent():
                self._out_of_money = True
                return
            score = self._trials.score(one, cases, counts_for=self._task.option)
            self._tried[key] = TriedPrompt(one=one, search=score)
            self._out_of_money |= score.out_of_money

    def _chosen(self, cases: Sequence[Case]) -> TuneFound:
        tried = list(self._tried.values())
        ranked = sorted((t for t in tried[1:] if t.search.complete), key=self._rank)
        compared: dict[int, TriedPrompt] = {}
        for each in (tried[0], *ranked[:FINALISTS]):
            score = self._trials.score(each.one, cases, counts_for=self._task.option)
            self._out_of_money |= score.out_of_money
            compared[tried.index(each)] = replace(each, choice=score)
        shown = tuple(compared.get(number, each) for number, each in enumerate(tried))
        done = [each for each in compared.values() if each.choice and each.choice.complete]
        best = self._first(done, shown[0])
        found = TuneFound(
            today=shown[0],
            tried=shown,
            best=None,
            difference=None,
            out_of_money=self._out_of_money,
        )
        if best is None or shown[0] not in done or best is shown[0]:
            return found
        sure = self._difference(best, shown[0], len(done) - 1, cases)
        if sure is None or (self._task.goal == "better" and sure.value <= 0):
            return found
        return replace(found, best=best, difference=sure)

    def _first(self, done: Sequence[TriedPrompt], today: TriedPrompt) -> TriedPrompt | None:
        """The best of those that were compared; of shorter ones the cheapest that holds."""
        if self._task.goal == "better":
            return min(done, key=_by_choice, default=None)
        held = [
            each
            for each in done
            if each.choice and today.choice and self._holds(each.choice, today.choice)
        ]
        return min(held, key=lambda each: _by_choice(each)[1:], default=None)

    def _difference(
        self, best: TriedPrompt, today: TriedPrompt, among: int, cases: Sequence[Case]
    ) -> Estimate | None:
        """Best minus today's by case, at a level that allows for the choice."""
        new, old = best.choice, today.choice
        if new is None or old is None:
            return None
        evalset = self._task.plan.evalset
        both = [case for case in cases if case.id in new.scores and case.id in old.scores]
        values = tuple(new.scores[case.id] - old.scores[case.id] for case in both)
        names = [evalset.cluster(case) for case in both]
        numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
        sample = Sample(differences=values, clusters=tuple(numbers[name] for name in names))
        return estimate(sample, _method(values, len(numbers)), LEVEL / max(among, 1))


def _by_choice(tried: TriedPrompt) -> tuple[float, Decimal, int]:
    score = tried.choice or tried.search
    return (-score.mean, score.usd_per_request, len(tried.one.way.text))


def _method(values: Sequence[float], clusters: int) -> Method:
    if clusters < len(values):
        return "cluster-t"
    return "tango" if all(value in {-1.0, 0.0, 1.0} for value in values) else "gaffke"
