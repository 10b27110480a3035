"""The portfolio as a short message for a chat: plain text, under 2,000 characters."""

from __future__ import annotations

from collections.abc import Iterator

from harness.money.portfolio.overview import Overview
from harness.money.portfolio.to_do import Task, to_do
from harness.tell.portfolio.spend import (
    production_text,
    proposed_text,
    same_model_text,
    spend_text,
)
from harness.tell.portfolio.tasks import due_text, what_text
from harness.tell.words import person, sentence
from harness.wording import one_line, plural, usd

LONGEST = 1_990
"""Most characters: some chats refuse 2,000."""
_MOST_TASKS = 8
_LIVE = str.maketrans({"@": " at ", "<": "(", ">": ")", "`": "'"})


def to_message(figures: Overview, where: str) -> str:
    """What is saved, what can be, what to do first and whose it is; `where` is the page."""
    tasks = to_do(figures)
    head = "\n".join(_head(figures, tasks))
    foot = f"All of it: {where}\n"
    lines: list[str] = []
    for task in tasks[:_MOST_TASKS]:
        line = f"- {_task(task)}"
        # Room for the line that says how many are left.
        if len(head) + len(foot) + sum(len(one) + 1 for one in (*lines, line)) + 40 > LONGEST:
            break
        lines.append(line)
    left = len(tasks) - len(lines)
    if left:
        lines.append(f"and {plural(left, 'other')}.")
    return "\n".join([head, *lines, foot])


def _head(figures: Overview, tasks: tuple[Task, ...]) -> Iterator[str]:
    cycles = ", ".join(sorted({one.record.cycle for one in figures.features})) or "review"
    total = figures.total
    yield f"Right-sizing {cycles}, as it stands on {figures.day}"
    count = plural(total.features, "feature")
    yield sentence(f"{count}, {spend_text(total)}")
    for text in (production_text(total), proposed_text(total), same_model_text(total)):
        if text:
            yield sentence(text)
    late = sum(task.overdue for task in tasks)
    things = f"{plural(len(tasks), 'thing')}, {late} overdue" if tasks else "nothing"
    yield f"To do: {things}."


def _task(task: Task) -> str:
    """One thing in one line; nothing in it calls anybody, formats or becomes a link by itself."""
    feature = task.feature.record.feature
    due = "" if task.due is None else f", {due_text(task)}"
    worth = "" if task.usd is None else f", {usd(task.usd)} a month"
    text = f"{what_text(task)}: {feature.name} ({person(feature.owner)}{due}{worth})"
    return one_line(text).translate(_LIVE).replace("://", ": //")
