"""Prompts: a template and a case become the messages that a model is asked.

A template is Jinja2 text. Its variables are `input` (the case's text; of a conversation, the last
user text), `turns` (the messages of a conversation, each with `role` and `content`; one user
message for a text), `context` (the passages, each below its id in brackets; walked, each has `id`
and `text`), `metadata` (by key; a list or mapping can be walked) and `id`. A case's target
is never among them.

A line that is exactly `=== system ===`, `=== user ===` or `=== assistant ===` starts a message of
that role; a line `=== turns ===` puts the case's own messages there, with their images, documents
and tool calls. A template without such a line is one user message. The lines are found in the
template, before anything is filled in: a case whose text contains one starts no message. For the
same reason a block (`{% for %}` ... `{% endfor %}`) must begin and end within one message. Newlines
around a message are taken off, so the final newline of a file changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from functools import lru_cache, wraps
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeAlias

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from evalsets.cases import Case, Turn
from evalsets.shown import FoundTexts, told

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.runtime import Context


VARIABLES = frozenset({"context", "id", "input", "metadata", "turns"})
"""What a template may name."""

StretchRole: TypeAlias = Literal["system", "user", "assistant", "turns"]
_ROLE_LINE = re.compile(r"^=== (system|user|assistant|turns) ===[ \t]*\r?$", re.MULTILINE)
_LOOKS = (nodes.Getattr, nodes.Getitem)
_LARGEST = 1_000_000
"""Letters, items or digits that one expression of a template may make, and widest field."""


class _Bounded(ImmutableSandboxedEnvironment):
    """Refuses what would fill the memory before anybody could stop it."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        """Work out a product, a power or a format that stays within bounds."""
        sizes = [_size(left), _size(right)]
        product = sizes[0] * sizes[1] if operator == "**" else _product(left, right)
        if operator == "%" and isinstance(left, str):
            product = max((int(width) for width in _WIDTH.findall(left)), default=0)
        if operator == "%" and not isinstance(left, str):
            product = 0
        if product > _LARGEST:
            raise SecurityError(f"{operator} makes more than {_LARGEST:,} letters or digits")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: object, /, *args: object, **named: object) -> object:
        """Call what a template may call, with no width beyond the bounds."""
        wide = [one for one in (*args, *named.values()) if _size(one) > _LARGEST]
        if wide:
            raise SecurityError(f"a call with more than {_LARGEST:,}")
        return super().call(context, obj, *args, **named)


_WIDTH = re.compile(r"\d{5,}")


def _size(value: object) -> int:
    """How large a number is, how long anything else."""
    if isinstance(value, int):
        return min(abs(value), 10 * _LARGEST)
    return len(value) if isinstance(value, Sized) else 0


def _product(left: object, right: object) -> int:
    """Letters of a repeated text, items of a repeated list; of two numbers about the digits."""
    both = isinstance(left, int | float) and isinstance(right, int | float)
    if both:
        return sum(one.bit_length() for one in (left, right) if isinstance(one, int))
    return _size(left) * _size(right)


def _narrow(fill: Callable[..., object]) -> Callable[..., object]:
    """A filter that takes a width, which stays within bounds."""

    @wraps(fill)
    def bounded(*args: object, **named: object) -> object:
        widths = [one for one in (*args[1:], *named.values()) if isinstance(one, int)]
        texts = [one for one in args[:1] if isinstance(one, str)]
        found = [int(width) for text in texts for width in _WIDTH.findall(text)]
        if max([*widths, *found], default=0) > _LARGEST:
            raise SecurityError(f"a field wider than {_LARGEST:,}")
        return fill(*args, **named)

    return bounded


# Not HTML: escaping would corrupt a prompt.
_ENVIRONMENT = _Bounded(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
for _name in ("center", "format", "indent", "wordwrap"):
    _ENVIRONMENT.filters[_name] = _narrow(_ENVIRONMENT.filters[_name])


_LENIENT = _Bounded(autoescape=False, keep_trailing_newline=True)


def fill_in(template_text: str, values: Mapping[str, object]) -> str:
    """A template of another tool with its variables, an absent one being empty.

    Raises:
        PromptError: it is broken, or would make too much.
    """
    try:
        return _LENIENT.from_string(template_text).render(values)
    except (TemplateError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise PromptError(str(error).splitlines()[0] if str(error) else "broken") from None


class PromptError(ValueError):
    """A template that cannot be filled in; one line that says what and where."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a template. `line` is the number of lines before its text."""

    part: StretchRole | None
    text: str
    line: int


