"""What the index says, with names in place of figures, as in `claims`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.recompute.tables import Columns

INDEX_SENTENCES: tuple[str, ...] = (
    (
        ": {features} features, USD {spend} a month as reviewed, after discounts, {known} of "
        "{features} known"
    ),
    ": {features} features, USD {spend} a month as reviewed, after discounts",
    ": {features} feature, USD {spend} a month as reviewed, after discounts",
    (
        "What is saved. Saving in production USD {production} a month as forecast, on "
        "{production_on} feature"
    ),
    (
        "erified against a bill on {billed_on}: USD {realised} realised, USD {billed_forecast} "
        "forecast"
    ),
    "What is bought. USD {bought} a month is paid until its term ends",
    "; USD {bought_unused} of it is for units that no hour needs",
    "; at least USD {bought_unused} of it is for units that no hour needs",
    "To do. {things} thing",
    "{late} overdue",
    (
        "Run-rate. USD {rate_then} a month as reviewed; USD {rate_now} as production runs today; "
        "USD {rate_taken} once every"
    ),
    (
        "Run-rate. USD {rate_then} a month as reviewed; USD {rate_now} as production runs today, "
        "by the forecast of what is in production; USD {rate_taken} once every"
    ),
    "What changed. USD {spend_before} a month in {*}",
    ", USD {spend_now} now, both as reviewed",
    ("minus USD {rate_off} by the forecast of what is in production, it runs at USD {rate_now}"),
    ("USD {rate_then} as reviewed, minus USD {rate_off} by the forecast of what is in production"),
    "decide on the switch {due_decide}",
    "put it into production {due_switch}",
    "check it against the bill {due_verify}",
    "turn on batch or caching {due_lever}",
    "get what is missing {due_complete}",
    "make it reviewable {due_unblock}",
    "review again {due_again}",
    "sign the reason to stay {due_sign}",
    "{unverified} feature in production",
    "{unverified} features in production",
    "can be had USD {proposed} a month",
    "saved in production USD {production} a month",
    "spent as reviewed USD {spend} a month",
    "proposed, deferred or accepted, on {proposed_on} feature",
    "as forecast, on {production_on} feature",
    "by the bill USD {realised} on {billed_on} of them",
    "as production runs today USD {rate_now}",
    "{late} thing overdue, {soon} due by",
    "{late} things overdue, {soon} due by",
    "run-rate USD {running} a month",
    "USD {running_before} at the end of the month before",
    "verified in this month USD {checked_realised} a month",
    "forecast USD {checked_forecast}, on {checked} feature",
    "on {proposed_on} feature, not in production",
    "on {proposed_on} features, not in production",
    "{made} record",
    "DOWNGRADE {downgrade}",
    "JUSTIFY {justify}",
    "UNDECIDED {undecided}",
    "{still_open} tested and still open",
    "{waiting} waiting for labels",
    "{closed} not evaluated",
    "aving by batch or caching USD {same_model} a month, on {same_model_on} feature",
    "roposed saving USD {proposed} a month after discounts, on {proposed_on} feature",
    "et of mistakes USD {net} of USD {net_gross}, on the {net_on} of {proposed_on} feature",
    "other models could save USD {bound} at most, on {bound_on} feature",
    "Spend and saving of {unknown} of {features} feature",
    "Saving alone of {unpriced} of {features} feature",
    (
        "What the review cost. USD {spent}, of it USD {brought} to make answers that were brought "
        "in; stopping early saved USD {stopped}; {free} feature"
    ),
    "What the review cost. USD {spent}; stopping early saved USD {stopped}; {free} feature",
    "One month of the proposed saving pays for it about {pays_proposed} times",
    "One month of the proposed saving pays for it {pays_proposed} times",
    "One month of the realised saving pays for it about {pays_realised} times",
    "One month of the realised saving pays for it {pays_realised} times",
    "How sure this is. {tested} feature",
    "on average at most {wrong} propose a model",
    (
        "Without a cost centre. USD {untagged_spend_cents} a month on {untagged_features} "
        "features, {untagged_known} of {untagged_features} known"
    ),
    "Without a cost centre. USD {untagged_spend_cents} a month on {untagged_features} feature",
    "{rejected_count} downgrade rejected (USD {rejected_forecast} a month when found)",
    "{rejected_count} downgrades rejected (USD {rejected_forecast} a month when found)",
    "{expired_count} downgrade expired (USD {expired_forecast} a month when found)",
    "{expired_count} downgrades expired (USD {expired_forecast} a month when found)",
    "The 10 features that spend most",
    "{others} others",
    "{others} other",
    "{features} features",
    "{features} feature",
)

INDEX_TABLES: Columns = {
    "can be had": "USD {proposed} a month",
    "run-rate": "USD {running} a month",
    "verified in this month": "USD {checked_realised} a month",
    "saved in production": "USD {production} a month",
    "spent as reviewed": "USD {spend} a month",
    "features": "{count}",
    "forecast": "{forecast_cents}",
    "realised": "{realised_cents}",
    "saves a month": "{saving_cents}",
    "net of mistakes": "{net_cents}",
    "at worst": "{net_worst_cents}",
    "quality at worst, points (limit)": "{worst} ({margin})",
    "worth a month": "{worth}",
    "cases": "{cases}",
    "labels": "{labels}",
    "cost": "{cost}",
    "spend a month": "{spend_cents}",
    "share": "{share} %",
    "spend known": "{known} of {features}",
    "proposed saving": "{proposed_cents}",
    "saving in production, forecast": "{production_cents}",
    "realised (verified ones)": "{realised_cents}",
    "saving by batch or caching": "{same_model_cents}",
    "could save at most": "{at_most}",
    "saving when found": "{offered_cents}",
}
