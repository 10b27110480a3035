r"""Templates made from templates: examples as earlier turns, a line about the answer, settings.

A text that shows examples already, each in the form of its last paragraph (`Message: ...` and below
it `Topic: ...`), as models without a chat are asked, gets further ones in that form.

What is put in is literal: Jinja marks in it are shown as they are. A text that would end a literal
or start a message of its own cannot be put in.

Settings stand in a comment that is the template's first line, so that the prompt's hash covers
them:

    {#- rightsize: {"max_output_tokens": 64} -#}
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from evalsets.cases import Case
from evalsets.prompts import PromptError, Stretch, check_template, render_prompt, sections_of

_SETTINGS = re.compile(r"\A\{#-? rightsize: (?P<json>.*?) -?#\}\n?", re.DOTALL)
_MARKS = re.compile(r"\{[{%#]")
_ENDS = re.compile(r"\{%-?\s*endraw")
_ROLE = re.compile(r"^=== \w+ ===[ \t]*\r?$", re.MULTILINE)
_FILLED = re.compile(r"\{\{.*\}\}", re.DOTALL)
MOST_OUTPUT_TOKENS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptSettings:
    """How a model is asked under one prompt; None: as the feature says."""

    max_output_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownExample:
    """A case and the answer that a prompt shows for it."""

    case: Case
    answer: str


def settings_of(template: str) -> PromptSettings:
    """The settings in a template's first line.

    Raises:
        PromptError: they are no settings.
    """
    found = _SETTINGS.match(template)
    if found is None:
        return PromptSettings()
    try:
        values = cast("object", json.loads(found["json"]))
    except ValueError:
        raise PromptError("line 1: `rightsize:` needs a JSON object") from None
    stated = cast("dict[str, object]", values) if isinstance(values, dict) else {}
    longest = stated.get("max_output_tokens")
    if list(stated) != ["max_output_tokens"] or type(longest) is not int:
        raise PromptError('line 1: `rightsize:` takes {"max_output_tokens": WHOLE NUMBER} alone')
    if not 0 < longest <= MOST_OUTPUT_TOKENS:
        raise PromptError(f"line 1: max_output_tokens: {longest} is not in 1 to 1,000,000,000")
    return PromptSettings(max_output_tokens=longest)


def with_settings(template: str, settings: PromptSettings) -> str:
    """The template with these settings in place of its own."""
    text = _SETTINGS.sub("", template)
    if settings.max_output_tokens is None:
        return text
    stated = json.dumps({"max_output_tokens": settings.max_output_tokens})
    return f"{{#- rightsize: {stated} -#}}\n{text}"


def literal(text: str) -> str | None:
    """The text as a template that renders it; None: it cannot stand in one."""
    if _ENDS.search(text) or _ROLE.search(text):
        return None
    return f"{{% raw %}}{text}{{% endraw %}}" if _MARKS.search(text) else text


def with_examples(template: str, examples: Sequence[ShownExample]) -> str | None:
    """The template with examples as earlier turns of the conversation; None: one cannot be shown.

    Each is asked as the template asks, system messages apart, and answered.
    """
    settings, text = settings_of(template), _SETTINGS.sub("", template)
    form = _shown_form(text)
    if form is not None:
        made = _in_form(*form, examples)
        return None if made is None else with_settings(made, settings)
    shown: list[str] = []
    for example in examples:
        turns = _turns_of(text, example)
        if turns is None:
            return None
        shown += turns
    head, rest = _after_system(text)
    return with_settings(f"{head}{''.join(shown)}{rest}", settings)


def with_line(template: str, line: str) -> str:
    """The template with one more line where the model reads it last.

    That is the end of the last user message, or of the system message where the case brings its own
    turns. A text that shows examples ends with what the answer follows: there it stands at the top.
    """
    settings, text = settings_of(template), _SETTINGS.sub("", template)
    if _shown_form(text) is not None:
        told = "\n".join(one for one in line.splitlines() if not one.endswith(":"))
        return with_settings(f"{told}\n\n{text}" if told else text, settings)
    stretches = sections_of(text)
    if len(stretches) == 1:
        return with_settings(f"{text.rstrip()}\n\n{line}\n", settings)
    read_last = [n for n, each in enumerate(stretches) if each.part in {"user", "turns"}][-1:]
    at = [n for n in read_last if stretches[n].part == "user"] or [
        n for n, each in enumerate(stretches) if each.part == "system"
    ]
    if not at:
        return with_settings(f"=== system ===\n{line}\n\n{text}", settings)
    parts = [_written(each) for each in stretches]
    end = "\n\n" if at[-1] + 1 < len(parts) else "\n"
    parts[at[-1]] = f"{parts[at[-1]].rstrip()}\n\n{line}{end}"
    return with_settings("".join(parts), settings)


def with_less(template: str) -> Iterator[tuple[str, str]]:
    """The template without one of its paragraphs, or of its lines where it has one: what, then it.

    What stands for a part of the case is never left out, nor a message's only text.
    """
    settings, text = settings_of(template), _SETTINGS.sub("", template)
    between = "\n\n" if text.count("\n\n") else "\n"
    parts = text.split(between)
    for at, part in enumerate(parts):
        if part.strip() and not _MARKS.search(part) and not _ROLE.search(part):
            less = between.join([*parts[:at], *parts[at + 1 :]])
            if less.strip() and check_template(less) is None:
                shown = " ".join(part.split())
                yield shown[:SHOWN_LETTERS], with_settings(less, settings)


SHOWN_LETTERS = 40
"""Of what was left out, in a list of what was tried."""
MEASURED = 20
"""Cases by which prompts are measured."""


def length_ratio(template: str, other: str, cases: Sequence[Case]) -> float:
    """How long questions are under a template, with those under another as 1."""
    lengths = [_letters(text, cases[:MEASURED]) for text in (template, other)]
    return lengths[0] / lengths[1] if all(lengths) else 1.0


def _letters(template: str, cases: Sequence[Case]) -> int:
    """Letters of all messages; 0 where the template cannot be filled in."""
    try:
        return sum(len(turn.content) for case in cases for turn in render_prompt(template, case))
    except PromptError:
        return 0


def _shown_form(text: str) -> tuple[str, str] | None:
    """What stands before the paragraph that asks, and it; None: no earlier one is in its form."""
    head, _, asks = text.rstrip().rpartition("\n\n")
    filled = _FILLED.search(asks)
    if len(sections_of(text)) > 1 or filled is None or _MARKS.search(head):
        return None
    begins, ends = asks[: filled.start()], asks[filled.end() :]
    if not begins.strip() or not ends.strip():
        return None
    alike = any(one.startswith(begins) and ends in one for one in head.split("\n\n"))
    return (head, asks) if alike else None


def _in_form(head: str, asks: str, examples: Sequence[ShownExample]) -> str | None:
    """The text with further examples in the form of those that it shows."""
    parts = [head]
    for example in examples:
        (turn,) = render_prompt(asks, example.case)
        put = literal(f"{turn.content.rstrip()} {example.answer}")
        if put is None:
            return None
        parts.append(put)
    return "\n\n".join([*parts, asks]) + "\n"


def _turns_of(template: str, example: ShownExample) -> list[str] | None:
    """One example as role lines and literal texts."""
    turns = [turn for turn in render_prompt(template, example.case) if turn.role != "system"]
    said = [(turn.role, turn.content) for turn in turns] + [("assistant", example.answer)]
    if any(turn.images or turn.tool_calls or turn.role == "tool" for turn in turns):
        return None
    found: list[str] = []
    for role, text in said:
        put = literal(text)
        if put is None or not text.strip():
            return None
        found.append(f"=== {role} ===\n{put}\n\n")
    return found


def _after_system(template: str) -> tuple[str, str]:
    """The template cut behind its first system messages, with a role line for what follows."""
    stretches = sections_of(template)
    if len(stretches) == 1 and stretches[0].part == "user":
        return "", f"=== user ===\n{template.lstrip()}"
    parts = [_written(each) for each in stretches]
    cut = next(
        (n for n, each in enumerate(stretches) if each.part not in {None, "system"}), len(parts)
    )
    head = "".join(parts[:cut])
    return f"{head.rstrip()}\n\n" if head.strip() else head, "".join(parts[cut:])


def _written(stretch: Stretch) -> str:
    return stretch.text if stretch.part is None else f"=== {stretch.part} ==={stretch.text}"
