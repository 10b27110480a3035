"""The appendix's money: costs, rates, the bridge, levers, the value of an error."""

from __future__ import annotations

from decimal import Decimal

from harness.money.amounts import exact, plain
from harness.money.portfolio.overview import growing
from harness.record.base import Result
from harness.record.model import DecisionRecord
from harness.record.money import (
    BreakEven,
    CascadeMonth,
    LeverBasis,
    OptionCost,
    PortionFacts,
    RateFacts,
    Savings,
    TierFacts,
)
from harness.tell import figures
from harness.tell.appendix.trust import hosting_tables, program_runs
from harness.tell.facts import break_even_of, lever_month, lever_saving
from harness.tell.page.money_words import or_loss
from harness.tell.words import LEVERS, count, day, table
from harness.wording import DASH, amount_text, usd
from reports.document import Block, Paragraph, Section, Table


def money_sections(record: DecisionRecord) -> list[Section]:
    """Costs and rates of every option, and where the saving comes from."""
    costs: list[Block | None] = [
        figures.cost_quality(record),
        _costs(record),
        _at_most(record),
        program_runs(record),
        *hosting_tables(record),
        _portions(record),
        _rates(record),
        _tiers(record),
    ]
    bridge: list[Block | None] = [
        figures.waterfall(record),
        _bridge(record),
        _saving(record),
        _break_even(record),
        _levers(record),
    ]
    return [
        Section(anchor="cost", title="Cost", blocks=tuple(b for b in costs if b is not None)),
        Section(anchor="saving", title="Saving", blocks=tuple(b for b in bridge if b is not None)),
    ]


def _named(record: DecisionRecord) -> list[tuple[str, OptionCost]]:
    return [
        (f"{record.current.option} (today)", record.current_cost),
        *((option.target.option, option.cost) for option in record.options),
    ]


def _price_lists(record: DecisionRecord) -> list[tuple[str, RateFacts]]:
    """Every option's price list; for a cascade its cheap model's, as the incumbent has its own."""
    found = [(name, cost.rates) for name, cost in _named(record)]
    found += [(f"{name}: first", month.first_rates) for name, month in _cascades(record)]
    return [(name, rates) for name, rates in found if rates is not None]


def _cascades(record: DecisionRecord) -> list[tuple[str, CascadeMonth]]:
    found = [(one.target.option, one.cascade.month) for one in record.options if one.cascade]
    return [(name, month) for name, month in found if month is not None]


def _asked(record: DecisionRecord) -> list[tuple[str, tuple[PortionFacts, ...]]]:
    """The tokens per request of each model of each option."""
    found = [(name, cost.portions) for name, cost in _named(record)]
    for name, month in _cascades(record):
        found += [(f"{name}: first", month.first), (f"{name}: asked again", month.again)]
    return found


def _costs(record: DecisionRecord) -> Table | None:
    return table(
        "What each option costs in production, at list price where nothing else is said; a dash: "
        "not priced, or not asked",
        (
            "option",
            "per request",
            "per success",
            "a month",
            "a month, after discounts",
            "tokens in",
            "tokens out",
            "per million tokens",
            "successes",
            "basis",
        ),
        (
            (
                name,
                usd(cost.per_request),
                usd(cost.per_success),
                usd(cost.monthly),
                usd(cost.monthly_after_discounts),
                count(cost.input_tokens_mean),
                count(cost.output_tokens_mean),
                usd(cost.per_million_tokens),
                DASH if cost.success_share is None else f"{cost.success_share * 100:.1f} %",
                cost.basis,
            )
            for name, cost in _named(record)
        ),
        strong={record.chosen or ""},
    )


def _at_most(record: DecisionRecord) -> Table | None:
    return table(
        "The most that an option could save a month after discounts, known before any call",
        ("option", "at most", "asked"),
        (
            (
                option.target.option,
                usd(option.saving_at_most),
                "no" if option.result is Result.NOT_RUN else "yes",
            )
            for option in record.options
            if option.saving_at_most is not None
        ),
    )


