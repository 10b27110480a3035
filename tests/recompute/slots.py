"""The texts that a page may print for each figure of a record: name -> acceptable texts."""

from __future__ import annotations

import math
import re
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from tests.recompute import forms
from tests.recompute.forms import count, general, points, roughly, seconds, share
from tests.recompute.texts import Slots, of_part

if TYPE_CHECKING:
    from tests.recompute.figures import Truth

Json = dict[str, Any]
Texts = dict[str, set[str]]


def of_record(truth: Truth) -> Slots:
    """Figures of the feature as a whole."""
    record, slots = truth.record, Slots()
    evidence, spend = record["evidence"], record["evidence"]["spend"]
    used, traffic = evidence["eval_set"], record["traffic"]
    slots.put("margin", general(record["margin"]["value"]))
    slots.put("cases", count(used["n"]))
    for key in ("tune", "pilot", "deciding", "times_used", "clusters"):
        slots.put(key, count(used[key]), str(used[key]))
    for key, value in spend.items():
        if key.endswith("_usd"):
            slots.money(key, Decimal(value))
        else:
            slots.put(key, count(value))
    _held(slots, record)
    slots.put("confidence", general(evidence["confidence"] * 100))
    _traffic(slots, traffic)
    floor = evidence.get("floor")
    slots.put("today_cases", None if floor is None else count(floor["cases"]))
    slots.put("today_level", share(record["current_quality"]))
    slots.points("today_quality", record["current_quality"])
    _cost(slots, "today_", truth.today)
    _latency(slots, "today_", record["current_latency"])
    slots.money("error_cost", _decimal(record["feature"]["error_cost_usd"]))
    _savings(slots, truth)
    _floor(slots, floor)
    _needed(slots, record["still_needed"])
    for key, texts in of_part(record.get("noise") or {}).items():
        slots.put(f"noise_{key}", *texts)
    _levers(slots, truth)
    _missing(slots, record["options"])
    _over_options(slots, truth)
    slots.put("moves", count(len(record["history"])))
    slots.put("others", count(max(len(record["options"]) - 1, 0)))
    return slots


def _sure(slots: Slots, told: Json) -> None:
    """How sure a model was: its sums, worked out again from its bands."""
    bands = told["bands"]
    answers = sum(band["n"] for band in bands)
    brier = sum(band["n"] * band["squared_error"] for band in bands) / answers
    gap = sum(band["n"] * abs(band["said"] - band["right"]) for band in bands) / answers
    slots.put("sure_answers", count(answers))
    slots.put("sure_brier", f"{brier:.4f}")
    slots.put("sure_gap", f"{gap:.1f}")


def _over_options(slots: Slots, truth: Truth) -> None:
    """Figures of any option, what an open one saves, and how many share today's prompt."""
    record = truth.record
    still_open = [one for one in record["options"] if one["result"] == "UNDECIDED"]
    for one in still_open[:1]:
        slots.money("open_saving", truth.options[one["target"]["option"]]["saving"])
    left = [
        Decimal(one["saving_at_most"])
        for one in record["options"]
        if one["saving_at_most"] and "EVALSET_SPENT" in one["reason_codes"]
    ]
    slots.money("spent_worth", max(left, default=None))
    for told in record["evidence"].get("reliability") or ():
        _sure(slots, told)
    prompt = record["current"]["prompt_sha256"]
    same = [one for one in record["options"] if one["target"]["prompt_sha256"] == prompt]
    slots.put("same_prompt", count(len(same)))
    for stopped in filter(None, (one.get("stopped") for one in record["options"])):
        for value in (stopped["chance"], stopped["threshold"]):
            slots.put("any_chance", f"{100 * value:.1f}", "0.1" if value < 0.001 else None)


def _held(slots: Slots, record: Json) -> None:
    """What is held against earlier tests, the first model, the design and own hardware."""
    _life(slots, record)
    slots.put("cost_center", record["feature"]["cost_center"])
    _hosting(slots, "today_", record["current_cost"].get("hosting"))
    slots.put("no_dearer", *no_dearer(record, record["current"]["option"]))
    _design(slots, record["evidence"].get("design"))
    _anchor(slots, record.get("anchor"))


