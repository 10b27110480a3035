"""What an undecided feature lacks: cases or labels, their cost, and what deciding is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.costing.money import plain, rounded
from harness.plan.expecting import EXPECTED_DISAGREEMENT
from harness.plan.labels import minutes
from harness.plan.rehearsing import WANTED_POWER
from harness.record.codes import Reason, Verdict
from harness.record.parts import StillNeeded
from harness.review.agreement import grades_lacking
from harness.review.floor import floor_of
from harness.review.money import bill
from harness.stats.floor import Gap
from harness.stats.power import Truth, cases_needed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from harness.decision.verdict import Decided
    from harness.plan.model import FeaturePlan
    from harness.record.trust import FloorFacts
    from harness.review.feature_run import FeatureRun
    from harness.review.option_records import Examined

LEAST_DISAGREEMENT = 0.01


def needed(
    decided: Decided, examined: Sequence[Examined], plan: FeaturePlan, run: FeatureRun | None
) -> StillNeeded | None:
    """None unless the verdict is undecided."""
    if decided.verdict is not Verdict.UNDECIDED:
        return None
    open_ones = [one for one in examined if _is_open(one)]
    worth = [o.planned.saving_bound_usd for o in open_ones if o.planned.saving_bound_usd]
    labels = max((len(o.standing.unlabelled) for o in open_ones if o.standing), default=0)
    ungraded = Reason.JUDGE_UNRELIABLE in decided.reasons
    if ungraded and run is not None:
        labels = max(labels, grades_lacking(run))
    # With answers missing nobody can tell whether the cases are too few.
    unclear = labels or ungraded or Reason.RUN_INCOMPLETE in decided.reasons
    more = None if unclear else _more_cases(open_ones, plan)
    if Reason.EVALSET_CANNOT_TELL in decided.reasons:
        labels, more = 0, _cases_to_tell(floor_of(plan, run), plan)
    return StillNeeded(
        cases=more,
        labels=labels or None,
        cost_usd=_cost(more, plan, run),
        worth_monthly_usd=max(worth, default=None),
        note=_note(decided, plan, labels),
    )


def _is_open(one: Examined) -> bool:
    return one.planned.asked and (
        one.standing is None or one.standing.state not in {"inferior", "unlikely"}
    )


def _more_cases(open_ones: Sequence[Examined], plan: FeaturePlan) -> int | None:
    """Cases beside those there are, for four chances in five that the nearest option passes.

    It is taken to be as it was measured; of one that was not measured, equal quality is assumed.
    None when, as measured, it lies beyond the margin: then more cases are no way to a downgrade.
    """
    level = plan.alpha / max(len(plan.asked), 1)
    totals = [
        cases_needed(truth, plan.margin / 100, level, power=WANTED_POWER)
        for truth in map(_truth, open_ones)
        if truth.difference > -plan.margin / 100
    ]
    known = [total for total in totals if total is not None]
    return max(min(known) - len(plan.sample.deciding), 0) or None if known else None


def _cases_to_tell(floor: FloorFacts | None, plan: FeaturePlan) -> int | None:
    """Cases beside those there are that would tell today's model from a constant answer.

    None: at the shares that were seen no number would, or nothing was seen.
    """
    if floor is None or floor.level is None or floor.constant_score is None or floor.sampled:
        return None
    gap = Gap(level=floor.level / 100, constant=floor.constant_score / 100, margin=floor.margin)
    needed = gap.cases_needed(floor.cases)
    return None if needed is None else max(needed - len(plan.sample.deciding), 0) or None


def _truth(one: Examined) -> Truth:
    found = one.quality
    if found is None or found.only_current_right is None or found.only_candidate_right is None:
        return Truth(difference=0.0, discordance=EXPECTED_DISAGREEMENT)
    losses, gains = found.only_current_right, found.only_candidate_right
    return Truth(
        difference=min((gains - losses) / found.n, 0.0),
        discordance=max((losses + gains) / found.n, LEAST_DISAGREEMENT),
    )


def _cost(more: int | None, plan: FeaturePlan, run: FeatureRun | None) -> Decimal | None:
    """USD of asking so many more cases, at what the cases so far cost."""
    if more is None or run is None:
        return None
    paid = bill(run.bulk_attempts()).known_usd
    return plain(rounded(paid * more / max(len(plan.sample.deciding), 1), 6))


def _note(decided: Decided, plan: FeaturePlan, labels: int) -> str:
    how = f"{minutes(labels)} min: `rightsize label {plan.feature}`"
    notes = {
        Reason.LABELS_MISSING: f"label {labels} disagreements, about {how}",
        Reason.JUDGE_UNRELIABLE: f"grade {labels} more answers by hand, about {how}"
        if labels
        else "the judge is not shown to agree with people: another rubric or judge, or more grades",
        Reason.RUN_INCOMPLETE: "run the review again: answers are missing",
        Reason.SAMPLE_TOO_SMALL: plan.note,
        Reason.PRICE_MISSING: plan.note,
        Reason.TRAFFIC_MISSING: plan.note,
        Reason.BASELINE_FAILS_OWN_BAR: "the model of today fails its own bar: mend that first",
        Reason.EVALSET_CANNOT_TELL: "mend the eval set: see that the prompt holds the case, that "
        "the targets are what a right answer says, and that they are not nearly all the same",
        Reason.LATENCY_NOT_MEASURED: "measure latency with at least 60 live requests",
        Reason.USAGE_NOT_REPORTED: "the server reported no usage: the cost is unknown",
    }
    for reason in decided.reasons:
        if reason in notes:
            return notes[reason]
    return "add cases, so that a difference like the measured one can be told from the limit"