def render_prompt(template_text: str, case: Case) -> tuple[Turn, ...]:
    """Fill a template in for one case.

    Raises:
        PromptError: the template is broken, names what the case lacks, or leaves a message empty.
    """
    _keep_attachments(template_text, case)
    compiled = _compiled_sections(template_text)
    if isinstance(compiled, str):
        raise PromptError(compiled)
    values = _values(case, compiled.names)
    messages: list[Turn] = []
    for section, template in compiled.stretches:
        text = _fill(template, values, section).strip("\r\n")
        if section.part == "turns":
            messages.extend(_own_turns(text, case, section))
        elif section.part is not None:
            messages.append(_message(section.part, text, section))
        elif text.strip():
            raise PromptError(f"line {section.line + 1}: text before the first role line")
    _keep_context(template_text, case, messages)
    return tuple(messages)


def _values(case: Case, names: frozenset[str]) -> Mapping[str, object]:
    """What a case has for the variables that a template names."""
    values: dict[str, object] = {"id": case.id, "input": _question(case)}
    if "metadata" in names:
        values["metadata"] = {key: told(value) for key, value in case.metadata}
    if "turns" in names:
        turns = _turns(case)
        values["turns"] = tuple({"role": turn.role, "content": turn.content} for turn in turns)
    if "context" in names and case.context is not None:
        values["context"] = FoundTexts.of(case)
    return values


def prompt_fault(template_text: str, cases: Sequence[Case]) -> str | None:
    """Why a prompt cannot be used on these cases, in one line; None when it can.

    Cases that differ must make questions that differ, their ids apart.
    """
    questions: set[tuple[Turn, ...]] = set()
    shows_id = _shows_id(template_text)
    for case in cases:
        try:
            question = render_prompt(template_text, case)
            if shows_id:
                question = render_prompt(template_text, replace(case, id=cases[0].id))
            questions.add(question)
        except PromptError as error:
            return f"case {case.id!r}: {error}"
    inputs = len({case.input for case in cases})
    if inputs > 1 == len(questions):
        return "every case is asked the same: the prompt needs {{ input }} or {{ metadata.KEY }}"
    if len(questions) < inputs / 2:
        return (
            f"{inputs} different inputs make {len(questions)} different questions: "
            "the prompt needs {{ input }}"
        )
    return None


@lru_cache(maxsize=256)
def check_template(text: str) -> str | None:
    """What is wrong with a template, in one line; None when it can be used."""
    found = _compiled_sections(text)
    return found if isinstance(found, str) else None


def _shows_id(text: str) -> bool:
    found = _compiled_sections(text)
    return isinstance(found, _Compiled) and "id" in found.names


@dataclass(frozen=True, slots=True)
class _Joined:
    """A template that puts nothing but `input` and `id` between its texts."""

    parts: tuple[tuple[str, str], ...]
    """Texts, each with the variable behind it, which may be none."""

    def render(self, values: Mapping[str, object]) -> str:
        """As Jinja2 does, without what it prepares for each filling in."""
        return "".join([f"{text}{values[name] if name else ''}" for text, name in self.parts])

    @classmethod
    def of(cls, tree: nodes.Template) -> _Joined | None:
        """The same as a parsed template; None where it does more."""
        found: list[tuple[str, str]] = []
        for part in chain.from_iterable(_shown_by(node) for node in tree.body):
            match part:
                case nodes.TemplateData():
                    found.append((part.data, ""))
                case nodes.Name(name="input" | "id" as name):
                    found.append(("", name))
                case _:
                    return None
        return cls(tuple(found))


def _shown_by(node: nodes.Node) -> Sequence[nodes.Node]:
    return node.nodes if isinstance(node, nodes.Output) else [node]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A template's stretches, ready to be filled in, and the variables that they name."""

    stretches: tuple[tuple[Stretch, Template | _Joined], ...]
    names: frozenset[str]


@lru_cache(maxsize=256)
def _compiled_sections(text: str) -> _Compiled | str:
    """A template ready to be filled in; or what is wrong with it."""
    compiled: list[tuple[Stretch, Template | _Joined]] = []
    names: set[str] = set()
    for section in sections_of(text):
        try:
            tree = _ENVIRONMENT.parse(section.text)
            template = _Joined.of(tree) or _ENVIRONMENT.from_string(tree)
        except TemplateSyntaxError as error:
            return f"line {section.line + error.lineno}: {error.message}"
        except (RecursionError, SyntaxError, MemoryError):
            return f"line {section.line + 1}: nested too deeply"
        named = find_undeclared_variables(tree)
        names |= named
        unknown = sorted(named - VARIABLES)
        if unknown:
            line = _line_of(unknown[0], section)
            return f"line {line}: unknown variable {unknown[0]!r}; {_known()}"
        compiled.append((section, template))
    return _Compiled(tuple(compiled), frozenset(names))


