"""Parts of records for tests: one factory each, sensible defaults, overrides by name."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from harness.money.savings import QualityLoss, error_value
from harness.record.base import Reason, Result
from harness.record.life import AnchorFacts, DriftFacts, LifeFacts
from harness.record.money import (
    BreakEven,
    BreakEvenVolume,
    HostingFacts,
    OptionCost,
    RateFacts,
    TrafficFacts,
)
from harness.record.parts import (
    Evidence,
    FeatureFacts,
    JudgeFacts,
    LabelFacts,
    LatencyFacts,
    Margin,
    OptionRecord,
    PowerFacts,
    Spend,
    Target,
)
from harness.record.proof import DesignFacts, PartFacts, ProofFacts
from harness.record.quality_parts import GuardrailResult, Look, Quality, SliceResult, StopFacts
from harness.record.trust import EvalSetFacts, Missingness


def a_feature(**over: object) -> FeatureFacts:
    return FeatureFacts(
        **{
            "id": "invoice-extraction",
            "name": "Invoice extraction",
            "owner": "dana.ruiz@example.com",
            "team": "accounts-payable",
            "product": "backoffice",
            "environment": "production",
            "cost_center": "4711",
            "risk": "medium",
            "data": "customer",
            "tags": ("ap",),
            "used_in": "ap-service:settings.toml#llm.invoice.model",
            "error_cost_usd": Decimal("0.90"),
            "unit": "invoices",
            "rollback": "Set llm.invoice.model back: one line, no data migration",
            "mode": "live",
            **over,
        }
    )


def a_margin(**over: object) -> Margin:
    return Margin(
        **{
            "value": 3.0,
            "agreed_by": "dana.ruiz",
            "agreed_on": date(2026, 9, 14),
            "source": "feature",
            "fixed_on": date(2026, 10, 1),
            "fixed_at": over.get("value", 3.0),
            **over,
        }
    )


def a_traffic(**over: object) -> TrafficFacts:
    return TrafficFacts(
        **{
            "requests_per_month": 96_000,
            "input_tokens": 5200.0,
            "output_tokens": 380.0,
            "cached_share": 0.12,
            "retry_rate": 0.016,
            "source": "Langfuse 2026-10",
            **over,
        }
    )


def a_target(option: str = "claude-haiku-4-5", **over: object) -> Target:
    return Target(
        **{
            "option": option,
            "provider": "anthropic",
            "model_id": option,
            "version": f"{option}-20251001",
            "served_versions": (f"{option}-20251001",),
            "effort": None,
            "params_sha256": "ab" * 32,
            "prompt_sha256": "cd" * 32,
            "prompt_file": "prompts/invoice-extraction/default.j2",
            "region": "eu",
            **over,
        }
    )


def a_look(number: int = 1, **over: object) -> Look:
    return Look(
        **{
            "number": number,
            "n": 112 * number,
            "difference": -0.6,
            "worst": -5.2 + number * 0.6,
            "level": 0.01 * number,
            "p_value": 0.06 / number,
            "action": "continue",
            **over,
        }
    )


def a_quality(**over: object) -> Quality:
    """The last look is the one whose figures are shown."""
    figures: dict[str, object] = _QUALITY | over
    shown = {name: figures[name] for name in ("n", "difference", "worst")}
    held = float(str(figures["worst"])) > -float(str(figures["margin"]))
    last = a_look(3, **shown, action="pass" if held else "continue")
    return Quality(**{"looks": (a_look(1), a_look(2), last), **figures})


_QUALITY: dict[str, object] = {
    "metric": "json-fields",
    "n": 560,
    "clusters": 61,
    "repeats": 1,
    "agreed_without_label": 0,
    "both_right": 515,
    "only_current_right": 16,
    "only_candidate_right": 14,
    "neither_right": 15,
    "current": 94.821429,
    "candidate": 94.464286,
    "difference": -0.357143,
    "worst": -2.1,
    "best": 1.2,
    "method": "tango-score",
    "margin": 3.0,
    "level": 0.025,
    "worst_missing_as_zero": -2.1,
}


def a_stop(**over: object) -> StopFacts:
    return StopFacts(
        **{
            "seen": 310,
            "cases": 590,
            "chance": 0.011,
            "threshold": 0.047,
            "share": None,
            "least_share": None,
            "saved_usd": Decimal("1.97"),
            "cases_to_decide": 4310,
            "cost_to_decide_usd": Decimal("171.04"),
            **over,
        }
    )


def a_stopped_quality(**over: object) -> Quality:
    """What the 280 deciding cases showed before `a_stop`."""
    return a_quality(
        **{
            "n": 280,
            "clusters": 34,
            "agreed_without_label": 0,
            "both_right": 255,
            "only_current_right": 13,
            "only_candidate_right": 6,
            "neither_right": 6,
            "current": 95.714286,
            "candidate": 93.214286,
            "difference": -2.5,
            "worst": -5.6,
            "best": 0.3,
            "looks": (a_look(1), a_look(2, n=280, difference=-2.5, action="futile")),
            "worst_missing_as_zero": -5.6,
            **over,
        }
    )


def a_slice(**over: object) -> SliceResult:
    return SliceResult(
        **{
            "key": "layout",
            "value": "handwritten",
            "n": 118,
            "only_current_right": 6,
            "only_candidate_right": 4,
            "difference": -1.694915,
            "worst": -5.9,
            "best": 2.4,
            "margin": 6.0,
            "protect": "alarm",
            "vetoes": False,
            **over,
        }
    )


def a_guardrail(**over: object) -> GuardrailResult:
    return GuardrailResult(
        **{
            "name": "json-schema",
            "n": 560,
            "current": 99.8,
            "candidate": 99.6,
            "difference": -0.2,
            "worst": -0.8,
            "margin": 1.0,
            "protect": "alarm",
            "vetoes": False,
            "note": None,
            **over,
        }
    )


def a_latency(**over: object) -> LatencyFacts:
    return LatencyFacts(
        **{
            "n": 64,
            "p50_s": 1.4,
            "p50_lower_s": 1.3,
            "p50_upper_s": 1.6,
            "p95_s": 2.9,
            "p95_lower_s": 2.5,
            "p95_upper_s": 3.4,
            "ttft_p95_s": 0.7,
            "ttft_p95_upper_s": 0.9,
            "p99_s": None,
            "p99_upper_s": None,
            "slo_p95_s": 8.0,
            "slo_ttft_p95_s": None,
            "slo_p99_s": None,
            "met": True,
            "incumbent_misses_too": False,
            "measured_at": datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
            "region": "eu-west",
            "concurrency": 1,
            **over,
        }
    )


def a_rate(**over: object) -> RateFacts:
    return RateFacts(
        **{
            "input": Decimal("0.95"),
            "output": Decimal("4.75"),
            "cache_read": Decimal("0.095"),
            "cache_write": Decimal("1.19"),
            "cache_write_1h": Decimal("1.90"),
            "per_request": Decimal(0),
            "batch_share": Decimal("0.5"),
            "source": "order form 2026-07",
            "valid_from": date(2026, 7, 1),
            "discount": Decimal("0.10"),
            **over,
        }
    )


def a_cost(**over: object) -> OptionCost:
    return OptionCost(
        **{
            "per_request": Decimal("0.00732"),
            "per_success": Decimal("0.00775"),
            "monthly": Decimal("702.90"),
            "monthly_after_discounts": Decimal("632.61"),
            "input_tokens_mean": 5230.0,
            "output_tokens_mean": 402.0,
            "rates": a_rate(),
            "basis": "measured",
            **over,
        }
    )


def a_break_even(**over: object) -> BreakEven:
    """Of `a_quality` and `a_cost`: 2,483.10 saved, 2 of 560 and 2.1 points on 96,000 requests."""
    return BreakEven(
        **{
            "at_estimate": Decimal("7.242372"),
            "at_worst": Decimal("1.231696"),
            "more_errors_per_month": 342.85728,
            "more_errors_per_month_worst": 2016.0,
            "net_saving_estimate": Decimal("2174.528448"),
            "net_saving_worst": Decimal("668.7"),
            "saving_after_discounts": Decimal("2483.1"),
            "net_of_one_off": Decimal("1809.278448"),
            **over,
        }
    )


def even_of(quality: object, cost: object) -> BreakEven | None:
    """The break-even of an option against today's model of `a_record`, 3,115.71 a month."""
    after = cost.monthly_after_discounts if isinstance(cost, OptionCost) else None
    if not isinstance(quality, Quality) or after is None:
        return None
    return error_value(
        Decimal("3115.71") - after,
        QualityLoss(estimate=-quality.difference, worst=-quality.worst),
        requests_per_month=96_000,
        error_cost_usd=Decimal("0.90"),
        one_off_monthly=Decimal("365.25"),
    )


