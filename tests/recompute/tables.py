"""The columns of the pages' tables, with names in place of figures, as in `claims`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

Columns: TypeAlias = Mapping[str, str]

TABLES: Mapping[str, Columns] = {
    "Standard deviation of the score": {
        "cases": "{cases}",
        "answers per case": "{repeats}",
        "between cases": "{between}",
        "within a case": "{within}",
    },
    "Given up before the last case": {
        "cases": "{stop_seen}",
        "of": "{stop_cases}",
        "chance left": "{stop_chance} %",
        "given up below": "{stop_threshold} %",
        "part of the error allowed": "{stop_share} %",
        "given up below this part": "{stop_least} %",
        "saved": "USD {stop_saved}",
        "cases that would decide": "{stop_to_decide}",
        "their cost": "USD {stop_cost}",
    },
    "The cases that each option's figures rest on": {
        "cases": "{n}",
        "of the pilot": "{pilot_cases}",
        "that decide": "{deciding_cases}",
        "left out, an answer is missing": "{missing_cases}",
    },
    "A cheap model first": {
        "answers checked": "{cascade_answers}",
        "did not pass": "{cascade_escalated} %",
        "cases in the price": "{cascade_cases}, {cascade_gone_on} went on",
        "first, a request, list": "USD {cascade_first}",
        "asked again, a request, list": "USD {cascade_again}",
    },
    "Measured time": {
        "requests": "{n}",
        "p50": "{p50_s} s ({p50_lower_s} s to {p50_upper_s} s)",
        "p95": "{p95_s} s ({p95_lower_s} s to {p95_upper_s} s)",
        "p99": "{p99_s} s (at most {p99_upper_s} s)",
        "first token, p95": "{ttft_p95_s} s (at most {ttft_p95_upper_s} s)",
        "in flight": "{concurrency}",
    },
    "Difference of quality": {
        "cases": "{n}",
        "today": "{current_share} %",
        "candidate": "{candidate_share} %",
        "difference": "{difference}",
        "at worst": "{worst}",
        "at best": "{best}",
        "limit": "{limit}",
        "level": "{level}",
        "at worst, missing as wrong": "{worst_missing_as_zero}",
    },
    "Cases by who was right": {
        "both": "{both_right}",
        "only today": "{only_current_right}",
        "only candidate": "{only_candidate_right}",
        "neither": "{neither_right}",
        "agreed without a label": "{agreed_without_label}",
        "clusters": "{clusters}",
        "answers per case": "{repeats}",
    },
    "What became of each option": {
        "prompts tried": "{prompts_tried}",
        "missing today / candidate": "{missing_current} / {missing_candidate}",
        "failed today / candidate": "{missing_failed_current} / {missing_failed_candidate}",
    },
    "What each option costs in production": {
        "per request": "USD {per_request}",
        "per success": "USD {per_success}",
        "a month": "USD {monthly}",
        "a month, after discounts": "USD {monthly_after_discounts}",
        "tokens in": "{tokens_in}",
        "tokens out": "{tokens_out}",
        "per million tokens": "USD {per_million_tokens}",
        "successes": "{successes} %",
    },
    "The most that an option could save": {"at most": "USD {saving_at_most}"},
    "The cost of one more error": {
        "at the estimate": "USD {even_at_estimate}",
        "at worst": "USD {even_at_worst}",
        "more errors a month": "{more_errors_per_month}",
        "at worst#2": "{more_errors_per_month_worst}",
        "saved on the bill": "USD {saving}",
        "net of the one-off cost": "USD {net_of_one_off}",
        "net saving a month": "USD {even_net_saving_estimate}",
        "at worst#3": "USD {even_net_saving_worst}",
    },
    "Options, cheapest first": {"a month": "USD {monthly_after_discounts|lever_net_monthly}"},
    "Levers on the same model": {
        "a month": "USD {lever_net_monthly}",
        "saving, USD": "{lever_net_saving}",
        "at list price, USD": "{monthly}, saving {saving_monthly}",
        "priced with": "answers x {output_factor}, {cached_share} % read from a cache, "
        "{cache_written_share} % written to it",
    },
    "Looks of ": {
        "look": "{number}",
        "cases": "{n}",
        "difference": "{difference}",
        "at worst": "{worst}",
        "level": "{level}",
        "p-value": "{p_value}",
    },
    "Parts of the cases, ": {
        "cases": "{n}",
        "only today right": "{only_current_right}",
        "only candidate right": "{only_candidate_right}",
        "difference": "{difference}",
        "a drop of this size is possible": "{worst}",
        "at best": "{best}",
        "limit": "{margin}",
    },
    "Guardrails, ": {
        "cases": "{n}",
        "today": "{current} %",
        "candidate": "{candidate} %",
        "difference": "{difference}",
        "a drop of this size is possible": "{worst}",
        "limit": "{margin}",
    },
    "Tokens of a request": {
        "cases": "{cases}",
        "tokens in, mean": "{input_tokens}",
        "tokens out, mean": "{output_tokens}",
    },
    "Rates, USD per million tokens": {
        "input": "{input}",
        "output": "{output}",
        "cache read": "{cache_read}",
        "cache write": "{cache_write}",
        "cache write, 1 h": "{cache_write_1h}",
        "per request": "{per_request}",
        "batch at": "{batch_share} %",
        "discount": "{discount} %",
    },
    "Prices of a whole request": {
        "from tokens": "{from_input_tokens}",
        "input": "{input}",
        "output": "{output}",
        "cache read": "{cache_read}",
        "cache write": "{cache_write}",
        "cache write, 1 h": "{cache_write_1h}",
    },
    "The eval set": {
        "today's level, of 100": "{floor_level_abs}, at worst {floor_level_lower_abs}, "
        "on {floor_cases} cases",
        "best answer that never changes, of 100": "{floor_constant_abs}",
        "cases": "{cases}",
        "for prompts / as a pilot / left to decide": "{tune} / {pilot} / {deciding}",
        "clusters": "{clusters}",
        "times used": "{times_used}",
        "error shared by the tests on these cases": "{life_promised} %: test {life_test}, "
        "{life_planned} are planned; this one takes {life_level} %, {life_left} % left",
    },
    "Production traffic": {
        "requests a month": "{requests}",
        "growth a month": "{growth} %",
        "tokens in, mean": "{traffic_in}",
        "tokens out, mean": "{traffic_out}",
        "read from a prompt cache": "{cached} %",
        "written to a prompt cache": "{cache_written} %",
        "retries": "{retries} %",
    },
    "Cost of this evaluation": {
        "total": "USD {total_usd}",
        "of it for the judge": "USD {judge_usd}",
        "of it for embeddings": "USD {embedding_usd}",
        "of it for GPUs while models loaded": "USD {gpu_usd}",
        "possibly billed beside it": "USD {possibly_billed_usd}",
        "saved by stopping early": "USD {saved_by_stopping_usd}",
        "trials": "{trials}",
        "trials not needed": "{trials_saved}",
    },
    "Still needed to decide": {
        "cases": "{needed_cases}",
        "labels": "{needed_labels}",
        "cost": "USD {needed_cost}",
        "worth a month": "USD {needed_worth}",
    },
    "What the finding rests on": {"sure to": "{confidence} %, one-sided"},
    "The feature and its decision": {
        "limit": "{margin} points",
        "limit when these cases were first asked": "{margin_before} points since",
        "one more error costs": "USD {error_cost}",
    },
}
"""By how a caption begins: column, or name of the row -> what its cells say."""

LEVERS: Mapping[str, str] = {
    "batch": "batch",
    "prompt caching": "caching",
    "lower effort": "effort",
    "shorter answers": "shorter-output",
}
