"""The pages' sentences with names in place of figures.

`{name}` is a figure of `slots`, `{one|other}` either of two; `{option}` is the option that the
sentence is about, else the one that page one shows; `{*}` is any words without a digit, `{day}` a
day. Digits that stand in a template are text. A group counts where its name begins the place:
`title`, `status`, a paragraph's lead, `table CAPTION: COLUMN`, `picture`.
"""

from __future__ import annotations

from collections.abc import Mapping

_MEASURED = (
    "On {n} held-back {*} was right {right_then} times, today's {right_today}",
    "On {n} held-back {*} scored {candidate_abs} of 100, today's {current_abs}",
    "{option} was right {right_then} times on {n} {*}, today's model {right_today} times",
    (
        "{option} was right {right_then} times on {n} {*} ({pilot_cases} of the pilot, "
        "{deciding_cases} that decide), today's model {right_today} times"
    ),
    (
        "{option} scored {candidate_abs} of 100 on {n} {*} ({pilot_cases} of the pilot, "
        "{deciding_cases} that decide), today's model {current_abs}"
    ),
    "{option} scored {candidate_abs} of 100 on {n} {*}, today's model {current_abs}",
    "{option} was tried on {n} {*};",
    "On {n} held-back {*} the models answered alike",
    "the models answered alike {agreed_without_label} times, unlabelled",
    "unlabelled, and were both right or both wrong {agreed_labelled} times",
    (
        "where they differ {*} alone was right {only_candidate_right} times, "
        "today's alone {only_current_right}"
    ),
    "{difference} points, at worst {worst} (limit {limit} point",
    "may be up to {worst_abs} points worse",
    "Even at worst it is {worst_abs} points better",
    "agreed on a limit of {margin} point",
    "it was {margin_before} {*} when these cases were first asked, on {day}",
    "after these cases were first asked, on {day}",
    "the limit is {margin} point",
    "It scored {today_quality_abs} of 100",
    "at worst {worst}; but",
)
_PAIR_LIVE = ("where its probability is under {cascade_threshold}; then",)
_FLOOR = (
    (
        "scored {floor_level_abs} of 100 on {floor_cases} {*}; {*} would be right on "
        "{floor_constant_right}"
    ),
    "was right on {floor_right} of {floor_cases} {*}; {*} would be right on {floor_constant_right}",
    "was right on {floor_right} of {floor_cases} {*}; an empty answer",
    "scored {floor_level_abs} of 100 on {floor_cases} {*}; {*} would score {floor_constant_abs}",
    "scored {floor_level_abs} of 100 on {floor_cases} {*}; an empty answer",
    "would be right on {floor_constant_right} of {floor_cases} {*}, {floor_constant_abs} of 100",
    (
        "would be right on at least {floor_constant_right} of {floor_cases} {*} "
        "({floor_unlabelled} without a label), at least {floor_constant_abs} of 100"
    ),
    "would score {floor_constant_abs} of 100 on {floor_cases} {*}.",
    (
        "would score at least {floor_constant_abs} of 100 on {floor_cases} {*} ({floor_unlabelled} "
        "without a label)"
    ),
    "only {floor_best_lower_abs} of 100 would be sure, and the limit is {floor_margin}",
    "would at worst score {floor_best_lower_abs} of 100, and the limit is {floor_margin}:",
    "was right on {floor_right} of {floor_cases} {*}; {*} would score {floor_constant_abs}",
    "one and the same answer to {floor_alike_abs} % of",
    "{floor_unlabelled} of the cases have no label: they count",
    "{floor_unlabelled} of the cases has no label: it counts",
    (
        "At worst today's model scores {floor_level_lower_abs} of 100; at least "
        "{floor_needed_abs} of 100 is needed: what the unchanging answer scores, and the "
        "{floor_margin} point"
    ),
    (
        "is only {floor_level_lower_abs} of 100; {floor_needed_abs} would be needed "
        "({floor_constant_abs} and the limit of {floor_margin})"
    ),
    "(100 %)",
)
_STOPPED = (
    "given up after {stop_seen} of {stop_cases} {*}, at a chance of {stop_chance} % to pass",
    "given up after {stop_seen} of {stop_cases} {*}, at a chance of under {stop_chance} % to pass",
    "given up after {stop_seen} of {stop_cases} {*}: the chance",
    "would show it within the limit was {stop_chance} %",
    "(it is given up below {stop_threshold} %)",
    "stopping saved USD {stop_saved}",
    "about {stop_to_decide} {*} would decide",
    "{stop_more} more {*} ({stop_to_decide} in all)",
    "All {stop_to_decide} {*}: they would decide",
    "they would decide on {option}, for USD {stop_cost} of calls, worth up to USD {saving} a month",
    "they would decide on {option}, for USD {stop_cost} of calls",
    "they would decide on {option}, worth up to USD {saving} a month",
)
_LABELS = (
    "abel {needed_labels} disagreements, about {label_minutes} min",
    "abel {needed_labels} disagreement, about {label_minutes} min",
    "; as few as {needed_fewest} may decide",
    "; so would {needed_new_cases} new cases alone",
    "ring about {needed_new_cases} new cases",
    "; about {needed_new_cases} of them show an equal candidate",
    "{needed_cases} more, or about {needed_new_cases} new ones, in a set of their own, show",
    "; about {needed_new_cases} new ones, in a set of their own, show",
)
_HARM = (
    (
        "By what was seen an answer scores as much as today's; up to {worst_abs} lower cannot be "
        "excluded; {*} {margin}"
    ),
    (
        "About {harm_seen} more of {harm_of} {*} wrong; up to {harm_most} cannot be excluded; "
        "{*} {harm_limit} of {harm_of} ({margin} point"
    ),
    (
        "About {harm_seen} fewer of {harm_of} {*} wrong; up to {harm_most} more cannot be "
        "excluded; {*} {harm_limit} of {harm_of} ({margin} point"
    ),
    (
        "not one more of {harm_of} {*} goes wrong; up to {harm_most} cannot be excluded; {*} "
        "{harm_limit} of {harm_of} ({margin} point"
    ),
    (
        "About {harm_seen} fewer of {harm_of} {*} wrong; {harm_most} fewer even at worst; {*} "
        "{harm_limit} of {harm_of} ({margin} point"
    ),
    (
        "An answer scores about {told_abs} of 100 points lower; up to {worst_abs} lower "
        "cannot be excluded; {*} {margin}"
    ),
    (
        "An answer scores about {told_abs} of 100 points higher; up to {worst_abs} lower "
        "cannot be excluded; {*} {margin}"
    ),
    "The {n} {*} come in {clusters} groups",
)
_AS_SEEN = (
    "(As seen {difference_abs} {*} of 100;",
    "(As seen {difference_abs} of 100 points {*};",
)
_BILL = (
    "Saved on the bill USD {bill_saved}",
    "; {bill_errors} more wrong {*} at USD {error_cost} each {bill_cost};",
    "; left USD {bill_left_sum} a month",
    (
        "; switching costs USD {saves_one_off_monthly|one_off_monthly} for each month that the "
        "evidence lasts, which leaves USD {after_switching}"
    ),
    (
        "; switching costs USD {saves_one_off_monthly|one_off_monthly} for each month that the "
        "evidence lasts, which leaves a loss of USD {after_switching_loss}"
    ),
    (
        "Its {bill_errors} more wrong {*} a month, at USD {error_cost} each, "
        "would cost USD {bill_cost_alone}"
    ),
)
_SUM = (
    "today's bill {add_today}",
    "the bill with {option} {add_then}",
    "{bill_errors} more wrong {*}, as seen, at USD {error_cost} each {bill_cost}",
    "{bill_errors} more wrong {*} at USD {error_cost} each {bill_cost}",
    "no more wrong {*} 0",
    "left at worst, with {bill_errors_worst} more wrong {*} {bill_left_worst_sum}",
    "left a month {bill_left_sum}",
    (
        "saved on the bill, as the length of answers varies (95 of 100 draws) "
        "{saves_after_discounts_lower} to {saves_after_discounts_upper}"
    ),
    "saved on the bill: USD {bill_today} today, USD {bill_then} with {option} {bill_saved}",
    "saved on the bill {add_left|bill_saved}",
    (
        "more wrong {*} a month about {about_more_errors_per_month}, at worst "
        "{about_more_errors_per_month_worst}"
    ),
    "more wrong {*} a month about {about_more_errors_per_month}",
    "more wrong {*} a month none seen, at worst {about_more_errors_per_month_worst}",
    "it stops paying USD {even_at_estimate}, at worst USD {even_at_worst}",
    "it stops paying USD {even_at_worst} at worst",
    (
        "left in twelve months, USD {saves_one_off_cost} for switching taken off (paid back in "
        "{payback_months|payback_days} {*}) {year_sum}"
    ),
    (
        "left in twelve months, USD {saves_one_off_cost} for switching taken off (paid back in a "
        "day) {year_sum}"
    ),
    (
        "left in twelve months, USD {saves_one_off_cost} for switching taken off (never paid "
        "back) {year_sum}"
    ),
)
_LARGE = (
    *(
        f"{label} USD {{{name}}} {year} in twelve months{switch}"
        for label, name, years in (
            (
                "saved a month, mistakes paid for",
                "bill_left",
                ("USD {bill_left_year}", "a loss of USD {bill_left_loss_year}"),
            ),
            (
                "saved a month on the bill",
                "saving",
                ("USD {saving_year}", "a loss of USD {saving_loss_year}"),
            ),
        )
        for year in years
        for switch in (", USD {saves_one_off_cost} for switching taken off", "")
    ),
    "at worst USD {bill_left_worst} a month",
    "at worst a loss of USD {bill_left_loss_worst} a month",
    (
        "left a month as seen, mistakes paid for USD {bill_left} USD {bill_left_year} in "
        "twelve months"
    ),
    (
        "left a month as seen, mistakes paid for a loss of USD {bill_left_loss} a loss of USD "
        "{bill_left_loss_year} in twelve months"
    ),
    "switching costs USD {one_off_monthly} for each month that the evidence lasts",
    "as seen {difference_abs} in 100: {bill_errors|more_errors_per_month} of {requests} a month",
    (
        "staying costs a month, mistakes counted USD {bill_left} on the bill it costs USD "
        "{bill_saved}; the mistakes would cost USD {bill_cost} against {option}"
    ),
    (
        "staying saves a month, mistakes counted USD {bill_left_loss} on the bill it costs USD "
        "{bill_saved}; the mistakes would cost USD {bill_cost} against {option}"
    ),
    (
        "staying costs a month, on the bill USD {saving} USD {saving_year} in twelve months "
        "against {option}"
    ),
    ("deciding is worth a month, at most USD {needed_worth} USD {needed_year} in twelve months"),
    "it takes {needed_cases} cases and {needed_labels} label",
    "it takes {needed_cases} case",
    "it takes {needed_labels} label",
    "USD {needed_cost} of calls",
    "at worst {harm_most} in {harm_of}; limit {harm_limit} in {harm_of}",
    "at worst {harm_most} more in {harm_of}; limit {harm_limit} in {harm_of}",
    "at worst none; limit {harm_limit} in {harm_of}",
    "at worst none more; limit {harm_limit} in {harm_of}",
    "{bill_errors|more_errors_per_month} of {requests} a month",
    "wrong {*} with {option} {harm_seen} in {harm_of}",
    "that an answer scores {*} {told_abs} at worst {worst_abs}; {limit} point",
    "that an answer scores {*} {told_abs} at worst {worst_abs} lower; {limit} point",
    "that an answer scores {*} {told_abs} at worst no lower; {limit} point",
    "with {option}, 95 of 100 answers come within {p95_s} s",
    "with {option}, 95 of 100 answers begin within {ttft_p95_s} s",
    "with {option}, 99 of 100 answers come within {p99_s} s",
    "95 of 100 answers come within {p95_s} s",
    "95 of 100 answers begin within {ttft_p95_s} s",
    "99 of 100 answers come within {p99_s} s",
    "95 of 100 answers",
    "99 of 100 answers",
    "today {today_p95_s|today_p99_s|today_ttft_p95_s} s",
    "at most {p95_upper_s|p99_upper_s|ttft_p95_upper_s} s",
    "limit {slo_p95_s|slo_p99_s|slo_ttft_p95_s} s",
)
_IN_SHORT = (
    "a month once mistakes are paid for, at worst USD {bill_left_worst}",
    "Saves USD {bill_left} a month once mistakes are paid for",
    "Loses USD {bill_left_loss} a month once mistakes are paid for",
    "Saves USD {saves_after_discounts} a month on the bill",
    "switching costs USD {saves_one_off_cost} once",
    "about {harm_seen} {*} of {harm_of} {*} wrong, at worst {harm_most}",
    "about {harm_seen} {*} of {harm_of} {*} wrong",
    "not one more of {harm_of} goes wrong, at worst {harm_most}",
    "not one more of {harm_of} goes wrong",
    "an answer scores about {told_abs} of 100 points {*}, at worst {worst_abs} lower",
    "where {harm_limit|margin} are allowed",
    "Staying costs USD {saving} a month on the bill, against {option}",
    "Staying costs USD {saving} a month on the bill",
    "and the mistakes of {option} would cost USD {bill_cost_alone}",
    "{needed_cases} cases more, for USD {needed_cost} of calls",
    "{needed_cases} case more, for USD {needed_cost} of calls",
    "{needed_cases} cases more",
    "{needed_cases} case more",
    "{needed_labels} labels more",
    "{needed_labels} label more",
    "a month once mistakes are paid for, at worst a loss of USD {bill_left_loss_worst}",
    "At stake: up to USD {open_saving} a month on the bill",
    "At stake: up to USD {needed_worth|spent_worth} a month",
    "At stake: USD {bill_left} a month once",
    "At stake: a loss of USD {bill_left_loss} a month once",
    "(at worst USD {bill_left_worst})",
    "(at worst a loss of USD {bill_left_loss_worst})",
    "at least 60 live requests",
)
_CHOICES = (
    "costs USD {bill_left} more each month, mistakes counted",
    "costs USD {saves_after_discounts} more each month",
    "At stake: USD {bill_left} a month once",
    "At stake: a loss of USD {bill_left_loss} a month once",
    "(at worst USD {bill_left_worst})",
    "(at worst a loss of USD {bill_left_loss_worst})",
    "buy {needed_cases} cases for USD {needed_cost} of calls",
    "buy {needed_cases} cases",
    "buy {needed_cases} case for USD {needed_cost} of calls",
    "buy {needed_cases} case",
    "label {needed_labels} answer",
    "(as few as {needed_fewest} may be enough)",
    "At stake: up to USD {open_saving} a month on the bill",
    "At stake: up to USD {needed_worth} a month",
    "at USD {saving} a month more on the bill than with {option}",
)
_CHANGES = (
    *_STOPPED,
    "{option}: it is {short_of_limit} points short of the limit",
    "ore traffic than {requests} requests a month",
)
_NOTES = (
    *_STOPPED,
    (
        "saves at most USD {bound_most} of USD {bound_today} a month (even if it read "
        "{fewer_read} % fewer tokens and wrote {fewer_written} % fewer, and so cost USD "
        "{bound_least}); the least worth a change is USD {least_worth}"
    ),
    (
        "saves at most USD {bound_most} of USD {bound_today} a month (even if it did not reason "
        "at all, and so cost USD {bound_least}); the least worth a change is USD {least_worth}"
    ),
    "; {cascade_escalated} % of all its answers go on to today's model",
    (
        "{difference_abs} points worse on {n} cases ({pilot_cases} of the pilot, "
        "{deciding_cases} that decide)"
    ),
    (
        "{difference_abs} points better on {n} cases ({pilot_cases} of the pilot, "
        "{deciding_cases} that decide)"
    ),
    "no difference on {n} cases ({pilot_cases} of the pilot, {deciding_cases} that decide)",
    "no difference on {n} cases",
    "{difference_abs} points worse on {n} cases",
    "{difference_abs} points better on {n} cases",
)