def _life(slots: Slots, record: Json) -> None:
    """What tests on the same cases share, and the limit when these were first asked."""
    used = record["evidence"]["eval_set"]
    others = [one["life"] for one in used.get("lives") or ()]
    for life in filter(None, (used.get("life"), *others)):
        slots.put("life_test", str(life["test"]))
        slots.put("life_left", f"{life['left']:.2g}", f"{life['left']:.4g}")
        slots.put("life_level", f"{life['level']:.4g}")
        slots.put("life_planned", str(life["planned"]))
        slots.put("life_promised", general(life["promised"]))
    power = record["evidence"].get("power")
    if power is not None:
        slots.put("power_looks", str(power["looks"]))
        slots.put("power_pilot", f"{power['pilot']:g}")
    before = record["margin"].get("fixed_at")
    slots.put("margin_before", None if before is None else general(before))


def _design(slots: Slots, design: Json | None) -> None:
    """The test as it was fixed."""
    if design is None:
        return
    for key in ("alpha", "spending", "drop_below", "futile_below", "least_weight"):
        slots.put(f"design_{key}", f"{design[key]:g}")
    slots.put("design_largest_missing_share", f"{design['largest_missing_share']:g}")
    for key in ("stages", "looks", "checks"):
        slots.put(f"design_{key}", *map(count, design[key]))
    slots.put("design_prior", *(f"{one:g}" for one in design["prior"]))
    slots.put("design_options", *(f"{one:g}" for _, one in design["options"]))
    slots.put("design_at_most", *(f"{one:g}" for one in design.get("at_most") or () if one))
    worth = design["error_worth"]
    slots.put("design_error_worth", None if worth is None else f"{worth:.6g}")
    for part in design["parts"]:
        slots.put("part_margin", f"{part['margin']:g}")
        slots.put("part_cases", count(part["where"].count("1")))


def _anchor(slots: Slots, anchor: Json | None) -> None:
    """How far production has come from its first model."""
    if anchor is None:
        return
    level = anchor["level"]
    slots.put("anchor_level", None if level is None else f"{level:.1f}")
    slots.put("anchor_steps", str(anchor["steps"]))
    slots.put("anchor_step", str(anchor["steps"] + (anchor["next_option"] is not None)))
    slots.put("anchor_budget", general(anchor["budget"]))
    for found in (anchor["drift"], anchor["next_drift"]):
        if found is not None:
            slots.points("anchor_difference", found["difference"])
            slots.points("anchor_worst", found["worst"])
            slots.put("anchor_n", count(found["n"]))


def _missing(slots: Slots, options: list[Json]) -> None:
    """Trials without an answer, today's model's once."""
    lost = [one["missing"] for one in options if one["missing"] is not None]
    if lost:
        missing = max(one["current"] for one in lost) + sum(one["candidate"] for one in lost)
        slots.put("trials_missing", count(missing))
        slots.put("missing_why", *_by_reason(lost))


def _by_reason(lost: list[Json]) -> list[str]:
    """Trials without an answer by reason, today's model's once."""
    most = max(lost, key=lambda one: (one["current"], one.get("why_current") is not None))
    told = [most.get("why_current"), *(one.get("why_candidate") for one in lost)]
    counts: Counter[str] = Counter()
    for reasons in told:
        counts.update(dict(reasons or ()))
    return [count(number) for number in counts.values()]


def _traffic(slots: Slots, traffic: Json | None) -> None:
    if traffic is not None:
        slots.put("requests", count(traffic["requests_per_month"]))
        slots.put("traffic_in", f"{traffic['input_tokens']:,.1f}")
        slots.put("traffic_out", f"{traffic['output_tokens']:,.1f}")
        slots.put("cached", f"{traffic['cached_share'] * 100:.1f}")
        slots.put("cache_written", f"{traffic['cache_written_share'] * 100:.1f}")
        slots.put("retries", f"{traffic['retry_rate'] * 100:.2f}")
        growth = traffic["growth_per_month"]
        slots.put("growth", f"{growth * 100:+.3g}" if growth else "0")


