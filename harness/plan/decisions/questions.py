"""A feature of labels as the one typed question that a decision model answers.

The prompt is the question's instructions: its system text, its examples and what it says around
the case, in whose place `THE_INPUT` stands. The case itself is what the question is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from evalsets.cases import Case, EvalSet, ScorerSpec, Turn
from evalsets.prompts import PromptError, render_prompt
from harness.errors import Problem
from harness.judge.scoring.text import folded
from harness.wording import listed
from harness.workspace.feature_checks import named_options
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import DecisionLimits, ModelConfig, split_option
from harness.workspace.reading import ParsedFile, Reading
from providers.provider import DECISION_APIS
from providers.request import TypedQuestion

THE_INPUT = "(the input)"
_ASK = "Which of the answers fits the input?"
_YES_NO = (
    *(("yes", "no"), ("true", "false"), ("y", "n"), ("ja", "nein"), ("oui", "non")),
    *(("sí", "no"), ("si", "no"), ("sì", "no"), ("sim", "não"), ("ja", "nee"), ("ja", "nej")),
    *(("tak", "nie"), ("да", "нет"), ("はい", "いいえ"), ("是", "否")),
)
"""Pairs of labels that are one predicate: what it says where it holds, and where not."""
_TOKENS_PER_OPTION = 16
_ASKED_WITHOUT = "decides and writes no text, and is asked without it"


def decides(config: ModelConfig) -> bool:
    """Whether a model answers typed questions and writes nothing."""
    return config.api in DECISION_APIS


def labels_of(spec: ScorerSpec) -> tuple[str, ...]:
    """The closed list of answers that a scorer knows; empty where answers are open."""
    if spec.scorer != "label":
        return ()
    return tuple(json.loads(spec.options).get("labels", ()))


def why_not(feature: FeatureConfig, evalset: EvalSet, config: ModelConfig) -> str | None:
    """Why a decision model cannot answer a feature; None where it can."""
    labels, limits = labels_of(evalset.primary), config.limits or DecisionLimits()
    if not labels:
        return f"answers with one of a list; {evalset.primary.scorer!r} scores open answers"
    if len(labels) > limits.choices:
        return f"takes {limits.choices} answers of a question, and the feature has {len(labels)}"
    needs = {
        "answers typed questions, which no program's call is": feature.program is not None,
        "cannot call tools": feature.request.tools is not None,
        "has no service tiers on its wire": feature.request.service_tier is not None,
    }
    return next((why for why, needed in needs.items() if needed), _too_long(evalset, limits))


def _too_long(evalset: EvalSet, limits: DecisionLimits) -> str | None:
    """The first case that alone is longer than the server takes."""
    for case in evalset.cases if limits.input_bytes else ():
        size = len(_text(case).encode("utf-8", "surrogatepass"))
        if size > (limits.input_bytes or size):
            return f"takes {limits.input_bytes:,} bytes, and case {case.id} has {size:,}"
    return None


def _text(case: Case) -> str:
    return case.input if isinstance(case.input, str) else "".join(t.content for t in case.input)


def unheard(feature: FeatureConfig) -> tuple[str, ...]:
    """Keys of `request` that a feature states and no decision model is told: it writes no text."""
    request = feature.request
    stated = {
        "temperature": bool(request.temperature),
        "seed": request.seed is not None,
        "stop": bool(request.stop),
        "schema": request.json_schema is not None,
        "cache_prompt": request.cache_prompt,
    }
    return tuple(key for key, is_stated in stated.items() if is_stated)


def unheard_problems(reading: Reading, entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    """A warning for each key that a feature states and its decision models are asked without."""
    named = [split_option(option)[0] for _, option in named_options(entry.config)]
    named += list(reading.models) if entry.config.candidates == "auto" else []
    models = [name for name in dict.fromkeys(named) if name in reading.models]
    deciding = [name for name in models if decides(reading.models[name].config)]
    for key in unheard(entry.config) if deciding else ():
        message = f"{listed(deciding)} {_ASKED_WITHOUT}"
        yield entry.problem(("request", key), message, severity="warning")


def unheard_line(feature: FeatureConfig, deciding: Sequence[str]) -> str | None:
    """The same for a plan, of the models that it asks; None where there is nothing to tell."""
    keys = unheard(feature) if deciding else ()
    return (
        f"`request: {{{', '.join(keys)}}}`: {listed(deciding)} {_ASKED_WITHOUT}" if keys else None
    )


def question(labels: Sequence[str], template: str, case: Case) -> TypedQuestion:
    """The question of one case; labels are offered without white space around them.

    Raises:
        PromptError: the prompt cannot be filled in without the case's own text.
    """
    try:
        turns = render_prompt(template, replace(case, input=THE_INPUT))
    except PromptError as error:
        raise PromptError(
            f"a decision model is asked with the prompt apart from the case, and it needs the "
            f"case's text: {error}"
        ) from None
    instructions = _instructions(turns)
    offered = tuple(label.strip() for label in labels)
    holds = _predicate(offered)
    if holds is None:
        return TypedQuestion(kind="choice", instructions=instructions, options=offered)
    said = f'{instructions}\n\nThe statement to judge: the right answer is "{holds[0]}".'
    return TypedQuestion(kind="predicate", instructions=said, options=holds)


def case_turns(case: Case) -> tuple[Turn, ...]:
    """What a question is about: the case's own turns, of a text one of the user's."""
    if isinstance(case.input, str):
        return (Turn(role="user", content=case.input),)
    return case.input


def longest_answer(asked: TypedQuestion) -> int:
    """Most tokens that an answer is counted as: a few for each option."""
    return _TOKENS_PER_OPTION * (1 + len(asked.options))


def question_text(asked: TypedQuestion) -> str:
    """Everything of a question that is sent, with room for what marks each option."""
    marked = (f"{option}{' ' * _TOKENS_PER_OPTION}" for option in asked.options)
    return asked.instructions + "".join(marked)


def _predicate(labels: Sequence[str]) -> tuple[str, str] | None:
    """The two labels, the one that affirms first; None where they are no yes and no."""
    known = {folded(label): label for label in labels}
    pair = next((pair for pair in _YES_NO if set(pair) == set(known)), None)
    return None if pair is None else (known[pair[0]], known[pair[1]])


def _instructions(turns: Sequence[Turn]) -> str:
    """The prompt without the case: texts one after the other, examples with what they answer."""
    parts: list[str] = []
    for at, turn in enumerate(turns):
        text = turn.content.strip()
        if text == THE_INPUT or not text:
            continue
        answered = at + 1 < len(turns) and turns[at + 1].role == "assistant"
        if turn.role == "assistant":
            parts.append(f"Answer: {text}")
        elif turn.role == "user" and answered:
            parts.append(f"Example: {text}")
        else:
            parts.append(text)
    return "\n\n".join(parts) or _ASK
