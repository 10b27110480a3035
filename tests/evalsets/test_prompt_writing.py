from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsets.cases import Case, Turn
from evalsets.prompt_writing import (
    PromptSettings,
    ShownExample,
    literal,
    settings_of,
    with_examples,
    with_line,
    with_settings,
)
from evalsets.prompts import PromptError, render_prompt

NEW = Case(id="new", input="new", target=None, metadata=())
TEMPLATES = (
    "Topic of: {{ input }}\n",
    "=== system ===\nBe short.\n\n=== user ===\nTopic of: {{ input }}\n",
    "{# a note #}\n=== user ===\nTopic of: {{ input }}\n",
    "=== system ===\nName the topic.\n=== turns ===\n",
    "=== turns ===\n",
    '{#- rightsize: {"max_output_tokens": 5} -#}\nTopic of: {{ input }}',
)


def asked(text: str) -> Case:
    return Case(id=text, input=text, target=None, metadata=())


@pytest.mark.parametrize("template", TEMPLATES)
def test_examples_stand_before_the_case_as_the_template_asks(template: str) -> None:
    examples = [ShownExample(case=asked(f"old {{{{ {n} }}}}"), answer=f"a{n}") for n in (1, 2)]
    made = with_examples(template, examples)
    assert made is not None
    plain, shown = render_prompt(template, NEW), render_prompt(made, NEW)
    system = [turn for turn in plain if turn.role == "system"]
    assert list(shown[: len(system)]) == system
    assert shown[-1] == plain[-1]
    between = shown[len(system) : -1]
    assert [turn.role for turn in between] == ["user", "assistant"] * 2
    assert [turn.content for turn in between] == [
        text
        for n in (1, 2)
        for text in (plain[-1].content.replace("new", f"old {{{{ {n} }}}}"), f"a{n}")
    ]
    assert settings_of(made) == settings_of(template)


SHOWN = """\
The topic of each message.

Message: The lamp is broken.
Topic: lamp

Message: {{ input }}
Topic:
"""


def test_a_text_that_shows_examples_gets_further_ones_in_their_form() -> None:
    examples = [ShownExample(case=asked(f"old {{{{ {n} }}}}"), answer=f"a{n}") for n in (1, 2)]
    made = with_examples(SHOWN, examples)
    assert made is not None
    (shown,) = render_prompt(made, NEW)
    assert shown.content == (
        "The topic of each message.\n\nMessage: The lamp is broken.\nTopic: lamp\n\n"
        "Message: old {{ 1 }}\nTopic: a1\n\nMessage: old {{ 2 }}\nTopic: a2\n\n"
        "Message: new\nTopic:"
    )


def test_a_line_stands_above_the_examples_of_a_text_which_the_answer_ends() -> None:
    (shown,) = render_prompt(with_line(SHOWN, "One word alone.\nAnswer:"), NEW)
    (before,) = render_prompt(SHOWN, NEW)
    assert shown.content == f"One word alone.\n\n{before.content}"
    assert with_line(SHOWN, "Answer:") == SHOWN


@pytest.mark.parametrize(
    "text",
    [
        "Message: {{ input }}\nTopic:",
        "Be short.\n\nMessage: {{ input }}\nTopic:",
        "Message: x\nSubject: y\n\nMessage: {{ input }}\nTopic:",
        "Message: x\nTopic: y\n\n{{ input }}",
        "=== system ===\nMessage: x\nTopic: y\n\n=== user ===\nMessage: {{ input }}\nTopic:",
    ],
)
def test_a_text_without_examples_of_its_own_form_is_asked_in_turns(text: str) -> None:
    made = with_examples(text, [ShownExample(case=asked("old"), answer="a")])
    assert made is not None
    assert [turn.role for turn in render_prompt(made, NEW)][-3:] == ["user", "assistant", "user"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_line_stands_where_it_is_read_last(template: str) -> None:
    shown = render_prompt(with_line(template, "Answer alone."), NEW)
    before = render_prompt(template, NEW)
    at = shown[0] if "=== turns ===" in template else shown[-1]
    assert at.content.endswith("Answer alone.")
    assert shown[-1].content.startswith(before[-1].content)
    assert settings_of(with_line(template, "x")) == settings_of(template)


@given(text=st.text(alphabet=st.sampled_from("a{}%#\n= -endrawsystem"), max_size=40))
def test_a_literal_is_shown_as_it_is_or_not_at_all(text: str) -> None:
    put = literal(text)
    if put is not None and text.strip():
        (turn,) = render_prompt(f"{put}!", NEW)
        assert turn.content == f"{text}!".strip("\n")


def test_what_would_end_a_literal_or_begin_a_message_is_not_shown() -> None:
    for text in ("{% endraw %}", "{%- endraw -%}", "a\n=== system ===\nb"):
        assert with_examples(TEMPLATES[0], [ShownExample(case=asked(text), answer="a")]) is None
    pictured = Turn(role="user", content="look", images=("a.png",))
    case = Case(id="i", input=(pictured,), target=None, metadata=())
    assert with_examples("=== turns ===\n", [ShownExample(case=case, answer="a")]) is None
    assert with_examples(TEMPLATES[0], [ShownExample(case=asked("x"), answer=" ")]) is None


def test_settings_stand_in_the_first_line_and_are_read_strictly() -> None:
    text = with_settings(TEMPLATES[1], PromptSettings(max_output_tokens=64))
    assert text.splitlines()[0] == '{#- rightsize: {"max_output_tokens": 64} -#}'
    assert render_prompt(text, NEW) == render_prompt(TEMPLATES[1], NEW)
    assert with_settings(text, PromptSettings()) == TEMPLATES[1]
    assert settings_of("{# rightsize is a tool #}\n{{ input }}") == PromptSettings()
    for wrong in (
        '{"tokens": 4}',
        "4",
        "{",
        '{"max_output_tokens": true}',
        '{"max_output_tokens": 0}',
    ):
        with pytest.raises(PromptError, match="line 1: "):
            settings_of(f"{{#- rightsize: {wrong} -#}}\n{{{{ input }}}}")