def of_option(truth: Truth, option: Json) -> Slots:
    """Figures of one option."""
    slots = Slots()
    if option["quality"] is not None:
        _quality(slots, option["quality"])
    for key, value in (option.get("proof") or {}).items():
        if isinstance(value, float | int):
            slots.put(key, f"{value:.6g}")
    _pilot(slots, truth.record["evidence"].get("design"), option.get("proof"))
    _cost(slots, "", option["cost"])
    _latency(slots, "", option["latency"])
    _option_saving(slots, truth, option)
    _errors(slots, option["error_break_even"])
    _bill(slots, truth, option)
    _weakest(slots, option["slices"])
    _vetoed(slots, option)
    _rails(slots, option["guardrails"])
    _cascade(slots, option["cascade"])
    _stop(slots, option.get("stopped"))
    for key, lost in (option["missing"] or {}).items():
        reasons = [number for _, number in lost] if isinstance(lost, list) else [lost]
        slots.put(f"missing_{key}", *map(count, reasons))
    slots.put("no_dearer", *no_dearer(truth.record, option["target"]["option"]))
    found = option["prompts_tried"] or not option["target"]["option"].endswith("~tuned")
    slots.put("prompts_tried", count(option["prompts_tried"]) if found else "not known")
    for ids in ("losses", "gains"):
        found = (option["audit"] or {}).get(ids, ())
        slots.put(f"audit_{ids}", count(len(found)))
        slots.put(f"audit_{ids}_more", f"{len(set(found)) - 60:,}")
        form = (option["audit"] or {}).get(f"form_{ids}") or {}
        for key, number in form.items():
            slots.put(f"form_{ids}_{key}", count(number))
    _changes(slots, truth.today, option)
    return slots


def _pilot(slots: Slots, design: Json | None, proof: Json | None) -> None:
    """How the pilot's cases ended, by the record's own list of ends."""
    if design is None or proof is None or not design["stages"] or "/" in proof["outcomes"]:
        return
    ends = list(proof["outcomes"])[: max(design["stages"])]
    known = {"both": "1", "today": "-", "candidate": "+", "neither": "0"}
    slots.put("ends_cases", count(len(ends)))
    for name, sign in known.items():
        slots.put(f"ends_{name}", count(sum(end == sign for end in ends)))
    slots.put("ends_absent", count(sum(end not in known.values() for end in ends)))


def _option_saving(slots: Slots, truth: Truth, option: Json) -> None:
    """What it saves a month, twelve times that, and the most that it could save."""
    slots.money("saving", option["saving"])
    if option["saving"] is not None:
        _or_loss(slots, "saving", "_year", _year(truth, option, option["saving"]))
    _note(slots, option)
    _hosting(slots, "", option["cost"].get("hosting"))
    slots.money("saving_at_most", _decimal(option["saving_at_most"]))
    most, today = _decimal(option["saving_at_most"]), truth.today["monthly_after_discounts"]
    if most is not None and today is not None:
        slots.money("least_cost", today - most)
        for name, usd in (("most", most), ("today", today), ("least", today - most)):
            slots.put(f"bound_{name}", f"{usd:,.0f}" if usd >= 100 else f"{usd:,.2f}")


def _note(slots: Slots, option: Json) -> None:
    """What a note says of the policy: `Truth` has held it against the most that can be saved."""
    told = re.search(r"the least worth a change is USD ([\d.,]*\d)", option["note"] or "")
    slots.put("least_worth", None if told is None else told[1])
    slots.put("fewer_read", "30")
    slots.put("fewer_written", "50")


def _hosting(slots: Slots, prefix: str, facts: Json | None) -> None:
    """A month on own GPUs."""
    if facts is None:
        return
    each = facts["gpus_per_replica"]
    for key in ("committed", "most"):
        slots.put(f"{prefix}host_{key}", count(each * facts[f"{key}_replicas"]))
    for key in ("committed_usd", "on_demand_usd", "idle_usd"):
        slots.money(f"{prefix}host_{key}", Decimal(facts[key]))
    slots.put(f"{prefix}host_idle", f"{100 * (1 - Decimal(facts['utilisation'])):.1f}")


def no_dearer(record: Json, name: str) -> set[str]:
    """From how many requests a month on own hardware is no dearer than this option."""
    costs = [record["current_cost"], *(one["cost"] for one in record["options"])]
    return {
        count(even["requests_per_month"])
        for cost in costs
        for even in (cost.get("hosting") or {}).get("break_even", ())
        if even["option"] == name
    }


