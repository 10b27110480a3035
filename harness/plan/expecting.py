"""What a plan expects: how often an equal candidate disagrees, and the labelling that takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from statistics import NormalDist

from evalsets.cases import Case
from evalsets.splits import random_cases
from harness.plan.model import FeaturePlan, SelectedCases
from harness.record.model import DecisionRecord
from harness.record.quality_parts import Quality
from harness.record.stored import read_past
from harness.wording import percent
from harness.workspace.feature_file import FeatureConfig

EXPECTED_DISAGREEMENT = 0.08
"""Share of cases on which a candidate of equal quality disagrees with the incumbent."""
RUNS_DIFFER = 0.25
"""Share of cases on which two runs of one program, with one model, end differently: assumed, as
published repeats of agents show."""
DIFFERENCES = (0.0, -3.0, -8.0, -20.0, -45.0)
"""Points by which a cheaper model differs from one of the best three of its task, each as likely:
about the quantiles at 90, 70, 50, 30 and 10 % of 280 such pairs on fifteen tasks (the answers that
LLMRouter and ZeroEval published in 2024 and 2025)."""
_FEWEST = 50
"""Fewest cases for a measured disagreement."""
_LEAST = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A share of disagreeing cases, and where it comes from.

    With repeats a case's score is their mean. Its difference varies between cases by `discordance`
    and, over k repeats, within a case by `within / k` (both models' variances of one answer, in
    points of 1); a variance is told as the share of cases that would have it if each were wholly
    won or lost.
    """

    discordance: float
    source: str
    within: float = 0.0
    differences: Mapping[str, tuple[float, ...]] = field(
        default_factory=dict[str, tuple[float, ...]]
    )
    """By option that an earlier review asked: what its difference may be, in points."""

    def over(self, repeats: int) -> Expectation:
        """What is expected of the means of so many repeats."""
        if not self.within:
            return self
        share = min(self.discordance + self.within / repeats, 1.0)
        return replace(self, discordance=round(share, 4), within=0.0)


ASSUMED = Expectation(discordance=EXPECTED_DISAGREEMENT, source="assumed")
ASSUMED_OF_RUNS = Expectation(
    discordance=EXPECTED_DISAGREEMENT,
    # Each model's runs have a variance of half the share on which two of them differ.
    within=RUNS_DIFFER,
    source=f"assumed, with two runs of one model differing on {percent(RUNS_DIFFER)} of them",
)


def assumed_of(config: FeatureConfig) -> Expectation:
    """What is expected where nothing is measured."""
    return ASSUMED if config.program is None else ASSUMED_OF_RUNS


def expectations(root: Path, cycle: str) -> Mapping[str, Expectation]:
    """Measured disagreement per feature, from its newest record of an earlier cycle.

    Raises:
        UsageError: a record there cannot be read.
    """
    found: dict[str, Expectation] = {}
    for record in read_past(root / "reviews" / cycle):
        measured = _measured(record)
        if measured is not None:
            found[record.feature.id] = measured
    return found


def _measured(record: DecisionRecord) -> Expectation | None:
    """The disagreement of the option that came nearest to the incumbent; None without one."""
    tested = [option.quality for option in record.options if option.quality is not None]
    enough = [quality for quality in tested if quality.n >= _FEWEST]
    if not enough:
        return None
    nearest = max(enough, key=lambda quality: quality.difference)
    share = _discordance(nearest)
    if share is None:
        return _of_repeats(nearest, record.cycle)
    source = f"as measured in {record.cycle}"
    return Expectation(discordance=max(share, _LEAST), source=source)


def differences_in(past: Iterable[DecisionRecord]) -> dict[str, tuple[float, ...]]:
    """What each option's difference may be by its newest review, in points, each as likely.

    As measured, and that plus and minus its standard error. Of an option that was given up with too
    few pairs to measure anything: the larger losses of `DIFFERENCES`.
    """
    found: dict[str, tuple[float, ...]] = {}
    for record in past:
        for option in record.options:
            quality = option.quality
            if quality is not None:
                error = _standard_error(quality, 1 - record.evidence.confidence)
                around = (-error, 0.0, error)
                found[option.target.option] = tuple(
                    max(min(quality.difference + step, 100.0), -100.0) for step in around
                )
            elif option.stopped is not None:
                found[option.target.option] = DIFFERENCES[-2:]
    return found


def _standard_error(quality: Quality, alpha: float) -> float:
    """Points, as if `best` were a normal bound at its level: one-sided `alpha` if not its own."""
    z = NormalDist().inv_cdf(1 - (quality.best_level or alpha))
    return max((quality.best - quality.difference) / z, 0.0)


def _discordance(quality: Quality) -> float | None:
    """Share of the cases on which only one model was right; None for graded scores."""
    lost, won = quality.only_current_right, quality.only_candidate_right
    return None if lost is None or won is None else (lost + won) / quality.n


def _of_repeats(quality: Quality, cycle: str) -> Expectation | None:
    """What repeats showed of the spread within a case; that between models stays assumed."""
    spreads = (quality.spread_current, quality.spread_candidate)
    known = [(spread.within / 100) ** 2 for spread in spreads if spread is not None]
    if len(known) < len(spreads):
        return None
    source = f"assumed between models, and within a case as measured in {cycle}"
    return Expectation(discordance=EXPECTED_DISAGREEMENT, within=sum(known), source=source)


LEVEL_CASES = 30
"""Random cases to label for the level of quality, if otherwise only disagreements are labelled."""
SECONDS_PER_LABEL = 20
"""Assumed time to read a short case and two answers and press a key."""


def minutes(labels: int) -> int:
    """Minutes of labelling, rounded up.

    >>> minutes(70), minutes(1)
    (24, 1)
    """
    return ceil(labels * SECONDS_PER_LABEL / 60)


def expected_labels(plan: FeaturePlan) -> int:
    """Disagreements still to be labelled before an unlabelled feature can be decided.

    Estimated from the expected disagreement; with answers at hand they can be counted instead.
    """
    made = {label.case for label in plan.evalset.labels}
    bare = [case for case in plan.sample.deciding if case.target is None or case.id in made]
    share = plan.power.discordance if plan.power else EXPECTED_DISAGREEMENT
    return max(ceil((share or EXPECTED_DISAGREEMENT) * len(bare)) - len(made), 0)


def level_cases(sample: SelectedCases) -> tuple[Case, ...]:
    """The cases whose labels tell the level of quality, the same in every command.

    All of them where few lack one; else random ones, of which those that lack one are labelled.
    """
    bare = sum(case.target is None for case in sample.deciding)
    count = len(sample.deciding) if bare <= LEVEL_CASES else LEVEL_CASES
    return random_cases(sample.deciding, seed=sample.seed, count=count)


def expected_level_labels(plan: FeaturePlan) -> int:
    """Number of random cases without a target or a label, to be labelled for the level."""
    return sum(case.target is None and not case.ruled_out for case in level_cases(plan.sample))
