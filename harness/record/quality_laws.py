"""The laws of an option's quality: all its figures rest on the same cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, pairwise
from math import isclose

from harness.record.base import Reason, Result
from harness.record.content import RecordContent
from harness.record.money import OptionCost
from harness.record.parts import OptionRecord
from harness.record.quality_parts import Look, Quality, SliceResult

_CLOSE = 1e-4
"""Points between two figures that are rounded to six digits and are one."""


def broken_in_quality(record: RecordContent) -> Iterator[str]:
    """A line for every law that some option's quality breaks."""
    for option in record.options:
        if option.quality is not None:
            lines = chain.from_iterable(law(option, option.quality) for law in _LAWS)
            beside = chain.from_iterable(law(record, option, option.quality) for law in _BESIDE)
            for line in chain(lines, beside):
                yield f"{option.target.option}: {line}"
    yield from _share("today's model", record.current_cost, record.current_quality)


def alike(one: float, other: float) -> bool:
    """Two figures in points are one, but for their last digits."""
    return abs(one - other) <= _CLOSE


def _table(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """Who was right sums to the cases, and gives the difference and both levels."""
    both, neither = quality.both_right, quality.neither_right
    lost, won, n = quality.only_current_right, quality.only_candidate_right, quality.n
    if lost is None or won is None:
        return
    if both is not None and neither is not None and both + lost + won + neither != n:
        yield f"{both} both, {lost} and {won} alone, {neither} neither right are not {n} cases"
    if lost + won + quality.agreed_without_label > n:
        yield f"{lost} + {won} differ, {quality.agreed_without_label} agree, of {n} cases"
    if n and not alike(100 * (won - lost) / n, quality.difference):
        yield f"{won} won and {lost} lost of {n} cases are not {quality.difference:+g} points"
    if n and both is not None:
        for alone, level in ((lost, quality.current), (won, quality.candidate)):
            if level is not None and not alike(100 * (both + alone) / n, level):
                yield f"{both + alone} right of {n} cases are not {level:g} of 100"


def _levels(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """Candidate minus current is the difference."""
    incumbent, candidate = quality.current, quality.candidate
    if (incumbent is None) != (candidate is None):
        yield "one model's level is known and the other's is not"
    elif incumbent is not None and candidate is not None:
        if quality.agreed_without_label:
            yield f"levels are told, but {quality.agreed_without_label} cases have no label"
        elif not alike(candidate - incumbent, quality.difference):
            yield f"{candidate:g} less {incumbent:g} is not {quality.difference:+g} points"


def _bounds(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """The difference lies between its bounds."""
    worst, best, difference = quality.worst, quality.best, quality.difference
    if worst > difference + _CLOSE or best < difference - _CLOSE:
        yield f"{difference:+g} points do not lie between {worst:+g} and {best:+g}"
    told = quality.corrected
    if told is not None and not worst - _CLOSE <= told <= difference + _CLOSE:
        yield f"{told:+g} points do not lie between {worst:+g} and {difference:+g}"


def _missing(option: OptionRecord, quality: Quality) -> Iterator[str]:
    """Where no answer is missing, missing ones cannot change the bound."""
    lost = option.missing
    nothing_lost = lost is not None and not (lost.current or lost.candidate)
    absent = quality.absent
    waiting = absent.unlabelled if absent is not None else 0
    if nothing_lost and (quality.missing_cases or 0) > waiting:
        yield f"{quality.missing_cases} cases lack an answer, but no trial does"
    if absent is not None and absent.cases != quality.missing_cases:
        yield f"{absent.cases} cases are told as absent, {quality.missing_cases} are missing"
    worst = quality.worst_missing_as_zero
    none_absent = quality.missing_cases == 0 and quality.repeats == 1
    complete = none_absent or (not quality.missing_cases and nothing_lost)
    if complete and (worst is None or not alike(worst, quality.worst)):
        said = "not known" if worst is None else f"{worst:+g}"
        yield f"nothing is missing, but at worst is {quality.worst:+g} and, so counted, {said}"


def _parts(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """Nothing that is counted among the cases exceeds them."""
    counted = {
        "clusters": quality.clusters,
        "cases that agree without a label": quality.agreed_without_label,
        "cases of the pilot": quality.pilot_cases,
        "cases at production's mix": quality.mix.n if quality.mix else None,
    }
    for what, count in counted.items():
        if count is not None and count > quality.n:
            yield f"{count} {what} of {quality.n} cases"
    pilot, deciding = quality.pilot_cases, quality.deciding_cases
    if pilot is not None and deciding is not None and pilot + deciding != quality.n:
        yield f"{pilot} cases of the pilot and {deciding} that decide are not {quality.n}"


def _looks(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """Looks are counted from 1 and grow; the pilot alone is number 0."""
    looks = quality.looks
    numbers = [look.number for look in looks]
    start = 0 if numbers == [0] else 1
    if numbers != list(range(start, start + len(numbers))):
        yield f"looks are numbered {', '.join(map(str, numbers))}"
    planned = quality.looks_planned
    if planned is not None and numbers and max(numbers) > planned:
        yield f"look {max(numbers)} of {planned}"
    for before, after in pairwise(looks):
        if after.n < before.n:
            yield f"look {after.number} rests on {after.n} cases, the one before it on {before.n}"
    for look in looks:
        seen, worst, lost, won = look.difference, look.worst, look.lost, look.won
        if not _is_counted(look):
            yield f"look {look.number}: {won} won and {lost} lost of {look.n} are not {seen:+g}"
        if seen is not None and worst is not None and worst > seen + _CLOSE:
            yield f"look {look.number}: {seen:+g} lies under {worst:+g}"


def _is_counted(look: Look) -> bool:
    won, lost, seen = look.won, look.lost, look.difference
    if won is None or lost is None or seen is None:
        return True
    return look.n > 0 and alike(100 * (won - lost) / look.n, seen)


def _ends(option: OptionRecord, quality: Quality) -> Iterator[str]:
    """The ends of its cases hold the cases that only one model got right."""
    ends = "" if option.proof is None else option.proof.outcomes
    lost, won = quality.only_current_right, quality.only_candidate_right
    if ends and lost is not None and won is not None and " " not in ends:
        for sign, counted in (("-", lost), ("+", won)):
            if ends.count(sign) < counted:
                yield f"{counted} cases differ so, and {ends.count(sign)} ended {sign!r}"


def _passing_look(_: OptionRecord, quality: Quality) -> Iterator[str]:
    """The look that passed shows the option's own figures, unless harm to a part widened them."""
    for look in quality.looks if not quality.pilot_cases else ():
        if look.action == "pass" and look.difference is not None and look.worst is not None:
            same = look.n == quality.n and alike(look.difference, quality.difference)
            if not same or not alike(look.worst, quality.worst):
                yield (
                    f"it passed at look {look.number} with {look.difference:+g}, at worst "
                    f"{look.worst:+g}, on {look.n} cases; shown are {quality.difference:+g}, "
                    f"{quality.worst:+g} and {quality.n}"
                )


def _slices(option: OptionRecord, quality: Quality) -> Iterator[str]:
    """Parts of one kind are apart from each other, within the cases, and have figures alike.

    A part that was asked in full has cases of its own.
    """
    inside = [part for part in option.slices if part.of is None]
    for key in dict.fromkeys(part.key for part in inside):
        parts = [part for part in inside if part.key == key]
        if sum(part.n for part in parts) > quality.n:
            yield f"parts by {key} hold {sum(part.n for part in parts)} of {quality.n} cases"
        for whole, counts in (
            (quality.only_current_right, [part.only_current_right for part in parts]),
            (quality.only_candidate_right, [part.only_candidate_right for part in parts]),
        ):
            several = sum(one for one in counts if one is not None)
            if whole is not None and several > whole:
                yield f"parts by {key} differ {several} times where all cases do {whole} times"
    for part in option.slices:
        yield from _slice(part)


def _slice(part: SliceResult) -> Iterator[str]:
    name, seen = f"{part.key} {part.value}", part.difference
    lost, won = part.only_current_right, part.only_candidate_right
    if part.of is not None and part.n > part.of:
        yield f"{name}: {part.n} of {part.of} cases"
    if seen is None:
        return
    if lost is not None and won is not None and not alike(100 * (won - lost), seen * part.n):
        yield f"{name}: {won} won and {lost} lost of {part.n} cases are not {seen:+g} points"
    low, high = part.worst, part.best
    if (low is not None and low > seen + _CLOSE) or (high is not None and high < seen - _CLOSE):
        yield f"{name}: {seen:+g} points do not lie between its bounds"


def _guardrails(option: OptionRecord, quality: Quality) -> Iterator[str]:
    """A second measure rests on the same cases, those that lack a first score among them.

    One that was asked in full has cases of its own.
    """
    for rail in option.guardrails:
        lacking = quality.missing_cases
        if rail.of is not None and rail.n > rail.of:
            yield f"guardrail {rail.name}: {rail.n} of {rail.of} cases"
        elif rail.of is None and lacking is not None and rail.n > quality.n + lacking:
            yield f"guardrail {rail.name} rests on {rail.n} cases, the option on {quality.n}"
        now, new, seen = rail.current, rail.candidate, rail.difference
        if seen is None:
            continue
        if now is not None and new is not None and not alike(new - now, seen):
            yield f"guardrail {rail.name}: {new:g} less {now:g} is not {seen:+g} points"
        if rail.worst is not None and rail.worst > seen + _CLOSE:
            yield f"guardrail {rail.name}: {seen:+g} points lie under {rail.worst:+g}"


def _read(option: OptionRecord, quality: Quality) -> Iterator[str]:
    """The cases to read are those that differ among the cases."""
    if option.audit is None:
        return
    for who, ids, counted in (
        ("today's model", option.audit.losses, quality.only_current_right),
        ("the candidate", option.audit.gains, quality.only_candidate_right),
    ):
        if counted is not None and len(ids) != counted:
            yield f"{len(ids)} cases to read where {who} scores more, but it is {counted} times"
    for form, ids in (
        (option.audit.form_losses, option.audit.losses),
        (option.audit.form_gains, option.audit.gains),
    ):
        if form is not None and not 0 < form.other + form.unread <= len(ids):
            yield f"{form.other} and {form.unread} replies fail by their form on {len(ids)} cases"
    differ = len(option.audit.losses) + len(option.audit.gains)
    if differ > quality.n:
        yield f"{differ} cases to read of {quality.n}"


def _graded_again(option: OptionRecord, quality: Quality) -> Iterator[str]:
    """The second grader has seen some of the cases; all of them give the first one's levels."""
    found = option.grader
    if found is None:
        return
    if found.cases > quality.n:
        yield f"a second grader has seen {found.cases} of {quality.n} cases"
    tilt = (found.candidate_again - found.current_again) - (found.candidate - found.current)
    if not alike(tilt, found.tilt):
        yield f"the second grader moves the difference by {tilt:+g} points, not {found.tilt:+g}"
    levels = ((found.current, quality.current), (found.candidate, quality.candidate))
    for again, level in levels if found.cases == quality.n else ():
        if level is not None and not alike(again, level):
            yield f"a model scored {level:g} and, beside another grader, {again:g} of 100"


def _success(option: OptionRecord, quality: Quality) -> Iterator[str]:
    """A success is priced by the share of successes that is shown."""
    yield from _share("its answers", option.cost, quality.candidate)


def _share(whose: str, cost: OptionCost, level: float | None) -> Iterator[str]:
    share = cost.success_share
    if share is None:
        return
    if level is None or not alike(100 * float(share), level):
        said = "not known" if level is None else f"{level:g} of 100"
        yield f"{whose}: {100 * float(share):g} % are priced as right, the score is {said}"
    each, right = cost.per_request, cost.per_success
    if each is not None and right is not None and not isclose(right * share, each, rel_tol=1e-6):
        yield f"{whose}: USD {right:g} a success at {share:g} is not USD {each:g} a request"


def _result(option: OptionRecord, quality: Quality) -> Iterator[str]:
    """What became of the option is what its bounds say."""
    worst, best, margin = quality.worst, quality.best, quality.margin
    if option.result is Result.PASS and worst <= -margin:
        yield f"it passed at worst {worst:+g} points, with a limit of {margin:g}"
    if Reason.QUALITY_INFERIOR in option.reason_codes and best >= -margin:
        yield f"it is shown to be worse at best {best:+g} points, with a limit of {margin:g}"


def _todays_level(record: RecordContent, _: OptionRecord, quality: Quality) -> Iterator[str]:
    """On all cases that today's model was asked its level is the one that is told of it."""
    level, own = record.current_quality, quality.current
    every = quality.n == record.current_cases
    if every and level is not None and own is not None and not alike(level, own):
        yield f"today's model scored {own:g} and {level:g} of 100 on the same {quality.n} cases"


def _sizes(record: RecordContent, _: OptionRecord, quality: Quality) -> Iterator[str]:
    """No more cases than the eval set has, and the limit is the feature's."""
    whole = record.evidence.eval_set
    for what, some, most in (
        ("of the pilot", quality.pilot_cases, whole.pilot),
        ("that decide", quality.deciding_cases, whole.deciding),
    ):
        if some is not None and some > most:
            yield f"{some} cases {what}, where the eval set has {most}"
    if not alike(quality.margin, record.margin.value):
        yield f"a limit of {quality.margin:g} where {record.margin.value:g} was agreed on"


def _errors(record: RecordContent, option: OptionRecord, quality: Quality) -> Iterator[str]:
    """Further errors in production are the loss that is told; before it was corrected, the seen."""
    even, traffic = option.error_break_even, record.traffic
    if even is None or traffic is None:
        return
    for errors, losses in (
        (even.more_errors_per_month, (-quality.told, -quality.difference)),
        (even.more_errors_per_month_worst, (-quality.worst,)),
    ):
        expected = [max(loss, 0.0) / 100 * traffic.requests_per_month for loss in losses]
        if errors is not None and not any(
            isclose(errors, one, rel_tol=1e-3, abs_tol=1) for one in expected
        ):
            yield (
                f"{errors:,.0f} more errors a month, where {losses[0]:g} points are "
                f"{expected[0]:,.0f}"
            )


_LAWS: tuple[Callable[[OptionRecord, Quality], Iterator[str]], ...] = (
    _table,
    _levels,
    _bounds,
    _missing,
    _parts,
    _looks,
    _ends,
    _passing_look,
    _slices,
    _guardrails,
    _read,
    _graded_again,
    _success,
    _result,
)
_BESIDE: tuple[Callable[[RecordContent, OptionRecord, Quality], Iterator[str]], ...] = (
    _todays_level,
    _sizes,
    _errors,
)
