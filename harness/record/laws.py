"""What must hold between the figures of a record, whichever way it was made.

A record that is made now is refused where a law is broken (`DecisionRecord`); one that was made
before the laws is read as ever, and its documents say that its figures do not fit together.

Here are the laws of options that were given up, which must say why; of eval sets that cannot tell
models apart, on which no verdict may rest; and of money: one basis, after discounts, and figures
that give each other. Parts of older records, without the keys that tell that basis, are read as
they are. Quality has a module of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import chain

from harness.record.base import Reason, Result, Verdict
from harness.record.content import RecordContent
from harness.record.money import BreakEven, Savings
from harness.record.parts import OptionRecord
from harness.record.quality_laws import broken_in_quality
from harness.record.trust import FloorFacts

_CENT = Decimal("0.01")
_CLOSE = Decimal("0.00001")
"""USD between two figures that are rounded to six places and are one."""
_SHARE = 1e-6
"""Part by which a rounded count may differ."""


def broken_in_stops(record: RecordContent) -> Iterator[str]:
    """A line for every law that some stop breaks; a record made before has none to hold."""
    if record.laws is None:
        return
    for option in record.options:
        for line in _stop(record, option):
            yield f"{option.target.option}: {line}"
    saved = [o.stopped.saved_usd for o in record.options if o.stopped and o.stopped.saved_usd]
    whole = record.evidence.spend.saved_by_stopping_usd
    if sum(saved, Decimal(0)) > whole + _CENT:
        yield f"stopping single options saved more than {whole} in all"


def _stop(record: RecordContent, option: OptionRecord) -> Iterator[str]:
    stop, quality, used = option.stopped, option.quality, record.evidence.eval_set
    if stop is None:
        if Reason.UNLIKELY_TO_PASS in option.reason_codes:
            yield "called unlikely to pass, and nothing says what chance was left"
        return
    whole = used.pilot + used.deciding
    if stop.cases != whole:
        yield f"given up after {stop.seen} of {stop.cases} cases, where there are {whole}"
    if quality is not None and quality.n + (quality.missing_cases or 0) > stop.seen:
        yield f"given up after {stop.seen} cases, but its figures rest on {quality.n}"


_BY_QUALITY = frozenset({Reason.QUALITY_INFERIOR, Reason.UNLIKELY_TO_PASS, Reason.SLICE_REGRESSION})


def broken_in_floor(record: RecordContent) -> Iterator[str]:
    """A line for every finding that its eval set cannot carry."""
    floor = record.evidence.floor
    cannot_tell = Reason.EVALSET_CANNOT_TELL in record.reason_codes
    if cannot_tell and (floor is None or floor.clears is not False):
        yield "EVALSET_CANNOT_TELL, and no figures that say so"
    if floor is not None and floor.margin != record.margin.value:
        yield f"the floor's margin is {floor.margin:g}, the feature's {record.margin.value:g}"
    if floor is not None and floor.clears is False:
        yield from _carried(record, floor)


def _carried(record: RecordContent, floor: FloorFacts) -> Iterator[str]:
    if record.verdict is Verdict.DOWNGRADE:
        yield f"a downgrade on {floor.cases} cases that cannot tell models apart"
    for option in record.options:
        name, codes = option.target.option, set(option.reason_codes)
        if option.result is Result.PASS or codes & _BY_QUALITY:
            yield f"{name}: {option.result.value} on cases that cannot tell models apart"
        if option.result is Result.UNDECIDED and Reason.EVALSET_CANNOT_TELL not in codes:
            yield f"{name}: undecided, and not for cases that cannot tell models apart"


def broken_in_money(record: RecordContent) -> Iterator[str]:
    """A line for every law that the record's money breaks."""
    for option in record.options:
        even = option.error_break_even
        if even is not None and even.saving_after_discounts is not None:
            laws = (_saving(record, option, even), _errors(record, option, even))
            nets = (_break_even(even), _net(record, even))
            for line in (line for law in (*laws, *nets) for line in law):
                yield f"{option.target.option}: {line}"
    saved = record.savings
    if saved is not None and saved.minimum_usd is not None:
        yield from _chosen(record, saved)
        yield from _bridge(record, saved)
        yield from _held(record, saved)


