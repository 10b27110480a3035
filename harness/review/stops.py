"""Why an option was given up early: what it saved, and what deciding would cost."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from harness.costing.money import plain, rounded
from harness.record.stops import StopFacts
from harness.review.money import bill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.decision.standing import Standing
    from harness.review.feature_run import FeatureRun
    from harness.review.unread import Unread

_DIGITS = 6


def stop_facts(
    run: FeatureRun, standing: Standing, total: int | None, unread: Mapping[str, Unread]
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


def _saved(run: FeatureRun, option: str, unread: Mapping[str, Unread]) -> Decimal | None:
    usual = run.mean_usd(option)
    if run.plan.config.answers == "imported" or option not in run.rungs or usual is None:
        return None
    trials = run.unasked()[option] - (unread[option].trials if option in unread else 0)
    return plain(rounded(trials * usual, _DIGITS)) if trials > 0 else None


def cost_of(run: FeatureRun, option: str, total: int, asked: int) -> Decimal | None:
    """USD of asking the option and the incumbent up to a total of cases, judges included."""
    each = [run.mean_usd(name) for name in (run.asks(option), run.incumbent.option)]
    known = [usd for usd in each if usd is not None]
    read = run.bulk_read()
    if len(known) < len(each) or not read:
        return None
    judged = bill(run.judge_attempts()).known_usd / read
    trials = max(total - asked, 0) * run.plan.repeats
    return plain(rounded(trials * sum((usd + judged for usd in known), Decimal(0)), _DIGITS))
