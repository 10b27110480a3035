"""One feature in a running review: what it still asks, and the evidence that it has."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from decimal import Decimal
from typing import Any

from evalsets.splits import tune_cases
from harness.conduct.finding.cascades import Cascade
from harness.conduct.finding.scores import Scoreboard, Scored
from harness.journal.trials import Attempt, Missing, Outcome, Trial
from harness.judge.comparison.pairs import Arm, Pairs, pair_up
from harness.judge.decision.procedure import next_step, standings
from harness.judge.decision.standing import Ask, PairsSoFar, QualityState, Standing, Step
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.plan.rulings import Judging
from harness.record.base import Reason
from harness.record.life import DriftFacts
from harness.record.parts import LatencyFacts
from harness.record.quality_parts import GuardrailResult, SliceResult
from harness.stats.sequential.design import Design


@dataclass(frozen=True, slots=True, kw_only=True)
class Vetoes:
    """What was found beside quality; `reasons` veto, `doubts` leave the option undecided.

    `standing` is the option's when it was looked at.
    """

    standing: Standing
    slices: tuple[SliceResult, ...]
    guardrails: tuple[GuardrailResult, ...]
    latency: LatencyFacts | None
    reasons: tuple[Reason, ...]
    doubts: tuple[Reason, ...]


@dataclass(slots=True)
class FeatureRun:
    """Grows as outcomes come.

    `rungs` are the asked models where they are served, by option; a cascade is none of them.
    """

    plan: FeaturePlan
    design: Design
    incumbent: PlannedOption
    rungs: Mapping[str, PlannedOption]
    board: Scoreboard
    vetoes: dict[str, Vetoes] = field(default_factory=dict[str, "Vetoes"])
    latencies: dict[str, LatencyFacts] = field(default_factory=dict[str, "LatencyFacts"])
    live: list[Outcome] = field(default_factory=list["Outcome"])
    """Outcomes of the latency pass."""
    judging: Judging | None = None
    """None: no model judges this feature's answers."""
    cascades: Mapping[str, Cascade] = field(default_factory=dict[str, "Cascade"])
    anchor_arm: Arm | None = None
    """The first incumbent's scores; None: the journal has none, or it is today's model."""
    drifts: dict[str, DriftFacts] = field(default_factory=dict[str, "DriftFacts"])
    """By option that passed on quality: the chain's loss with it."""
    aside: Scoreboard = field(init=False)
    """Answers to protected cases that come after those which decided: they speak for their slice
    or guardrail alone, for they are no random part of the cases."""
    tuned: dict[str, list[Outcome]] = field(default_factory=lambda: defaultdict(list))
    """Outcomes of the tune cases, by model, where they fix how sure it must be."""
    _aside: set[tuple[str, str]] = field(default_factory=set["tuple[str, str]"])
    _paired: dict[tuple[str, int], tuple[Arm, Arm, Pairs]] = field(default_factory=dict)
    """By option and measure, as long as neither arm has grown."""

    def __post_init__(self) -> None:
        board = self.board
        self.aside = Scoreboard(measures=board.measures, cases=board.cases, fewest=board.fewest)

    def tune_trials(self) -> Iterator[Trial]:
        """The trials that come before all that decide: of models that must be sure, if any."""
        return self.plan.tune_trials(self.rungs[name] for name in self.plan.tuned)

    def take_tune(self, outcome: Outcome) -> None:
        """Read one outcome of a tune case."""
        self.tuned[outcome.trial.option].append(outcome)

    def fix_thresholds(self, kept: Mapping[str, Any]) -> Mapping[str, Any]:
        """Fix, by the tune cases alone, how sure each model must be; what the journal is to keep.

        `kept` is what it has already.
        """
        cases = {case.id: case for case in tune_cases(self.plan.evalset)}
        for cascade in self.cascades.values():
            cascade.fix(self.tuned.get(cascade.first, ()), cases, kept)
        return {
            name: asdict(cascade.threshold)
            for name, cascade in self.cascades.items()
            if cascade.threshold is not None
        }

    @property
    def missing_tune(self) -> Mapping[str, int]:
        """By model, answers to tune cases that did not come: before they do, none may decide."""
        told = (outcome for outcomes in self.tuned.values() for outcome in outcomes)
        return Counter(one.trial.option for one in told if isinstance(one, Missing))

    def step(self) -> Step:
        """What the procedure wants next."""
        return next_step(self.design, self.evidence())

    def standings(self) -> tuple[Standing, ...]:
        """How every option stands so far, cheapest first."""
        if self.missing_tune:
            state = QualityState.INCOMPLETE
            return tuple(Standing(option=option, state=state) for option in self.options)
        return standings(self.design, self.evidence())

    def evidence(self) -> PairsSoFar:
        """All that is known, as the procedure reads it."""
        measures = {part.measure for part in self.design.proven if part.measure}
        names = self.board.measures.names
        return PairsSoFar(
            pairs={option: self.pairs(option) for option in self.options},
            measures={
                option: {name: self.pairs(option, names.index(name)) for name in measures}
                for option in self.options
            },
            vetoed=frozenset(name for name, found in self.vetoes.items() if found.reasons),
            cleared=frozenset(name for name, found in self.vetoes.items() if not found.reasons),
        )

    @property
    def options(self) -> tuple[str, ...]:
        """The options of the test, cheapest first."""
        return self.design.options

    def asks(self, option: str) -> str:
        """The model that an option asks: a cascade its cheap one."""
        cascade = self.cascades.get(option)
        return option if cascade is None else cascade.first

    def arm(self, option: str, measure: int = 0) -> Arm:
        """An option's arm under one measure; a cascade's is made of stored answers."""
        cascade = self.cascades.get(option)
        if cascade is None:
            return self.board.arm(option, measure)
        return cascade.arm(
            self.board.arm(cascade.first, measure),
            self.board.arm(self.incumbent.name, measure),
        )

    def pairs(self, option: str, measure: int = 0) -> Pairs:
        """An option paired with the incumbent under one measure, as far as both were asked."""
        own, new = self.board.arm(self.incumbent.name, measure), self.arm(option, measure)
        known = self._paired.get((option, measure))
        if known is None or known[0] is not own or known[1] is not new:
            found = pair_up(own, new, order=self.design.order, clusters=self.design.clusters)
            known = self._paired[option, measure] = (own, new, found)
        return known[2]

    def every_pair(self, option: str, measure: int = 0) -> Pairs:
        """An option paired on every case that both were asked, protected ones too."""
        cascade = self.cascades.get(option)
        own = self._every(self.incumbent.name, measure)
        new = self._every(self.asks(option), measure)
        new = new if cascade is None else cascade.arm(new, own)
        places = [
            (case, cluster)
            for case, cluster in zip(self.design.order, self.design.clusters, strict=True)
            if case in own.scores and case in new.scores
        ]
        return pair_up(
            own,
            new,
            order=[case for case, _ in places],
            clusters=[cluster for _, cluster in places],
        )

    def _every(self, option: str, measure: int = 0) -> Arm:
        first, more = self.board.arm(option, measure), self.aside.arm(option, measure)
        return replace(
            first,
            scores={**more.scores, **first.scores},
            failed=first.failed | more.failed,
            unlabelled=first.unlabelled | more.unlabelled,
            answers={**more.answers, **first.answers},
        )

    def protected(self) -> frozenset[str]:
        """The cases that may raise an alarm: of a guardrail all, of slices theirs."""
        return self.plan.protected

    def rest_of_parts(self, option: str) -> Ask | None:
        """What is to be asked before an option is accepted; None where every part is known."""
        own, new = self._every(self.incumbent.name), self._every(self.asks(option))
        lacking = [
            case for case in self.protected() if case not in own.scores or case not in new.scores
        ]
        if not lacking:
            return None
        count = len(self.pairs(option).pairs)
        return Ask(options=((option, count),), incumbent=count, also=frozenset(lacking))

    def trials(self, ask: Ask, *, by_batch: bool | None = None) -> Iterator[Trial]:
        """The trials of an ask that were not read yet, case by case, so that no lane idles.

        `by_batch`: only of the models that are asked by batch, or only of the others; None: of
        all, live.
        """
        counts: dict[str, int] = {}
        for name, count in ask.options:
            asked = self.asks(name)
            counts[asked] = max(count, counts.get(asked, 0))
        wanted = [(self.incumbent, ask.incumbent)]
        wanted += [(self.rungs[name], count) for name, count in counts.items()]
        wanted = [(rung, self._whole(rung, count)) for rung, count in wanted]
        if by_batch is not None:
            wanted = [(rung, count) for rung, count in wanted if rung.config.batch is by_batch]
        for position, case in enumerate(self.plan.sample.deciding):
            for rung, count in wanted:
                if position >= count and case.id not in ask.also:
                    continue
                board = self._place(rung.name, case.id, aside=position >= count)
                for repeat in range(self.plan.repeats):
                    if not board.has(rung.name, case.id, repeat):
                        yield self.plan.asker.trial(
                            rung, case, repeat, "quality", batch=bool(by_batch)
                        )

    def _place(self, option: str, case_id: str, *, aside: bool) -> Scoreboard:
        """Where the answers to a case are to be written, unless they are on the board already."""
        if not aside or self.board.scored(option, [case_id]):
            self._aside.discard((option, case_id))
            return self.board
        self._aside.add((option, case_id))
        return self.aside

    def _write(self, outcome: Outcome) -> None:
        trial = outcome.trial
        board = self.aside if (trial.option, trial.case_id) in self._aside else self.board
        board.take(outcome)

    def _whole(self, rung: PlannedOption, count: int) -> int:
        """A batch is asked up to the pilot's end or the next look, not to each check for futility.

        The procedure walks the same checks over the same cases; some answers may come for nothing,
        where a batch a check would take days. It depends on the workspace alone, so that a review
        from the journal reads the same cases. Answers that were brought in are there to the last
        case: all of them are read, because giving up would spare none.
        """
        if self.plan.config.answers == "imported":
            return len(self.design.order)
        ends = (self.design.pilot, *self.design.looks)
        return next((end for end in ends if end >= count), count) if rung.config.batch else count

    def take(self, outcome: Outcome) -> None:
        """Read one outcome; one whose answer is to be judged waits for `judged`."""
        for cascade in self.cascades.values():
            cascade.take(outcome)
        if self.judging is None:
            self._write(outcome)
        else:
            self.judging.hold(outcome)

    def judged(self) -> None:
        """Read the outcomes whose answers the judges have seen."""
        for outcome in self.judging.release() if self.judging else ():
            self._write(outcome)

    def read(self, option: str) -> list[Scored]:
        """Everything read of a model in the quality pass, each trial once."""
        board, aside, order = self.board, self.aside, self.design.order
        if aside.is_empty:
            return board.scored(option, order)
        each = (board.scored(option, [case]) or aside.scored(option, [case]) for case in order)
        return [one for read in each for one in read]

    def bulk_read(self) -> int:
        """Trials of the quality pass that were read."""
        return sum(len(self.read(option)) for option in self._options())

    def unasked(self) -> dict[str, int]:
        """By model, the trials of the quality pass that were not read."""
        whole = len(self.design.order) * self.plan.repeats
        return {option: max(whole - len(self.read(option)), 0) for option in self._options()}

    def mean_usd(self, option: str) -> Decimal | None:
        """What a trial of a model cost, retries included; None when it was never asked."""
        read = self.board.scored(option, self.design.order)
        known = [a.cost_usd for s in read for a in s.attempts if a.cost_usd is not None]
        return sum(known, Decimal(0)) / len(read) if read else None

    def trials_read(self) -> int:
        """Trials of both passes."""
        return self.bulk_read() + len(self.live) + sum(map(len, self.tuned.values()))

    def bulk_attempts(self) -> list[Attempt]:
        """Every attempt of the quality pass."""
        read = [scored for option in self._options() for scored in self.read(option)]
        return [attempt for scored in read for attempt in scored.attempts]

    def attempts(self) -> list[Attempt]:
        """Every attempt that is evidence."""
        tuned = [outcome for outcomes in self.tuned.values() for outcome in outcomes]
        others = [attempt for outcome in (*tuned, *self.live) for attempt in outcome.attempts]
        return self.bulk_attempts() + others + self.judge_attempts()

    def judge_attempts(self) -> list[Attempt]:
        """Every attempt of the judges."""
        return list(self.judging.attempts()) if self.judging else []

    def _options(self) -> list[str]:
        return [self.incumbent.name, *self.rungs]