@lru_cache(maxsize=256)
def metadata_named(text: str) -> frozenset[str] | None:
    """The metadata that a sound template shows a model; None where it may show any."""
    found: set[str] = set()
    for section in sections_of(text):
        tree = _ENVIRONMENT.parse(section.text)
        named = sum(node.name == "metadata" for node in tree.find_all(nodes.Name))
        keys = [key for node in tree.find_all(_LOOKS) if (key := _key(node)) is not None]
        if len(keys) < named:
            return None
        found.update(keys)
    return frozenset(found)


def _key(node: nodes.Getattr | nodes.Getitem) -> str | None:
    """The key of `metadata.KEY` or `metadata["KEY"]`."""
    if not (isinstance(node.node, nodes.Name) and node.node.name == "metadata"):
        return None
    if isinstance(node, nodes.Getattr):
        return node.attr
    return str(node.arg.value) if isinstance(node.arg, nodes.Const) else None


def _known() -> str:
    return f"known: {', '.join(sorted(VARIABLES))}"


def _line_of(name: str, section: Stretch) -> int:
    for number, line in enumerate(section.text.splitlines(), start=1):
        if re.search(rf"\b{re.escape(name)}\b", line):
            return section.line + number
    return section.line + 1


@lru_cache(maxsize=256)
def sections_of(text: str) -> tuple[Stretch, ...]:
    """A template cut at its role lines; without one it is one user message."""
    marks = list(_ROLE_LINE.finditer(text))
    if not marks:
        return (Stretch("user", text, 0),)
    sections = [Stretch(None, text[: marks[0].start()], 0)]
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=True):
        before = text.count("\n", 0, mark.end())
        sections.append(Stretch(_part(mark[1]), text[mark.end() : end], before))
    return tuple(sections)


def _part(name: str) -> StretchRole:
    match name:
        case "system" | "assistant" | "turns":
            return name
        case _:
            return "user"


def _fill(template: Template | _Joined, values: Mapping[str, object], section: Stretch) -> str:
    try:
        text = template.render(values)
    except UndefinedError as error:
        raise PromptError(f"line {section.line + 1} or below: {error.message}") from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError) as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise PromptError(f"line {section.line + 1} or below: {reason}") from None
    if len(text) > LONGEST_PROMPT:
        raise PromptError(f"line {section.line + 1}: a message of {len(text):,} letters")
    return text


LONGEST_PROMPT = 20_000_000
"""Letters of one message: more than any model reads."""


def _turns(case: Case) -> tuple[Turn, ...]:
    return (Turn(role="user", content=case.input),) if isinstance(case.input, str) else case.input


def _question(case: Case) -> str:
    if isinstance(case.input, str):
        return case.input
    return next((turn.content for turn in reversed(case.input) if turn.role == "user"), "")


def _own_turns(text: str, case: Case, section: Stretch) -> tuple[Turn, ...]:
    if text.strip():
        raise PromptError(f"line {section.line + 2}: text after `=== turns ===`; start a role line")
    return _turns(case)


def _message(part: StretchRole, text: str, section: Stretch) -> Turn:
    if part == "turns" or not text.strip():
        raise PromptError(f"line {section.line + 1}: the {part} message is empty")
    return Turn(role=part, content=text)


def _keep_context(template_text: str, case: Case, messages: Sequence[Turn]) -> None:
    """Refuse to ask without the passages that the answer is held against."""
    first = next((each.text.strip() for each in case.context or () if each.text.strip()), None)
    if first is None or "context" in template_text:
        return
    if not any(first in message.content for message in messages):
        raise PromptError(
            f"case {case.id!r} has a context that is not shown: add {{{{ context }}}}"
        )


def _keep_attachments(template_text: str, case: Case) -> None:
    """Refuse to drop what only `=== turns ===` can carry."""
    if any(section.part == "turns" for section in sections_of(template_text)):
        return
    for turn in _turns(case):
        if turn.images or turn.documents or turn.tool_calls or turn.role == "tool":
            raise PromptError(
                f"case {case.id!r} has images, documents or tool calls; the template needs "
                "`=== turns ===`"
            )