def _errors(slots: Slots, even: Json | None) -> None:
    """What an error may cost."""
    if even is None:
        return
    for key in ("at_estimate", "at_worst", "net_saving_estimate", "net_saving_worst"):
        slots.money(f"even_{key}", even[key])
    left = even.get("net_of_one_off")
    slots.money("net_of_one_off", left)
    if left is not None:
        _or_loss(slots, "after_switching", "", left)
    before = even["net_saving_estimate"]
    before = even["saving_after_discounts"] if before is None else before
    if left is not None and before is not None:
        slots.money("one_off_monthly", before - left)
    for key in ("more_errors_per_month", "more_errors_per_month_worst"):
        if even[key] is not None:
            slots.put(key, count(float(even[key])))
            slots.put(f"about_{key}", roughly(abs(float(even[key]))))


def _bill(slots: Slots, truth: Truth, option: Json) -> None:
    """Saved, less what mistakes cost, is left: rounded alike, so that they add up as printed."""
    even, saved = option["error_break_even"], option["saving"]
    each = _decimal(truth.record["feature"]["error_cost_usd"])
    if saved is not None:
        slots.money("bill_saved", saved)
    if even is None or saved is None or each is None:
        if saved is not None:
            slots.put("year_sum", forms.money(_year(truth, option, saved)))
        return
    for errors_of, ending in (("more_errors_per_month", ""),
                              ("more_errors_per_month_worst", "_worst")):  # fmt: skip
        errors = Decimal(str(even[errors_of]))
        cost = errors * each
        months = (truth.today["monthly_after_discounts"], option["cost"]["monthly_after_discounts"])
        sums = [(saved, cost), *([months] if None not in months else [])]
        whole = abs(saved - cost) >= 100 and all(_add_up_in_dollars(*each) for each in sums)
        unit = Decimal(1 if whole else "0.01")
        bill, left = (a.quantize(unit, rounding=ROUND_HALF_UP) for a in (saved, saved - cost))
        slots.put("bill_saved", f"{bill:,f}")
        lost = bill - left
        slots.put(f"bill_cost{ending}", f"{-lost:,f}", f"{lost:,f}")
        slots.put(f"bill_cost{ending}_alone", forms.money(cost))
        slots.put(f"bill_left{ending}_sum", f"{left:,f}")
        if not ending:
            slots.put("year_sum", forms.money(_year(truth, option, saved - cost)))
        _or_loss(slots, "bill_left", ending, saved - cost)
        _or_loss(slots, "bill_left", f"{ending}_year", _year(truth, option, saved - cost))
        if None not in months:
            paid = [f"{month.quantize(unit, rounding=ROUND_HALF_UP):,f}" for month in months]
            slots.put("bill_today", paid[0])
            slots.put("bill_then", paid[1])
        slots.put(f"bill_errors{ending}", count(float(errors)), f"{errors:,.1f}", f"{errors:,.2f}")


def _or_loss(slots: Slots, name: str, ending: str, amount: Decimal) -> None:
    """An amount under its name, or what is lost under another: a page says which it is."""
    slots.put(f"{name}{'_loss' if amount < 0 else ''}{ending}", forms.money(abs(amount)))


def _year(truth: Truth, option: Json, monthly: Decimal) -> Decimal:
    """Twelve months of what the record says is left of one, after switching to what it chose."""
    saved = truth.savings if option["target"]["option"] == truth.record["chosen"] else None
    return 12 * monthly - (saved["one_off_cost"] if saved else 0)


def _add_up_in_dollars(whole: Decimal, part: Decimal) -> bool:
    first, second, left = (
        amount.quantize(Decimal(1), rounding=ROUND_HALF_UP)
        for amount in (whole, part, whole - part)
    )
    return first - second == left


def _weakest(slots: Slots, parts: list[Json]) -> None:
    """The part of the cases where the largest drop could not be excluded."""
    asked = [p for p in parts if p["worst"] is not None and p["protect"] != "exploratory"]
    if not asked:
        return
    weakest = min(asked, key=lambda one: one["worst"])
    slots.put("weakest_n", count(weakest["n"]))
    slots.points("weakest_difference", weakest["difference"])
    slots.points("weakest_worst", weakest["worst"])
    slots.points("weakest_could_show", weakest.get("could_show"))
    slots.put("weakest_margin", general(weakest["margin"]))