def _same(one: Decimal | None, other: Decimal | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= _CLOSE


def _saved(record: RecordContent, option: OptionRecord) -> Decimal | None:
    incumbent, proposed = record.current_cost, option.cost
    if incumbent.monthly_after_discounts is None or proposed.monthly_after_discounts is None:
        return None
    return incumbent.monthly_after_discounts - proposed.monthly_after_discounts


def _saving(record: RecordContent, option: OptionRecord, even: BreakEven) -> Iterator[str]:
    """What is saved is today's month less the option's, both after discounts."""
    saved = _saved(record, option)
    if not _same(saved, even.saving_after_discounts):
        yield f"{even.saving_after_discounts} saved is not the difference of the months, {saved}"


def _errors(record: RecordContent, option: OptionRecord, even: BreakEven) -> Iterator[str]:
    """Further errors are requests x loss; better quality is not credited.

    Of an option that passed the loss is the corrected one, or in older records the one seen.
    """
    if option.quality is None or record.traffic is None:
        return
    requests, found = record.traffic.requests_per_month, option.quality
    stated = even.more_errors_per_month
    told = found.difference if found.counted_as_seen(stated, requests) else found.told
    for points, errors in (
        (told, stated),
        (found.worst, even.more_errors_per_month_worst),
    ):
        expected = requests * max(-points, 0.0) / 100
        if errors is None or abs(errors - expected) > _SHARE * max(expected, 1.0):
            yield f"{errors} more errors a month are not {points:+g} points of {requests} requests"


def _break_even(even: BreakEven) -> Iterator[str]:
    """Break-even x errors is the saving."""
    for at, errors in (
        (even.at_estimate, even.more_errors_per_month),
        (even.at_worst, even.more_errors_per_month_worst),
    ):
        if at is None or errors is None or even.saving_after_discounts is None:
            continue
        count = Decimal(str(errors))
        if abs(at * count - even.saving_after_discounts) > _CLOSE * max(count, Decimal(1)):
            yield f"{at} for each of {errors} errors is not {even.saving_after_discounts}"


def _net(record: RecordContent, even: BreakEven) -> Iterator[str]:
    """What is left is the saving less the further errors at their cost; none without a cost."""
    cost, saved = record.feature.error_cost_usd, even.saving_after_discounts
    for net, errors in (
        (even.net_saving_estimate, even.more_errors_per_month),
        (even.net_saving_worst, even.more_errors_per_month_worst),
    ):
        if cost is None or saved is None or errors is None:
            if net is not None:
                yield f"{net} is left, and nobody stated what an error costs"
            continue
        lost = Decimal(str(errors)) * cost
        if net is None or abs(saved - lost - net) > _CLOSE + lost * Decimal(str(_SHARE)):
            yield f"{net} left is not {saved} less {errors} errors at {cost}"


def _chosen(record: RecordContent, saved: Savings) -> Iterator[str]:
    """The proposed saving is the chosen option's, gross and net."""
    option = next((one for one in record.options if one.target.option == record.chosen), None)
    if option is None:
        return
    if not _same(saved.after_discounts, _saved(record, option)):
        yield f"{saved.after_discounts} saved is not the difference of the months"
    even = option.error_break_even
    if even is not None and not (
        _same(saved.net_monthly, even.net_saving_estimate)
        and _same(saved.net_monthly_worst, even.net_saving_worst)
        and _same(saved.net_of_one_off, even.net_of_one_off)
    ):
        yield f"{saved.net_monthly} left of the saving is not what is left of the chosen option's"


def _bridge(record: RecordContent, saved: Savings) -> Iterator[str]:
    """The bridge's terms sum to the saving."""
    total = sum((term.usd for term in record.bridge), Decimal(0))
    if record.bridge and not _same(total, -saved.after_discounts):
        yield f"the bridge sums to {total}, the saving is {saved.after_discounts}"


def _held(record: RecordContent, saved: Savings) -> Iterator[str]:
    """A downgrade leaves the policy's least saving; a record that cannot be accepted may not."""
    left = saved.after_discounts if saved.net_monthly is None else saved.net_monthly
    if saved.one_off_monthly is None or saved.net_of_one_off is None or saved.minimum_usd is None:
        return
    if not _same(left - saved.one_off_monthly, saved.net_of_one_off):
        yield f"{saved.net_of_one_off} is not {left} less {saved.one_off_monthly}"
    binds = record.verdict is Verdict.DOWNGRADE and not record.evidence.exploratory
    if binds and (saved.net_of_one_off < saved.minimum_usd or saved.net_of_one_off <= 0):
        yield f"a downgrade leaves {saved.net_of_one_off}, the least is {saved.minimum_usd}"


LAWS: tuple[Callable[[RecordContent], Iterator[str]], ...] = (
    broken_in_quality,
    broken_in_floor,
    broken_in_stops,
    broken_in_money,
)
"""Each yields a line for every law that a record breaks."""


def broken_laws(record: RecordContent) -> Iterator[str]:
    """A line for every law that a record breaks, what it found included."""
    return chain.from_iterable(law(record) for law in LAWS)