def _rates(record: DecisionRecord) -> Table | None:
    return table(
        f"Rates, USD per million tokens, as of {day(record.evidence.rates_as_of)}",
        (
            "option",
            "input",
            "output",
            "cache read",
            "cache write",
            "cache write, 1 h",
            "per request",
            "batch at",
            "discount",
            "valid from",
            "known on",
            "source",
        ),
        ((name, *_rate_cells(rates)) for name, rates in _price_lists(record)),
    )


def _rate_cells(rates: RateFacts) -> tuple[str, ...]:
    return (
        _exact(rates.input),
        _exact(rates.output),
        _exact(rates.cache_read),
        _exact(rates.cache_write),
        _exact(rates.cache_write_1h),
        _per_request(rates),
        DASH if rates.batch_share is None else f"{rates.batch_share * 100:.0f} %",
        f"{rates.discount * 100:.3g} %",
        day(rates.valid_from),
        day(rates.as_of),
        rates.source if rates.service_tier is None else f"{rates.source}, {rates.service_tier}",
    )


def _per_request(rates: RateFacts) -> str:
    if not rates.minimum_per_request:
        return _exact(rates.per_request)
    return f"{_exact(rates.per_request)}, at least {_exact(rates.minimum_per_request)}"


def _tiers(record: DecisionRecord) -> Table | None:
    return table(
        "Prices of a whole request from so many input tokens, USD per million tokens",
        (
            "option",
            "kind",
            "from tokens",
            "input",
            "output",
            "cache read",
            "cache write",
            "cache write, 1 h",
        ),
        (
            (name, kind, *_tier_cells(tier))
            for name, rates in _price_lists(record)
            for kind, tiers in (("long prompts", rates.tiers), ("batch", rates.batch_bands))
            for tier in tiers
        ),
    )


def _tier_cells(tier: TierFacts) -> tuple[str, ...]:
    return (
        count(tier.from_input_tokens),
        _exact(tier.input),
        _exact(tier.output),
        _exact(tier.cache_read),
        _exact(tier.cache_write),
        _exact(tier.cache_write_1h),
    )


def _portions(record: DecisionRecord) -> Table | None:
    return table(
        "Tokens of a request in production, by length of the prompt",
        ("option", "cases", "tokens in, mean", "tokens out, mean"),
        (
            (
                name,
                count(portion.cases),
                f"{portion.input_tokens:,.1f}",
                f"{portion.output_tokens:,.1f}",
            )
            for name, portions in _asked(record)
            for portion in portions
        ),
    )


def _exact(amount: Decimal) -> str:
    """A rate with exactly the digits that were stated."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _bridge(record: DecisionRecord) -> Table | None:
    if not record.bridge:
        return None
    total = sum((step.usd for step in record.bridge), start=Decimal(0))
    rows = [(step.term, f"{step.usd:+,.2f}") for step in record.bridge]
    return table(
        "From today's monthly cost to the proposed one; the terms sum exactly",
        ("term", "USD a month"),
        [*rows, ("sum", f"{total:+,.2f}")],
        strong={"sum"},
    )


def _saving(record: DecisionRecord) -> Paragraph | None:
    saved = record.savings
    if saved is None:
        return None
    realised = (
        "not verified yet"
        if saved.realised is None
        else f"{usd(saved.realised)} realised, verified {day(saved.verified_at)}"
    )
    text = (
        f"{usd(saved.after_discounts)} a month after discounts, "
        f"{_between(saved.after_discounts_lower, saved.after_discounts_upper)}; "
        f"{_year(record, saved.after_discounts)}{_net(saved)}; {_once(saved)}; at list price "
        f"{usd(saved.monthly)} ({saved.percentage:.1f} %), "
        f"{_between(saved.monthly_lower, saved.monthly_upper)}; {realised}."
    )
    return Paragraph(lead="Saving.", runs=(text,))


def _net(saved: Savings) -> str:
    """The saving after the expected cost of further errors."""
    if saved.net_monthly is None:
        return ""
    worst = saved.net_monthly_worst
    at_worst = "" if worst is None else f", at worst {or_loss(worst)}"
    return f"; {or_loss(saved.net_monthly)} net of errors{at_worst}"


def _once(saved: Savings) -> str:
    """The one-off cost, spread, and what is compared with the policy's minimum saving."""
    least = "" if saved.minimum_usd is None else f" (least worth a change {usd(saved.minimum_usd)})"
    if not saved.one_off_cost:
        return f"no one-off cost{least}"
    months = saved.payback_months
    back = "never paid back" if months is None else f"paid back in {months:.1f} months"
    spread = ""
    if saved.one_off_monthly is not None and saved.net_of_one_off is not None:
        spread = (
            f", {usd(saved.one_off_monthly)} a month of the evidence's life, which leaves "
            f"{or_loss(saved.net_of_one_off)}{least}"
        )
    return f"one-off cost {usd(saved.one_off_cost)}{spread}, {back}"


