"""What is to be done, in words: what, about which feature, whose it is, by when, for how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from harness.money.portfolio.overview import Counted, FeatureMoney, Overview
from harness.money.portfolio.to_do import Action, Task, to_do
from harness.record.base import State
from harness.record.stored import file_name
from harness.tell.facts import chosen_option, labelling
from harness.tell.portfolio.spend import bare, saved_by
from harness.tell.words import REASONS, count, day, person, sentence, series
from harness.wording import DASH, plural, usd
from reports.document import Block, Column, Fold, Link, Paragraph, Row, Table

_NAMED = 10
_OWNERS = 6
_LATE = 4
_COLUMNS = ("what", "feature", "whose", "by")
TASK_USD = "USD a month"
_KIND_ORDER = tuple(Action)


def link_to(one: FeatureMoney, *, beside: bool = False) -> Link:
    """The feature's name, leading to its document; from a page beside the cycle's folder."""
    feature = one.record.feature
    folder = f"../{one.record.cycle}/" if beside else ""
    return Link(text=feature.name, page=f"{folder}documents/{file_name(feature.id)}")


def what_text(task: Task) -> str:
    """`Decide: model swap to haiku`; `Buy 340 cases for USD 14.20 of calls`."""
    one, by = task.feature, saved_by(task.feature)
    later = " (deferred)" if one.state is State.DEFERRED else ""
    words = {
        Action.DECIDE: f"Decide{later}: {by}",
        Action.SWITCH: f"Put into production: {by}",
        Action.LEVER: f"Turn on {by}",
        Action.COMPLETE: _missing(one),
        Action.UNBLOCK: f"Make it reviewable: {_reasons(one)}",
    }
    return words.get(task.action) or named(task.action)


def named(action: Action) -> str:
    """`Sign the reason to stay`."""
    return sentence(action.value).removesuffix(".")


def _missing(one: FeatureMoney) -> str:
    needed = one.record.still_needed
    if needed is None or not (needed.cases or needed.labels):
        return f"Get what is missing: {_reasons(one)}"
    if needed.labels:
        return f"Label {plural(needed.labels, 'case')}"
    calls = "" if needed.cost_usd is None else f" for {usd(needed.cost_usd)} of calls"
    cost = f"{calls}{labelling(one.record)}"
    return f"Buy {plural(needed.cases or 0, 'case')}{cost}"


def _reasons(one: FeatureMoney) -> str:
    return "; ".join(REASONS[code] for code in one.record.reason_codes) or "see its document"


def due_text(task: Task) -> str:
    """The day, and whether it has passed; of evidence that ended, since when."""
    if task.due is None:
        return DASH
    if task.action is Action.AGAIN:
        return f"ended {day(task.due)}"
    return f"{day(task.due)}{', overdue' if task.overdue else ''}"


def effort_and_risk(one: FeatureMoney) -> tuple[str, str]:
    """Of the option that was chosen: what moving to it takes, how near its worst is to the limit.

    Batch and caching keep the model; of what nobody chose there is neither.
    """
    if one.counted is Counted.SAME_MODEL:
        return DASH, "same model"
    option = chosen_option(one.record)
    return (DASH, DASH) if option is None else (option.migration_effort, option.performance_risk)


def to_do_blocks(figures: Overview) -> Iterator[Block]:
    """The first part of the page: how much there is to do, by kind, and the dearest ten."""
    tasks = to_do(figures)
    if not tasks:
        yield Paragraph(lead="To do.", runs=("Nothing is waiting for anybody.",))
        return
    late = [task for task in tasks if task.overdue]
    text = f"{plural(len(tasks), 'thing')}, {len(late)} overdue; most money first.{_first(tasks)}"
    yield Paragraph(lead="To do.", runs=(text,))
    if late:
        yield Paragraph(lead="Overdue.", runs=(_late_text(late),))
    yield task_table(
        f"The first {_NAMED} by USD a month after discounts" if len(tasks) > _NAMED else
        "By USD a month after discounts",
        tasks[:_NAMED],
    )  # fmt: skip
    yield kinds_table(tasks)
    if len(tasks) > _NAMED:
        rest = task_table("The others, by USD a month after discounts", tasks[_NAMED:])
        yield Fold(summary="The others", blocks=(rest,))


def _first(tasks: Sequence[Task]) -> str:
    """What is due first of what is not overdue: most money first may stand far from it."""
    waiting = [(task.due, task.action) for task in tasks if task.due and not task.overdue]
    if not waiting:
        return ""
    due = min(by for by, _ in waiting)
    kinds = dict.fromkeys(named(action) for by, action in waiting if by == due)
    return f" First due, on {day(due)}: {series([kind.lower() for kind in kinds])}."


def _late_text(late: Sequence[Task]) -> str:
    """The first few things whose day has passed: what, of which feature, whose it is."""
    shown = [
        f"{named(task.action)}: {task.feature.record.feature.name} "
        f"({person(task.feature.record.feature.owner)}, {due_text(task).removesuffix(', overdue')})"
        for task in late[:_LATE]
    ]
    return f"{'; '.join(shown)}{'; and others' if late[_LATE:] else ''}."


def task_table(caption: str, tasks: Sequence[Task], *, beside: bool = False) -> Table:
    """One row a task."""
    return Table(
        caption=caption,
        columns=(
            *(Column(text=name) for name in _COLUMNS),
            Column(text=TASK_USD, numeric=True),
            Column(text="the amount is"),
            Column(text="effort, risk"),
        ),
        rows=tuple(Row(cells=_cells(task, beside=beside)) for task in tasks),
        stacked=True,
    )


def _cells(task: Task, *, beside: bool) -> tuple[str | Link, ...]:
    one = task.feature
    swap = task.action in {Action.DECIDE, Action.SWITCH, Action.VERIFY, Action.LEVER}
    hard = ", ".join(effort_and_risk(one)) if swap else DASH
    amount = DASH if task.usd is None else _AMOUNT[task.action]
    owner = person(one.record.feature.owner)
    link = link_to(one, beside=beside)
    return (what_text(task), link, owner, due_text(task), bare(task.usd), amount, hard)


_AMOUNT = {
    Action.DECIDE: "new saving",
    Action.SWITCH: "new saving, accepted",
    Action.VERIFY: "already counted as saved, to verify",
    Action.LEVER: "new saving, same model",
    Action.COMPLETE: "the most that deciding could save",
    Action.UNBLOCK: "the most that deciding could save",
    Action.AGAIN: "the most that another verdict could save",
    Action.SIGN: DASH,
}


def kinds_table(tasks: Sequence[Task]) -> Table:
    """By kind; the amounts of kinds that count one figure of the page add up to it."""
    rows: list[Row] = []
    for action in _KIND_ORDER:
        found = [task for task in tasks if task.action is action]
        if found:
            known = [task.usd for task in found if task.usd is not None]
            worth = bare(sum(known, Decimal(0))) if known else DASH
            what = _counts(action) if known or action is Action.SIGN else "not known"
            late = sum(task.overdue for task in found)
            rows.append(Row(cells=(named(action), count(len(found)), count(late), worth, what)))
    return Table(
        caption="What is to be done, by kind; USD a month after discounts",
        columns=(
            Column(text="kind"),
            Column(text="things", numeric=True),
            Column(text="overdue", numeric=True),
            Column(text=TASK_USD, numeric=True),
            Column(text="what the amount is"),
        ),
        rows=tuple(rows),
        stacked=True,
    )


def _counts(action: Action) -> str:
    """Which figure of the page the amounts of a kind are part of."""
    return {
        Action.DECIDE: "proposed saving, not accepted",
        Action.SWITCH: "proposed saving, accepted",
        Action.VERIFY: "saving in production, as forecast",
        Action.LEVER: "saving by batch or caching",
        Action.COMPLETE: "the most that deciding could save",
        Action.UNBLOCK: "the most that deciding could save",
        Action.AGAIN: "the most that another verdict could save",
        Action.SIGN: "no saving: it keeps today's model",
    }[action]


def owners_of(tasks: Sequence[Task]) -> str:
    """The first few people that something is waiting for, in the order of the tasks."""
    names = {person(task.feature.record.feature.owner): None for task in tasks}
    more = ["others"] if len(names) > _OWNERS else []
    return series([*list(names)[:_OWNERS], *more])
