"""How far a chain of downgrades has come from the first incumbent, and whether a step fits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.scores import Scoreboard
from harness.journal.journal import Journal
from harness.journal.trials import Trial
from harness.judge.comparison.pairs import Arm, pair_up, sample
from harness.judge.decision.standing import Standing
from harness.plan.anchor import Anchor
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.record.life import AnchorFacts, DriftFacts
from harness.stats.estimates import estimate

FEWEST_SHARE = 0.5
"""Of the cases that decide, what the anchor must have answered to be compared on them."""


class Drift(NamedTuple):
    """The loss of a chain; shares. `worst` is what could not be excluded."""

    difference: float
    worst: float
    n: int
    """Cases of the pairs; 0: the steps' own differences were added up."""

    def facts(self) -> DriftFacts:
        """In points, as a record keeps it."""
        return DriftFacts(
            difference=round(100 * self.difference, 6), worst=round(100 * self.worst, 6), n=self.n
        )


def anchored(run: FeatureRun, journal: Journal) -> Arm | None:
    """The anchor's scores, from answers that the journal has; None: it has none, or need no ask.

    Answers that a model judges are not judged again for it.
    """
    anchor = run.plan.anchor
    if anchor is None or not anchor.swaps or anchor.rung is None or run.judging is not None:
        return None
    board = Scoreboard(measures=run.board.measures, cases=run.board.cases, fewest=1)
    trials = {trial.fingerprint: trial for trial in _trials(run, anchor.rung)}
    for fingerprint, settled in journal.settled(trials).items():
        board.take(settled.outcome(trials[fingerprint]))
    arm = board.arm(anchor.option)
    return arm if arm.scores else None


def _trials(run: FeatureRun, anchor: PlannedOption) -> Iterator[Trial]:
    for case in run.plan.sample.deciding:
        for repeat in range(run.plan.repeats):
            yield run.plan.asker.trial(anchor, case, repeat, "quality")


def drift_of(run: FeatureRun, standing: Standing | None) -> Drift | None:
    """The chain's loss with this option as its next step; None: it has no step, or is not known.

    Without an option it ends with today's model. Each step's own bound holds whatever was chosen
    for it, so the bounds add up; on the anchor's answers to the same cases alone the luck that
    chose each step would count again. Where a step was never tested these answers are all there is.
    """
    anchor = run.plan.anchor
    if anchor is None or not anchor.swaps:
        return None
    option = None if standing is None else standing.option
    cases = (0, len(run.design.order)) if standing is None else standing.cases
    paired, summed = _paired(run, option, cases), _summed(anchor, standing)
    if paired is None or summed is None:
        return paired or summed
    return paired._replace(worst=min(paired.worst, summed.worst))


def _paired(run: FeatureRun, option: str | None, cases: tuple[int, int]) -> Drift | None:
    """Against the anchor's own answers to the cases."""
    ours, order = run.anchor_arm, run.design.order
    theirs = run.board.arm(run.incumbent.name) if option is None else run.arm(option)
    known = [place for place in range(*cases) if order[place] in theirs.scores]
    both = [place for place in known if ours is not None and order[place] in ours.scores]
    if ours is None or not both or len(both) < FEWEST_SHARE * len(known):
        return None
    pairs = pair_up(
        ours,
        theirs,
        order=[order[place] for place in both],
        clusters=[run.design.clusters[place] for place in both],
    )
    found = estimate(sample(pairs.pairs), run.design.method, run.design.alpha)
    return None if found is None else Drift(found.value, found.lower, found.n)


def _summed(anchor: Anchor, standing: Standing | None) -> Drift | None:
    """The sum of the steps and of their bounds; None: one was never tested."""
    steps = [(swap.difference, swap.worst) for swap in anchor.swaps]
    if standing is not None:
        steps.append((standing.difference, standing.worst))
    difference, worst = 0.0, 0.0
    for one, bound in steps:
        if one is None or bound is None:
            return None
        difference, worst = difference + one, worst + bound
    return Drift(difference, max(worst, -1.0), 0)


def exceeds(run: FeatureRun, standing: Standing) -> bool:
    """Whether the chain with this option is not shown to lie within its budget."""
    anchor = run.plan.anchor
    if anchor is None or not anchor.swaps:
        return False
    found = drift_of(run, standing)
    if found is not None:
        run.drifts[standing.option] = found.facts()
    return found is None or found.worst <= -anchor.budget / 100


def anchor_facts(
    plan: FeaturePlan, run: FeatureRun | None, level: float | None
) -> AnchorFacts | None:
    """For the record; `level` is today's model's own score, points."""
    anchor = plan.anchor
    if anchor is None:
        return None
    now = None if run is None else drift_of(run, None)
    step = next(iter(run.drifts.items()), None) if run else None
    return AnchorFacts(
        option=anchor.option,
        since=anchor.since,
        level=anchor.level if anchor.swaps else level,
        steps=len(anchor.swaps),
        budget=anchor.budget,
        drift=None if now is None else now.facts(),
        next_option=None if step is None else step[0],
        next_drift=None if step is None else step[1],
    )
