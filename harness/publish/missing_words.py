"""Trials without an answer, and why, as people say it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.publish.facts import trials_missing
from harness.publish.tables import table
from harness.publish.words import DASH
from harness.wording import plural
from reports.untrusted import clip

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.record.model import DecisionRecord
    from harness.record.trust import Missingness
    from reports.document import Table

_WORDS: Mapping[str, str] = {
    "RateLimitedError": "the provider's rate limit",
    "OverloadedError": "the provider could not serve",
    "TimedOutError": "nothing came in time",
    "ConnectionFailedError": "no connection",
    "BrokenBodyError": "the answer broke off or could not be read",
    "AuthRejectedError": "the key was rejected",
    "ModelNotFoundError": "the provider knows no such model",
    "SdkMissingError": "the vendor's SDK is not installed",
    "BadRequestError": "the provider refused the request",
    "BudgetExhausted": "the money allowed was spent",
    "WorkerLostError": "a worker died",
    "InterruptedError": "the run was interrupted",
    "NotGraded": "the judge gave no grade",
}
_LONGEST = 60


def missing_text(records: Iterable[DecisionRecord]) -> str:
    """`550 trials missing: 500 the key was rejected, 50 no connection`."""
    given = tuple(records)
    lost = sum(trials_missing(record) or 0 for record in given)
    why: Counter[str] = Counter()
    for record in given:
        why.update(_why(record))
    told = [f"{count:,} {_said(reason)}" for reason, count in why.most_common()]
    rest = lost - why.total()
    if told and rest:
        told.append(f"{rest:,} not told by the record")
    return f"{plural(lost, 'trial')} missing{': ' if told else ''}{', '.join(told)}"


def _why(record: DecisionRecord) -> Counter[str]:
    """By reason, today's model's once, as `trials_missing` counts."""
    ran = [option.missing for option in record.options if option.missing is not None]
    most = max(ran, key=_of_today, default=None)
    counts: Counter[str] = Counter(dict(most.why_current or ()) if most else {})
    for item in ran:
        counts.update(dict(item.why_candidate or ()))
    return counts


def _of_today(item: Missingness) -> tuple[int, bool]:
    return item.current, item.why_current is not None


def _said(reason: str) -> str:
    return _WORDS.get(reason) or clip(reason, _LONGEST)


def missing_table(record: DecisionRecord) -> Table | None:
    """Why trials have no answer, arm by arm; nothing where none is missing or nobody knows why."""
    return table(
        "Trials without an answer",
        ("option", "today's model", "candidate"),
        (
            (option.target.option, _cell(lost.why_current), _cell(lost.why_candidate))
            for option in record.options
            if (lost := option.missing) is not None and (lost.why_current or lost.why_candidate)
        ),
    )


def _cell(why: Iterable[tuple[str, int]] | None) -> str:
    return ", ".join(f"{count:,} {_said(reason)}" for reason, count in why or ()) or DASH