def _vetoed(slots: Slots, option: Json) -> None:
    """The part or the guardrail that stopped the option."""
    for part in (*option["slices"], *option["guardrails"]):
        if part["vetoes"]:
            for key, texts in of_part(part).items():
                slots.put(f"vetoed_{key}", *texts)
            slots.points("vetoed_difference", part["difference"])


def _rails(slots: Slots, rails: list[Json]) -> None:
    """Guardrails that were asked in full."""
    for rail in rails:
        if rail.get("of") is not None and rail["worst"] is not None:
            slots.put("rail_n", count(rail["n"]))
            slots.put("rail_of", count(rail["of"]))
            slots.put("rail_margin", general(rail["margin"]))
            for key in ("difference", "worst", "could_show"):
                slots.points(f"rail_{key}", rail.get(key))


def _changes(slots: Slots, today: Json, option: Json) -> None:
    """Today's cost beside the option's."""
    then = option["cost"]
    if today["per_request"] and then["per_request"] is not None:
        change = (then["per_request"] / today["per_request"] - 1) * 100
        slots.put("request_change", f"{change:+.0f}")
        kept = [(c["monthly_after_discounts"] or 0) / (c["monthly"] or 1) for c in (today, then)]
        if all(kept):
            paid = then["per_request"] * kept[1] / (today["per_request"] * kept[0])
            slots.put("request_change", f"{(paid - 1) * 100:+.0f}")
    quality = option["quality"]
    if quality is not None and quality["current"] and today["per_request"] is not None:
        level = Decimal(str(round(quality["current"], 6))) / 100
        listed, net = today["monthly"], today["monthly_after_discounts"]
        kept = net / listed if listed and net is not None else Decimal(1)
        slots.money("today_per_success_here", today["per_request"] * kept / level)
        slots.money("today_thousand_right", 1000 * today["per_request"] * kept / level)
    if today["monthly"] is not None and then["monthly"] is not None:
        slots.money("listed_change", then["monthly"] - today["monthly"])
    if option["saving"] is not None:
        slots.money("net_change", -option["saving"])
        months = (today["monthly_after_discounts"], then["monthly_after_discounts"])
        first, second, left = forms.adding(*months)
        slots.put("add_today", first)
        slots.put("add_then", second, f"-{second}")
        slots.put("add_bill", second)
        slots.put("add_left", left, left.removeprefix("-"))


def _floor(slots: Slots, floor: Json | None) -> None:
    """Whether the cases tell today's model from a constant answer."""
    if floor is None:
        return
    slots.put("floor_cases", count(floor["cases"]))
    for key in ("right", "constant_right", "unlabelled", "fewest_labels"):
        slots.put(f"floor_{key}", count(floor.get(key)))
    level, constant = floor["level"], floor["constant_score"]
    if floor["right"] is not None and floor["cases"]:
        level = 100 * floor["right"] / floor["cases"]
    if floor["constant_right"] is not None and floor["cases"]:
        constant = 100 * floor["constant_right"] / floor["cases"]
    slots.points("floor_level", level)
    slots.points("floor_constant", constant)
    for key in ("level_lower", "best_lower", "alike"):
        slots.points(f"floor_{key}", floor[key])
    slots.put("floor_margin", general(floor["margin"]))
    if constant is not None:
        slots.points("floor_needed", constant + floor["margin"])


def _cascade(slots: Slots, facts: Json | None) -> None:
    if facts is None:
        return
    slots.put("cascade_answers", count(facts["answers"]))
    slots.put("cascade_escalated", share(facts["escalated"]))
    if facts.get("threshold") is not None:
        slots.put("cascade_threshold", f"{facts['threshold']:g}")
        slots.put("cascade_wanted", facts["accept_when"].removeprefix("probability-"))
        slots.put("cascade_tune", count(facts["threshold_cases"]))
    slots.money("cascade_first", _decimal(facts["first_per_request"]))
    slots.money("cascade_again", _decimal(facts["escalation_per_request"]))
    for name, key in (("first", "first_per_request"), ("again", "escalation_per_request")):
        each = _decimal(facts[key])
        slots.money(f"cascade_{name}_thousand", None if each is None else 1000 * each)
    month = facts.get("month")
    if month is not None:
        slots.put("cascade_cases", count(month["cases"]))
        slots.put("cascade_gone_on", count(month["gone_on"]))


