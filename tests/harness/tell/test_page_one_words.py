from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from harness.record.base import Reason, Result, Verdict
from harness.tell.pages import to_document
from reports.render import render
from tests.support.record_parts import (
    a_break_even,
    a_cost,
    a_failed_option,
    a_feature,
    a_guardrail,
    a_latency,
    a_quality,
    a_slice,
    an_option,
)
from tests.support.records import (
    NOW,
    downgrade_record,
    justify_record,
    record_for,
    undecided_record,
)

GRADED = {"both_right": None, "only_current_right": None, "only_candidate_right": None}


def page_one(record) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    return render(to_document(record, NOW), to="md").partition("\n## Appendix")[0]


def chosen(**over: object) -> str:
    return page_one(downgrade_record(options=(an_option(**over),)))


def beside(record) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """The appendix's first part: today's model beside the other one."""
    return render(to_document(record, NOW), to="md").partition("\n## Appendix")[2]


@pytest.mark.parametrize(
    ("over", "words"),
    [
        pytest.param(
            {},
            "| most that one more wrong invoice may cost before it stops paying | USD 7.24, at "
            "worst USD 1.23 |",
            id="more",
        ),
        pytest.param(
            {"more_errors_per_month": 0.0, "at_estimate": None},
            "| no more wrong invoices | 0 |\n| **left a month** | **2,483** |\n| left at worst, "
            "with 2,016 more wrong invoices | 669 |\n| most that one more wrong "
            "invoice may cost before it stops paying | USD 1.23 at worst |",
            id="none seen",
        ),
        pytest.param(
            {"more_errors_per_month": -120.0}, "| no more wrong invoices | 0 |", id="fewer"
        ),
        pytest.param(
            {"more_errors_per_month": 0.0, "more_errors_per_month_worst": 0.0,
             "at_estimate": None, "at_worst": None},
            "before it stops paying | any amount: it costs no quality |",
            id="better",
        ),
        pytest.param(
            {"saving_after_discounts": Decimal(0)},
            "before it stops paying | nothing: it saves nothing |",
            id="nothing saved",
        ),
        pytest.param(
            {"more_errors_per_month": None},
            "| **saved on the bill** | **2,483** |\n| left at worst, with 2,016 more wrong",
            id="no estimate",
        ),
        pytest.param(
            {"more_errors_per_month_worst": None},
            "| **left a month** | **2,174.53** |\n| more wrong invoices a month | about 340 |",
            id="nothing known at worst",
        ),
    ],
)  # fmt: skip
def test_what_errors_may_cost(over: dict[str, object], words: str) -> None:
    assert words in chosen(error_break_even=a_break_even(**over))


def test_without_the_value_of_an_error_there_is_no_net_saving() -> None:
    text = page_one(downgrade_record(feature=a_feature(error_cost_usd=None)))
    assert "before it stops paying | USD 7.24, at worst USD 1.23 |" in text
    assert "saves USD 2,483 a month on the bill\n" in text
    assert "| today's bill | 3,116 |\n| the bill with claude-haiku-4-5 | -633 |" in text
    assert "| **saved on the bill** | **2,483** |" in text
    assert "| more wrong invoices a month | about 340, at worst 2,000 |" in text
    once = "USD 1,200 for switching taken off"
    assert f"| left in twelve months, {once} (paid back in 17 days) | 28,597 |" in text
    assert "USD 1,200 for switching (`migration_usd`) stands in features/invoice-" in text
    assert "as the length of answers varies (95 of 100 draws) | 2,421 to 2,547 |" in text
    assert "error_cost_usd" not in text
    assert "stops paying" not in chosen(error_break_even=None)


@pytest.mark.parametrize(
    ("quality", "words"),
    [
        pytest.param(
            a_quality(worst=-4.0),
            "saves USD 2,175 a month net of mistakes; at worst it loses USD 973 a month",
            id="a loss at worst",
        ),
        pytest.param(
            a_quality(difference=0.0, candidate=94.821429),
            "USD 633 with claude-haiku-4-5 | 2,483 |\n| no more wrong invoices | 0 |\n| **left a "
            "month** | **2,483** |",
            id="no error seen",
        ),
    ],
)
def test_the_money_adds_up_as_it_is_shown(quality: object, words: str) -> None:
    """4 points of 96,000 requests are 3,840, at 0.90 each 3,456, and 2,483 - 3,456 = -973."""
    assert words in chosen(quality=quality)


