"""Records for tests: one factory per part, sensible defaults, overrides by name.

`downgrade_record`, `justify_record` and `undecided_record` are the three verdicts as in the
examples of the documents; `record_for(reason)` gives a record that carries a reason code.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from harness.record.base import Finding, Reason, Result, State, Verdict
from harness.record.model import DecisionRecord, seal
from harness.record.money import Bridge, Lever, Savings, TierFacts
from harness.record.parts import HistoryEntry, SignedException, StillNeeded
from tests.support.floors import a_low_floor
from tests.support.record_parts import (
    a_cost,
    a_failed_option,
    a_feature,
    a_guardrail,
    a_latency,
    a_margin,
    a_not_run_option,
    a_quality,
    a_rate,
    a_slice,
    a_spend,
    a_stop,
    a_stopped_quality,
    a_target,
    a_traffic,
    an_evidence,
    an_option,
)

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
GENERATED = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)


def a_record(**over: object) -> DecisionRecord:
    """A sealed record; by default the downgrade of the example."""
    record = DecisionRecord(
        **{
            "decision_id": "2026-Q4-invoice-extraction",
            "cycle": "2026-Q4",
            "generated_at": GENERATED,
            "feature": a_feature(),
            "margin": a_margin(),
            "traffic": a_traffic(),
            "finding": Finding.OVER_PROVISIONED,
            "reason_codes": (Reason.NON_INFERIOR_AND_CHEAPER,),
            "verdict": Verdict.DOWNGRADE,
            "lever": "model-swap",
            "chosen": "claude-haiku-4-5",
            "current": a_target("claude-opus-4-5"),
            "current_quality": 94.82,
            "current_cost": a_cost(
                per_request=Decimal("0.03606"),
                per_success=Decimal("0.03803"),
                monthly=Decimal("3461.90"),
                monthly_after_discounts=Decimal("3115.71"),
                input_tokens_mean=5200.0,
                output_tokens_mean=380.0,
                rates=a_rate(
                    input=Decimal(5),
                    output=Decimal(25),
                    cache_read=Decimal("0.5"),
                    cache_write=Decimal("6.25"),
                    cache_write_1h=Decimal(10),
                    source="genai-prices",
                    valid_from=None,
                    tiers=(
                        TierFacts(
                            from_input_tokens=200_001,
                            input=Decimal(10),
                            output=Decimal("37.5"),
                            cache_read=Decimal(1),
                            cache_write=Decimal("12.5"),
                            cache_write_1h=Decimal(20),
                        ),
                    ),
                ),
            ),
            "current_latency": a_latency(p50_s=3.2, p95_s=6.1, p95_upper_s=7.0),
            "options": (
                a_failed_option(),
                a_not_run_option(),
                an_option(),
                a_not_run_option(
                    "claude-sonnet-5",
                    reason_codes=(Reason.CHEAPER_ONE_PASSED,),
                    note="dearer than the choice",
                    cost=a_cost(
                        per_request=Decimal("0.01475"),
                        per_success=None,
                        monthly=Decimal("1416.00"),
                        monthly_after_discounts=Decimal("1274.40"),
                        basis="traffic",
                    ),
                ),
            ),
            "bridge": (
                Bridge(term="price", usd=Decimal("-2453.40")),
                Bridge(term="output tokens", usd=Decimal("6.30")),
                Bridge(term="retries", usd=Decimal("-36.00")),
            ),
            "levers": (
                Lever(
                    kind="batch",
                    saving_monthly=Decimal("1730.95"),
                    monthly=Decimal("1730.95"),
                    possible=False,
                    needs="invoices are answered live",
                ),
                Lever(
                    kind="caching",
                    saving_monthly=Decimal("112.00"),
                    monthly=Decimal("3349.90"),
                    possible=True,
                    needs="mark the first 2,600 tokens as cacheable; no quality test",
                ),
            ),
            "still_needed": None,
            "decide_by": date(2026, 12, 15),
            "expires_at": date(2027, 3, 3),
            "trigger": "more than 8 % of a weekly sample of 200 wrong",
            "not_known": (
                "invoices of more than forty pages: no case has them",
                "latency was measured from eu-west, not from production",
            ),
            "savings": Savings(
                monthly=Decimal("2759.00"),
                monthly_lower=Decimal("2690.00"),
                monthly_upper=Decimal("2830.00"),
                percentage=79.7,
                after_discounts=Decimal("2483.10"),
                one_off_cost=Decimal("1200.00"),
                payback_months=0.551844,
                after_discounts_lower=Decimal("2421.00"),
                after_discounts_upper=Decimal("2547.00"),
                net_monthly=Decimal("2174.528448"),
                net_monthly_worst=Decimal("668.7"),
                one_off_monthly=Decimal("365.25"),
                net_of_one_off=Decimal("1809.278448"),
                minimum_usd=Decimal(200),
            ),
            "evidence": an_evidence(),
            **over,
        }
    )
    return seal(record)


def downgrade_record(**over: object) -> DecisionRecord:
    return a_record(**over)


def justify_record(**over: object) -> DecisionRecord:
    """Every option has a reason to be left; the closest lost two points too many."""
    near_miss = a_failed_option(
        "claude-haiku-4-5",
        note="4.8 points worse on 560 cases",
        quality=a_quality(
            difference=-4.821429,
            worst=-7.6,
            worst_missing_as_zero=-7.6,
            best=-3.2,
            candidate=90.0,
            both_right=490,
            only_current_right=41,
            only_candidate_right=14,
            neither_right=15,
        ),
        cost=a_cost(),
    )
    return a_record(
        **{
            "finding": Finding.RIGHT_SIZED,
            "reason_codes": (Reason.QUALITY_INFERIOR, Reason.DATA_NOT_PERMITTED),
            "verdict": Verdict.JUSTIFY,
            "lever": "none",
            "chosen": None,
            "options": (a_failed_option(), a_not_run_option(), near_miss),
            "bridge": (),
            "savings": None,
            "trigger": None,
            **over,
        }
    )


def undecided_record(**over: object) -> DecisionRecord:
    """An option that could still win is open after the last look."""
    return a_record(
        **{
            "finding": Finding.INSUFFICIENT_EVIDENCE,
            "reason_codes": (Reason.QUALITY_UNDECIDED,),
            "verdict": Verdict.UNDECIDED,
            "lever": "none",
            "chosen": None,
            "options": (
                a_failed_option(),
                an_option(
                    result=Result.UNDECIDED,
                    reason_codes=(Reason.QUALITY_UNDECIDED,),
                    note="neither shown within the limit nor shown beyond it: 1.6 points worse on "
                    "560 cases",
                    quality=a_quality(
                        difference=-1.607143,
                        worst=-4.2,
                        worst_missing_as_zero=-4.2,
                        best=0.9,
                        candidate=93.214286,
                        both_right=508,
                        only_current_right=23,
                        only_candidate_right=14,
                        neither_right=15,
                    ),
                ),
            ),
            "bridge": (),
            "savings": None,
            "still_needed": StillNeeded(
                cases=340,
                labels=None,
                cost_usd=Decimal("14.20"),
                worth_monthly_usd=Decimal("2483.10"),
                note="with them it would, if it is as good as it was seen to be, be shown within "
                "the limit in four reviews of five",
            ),
            "trigger": None,
            **over,
        }
    )


_UNDECIDED = {
    Reason.QUALITY_UNDECIDED,
    Reason.SAMPLE_TOO_SMALL,
    Reason.LABELS_MISSING,
    Reason.RUN_INCOMPLETE,
    Reason.BASELINE_FAILS_OWN_BAR,
    Reason.JUDGE_UNRELIABLE,
    Reason.PRICE_MISSING,
    Reason.USAGE_NOT_REPORTED,
    Reason.TRAFFIC_MISSING,
    Reason.LATENCY_NOT_MEASURED,
    Reason.EVALSET_CANNOT_TELL,
    Reason.EVALSET_SPENT,
}
_DOWNGRADE = {
    Reason.NON_INFERIOR_AND_CHEAPER,
    Reason.SUPERIOR_AND_CHEAPER,
    Reason.SELF_HOST_BELOW_BREAK_EVEN,
    Reason.SAME_MODEL_CHEAPER,
}
_BEFORE_ANY_CALL = {
    Reason.NO_CHEAPER_CANDIDATE,
    Reason.SAVINGS_BELOW_MINIMUM,
    Reason.DATA_NOT_PERMITTED,
    Reason.CAPABILITY_GAP,
    Reason.MODEL_RETIRING,
    Reason.PRICE_MISSING,
    Reason.TRAFFIC_MISSING,
    Reason.LABELS_MISSING,
    Reason.SAMPLE_TOO_SMALL,
}


_UNASKED = {
    "current_quality": None,
    "current_latency": None,
    "evidence": an_evidence(
        spend=a_spend(
            total_usd=Decimal(0),
            possibly_billed_usd=Decimal(0),
            saved_by_stopping_usd=Decimal(0),
            trials=0,
            trials_saved=0,
        )
    ),
}
_SPECIAL: dict[Reason, dict[str, object]] = {
    Reason.NO_CHEAPER_CANDIDATE: {"options": ()},
    Reason.TRAFFIC_MISSING: {
        "traffic": None,
        "finding": Finding.UNAVAILABLE,
        "still_needed": None,
    },
    Reason.PRICE_MISSING: {"finding": Finding.UNAVAILABLE, "still_needed": None},
    Reason.BASELINE_FAILS_OWN_BAR: {
        "finding": Finding.UNDER_PROVISIONED,
        "still_needed": None,
    },
    Reason.RUN_INCOMPLETE: {"still_needed": None},
    Reason.EVALSET_SPENT: {"still_needed": None},
    Reason.EVALSET_CANNOT_TELL: {
        "evidence": an_evidence(floor=a_low_floor()),
        "still_needed": None,
    },
    Reason.LABELS_MISSING: {
        "still_needed": StillNeeded(
            cases=None,
            labels=74,
            cost_usd=Decimal(0),
            worth_monthly_usd=Decimal("2483.10"),
            note="label 74 disagreements, about 25 min: `rightsize label invoice-extraction`",
        )
    },
}


_PARTS: dict[Reason, dict[str, object]] = {
    Reason.QUALITY_INFERIOR: {"quality": a_failed_option().quality, "slices": ()},
    Reason.SLICE_REGRESSION: {
        "slices": (
            a_slice(
                only_current_right=14,
                only_candidate_right=1,
                difference=-11.016949,
                worst=-16.2,
                best=-6.4,
                vetoes=True,
            ),
        )
    },
    Reason.GUARDRAIL_FAILED: {
        "guardrails": (a_guardrail(candidate=95.1, difference=-4.7, worst=-6.3, vetoes=True),)
    },
    Reason.LATENCY_SLO_MISSED: {"latency": a_latency(p95_s=8.6, p95_upper_s=9.9, met=False)},
    Reason.LATENCY_NOT_MEASURED: {"latency": None},
    Reason.NET_SAVING_BELOW_MINIMUM: {
        "quality": a_quality(
            difference=-2.857143,
            worst=-4.9,
            worst_missing_as_zero=-4.9,
            candidate=91.964286,
            both_right=501,
            only_current_right=30,
            only_candidate_right=14,
            neither_right=15,
        )
    },
    Reason.UNLIKELY_TO_PASS: {
        "quality": a_stopped_quality(),
        "stopped": a_stop(),
        "slices": (),
        "guardrails": (),
        "latency": None,
    },
    Reason.SAVINGS_BELOW_MINIMUM: {
        "cost": a_cost(
            monthly=Decimal("3300.00"), monthly_after_discounts=Decimal("2970.00"), basis="traffic"
        )
    },
}


def record_for(reason: Reason, **over: object) -> DecisionRecord:
    """A record whose verdict rests on one reason code."""
    special = _SPECIAL.get(reason, {}) | over
    if reason is Reason.CHEAPER_ONE_PASSED:
        return downgrade_record(**special)
    if reason in _DOWNGRADE:
        return downgrade_record(reason_codes=(reason,), **special)
    make = undecided_record if reason in _UNDECIDED else justify_record
    result = Result.UNDECIDED if reason in _UNDECIDED else Result.FAIL
    asked = reason not in _BEFORE_ANY_CALL
    parts = _PARTS.get(reason, {})
    option = (
        an_option(result=result, reason_codes=(reason,), note="", **parts)
        if asked
        else a_not_run_option(reason_codes=(reason,), note="", **parts)
    )
    base: dict[str, object] = {"reason_codes": (reason,), "options": (option,)}
    return make(**(base | ({} if asked else _UNASKED) | special))


def decided(
    record: DecisionRecord, state: State = State.ACCEPTED, **over: object
) -> DecisionRecord:
    """The record after a human moved it."""
    entry = HistoryEntry(
        **{
            "state": state,
            "by": "dana.ruiz@example.com",
            "by_source": "git identity",
            "at": datetime(2026, 11, 25, 8, 0, tzinfo=UTC),
            "reason": "agreed in the review meeting",
            "link": "https://git.example.com/rightsizing/pull/212",
            **over,
        }
    )
    update: dict[str, object] = {"state": state, "history": (*record.history, entry)}
    if record.verdict is Verdict.JUSTIFY and state is State.ACCEPTED:
        update["exception"] = SignedException(
            reason_code=record.reason_codes[0],
            approver="dana.ruiz@example.com",
            expires_at=date(2027, 3, 3),
            would_change="a cheaper model within 3 points",
        )
    return seal(record.model_copy(update=update))