def _stop(slots: Slots, stopped: Json | None) -> None:
    """Why an option was given up before its last case."""
    if stopped is None:
        return
    total = stopped["cases_to_decide"]
    for key, value in (("seen", stopped["seen"]), ("cases", stopped["cases"])):
        slots.put(f"stop_{key}", count(value))
    slots.put("stop_to_decide", count(total))
    slots.put("stop_more", count(max((total or 0) - stopped["cases"], 0)))
    for key in ("chance", "threshold", "share"):
        value = stopped[key]
        slots.put(f"stop_{key}", forms.DASH if value is None else f"{100 * value:.1f}")
        if value is not None:
            slots.put(f"stop_{key}", *(f"{100 * value:.{places}f}" for places in (0, 2)))
            slots.put(f"stop_{key}", "0.1" if value < 0.001 else None)
    least = stopped["least_share"]
    slots.put("stop_least", None if least is None else f"{100 * least:.1f}")
    slots.money("stop_saved", _decimal(stopped["saved_usd"]))
    slots.money("stop_cost", _decimal(stopped["cost_to_decide_usd"]))


def _quality(slots: Slots, quality: Json) -> None:
    for key in ("n", "clusters", "repeats", "agreed_without_label", "both_right", "neither_right",
                "only_current_right", "only_candidate_right", "pilot_cases",
                "deciding_cases", "missing_cases", "looks_planned"):  # fmt: skip
        slots.put(key, count(quality.get(key)))
    both, lost, won = (
        quality[key] for key in ("both_right", "only_current_right", "only_candidate_right")
    )
    if both is None and None not in (lost, won):
        slots.put(
            "agreed_labelled", count(quality["n"] - quality["agreed_without_label"] - lost - won)
        )
    if None not in (both, lost, won):
        slots.put("right_today", count(both + lost))
        slots.put("right_then", count(both + won))
    for key in ("current", "candidate", "difference", "worst", "best", "worst_missing_as_zero"):
        slots.points(key, quality[key])
    _absent(slots, quality.get("absent"))
    slots.put("limit", general(quality["margin"]), f"-{quality['margin']:g}")
    if quality.get("corrected") is not None:
        slots.points("corrected", quality["corrected"])
        slots.points("told", quality["corrected"])
    else:
        slots.points("told", quality["difference"])
    slots.put("level", f"{quality['level']:.3g}")
    if quality.get("best_level") is not None:
        slots.put("best_level", f"{quality['best_level']:.3g}")
    slots.put("short_of_limit", points(-quality["difference"] - quality["margin"], signed=False))
    _harm(slots, quality)


def _absent(slots: Slots, absent: Json | None) -> None:
    """Cases without an answer or a label, and what they count as."""
    if absent is None:
        return
    for key in ("left_out", "unanswered", "unlabelled"):
        slots.put(f"absent_{key}", count(absent[key]))
    for key in ("worst", "best"):
        if absent[key] is not None:
            for way, number in zip(("lost", "alike", "won"), absent[key], strict=True):
                slots.put(f"absent_{key}_{way}", count(number))


def _harm(slots: Slots, quality: Json) -> None:
    """In cases: what was seen is rounded, what cannot be excluded is rounded up."""
    told = quality["difference"] if quality.get("corrected") is None else quality["corrected"]
    small = any(0 < abs(value) < 1 for value in (told, quality["worst"]))
    base = 1000 if small or quality["margin"] % 1 else 100
    seen = math.floor(-told * base / 100 + 0.5)
    steps = 1000 / base
    most = max(seen, math.ceil(-quality["worst"] * 10 - 1e-6) / steps)
    slots.put("harm_seen", count(abs(seen)))
    slots.put("harm_most", f"{abs(most):,.10g}")
    slots.put("harm_of", count(base))
    slots.put("harm_limit", general(round(quality["margin"] * base / 100, 1)))