def test_a_record_made_at_list_price_is_shown_after_discounts() -> None:
    """An older record's break-even rested on list prices, and it had no net saving of its own."""
    old = a_break_even(
        at_estimate=Decimal("8.05"),
        net_saving_estimate=Decimal("2450.40"),
        saving_after_discounts=None,
        net_of_one_off=None,
    )
    text = chosen(error_break_even=old)
    assert "saves USD 2,175 a month net" in text
    assert "before it stops paying | USD 7.24, at worst USD 1.23 |" in text


def test_a_bound_of_the_saving_adds_up_beside_the_options_month() -> None:
    """Today 3,115.71; 2,970 at today's tokens saves 146, at most 400 where it costs 2,715.71."""
    option = an_option(
        result=Result.NOT_RUN,
        reason_codes=(Reason.SAVINGS_BELOW_MINIMUM,),
        quality=None,
        cost=a_cost(monthly=Decimal(3300), monthly_after_discounts=Decimal(2970)),
        saving_at_most=Decimal(400),
    )
    text = page_one(record_for(Reason.SAVINGS_BELOW_MINIMUM, options=(option,)))
    assert "3,116 less 2,970; at most USD 400, if it took so few tokens that it cost 2,716" in text


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"slo_ttft_p95_s": 2.0}, "| first token, p95 | 0.70 s | 0.70 s | at most 0.90 s (limit 2"),
        (
            {"slo_p95_s": None, "slo_p99_s": 9.0, "p99_s": 4.0, "p99_upper_s": 5.0},
            "| time, p99 | \u2013 | 4.0 s | at most 5.0 s (limit 9 s) |",
        ),
        ({"slo_p95_s": None}, "no limit was stated"),
        ({"p95_upper_s": None}, "too few to tell, n = 64 (limit 8 s)"),
        ({"incumbent_misses_too": True}, "(limit 8 s); today's model misses it too"),
    ],
)
def test_the_promised_time(over: dict[str, object], words: str) -> None:
    assert words in beside(downgrade_record(options=(an_option(latency=a_latency(**over)),)))


def test_no_time_at_all() -> None:
    record = downgrade_record(options=(an_option(latency=None),), current_latency=None)
    assert "time, p95" not in beside(record)
    assert "| **not measured** |" in page_one(record)
    assert "the feature promises none" in page_one(record)


def test_graded_scores_are_no_counts() -> None:
    record = downgrade_record(options=(an_option(quality=a_quality(**GRADED)),))
    assert "the smaller model scored 94.5 of 100, today's 94.8" in page_one(record)
    assert "| points of 100 that an answer scores lower |" in page_one(record)
    assert "| invoices: quality of 100 |" in beside(record)
    stay = justify_record(options=(a_failed_option(quality=a_quality(**GRADED, difference=-4.0)),))
    assert "scored 94.5 of 100 on 560 invoices, today's model 94.8" in page_one(stay)


def test_a_model_that_is_better_at_worst() -> None:
    text = chosen(quality=a_quality(difference=2.0, worst=0.4, best=3.6))
    assert "About 20 fewer of 1,000 invoices go wrong; 4 fewer even at worst; you allowed" in text


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (
            a_slice(worst=0.5, difference=1.0),
            "no drop is possible (6 points are allowed for one part)",
        ),
        (a_slice(margin=None), "a drop of up to 5.9 points is possible."),
        (a_slice(vetoes=True), "harm was shown, but a drop of up to 5.9"),
    ],
)
def test_the_weakest_part(part: object, words: str) -> None:
    assert words in chosen(slices=(part,))


def test_exploratory_parts_are_not_the_weakest() -> None:
    assert "Weakest part" not in chosen(slices=(a_slice(protect="exploratory"),))


@pytest.mark.parametrize(
    ("over", "words"),
    [
        ({"rollback": None}, "Set ap-service:settings.toml#llm.invoice.model back to claude-opus"),
        ({"rollback": None, "used_in": None}, "where production reads it is not recorded"),
    ],
)
def test_going_back(over: dict[str, object], words: str) -> None:
    assert words in page_one(downgrade_record(feature=a_feature(**over), trigger=None))