def an_option(option: str = "claude-haiku-4-5", **over: object) -> OptionRecord:
    even = even_of(over.get("quality", a_quality()), over.get("cost", a_cost()))
    return OptionRecord(
        **{
            "target": a_target(option),
            "lever": "model-swap",
            "prompts_tried": 1,
            "result": Result.PASS,
            "reason_codes": (Reason.NON_INFERIOR_AND_CHEAPER,),
            "note": "within the limit: 0.4 points worse on 560 cases",
            "quality": a_quality(),
            "slices": (
                a_slice(),
                a_slice(
                    value="printed",
                    n=442,
                    only_current_right=10,
                    only_candidate_right=10,
                    difference=0.0,
                    worst=-2.0,
                ),
            ),
            "guardrails": (a_guardrail(),),
            "latency": a_latency(),
            "missing": Missingness(current=0, candidate=0, failed_current=1, failed_candidate=2),
            "cost": a_cost(),
            "error_break_even": even,
            "performance_risk": "low",
            "migration_effort": "one line",
            **over,
        }
    )


def a_failed_option(option: str = "gemini-2.5-flash-lite", **over: object) -> OptionRecord:
    return an_option(
        option,
        **{
            "result": Result.FAIL,
            "reason_codes": (Reason.QUALITY_INFERIOR,),
            "note": "shown to be worse than the limit: 8.9 points worse on 224 cases",
            "quality": a_quality(
                n=224,
                clusters=24,
                current=95.535714,
                candidate=86.607143,
                difference=-8.928571,
                worst=-13.5,
                worst_missing_as_zero=-13.5,
                best=-5.2,
                both_right=190,
                only_current_right=24,
                only_candidate_right=4,
                neither_right=6,
                looks=(
                    a_look(1, difference=-8.1, worst=-15.2),
                    a_look(2, difference=-8.928571, worst=-13.5, action="inferior"),
                ),
            ),
            "slices": (),
            "cost": a_cost(
                per_request=Decimal("0.00070"),
                per_success=Decimal("0.00082"),
                monthly=Decimal("67.20"),
                monthly_after_discounts=Decimal("67.20"),
            ),
            **over,
        },
    )