def _cost(slots: Slots, prefix: str, cost: Json) -> None:
    for key in ("per_request", "per_success", "monthly", "monthly_after_discounts",
                "per_million_tokens"):  # fmt: skip
        slots.money(f"{prefix}{key}", cost[key])
    listed, net = cost["monthly"], cost["monthly_after_discounts"]
    kept = net / listed if listed and net is not None else Decimal(1)
    for key in ("per_request", "per_success"):
        slots.money(f"{prefix}{key}_net", None if cost[key] is None else cost[key] * kept)
        slots.money(
            f"{prefix}{key}_thousand", None if cost[key] is None else 1000 * cost[key] * kept
        )
    slots.put(f"{prefix}tokens_in", count(cost["input_tokens_mean"]))
    slots.put(f"{prefix}tokens_out", count(cost["output_tokens_mean"]))
    part = cost["success_share"]
    slots.put(f"{prefix}successes", forms.DASH if part is None else f"{part * 100:.1f}")


def _latency(slots: Slots, prefix: str, facts: Json | None) -> None:
    for key, value in (facts or {}).items():
        if key.endswith("_s"):
            slots.put(f"{prefix}{key}", seconds(value), general(value))
        elif isinstance(value, int):
            slots.put(f"{prefix}latency_{key}", count(value))


def _savings(slots: Slots, truth: Truth) -> None:
    saved = truth.savings
    if saved is None:
        return
    for key, value in saved.items():
        if isinstance(value, Decimal):
            slots.money(f"saves_{key}", value)
    today = truth.today["monthly"]
    if today:
        slots.put("saves_percent", f"{saved['monthly'] / today * 100:.1f}")
    traffic = truth.record["traffic"]
    growth = Decimal(str(traffic["growth_per_month"])) if traffic else Decimal(0)
    gross = saved["after_discounts"]
    year = sum((gross * (1 + growth) ** month for month in range(12)), Decimal(0))
    slots.money("saves_year", year)
    _payback(slots, saved)
    _bridge(slots, truth)


def _payback(slots: Slots, saved: Json) -> None:
    """Of the one-off cost, by what mistakes leave of the saving where somebody said their cost."""
    left = saved.get("net_monthly")
    left = saved["after_discounts"] if left is None else left
    if left > 0:
        months = saved["one_off_cost"] / left
        slots.put("payback_months", f"{months:.1f}")
        slots.put("payback_days", f"{float(months) * 30.4375:.0f}")


def _bridge(slots: Slots, truth: Truth) -> None:
    total = Decimal(0)
    for step in truth.record["bridge"]:
        usd = Decimal(step["usd"])
        total += usd
        slots.money("bridge", usd)
        slots.put("bridge", f"{usd:+,.0f}")
    slots.money("bridge_sum", total)
    today = truth.today["monthly_after_discounts"]
    steps = [Decimal(step["usd"]) for step in truth.record["bridge"]]
    for level in (today, truth.today["monthly"]):
        if level is not None:
            slots.put("axis_begins", forms.money(forms.begins_at(level, steps)))
    slots.put("bridge_sum", f"{total:+,.0f}")


def _needed(slots: Slots, needed: Json | None) -> None:
    if needed is None:
        return
    for key in ("cases", "labels", "fewest", "new_cases"):
        slots.put(f"needed_{key}", count(needed.get(key)))
    if needed["labels"]:
        slots.put("label_minutes", count(math.ceil(needed["labels"] / 3)))
    slots.money("needed_cost", _decimal(needed["cost_usd"]))
    worth = _decimal(needed["worth_monthly_usd"])
    slots.money("needed_worth", worth)
    if worth is not None:
        slots.put("needed_year", forms.money(12 * worth))


def _levers(slots: Slots, truth: Truth) -> None:
    today = truth.today
    for lever in truth.record["levers"]:
        monthly, saving = Decimal(lever["monthly"]), Decimal(lever["saving_monthly"])
        if today["monthly"] is not None and monthly + saving != today["monthly"]:
            truth.say(f"lever {lever['kind']}: saving", saving, today["monthly"] - monthly)
        rates = today["rates"]
        kept = 1 - Decimal(rates["discount"]) if rates else Decimal(1)
        slots.money("lever_monthly", monthly)
        slots.money("lever_saving", saving)
        slots.money("lever_net_saving", saving * kept)
        slots.money("lever_net_monthly", monthly * kept)


def _decimal(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))
