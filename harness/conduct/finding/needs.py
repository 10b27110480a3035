"""What would settle an undecided feature, and why an option was given up early.

Cases or labels, what they cost, and what a decision is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from harness.conduct.finding.checks import grades_lacking
from harness.conduct.finding.feature_run import FeatureRun
from harness.conduct.finding.floor import floor_of
from harness.conduct.finding.option_costs import bill
from harness.conduct.finding.option_records import Examined
from harness.conduct.finding.record_facts import UnusedAnswers
from harness.judge.decision.standing import QualityState, Standing
from harness.judge.decision.verdict import Decided
from harness.money.amounts import plain, rounded
from harness.plan.expecting import EXPECTED_DISAGREEMENT, minutes
from harness.plan.lives.ahead import next_level
from harness.plan.model import FeaturePlan
from harness.plan.rehearsing import WANTED_POWER
from harness.record.base import Reason, Verdict
from harness.record.parts import StillNeeded
from harness.record.quality_parts import StopFacts
from harness.record.trust import FloorFacts
from harness.stats.sequential.rehearsal import Truth
from harness.stats.sequential.sample_size import Gap, cases_needed
from harness.wording import listed, plural

_DIGITS = 6


def stop_facts(
    run: FeatureRun, standing: Standing, total: int | None, unread: Mapping[str, UnusedAnswers]
) -> StopFacts | None:
    """For the record; `total` is the number of cases that would decide. None: it went to its end.

    Stopping saves no answers that are at hand: imported ones, those that came ahead and were paid
    for, or a cascade's, which are made of its cheap model's.
    """
    stop = standing.stop
    if stop is None:
        return None
    ask = None if total is None else cost_of(run, standing.option, total, standing.asked)
    return StopFacts(
        seen=stop.seen,
        cases=stop.size,
        chance=round(stop.chance, _DIGITS),
        threshold=stop.threshold,
        share=None if stop.share is None else round(stop.share, _DIGITS),
        least_share=stop.least_share,
        saved_usd=_saved(run, standing.option, unread),
        cases_to_decide=total,
        cost_to_decide_usd=ask,
    )


def _saved(run: FeatureRun, option: str, unread: Mapping[str, UnusedAnswers]) -> Decimal | None:
    usual = run.mean_usd(option)
    if run.plan.config.answers == "imported" or option not in run.rungs or usual is None:
        return None
    trials = run.unasked()[option] - (unread[option].trials if option in unread else 0)
    return plain(rounded(trials * usual, _DIGITS)) if trials > 0 else None


def cost_of(run: FeatureRun, option: str, total: int, asked: int) -> Decimal | None:
    """USD of asking the option and the incumbent up to a total of cases, judges included."""
    each = [run.mean_usd(name) for name in (run.asks(option), run.incumbent.name)]
    known = [usd for usd in each if usd is not None]
    read = run.bulk_read()
    if len(known) < len(each) or not read:
        return None
    judged = bill(run.judge_attempts()).known_usd / read
    trials = max(total - asked, 0) * run.plan.repeats
    return plain(rounded(trials * sum((usd + judged for usd in known), Decimal(0)), _DIGITS))


def needed(
    decided: Decided, examined: Sequence[Examined], plan: FeaturePlan, run: FeatureRun | None
) -> StillNeeded | None:
    """None unless the verdict is undecided."""
    if decided.verdict is not Verdict.UNDECIDED:
        return None
    open_ones = [one for one in examined if _is_open(one)]
    labels = max((len(o.standing.unlabelled) for o in open_ones if o.standing), default=0)
    ungraded = Reason.JUDGE_UNRELIABLE in decided.reasons
    if ungraded and run is not None:
        labels = max(labels, grades_lacking(run))
    fewest = min(
        (o.standing.fewest for o in open_ones if o.standing and o.standing.fewest), default=0
    )
    # With answers missing nobody can tell whether the cases are too few.
    unclear = labels or ungraded or Reason.RUN_INCOMPLETE in decided.reasons
    offer = None if unclear else _offer(open_ones, plan, run)
    worth = [known for known in map(_worth, open_ones) if known]
    if Reason.EVALSET_CANNOT_TELL in decided.reasons:
        labels, fewest, offer = 0, 0, _offer_to_tell(plan, run, max(worth, default=None))
    return StillNeeded(
        cases=offer.cases if offer else None,
        labels=labels or None,
        cost_usd=offer.cost_usd if offer else None,
        worth_monthly_usd=offer.worth_usd if offer else max(worth, default=None),
        note=_tune_note(run)
        or _note(decided, plan, labels, fewest)
        or (offer.note if offer else _no_offer(open_ones, plan)),
        option=offer.option if offer else None,
        fewest=fewest or None,
        new_cases=offer.new_cases if offer else None if unclear else _of_new(open_ones, plan),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Offer:
    """More cases, and what they cost and are worth: of one option, or of any that is asked."""

    cases: int
    cost_usd: Decimal | None
    worth_usd: Decimal | None
    note: str
    option: str | None = None
    new_cases: int | None = None


def _offer(
    open_ones: Sequence[Examined], plan: FeaturePlan, run: FeatureRun | None
) -> _Offer | None:
    """The nearest option that was asked every case; before any answer, one of equal quality.

    None when, as measured, every option lies beyond the margin: then more cases are no way to a
    downgrade.
    """
    if plan.quick:
        return None
    if run is None or not any(one.standing for one in open_ones):
        return _assumed(open_ones, plan)
    nearest = min(
        (one for one in open_ones if one.cases_to_decide is not None),
        key=lambda one: one.cases_to_decide or 0,
        default=None,
    )
    if nearest is None or nearest.cases_to_decide is None:
        return None
    asked, name = len(plan.sample.deciding), nearest.planned.name
    more, fresh = nearest.cases_to_decide - asked, nearest.new_cases_to_decide
    fewer = fresh if fresh is not None and fresh < more else None
    return _Offer(
        cases=more,
        cost_usd=cost_of(run, name, nearest.cases_to_decide, asked),
        worth_usd=_worth(nearest),
        note=f"with them {name}, if it is as good as it was seen to be, would be shown within the "
        f"limit in four reviews of five{_fewer_if_new(fewer)}",
        option=name,
        new_cases=fewer,
    )


def _fewer_if_new(fewer: int | None) -> str:
    """Why cases of a set of their own are fewer: they have the error of a first test."""
    if fewer is None:
        return ""
    return (
        f"; so would {fewer:,} new cases alone, in a set of their own: they have the error of a "
        "first test, and these only what is left of the error that all tests on them share"
    )


def _of_new(open_ones: Sequence[Examined], plan: FeaturePlan) -> int | None:
    """Cases never asked that decide an option whose tests on these cases have spent their error."""
    found = (one.new_cases_to_decide for one in open_ones if not next_level(plan, one.planned.name))
    known = [cases for cases in found if cases is not None]
    measured = any(one.standing for one in open_ones)
    return min(known, default=None if measured else plan.new_cases)


def _worth(one: Examined) -> Decimal | None:
    """USD a month that it would save: as measured, else at most."""
    measured = one.saving_after_discounts
    return one.planned.saving_bound_usd if measured is None else plain(measured)


def _no_offer(open_ones: Sequence[Examined], plan: FeaturePlan) -> str:
    if plan.quick:
        return "review without --quick: only some of the cases were asked"
    names = [
        o.planned.name for o in open_ones if o.standing and o.standing.state is QualityState.OPEN
    ]
    if not names:
        return "add cases, so that a difference like the measured one can be told from the limit"
    one = "it" if len(names) == 1 else "one of them"
    if not any(next_level(plan, name) for name in names):
        enough = _of_new(open_ones, plan)
        about = "" if enough is None else f" about {enough:,}"
        return (
            f"bring{about} new cases, in a set of their own: the tests of {', '.join(names)} on "
            "these have spent the error that they share"
        )
    return (
        "try another prompt, another model, or cases on which the limit matters: as "
        f"{', '.join(names)} did on these, no number of cases is likely to show {one} within the "
        "limit"
    )


def _is_open(one: Examined) -> bool:
    return one.planned.asked and (
        one.standing is None
        or one.standing.state not in {QualityState.INFERIOR, QualityState.UNLIKELY}
    )


def _assumed(open_ones: Sequence[Examined], plan: FeaturePlan) -> _Offer | None:
    """Cases beside those there are, for four chances in five that an equal candidate passes."""
    more = _more_of_an_equal(plan) if plan.power is None else plan.cases_missing
    worth = [o.planned.saving_bound_usd for o in open_ones if o.planned.saving_bound_usd]
    if not open_ones or not more:
        return None
    note = "with them a candidate of equal quality would be shown within the limit in four of five"
    fewer = plan.new_cases if plan.new_cases is not None and plan.new_cases < more else None
    return _Offer(
        cases=more,
        cost_usd=None,
        worth_usd=max(worth, default=None),
        note=f"{note}{_fewer_if_new(fewer)}",
        new_cases=fewer,
    )


def _more_of_an_equal(plan: FeaturePlan) -> int | None:
    """Likewise for a plan whose power was not worked out; None: no number is enough."""
    truth = Truth(difference=0.0, discordance=EXPECTED_DISAGREEMENT)
    level = plan.alpha / max(len(plan.asked), 1)
    total = cases_needed(truth, plan.margin / 100, level, power=WANTED_POWER)
    return None if total is None else max(total - len(plan.sample.deciding), 0)


def _offer_to_tell(
    plan: FeaturePlan, run: FeatureRun | None, worth: Decimal | None
) -> _Offer | None:
    more = _cases_to_tell(floor_of(plan, run), plan)
    if more is None:
        return None
    return _Offer(cases=more, cost_usd=_cost(more, plan, run), worth_usd=worth, note="")


def _cases_to_tell(floor: FloorFacts | None, plan: FeaturePlan) -> int | None:
    """Cases beside those there are that would tell today's model from a constant answer.

    None: at the shares that were seen no number would, or nothing was seen.
    """
    if floor is None or floor.level is None or floor.constant_score is None or floor.sampled:
        return None
    gap = Gap(level=floor.level / 100, constant=floor.constant_score / 100, margin=floor.margin)
    needed = gap.cases_needed(floor.cases)
    return None if needed is None else max(needed - len(plan.sample.deciding), 0) or None


def _cost(more: int, plan: FeaturePlan, run: FeatureRun | None) -> Decimal | None:
    """Cost in USD of asking every model more cases, at the mean cost of the cases so far."""
    if run is None:
        return None
    paid = bill(run.bulk_attempts()).known_usd
    return plain(rounded(paid * more / max(len(plan.sample.deciding), 1), 6))


def _tune_note(run: FeatureRun | None) -> str:
    """What to do where answers to tune cases did not come; empty: they all did."""
    if run is None or not run.missing_tune:
        return ""
    lacking = run.missing_tune
    missing = listed([f"{plural(count, 'answer')} of {name}" for name, count in lacking.items()])
    return (
        f"run the review again: {missing} to tune cases did not come, and they fix how sure it "
        "must be before a case that decides is asked; a tune case that never has an answer is to "
        "be taken out of the eval set"
    )


def _note(decided: Decided, plan: FeaturePlan, labels: int, fewest: int) -> str:
    few = f"; as few as {fewest} may decide" if fewest else ""
    how = f"{minutes(labels)} min: `rightsize label {plan.feature}`"
    notes = {
        Reason.LABELS_MISSING: f"label {plural(labels, 'disagreement')}, about {how}{few}",
        Reason.JUDGE_UNRELIABLE: f"grade {labels} more answers by hand, about {how}"
        if labels
        else "the judge is not shown to agree with people: another rubric or judge, or more grades",
        Reason.RUN_INCOMPLETE: f"run the review again: answers are missing{few}",
        Reason.SAMPLE_TOO_SMALL: plan.note,
        Reason.EVALSET_SPENT: plan.note or "cases that were never asked, in a set of their own",
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
    return ""