SENTENCES: Mapping[str, tuple[str, ...]] = {
    "title": (
        (
            "saves USD {bill_left} a month net of mistakes; at worst it loses USD "
            "{bill_left_loss_worst} a"
        ),
        "saves USD {bill_left} a month net of mistakes",
        "loses USD {bill_left_loss} a month net of mistakes",
        "{option} loses USD {bill_left_loss} a month with its mistakes counted",
        "{option} saves only USD {bill_left} a month with its mistakes counted",
        *(
            f"{{option}} {left} a month with {costs} counted"
            for left in ("saves only USD {after_switching}", "loses USD {after_switching_loss}")
            for costs in ("its mistakes and the switch", "the switch")
        ),
        "loses {vetoed_difference_abs} points on",
        "saves USD {saves_after_discounts} a month on the bill",
        "{option} gets {harm_seen} in {harm_of} more wrong",
        "{option} loses {difference_abs} points",
        "{option} would save at most USD {saving_at_most} a month",
        "{option} would save only USD {saving} a month",
        "{needed_cases} more cases would probably decide",
        "{needed_cases} more case would probably decide",
        "it waits for {needed_labels} labels",
        "it waits for {needed_labels} label",
    ),
    "Will users notice?": (*_AS_SEEN, *_HARM, *_MEASURED),
    "In short.": _IN_SHORT,
    "The decision in figures": _LARGE,
    "Decide by": (*_CHOICES, *_PAIR_LIVE),
    "Accepted": _PAIR_LIVE,
    "Sign by": (*_CHOICES, *_CHANGES),
    "The money": _SUM,
    "On ": (
        "The busiest hour takes {host_most} GPU",
        "runs on {host_committed} committed GPU",
        "at USD {host_committed_usd} a month.",
        "all hours are on demand (USD {host_on_demand_usd} a month)",
        "{host_idle} % of the capacity stands idle (USD {host_idle_usd} a month)",
        "no more than {option} from {no_dearer} ",
        "production asks {requests}.",
        "commitment: USD {host_committed_usd} a month are paid until",
    ),
    "Committed today.": (
        "runs on {today_host_committed} committed GPU",
        "at USD {today_host_committed_usd} a month",
    ),
    "The pair.": (
        "{cascade_escalated} % of its answers",
        "have a probability under {cascade_threshold} by its own word",
        (
            "Of 1,000 requests {*} costs USD {cascade_first_thousand} and asking {*} again USD "
            "{cascade_again_thousand}"
        ),
    ),
    "Why stay?": (
        *_AS_SEEN,
        *_MEASURED,
        *_BILL,
        *_FLOOR,
        "The other {others} were",
        *_NOTES,
        (
            "({vetoed_n} cases) it is at {vetoed_difference} points, at best {vetoed_best} (limit "
            "{vetoed_margin} point"
        ),
        "({vetoed_n} cases) it is at {vetoed_difference} points (limit {vetoed_margin} point",
        (
            "It may take {p95_upper_s|p99_upper_s|ttft_p95_upper_s} s where "
            "{slo_p95_s|slo_p99_s|slo_ttft_p95_s} s are promised"
        ),
        (
            "{vetoed_candidate} % against {vetoed_current} % today, {vetoed_difference} points "
            "(limit {vetoed_margin} point"
        ),
    ),
    "Why no answer yet?": (*_HARM, *_MEASURED, *_FLOOR, *_NOTES),
    "Can these cases tell": _FLOOR,
    "Not known.": (
        "is on the {floor_unlabelled} case",
        "{floor_unlabelled} case without a label",
        "{floor_unlabelled} cases without a label",
        "as few as {floor_fewest_labels} may",
    ),
    "table The eval set": (", {floor_unlabelled} of them without a label",),
    "table What a run of the program took: calls of stopped runs, not counted": (
        "{unused_calls}, cost not known",
    ),
    "table 1 move so far": ("{moves} move so far",),
    "table 2 moves so far": ("{moves} moves so far",),
    "Form or content?": (
        "{option} did worse on {audit_losses} {*}: {form_losses_other} by form",
        "{option} did worse on {audit_losses} {*}: {form_losses_unread} by a reply",
        "Today's model did worse on {audit_gains} {*}: {form_gains_other} by form",
        "Today's model did worse on {audit_gains} {*}: {form_gains_unread} by a reply",
        "; {form_losses_unread|form_gains_unread} by a reply",
    ),
    "The closest.": (
        (
            "Against {option}, the closest to passing, staying costs USD {saving} a month on the "
            "bill; its {bill_errors} more wrong {*} a month, at USD {error_cost} each, "
            "would cost USD {bill_cost_alone}"
        ),
        (
            "Against {option}, the closest to passing, staying costs USD {saving} a month on the "
            "bill"
        ),
    ),
    "What staying costs.": (
        (
            "That is at today's token counts, {today_monthly_after_discounts} less "
            "{monthly_after_discounts}; at most USD {saving_at_most}, if it took so few tokens "
            "that it cost {least_cost}"
        ),
        *_BILL,
        ": USD {add_today} today, USD {add_bill} with it",
        "USD {saving} a month on the bill, against {option}",
        "USD {saving} a month, against {option}",
        "USD {saving} a month after discounts, against {option}",
    ),
    "Noise floor.": (
        "scores differently on {noise_disagreement} % of {noise_cases} cases",
        "second answers differ by {noise_difference} points (standard error {noise_error})",
    ),
    "table Still needed to decide": _LABELS,
    "What is missing.": (
        *_LABELS,
        "{needed_cases} more cases",
        "{needed_cases} more case",
        "{needed_labels} labels",
        "{needed_labels} label",
        "for USD {needed_cost} of calls",
        "At stake: up to USD {open_saving} a month on the bill",
        "At stake: up to USD {needed_worth|spent_worth} a month",
        "At stake: USD {bill_left} a month once",
        "At stake: a loss of USD {bill_left_loss} a month once",
        "(at worst USD {bill_left_worst})",
        "(at worst a loss of USD {bill_left_loss_worst})",
        "at least 60 live requests",
    ),
    "Weakest part.": (
        "harm would have shown only from a loss of {weakest_could_show_abs} points on",
        "is at {weakest_difference} points",
        "a drop of up to {weakest_worst_abs} points is possible ({weakest_margin} point",
        "a drop of up to {weakest_worst_abs} points is possible",
        "no drop is possible ({weakest_margin} point",
        "({weakest_n} of {n} {*})",
        "({weakest_n} {*})",
    ),
    "Guardrails.": (
        "{*} on {rail_n} of {rail_of} {*}: {rail_difference} points",
        "harm would have shown only from a loss of {rail_could_show_abs} points on",
        "a drop of up to {rail_worst_abs} points is possible ({rail_margin} point",
        "no drop is possible ({rail_margin} point",
    ),
    "Savings that need no other model": ("saves USD {lever_net_saving} a month",),
    "What would change the decision": _CHANGES,
    "Since the first model.": (
        "is step {anchor_step} down from",
        "{anchor_difference} points, at worst {anchor_worst}, on {anchor_n} cases",
        "{anchor_difference} points, at worst {anchor_worst}, the steps",
        "together may lose {anchor_budget} point",
    ),
    "Evidence.": (
        "{cases} cases (",
        "{cases} cases at hand",
        "a month is {requests} requests (source:",
        "USD {error_cost} for a mistake",
        "USD {saves_one_off_cost} for switching",
        ": {tune} for prompts, {pilot} as a pilot, {deciding} left to decide",
        "the figures of {option} rest on all of them and {pilot_cases} of the pilot",
        "the figures of {option} rest on {deciding_cases} and {pilot_cases} of the pilot",
        "the figures of {option} rest on {pilot_cases} of the pilot alone",
        "the figures of {option} rest on {deciding_cases}",
        "; {prompts_tried} prompts tried on {tune} other cases",
        "; {prompts_tried} prompt tried on {tune} other cases",
        "use {times_used} of this set",
        "test {life_test} on this set",
        "of {option} the test {life_test} on this set",
        (
            "of the {life_promised} % risk of a wrong swap that all tests on it share, "
            "{life_left} % is left"
        ),
        "the {life_promised} % risk of a wrong swap that all tests on it share is used up",
        "{trials_missing} trials missing: {missing_why} {*}, {missing_why} {*}, {missing_why} ",
        "{trials_missing} trials missing: {missing_why} {*}, {missing_why} ",
        "{trials_missing} trials missing: {missing_why} ",
        "{trials_missing} trial missing: {missing_why} ",
        "{trials_missing} trials missing",
        "{trials_missing} trial missing",
        "after your discounts the saving is USD {saves_after_discounts} a month",
        "Evaluation cost USD {total_usd}",
        "making them had cost USD {total_usd}",
        "stopping early saved USD {saved_by_stopping_usd}",
    ),
    "How it was measured.": (
        "Today's model scored {today_level} % on all {today_cases} cases",
        "Today's model scored {today_level} % on every case",
    ),
    "Saving.": (
        "at list price USD {saves_monthly} ({saves_percent} %)",
        (
            "between USD {saves_monthly_lower_cents|saves_after_discounts_lower_cents} "
            "and USD {saves_monthly_upper_cents|saves_after_discounts_upper_cents}"
        ),
        "USD {saves_after_discounts} a month after discounts",
        "USD {saves_net_monthly} net of errors, at worst USD {saves_net_monthly_worst}",
        "USD {saves_net_monthly} net of errors, at worst a loss of USD {saves_net_monthly_worst}",
        (
            "USD {saves_one_off_monthly} a month of the evidence's life, which leaves USD "
            "{saves_net_of_one_off} (least worth a change USD {saves_minimum_usd})"
        ),
        "USD {saves_year} on the bill in the first year",
        "no one-off cost (least worth a change USD {saves_minimum_usd})",
        "paid back in {payback_months} months",
        "one-off cost USD {saves_one_off_cost}",
        "USD {saves_realised} realised",
    ),
    "Cases to read": (
        "{audit_losses} cases where today's model scores more",
        "{audit_losses} case where today's model scores more",
        "scores more ({form_losses_other} of them for the other's form, {form_losses_unread} for",
        "{audit_gains} cases where {option} scores more",
        "{audit_gains} case where {option} scores more",
        "scores more ({form_gains_other} of them for the other's form, {form_gains_unread} for",
        "and {audit_losses_more|audit_gains_more} more in the record",
    ),
    "table Options, cheapest first: why": _NOTES,
    "table Today's model": (
        "cost a month, {requests} requests",
        "cost of 1,000 requests / of 1,000 right answers",
    ),
    "table Today's model: today": (
        "{current_share} %",
        "USD {today_per_request_thousand} / {today_thousand_right}",
        "USD {add_today}",
        "{today_p95_s|today_p99_s|today_ttft_p95_s} s",
    ),
    "table Today's model: then": (
        "{candidate_share} %",
        "USD {per_request_thousand} / {per_success_thousand}",
        "USD {add_then}",
        "{p95_s|p99_s|ttft_p95_s} s",
    ),
    "table Today's model: difference": (
        "{difference} points, at worst {worst} (limit {limit} point",
        "{request_change} %",
        "USD {add_left} less",
        "USD {add_left} more",
        (
            "at most {p95_upper_s|p99_upper_s|ttft_p95_upper_s} s "
            "(limit {slo_p95_s|slo_p99_s|slo_ttft_p95_s} s)"
        ),
        "n = {latency_n} (limit {slo_p95_s|slo_p99_s|slo_ttft_p95_s} s)",
    ),
    "table From today's monthly cost: USD a month": ("{bridge_cents|bridge_sum_cents}",),
    "table Parts of the cases": ("{n} of {of}",),
    "table Guardrails": ("{n} of {of}",),
    "table Rates, USD": ("{used} % used",),
    "table Looks of": (", {looks_planned} planned",),
    "table Measured time: limits": ("{slo_p95_s} s", "{slo_ttft_p95_s} s", "{slo_p99_s} s"),
    "table Measured time: p50": ("{p50_s} s",),
    "table Measured time: p95": ("{p95_s} s",),
    "table Measured time: p99": ("{p99_s} s",),
    "table Measured time: first token": ("{ttft_p95_s} s",),
    "table Quality against today": ("limit {limit} point",),
    "\u2039option": (
        "{cascade_escalated} % of the answers of \u2039{*}\u203a did not pass",
        "An answer stands from a probability of {cascade_threshold} on",
        ("be for a chance of {cascade_wanted} to be right, by {cascade_tune} tune case"),
    ),
    "What is tested.": ("by {limit} point",),
    "How sure it was.": (
        "told a probability with {sure_answers} answer",
        "Its Brier score is {sure_brier}: 0 is best, and telling one half each time has 0.25",
        "how often it was right differ by {sure_gap} points on average",
    ),
    "Prompts.": ("; {same_prompt} option",),
    "picture": (
        "{option} {stop_chance} %, given up below {stop_threshold} %",
        "{option} under {stop_chance} %, given up below {stop_threshold} %",
        "under {any_chance} %",
        "{any_chance} %",
        "limit {today_slo_p95_s|slo_p95_s} s",
        "limit {limit} point",
        "a whole line right of the limit {limit} point",
        "{option} {difference}, at worst {worst}, at best {best}",
        "\u2039today\u203a USD {today_monthly_after_discounts} a month, 0.0",
        "{option} USD {monthly_after_discounts} a month, {difference}",
        "Today USD {today_monthly_after_discounts}",
        "\u2039today\u203a p50 {today_p50_s} s, p95 {today_p95_s} s, at most {today_p95_upper_s} s",
        "{option} p50 {p50_s} s, p95 {p95_s} s, at most {p95_upper_s} s",
        "proposed USD {monthly_after_discounts}",
        "USD {bridge}",
        "it begins at {axis_begins}, not at 0",
    ),
}