def a_not_run_option(option: str = "gpt-5-nano", **over: object) -> OptionRecord:
    return an_option(
        option,
        **{
            "result": Result.NOT_RUN,
            "reason_codes": (Reason.DATA_NOT_PERMITTED,),
            "note": "may not see customer data",
            "quality": None,
            "slices": (),
            "guardrails": (),
            "latency": None,
            "missing": None,
            "cost": a_cost(
                per_request=None,
                per_success=None,
                monthly=None,
                monthly_after_discounts=None,
                input_tokens_mean=None,
                output_tokens_mean=None,
                basis="traffic",
            ),
            "error_break_even": None,
            **over,
        },
    )


def a_hosting(**over: object) -> HostingFacts:
    return HostingFacts(
        **{
            "goodput_per_s": Decimal(4),
            "gpus_per_replica": 2,
            "committed_replicas": 1,
            "fewest_replicas": 1,
            "most_replicas": 3,
            "committed_usd": Decimal("3579.45"),
            "on_demand_usd": Decimal("33.90"),
            "scale_up_usd": Decimal("0.85"),
            "overflow_usd": Decimal("12.00"),
            "idle_usd": Decimal("1789.72"),
            "utilisation": Decimal("0.51"),
            "load_s": Decimal(90),
            "source": "probe 0f3a of 2026-11-01; quote 4711",
            "break_even": (
                BreakEvenVolume(option="claude-opus-4-5", requests_per_month=98_000),
                BreakEvenVolume(option="gpt-5-nano", requests_per_month=None),
            ),
            **over,
        }
    )


def a_judge(**over: object) -> JudgeFacts:
    return JudgeFacts(
        **{
            "option": "gpt-5",
            "prompt_sha256": "ef" * 32,
            "labels": 80,
            "agreement": 91.2,
            "agreement_lower": 84.1,
            "kappa": 0.78,
            "needed": 80.0,
            "kappa_lower": 0.64,
            "kappa_needed": 0.6,
            "people": ("dana.ruiz", "kim.lee"),
            "same_family": ("gpt-5-nano",),
            "swapped": 40,
            "swapped_alike": 36,
            **over,
        }
    )