def test_many_options_are_cut_and_counted() -> None:
    options = tuple(a_failed_option(f"m{at}") for at in range(15))
    assert "(3 more in the appendix)" in page_one(justify_record(options=options))


def test_costs_that_are_not_known() -> None:
    bare = a_cost(per_request=None, per_success=None, monthly=None, monthly_after_discounts=None)
    record = undecided_record(
        current_cost=bare,
        traffic=None,
        options=(an_option(result=Result.UNDECIDED, cost=bare),),
    )
    assert "The money" not in page_one(record)
    text = beside(record)
    assert "cost of 1,000 requests" not in text
    assert "| cost a month, traffic not known | \u2013 | \u2013 | \u2013 |" in text


def test_staying_costs_nothing_where_nothing_is_cheaper() -> None:
    dear = a_cost(monthly=Decimal(9999), monthly_after_discounts=Decimal(9999))
    text = page_one(justify_record(options=(a_failed_option(cost=dear),)))
    assert "Nothing: gemini-2.5-flash-lite is not cheaper at this traffic." in text


@pytest.mark.parametrize(
    ("reason", "over"),
    [
        (Reason.SLICE_REGRESSION, {"slices": ()}),
        (Reason.GUARDRAIL_FAILED, {"guardrails": (a_guardrail(),)}),
        (Reason.LATENCY_SLO_MISSED, {"latency": None}),
        (Reason.LATENCY_SLO_MISSED, {"latency": a_latency(slo_p95_s=None)}),
    ],
)
def test_a_reason_without_its_figure_is_still_said(reason: Reason, over: dict[str, object]) -> None:
    option = an_option(result=Result.FAIL, reason_codes=(reason,), **over)
    text = page_one(justify_record(options=(option,), reason_codes=(reason,)))
    assert " It " in text.partition("What staying costs")[0]


def test_a_lever_on_the_same_model() -> None:
    text = page_one(
        downgrade_record(chosen="batch", lever="batch", verdict=Verdict.DOWNGRADE, bridge=())
    )
    assert text.startswith(
        "# Keep claude-opus-4-5 for invoice extraction, but change how it is used: batch"
    )
    assert "No: the same model answers with the same prompt" in text


def test_a_limit_agreed_afterwards_is_not_said_to_be_agreed_before() -> None:
    record = downgrade_record()
    later = record.generated_at.date() + timedelta(days=1)
    over = {"agreed_on": later, "fixed_on": None, "fixed_at": None}
    margin = record.margin.model_copy(update=over)
    text = page_one(record.model_copy(update={"margin": margin}))
    assert f"on {later}, after this review" in text
    assert "before anything was run" not in text


UNKNOWN = {
    "current": None,
    "candidate": None,
    "both_right": None,
    "neither_right": None,
    "agreed_without_label": 14,
}
ALIKE = "the models answered alike 14 times, unlabelled"


def test_where_equal_answers_are_unlabelled_no_level_is_told() -> None:
    record = downgrade_record(options=(an_option(quality=a_quality(**UNKNOWN)),))
    text = page_one(record)
    told = "where they differ the smaller model alone was right 14 times, today's alone 16"
    rest = "and were both right or both wrong 516 times"
    assert f"On 560 held-back invoices {ALIKE}, {rest}; {told}; you agreed" in text
    assert "| invoices: difference alone | \u2013 | \u2013 | -0.4 points" in beside(record)
    assert "of 100," not in text


def test_graded_answers_without_labels_tell_the_difference_alone() -> None:
    graded = UNKNOWN | GRADED
    text = chosen(quality=a_quality(**graded))
    assert f"{ALIKE}; how good either is was not measured, only the difference; you agreed" in text
    assert "An answer scores about 0.4 of 100 points lower; up to 2.1 lower cannot be" in text


def test_a_reason_to_stay_tells_no_unknown_level() -> None:
    option = a_failed_option(quality=a_quality(**UNKNOWN))
    text = page_one(justify_record(options=(option,), current_quality=None))
    assert f"was tried on 560 invoices; {ALIKE}, and were both right or both wrong " in text
    assert "of 100" not in text.replace("95 of 100 answers come within", "")
