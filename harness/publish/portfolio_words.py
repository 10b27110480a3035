"""The portfolio's figures by their names: the same words on the page and on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.economics.portfolio import Counted
from harness.publish.words import DASH, LEVERS, usd
from harness.record.codes import Finding, Reason, State, Verdict
from harness.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal

    from harness.economics.portfolio import FeatureMoney, Overview
    from harness.economics.portfolio_sums import Sums
    from harness.record.model import DecisionRecord

TO_BE_HAD = "proposed, deferred or accepted"
_SWAPS = {
    "model-swap": "model swap to {}",
    "self-host": "own hardware: {}",
    "cascade": "cascade {}",
    "effort": "lower effort: {}",
}


def money(amount: Decimal | None) -> str:
    """A cell of a table that adds up: with cents, whatever the size.

    >>> from decimal import Decimal
    >>> money(Decimal("2483.1")), money(Decimal(0)), money(None)
    ('USD 2,483.10', 'USD 0.00', '\u2013')
    """
    return DASH if amount is None else f"USD {bare(amount)}"


def bare(amount: Decimal | None) -> str:
    """The same where the table's caption names the currency."""
    return DASH if amount is None else f"{amount:,.2f}"


def saved_by(one: FeatureMoney) -> str:
    """What the money comes from: `model swap to haiku`, `batch`; empty when nothing is saved."""
    if not one.lever:
        return ""
    if one.counted is Counted.SAME_MODEL:
        return LEVERS.get(one.lever, one.lever)
    return _SWAPS.get(one.lever, "{}").format(one.record.chosen or one.lever)


def some_known(sums: Sums) -> str:
    """`, 39 of 40 known`; nothing when the spend of every feature is known."""
    if sums.spend_known == sums.features:
        return ""
    return f", {sums.spend_known} of {sums.features} known"


def spend_text(sums: Sums) -> str:
    """What today's models cost as reviewed, and of how many features that is known."""
    if not sums.spend_known:
        return "spend not known"
    return f"{usd(sums.spend)} a month as reviewed, after discounts{some_known(sums)}"


def proposed_text(sums: Sums) -> str:
    """The proposed saving: on how many features, and which states it counts."""
    if not sums.proposed_on:
        return f"No downgrade is {TO_BE_HAD} today"
    lost = f", not known of {sums.saving_unknown}" if sums.saving_unknown else ""
    return (
        f"Proposed saving {usd(sums.proposed)} a month after discounts, "
        f"on {plural(sums.proposed_on, 'feature')} ({TO_BE_HAD}{lost})"
    )


def net_text(sums: Sums) -> str:
    """The part of the proposed saving whose mistakes have a price: gross and net of them."""
    if not sums.net_on:
        return ""
    says = "say" if sums.net_on > 1 else "says"
    return (
        f"net of mistakes {usd(sums.net)} of {usd(sums.net_gross)}, on the {sums.net_on} of "
        f"{plural(sums.proposed_on, 'feature')} that {says} what a mistake costs"
    )


def production_text(sums: Sums) -> str:
    """What production saves already: as forecast, and as billed where a bill was read."""
    if not sums.production_on:
        return ""
    head = (
        f"Saving in production {usd(sums.production)} a month as forecast, "
        f"on {plural(sums.production_on, 'feature')}"
    )
    if not sums.verified_on:
        return f"{head}; none verified against a bill yet"
    return (
        f"{head}; verified against a bill on {sums.verified_on}: {usd(sums.realised)} realised, "
        f"{usd(sums.verified_forecast)} forecast"
    )


def same_model_text(sums: Sums) -> str:
    """The levers that need no other model, where no other model is proposed or in use."""
    if not sums.same_model_on:
        return ""
    return (
        f"Saving by batch or caching {usd(sums.same_model)} a month, on "
        f"{plural(sums.same_model_on, 'feature')} without another model proposed or in use"
    )


def summary(figures: Overview) -> Iterator[str]:
    """The review in a few lines of a terminal; the index has the same figures."""
    total = figures.total
    net = net_text(total)
    yield f"{plural(total.features, 'feature')}, {spend_text(total)}"
    yield f"{proposed_text(total)}{'; ' if net else ''}{net}"
    yield from (text for text in (production_text(total), same_model_text(total)) if text)
    ended = len(figures.standing_at(State.EXPIRED))
    if ended:
        yield f"Review again: {plural(ended, 'feature')} whose evidence has ended"


def verdict_counts(records: Sequence[DecisionRecord]) -> Iterator[str]:
    """How many of each verdict; what only waits for labels, or was never asked, by itself."""
    open_ones = [record for record in records if record.verdict is Verdict.UNDECIDED]
    closed = [record.finding is Finding.UNAVAILABLE for record in open_ones]
    waiting = [Reason.LABELS_MISSING in record.reason_codes for record in open_ones].count(True)
    rest = len(open_ones) - closed.count(True) - waiting
    for verdict in (Verdict.DOWNGRADE, Verdict.JUSTIFY):
        yield f"{verdict.upper()} {[record.verdict for record in records].count(verdict)}"
    yield f"{Verdict.UNDECIDED.upper()} {rest}"
    if waiting:
        yield f"WAITING FOR LABELS {waiting}"
    if any(closed):
        yield f"NOT EVALUATED {closed.count(True)}"