def _between(low: Decimal | None, high: Decimal | None) -> str:
    """The interval to the cent: whole dollars may hide a narrow one."""
    if low is None or high is None:
        return "its interval not known"
    first, last = f"USD {low:,.2f}", f"USD {high:,.2f}"
    if first == last:
        return "the same to the cent whichever cases are drawn"
    return f"between {first} and {last}"


def _year(record: DecisionRecord, monthly: Decimal) -> str:
    """The first year's sum of a monthly figure, at the expected growth."""
    growth = Decimal(0)
    if record.traffic is not None:
        growth = exact(record.traffic.growth_per_month)
    text = f"{usd(growing(monthly, per_month=growth, months=12))} on the bill in the first year"
    return f"{text} at {plain(growth * 100):+f} % requests a month" if growth else text


def _break_even(record: DecisionRecord) -> Table | None:
    return table(
        "The cost of one more error at which a swap stops paying, after discounts; a dash: it "
        "loses no quality, or nothing was measured",
        (
            "option",
            "at the estimate",
            "at worst",
            "more errors a month",
            "at worst",
            "net saving a month",
            "at worst",
            "saved on the bill",
            "net of the one-off cost",
        ),
        (
            (option.target.option, *_even_cells(even))
            for option in record.options
            if (even := break_even_of(record, option)) is not None
        ),
    )


def _even_cells(even: BreakEven) -> tuple[str, ...]:
    return (
        usd(even.at_estimate),
        usd(even.at_worst),
        count(even.more_errors_per_month),
        count(even.more_errors_per_month_worst),
        usd(even.net_saving_estimate),
        usd(even.net_saving_worst),
        usd(even.saving_after_discounts),
        usd(even.net_of_one_off),
    )


def _levers(record: DecisionRecord) -> Table | None:
    return table(
        "Levers on the same model; they exclude each other",
        (
            "lever",
            "a month",
            "saving, USD",
            "at list price, USD",
            "possible",
            "needs",
            "priced with",
        ),
        (
            (
                LEVERS.get(lever.kind, lever.kind),
                usd(lever_month(record, lever)),
                amount_text(lever_saving(record, lever)),
                f"{amount_text(lever.monthly)}, saving {amount_text(lever.saving_monthly)}",
                "yes" if lever.possible else "no",
                lever.needs,
                _basis(lever.basis),
            )
            for lever in record.levers
        ),
    )


def _basis(basis: LeverBasis | None) -> str:
    """The token counts and rates that a lever's month was priced with."""
    if basis is None:
        return DASH
    parts = [
        "batch prices" if basis.batch else "live prices",
        f"answers x {basis.output_factor:.3g}",
        f"{basis.cached_share * 100:.1f} % read from a cache",
        f"{basis.cache_written_share * 100:.1f} % written to it",
    ]
    return ", ".join(parts)