def some_labels(**over: object) -> LabelFacts:
    return LabelFacts(
        **{
            "by": (("dana.ruiz", 74), ("kim.lee", 30)),
            "shared": 30,
            "agreed": 27,
            "kappa": 0.8,
            "kappa_lower": 0.58,
            "kappa_upper": 1.0,
            **over,
        }
    )


def a_life(**over: object) -> LifeFacts:
    """The first test of four that are planned."""
    return LifeFacts(
        **{
            "promised": 5.0,
            "planned": 4,
            "test": 1,
            "level": 4.0,
            "left": 1.0,
            "again": False,
            **over,
        }
    )


def an_anchor(**over: object) -> AnchorFacts:
    return AnchorFacts(
        **{
            "option": "claude-opus-4-1",
            "since": "2026-Q1",
            "level": 94.2,
            "steps": 1,
            "budget": 8.0,
            "drift": DriftFacts(difference=-1.1, worst=-3.2, n=533),
            "next_option": "claude-haiku-4-5",
            "next_drift": DriftFacts(difference=-2.4, worst=-5.3, n=511),
            **over,
        }
    )


def a_design(**over: object) -> DesignFacts:
    return DesignFacts(
        **{
            "kind": "ladder",
            "method": "tango",
            "alpha": 0.04,
            "options": (("claude-haiku-4-5", 0.71),),
            "stages": (15, 30),
            "looks": (146, 590),
            "checks": (44, 590),
            "spending": 0.8,
            "drop_below": 0.047,
            "futile_below": 0.048,
            "least_weight": 0.02,
            "prior": (-0.04, 0.06, 0.12, 10.0),
            "largest_missing_share": 0.021,
            "error_worth": 1.9,
            "clusters": None,
            "parts": (PartFacts(name="layout", margin=6.0, measure=None, where="0110"),),
            **over,
        }
    )


def a_proof(**over: object) -> ProofFacts:
    return ProofFacts(
        **{
            "outcomes": "11-+0",
            "measures": (),
            "looked_at": "cleared",
            "weight": 0.93,
            "local": 0.037,
            "smallest": 0.0012,
            "pilot_chance": 0.77,
            **over,
        }
    )


def an_eval_set(**over: object) -> EvalSetFacts:
    return EvalSetFacts(
        **{
            "id": "invoice-extraction",
            "inputs_sha256": "12" * 32,
            "labels_sha256": None,
            "n": 650,
            "tune": 60,
            "pilot": 30,
            "deciding": 560,
            "clusters": 61,
            "times_used": 1,
            "provenance": "traffic 2026-08-01 to 2026-09-30, stratified by layout, redacted",
            "targets": "human",
            **over,
        }
    )


def a_spend(**over: object) -> Spend:
    return Spend(
        **{
            "total_usd": Decimal("38.20"),
            "judge_usd": Decimal("0.00"),
            "possibly_billed_usd": Decimal("0.12"),
            "saved_by_stopping_usd": Decimal("17.40"),
            "trials": 1420,
            "trials_saved": 610,
            **over,
        }
    )


def a_power(**over: object) -> PowerFacts:
    return PowerFacts(
        **{
            "chance": 0.83,
            "smallest_margin": 2.9,
            "disagreement": 0.08,
            "source": "assumed",
            "cases": 560,
            "looks": 5,
            "pilot": 0.04,
            **over,
        }
    )


def an_evidence(**over: object) -> Evidence:
    return Evidence(
        **{
            "eval_set": an_eval_set(),
            "traffic_source": "Langfuse 2026-10",
            "rates_as_of": date(2026, 11, 20),
            "journal_runs": ("2026-Q4-1",),
            "plan_sha256": "34" * 32,
            "policy_sha256": "56" * 32,
            "seed": "78" * 32,
            "versions": (("model-rightsizing", "0.1.0"), ("python", "3.11.9")),
            "spend": a_spend(),
            "power_note": "560 cases can tell a model of equal quality from one 3 points worse "
            "in 8 of 10 reviews",
            "exploratory": (),
            **over,
        }
    )
