"""Whether a wrong answer is wrong in its form alone: the right one, written otherwise than asked.

It changes no score and decides nothing. A reply is called so only where the right answer stands in
it as a whole: a label with other signs between its words, a text in a sentence or another case, a
number as another locale writes it, a JSON object in prose or in a wrapper. What a reply denies, a
part of a hyphenated word and two labels at once are no right answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, cast

from evalsets.cases import Case
from harness.judge.scoring.assertions import Assertions
from harness.judge.scoring.json_answers import Json, JsonFields, JsonValid, read_json
from harness.judge.scoring.numbers import last_number, readers_of
from harness.judge.scoring.replies import answer_in, without_reasoning
from harness.judge.scoring.scorer import Scorer, targets_of
from harness.judge.scoring.text import (
    Classification,
    Contains,
    Exact,
    Extract,
    Number,
    folded,
    naming,
)


class WrongForm(StrEnum):
    """What is wrong with the form of an answer that scored less than it could."""

    OTHER = "other"
    """The right answer stands in the reply, in a form that the scorer does not take."""
    UNREAD = "unread"
    """The reply holds nothing that the scorer can read as an answer."""


def form_fault(scorer: Scorer, case: Case, answer: str) -> WrongForm | None:
    """What is wrong with the form of a wrong answer; None: its content, or nobody can tell."""
    holds = _HOLDS.get(type(scorer))
    if holds is None:
        return None
    known = case.target is not None or not scorer.needs_target
    if known and holds(scorer, case, answer):
        return WrongForm.OTHER
    return WrongForm.UNREAD if scorer.normalise(answer) is None else None


_SHORTEST = 4
"""Letters of a text that is looked for inside a sentence: `no` and `B` stand in many."""
_BETWEEN = re.compile(r"[\s_\-/.]+|(?<=[a-z])(?=[A-Z])")


def _loosely(text: str) -> str:
    """A pattern of the text's words, whatever stands between them."""
    return r"[\s_\-/.]*".join(re.escape(folded(word)) for word in _BETWEEN.split(text) if word)


def _label(scorer: Any, case: Case, answer: str) -> bool:  # noqa: ANN401  # of its own type
    of = {label: _loosely(label) for label in cast("Classification", scorer).labels.values()}
    patterns = sorted(filter(None, of.values()), key=len, reverse=True)
    matches = naming(patterns).finditer(folded(answer_in(answer)))
    named = {
        label
        for text in {match["label"] for match in matches} - {None}
        for label, pattern in of.items()
        if re.fullmatch(pattern, text)
    }
    return len(named) == 1 and {folded(one) for one in named} <= set(map(folded, targets_of(case)))


def _text(_: object, case: Case, answer: str) -> bool:
    reply = answer_in(answer)
    return any(_stands_in(reply, target) for target in targets_of(case))


def _stands_in(reply: str, target: str) -> bool:
    """Whether a text stands in a reply as whole words, not denied; a short one: alone."""
    words = [folded(word) for word in _BETWEEN.split(target) if word]
    last = reply.strip().rpartition("\n")[2]
    alone = [folded(part) for part in (reply, last, reply.rpartition(":")[2])]
    # A pattern costs much more to make than to look for its words.
    if not any(words) or not any(all(word in part for word in words) for part in alone):
        return False
    wanted = _loosely(target)
    if any(re.fullmatch(rf"\W*{wanted}\W*", part) for part in alone):
        return True
    long = sum(map(str.isalnum, target)) >= _SHORTEST
    return long and any(match["label"] for match in naming([wanted]).finditer(alone[0]))


def _number(scorer: Any, case: Case, answer: str) -> bool:  # noqa: ANN401  # of its own type
    number = cast("Number", scorer)
    reply = without_reasoning(answer)
    targets = [number.target(case, target) for target in targets_of(case)]
    return any(
        found is not None and found.is_near(target, number.tolerance)
        for found in (last_number(reply, locale) for locale in readers_of(reply))
        for target in targets
    )


def _fields(scorer: Any, case: Case, answer: str) -> bool:  # noqa: ANN401  # of its own type
    asked: Scorer = scorer
    return any(asked.score(case, text) == 1 for text in _objects(answer))


def _valid(scorer: Any, _: Case, answer: str) -> bool:  # noqa: ANN401  # of its own type
    asked: Scorer = scorer
    return any(asked.normalise(text) is not None for text, _ in _embedded(answer))


_CLAIMS = frozenset({"equals", "contains", "icontains", "starts-with"})


def _claims(_: object, case: Case, answer: str) -> bool:
    reply = answer_in(answer)
    for target in targets_of(case):
        entries = cast("list[dict[str, Any]]", json.loads(target))
        texts = [entry.get("value") for entry in entries if entry["type"] in _CLAIMS]
        if len(texts) == len(entries) and all(
            isinstance(text, str) and _stands_in(reply, text) for text in texts
        ):
            return True
    return False


def _objects(answer: str) -> Iterator[str]:
    """The objects of a reply: as each is, out of a wrapper, and with its keys in small letters."""
    for text, value in _embedded(answer):
        yield text
        inside = list(value.values())
        if len(inside) == 1 and isinstance(inside[0], dict):
            yield json.dumps(inside[0], default=str)
        yield json.dumps({key.lower(): item for key, item in value.items()}, default=str)


_MOST_STARTS = 50


def _embedded(answer: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """The outermost JSON objects in a reply, as they stand there and as they are read."""
    reply, decoder, at = without_reasoning(answer), json.JSONDecoder(), 0
    for _ in range(_MOST_STARTS):
        at = reply.find("{", at)
        if at < 0:
            return
        try:
            _, end = decoder.raw_decode(reply, at)
            value = read_json(reply[at:end])
        except (ValueError, RecursionError):
            at += 1
            continue
        if isinstance(value, dict):
            yield reply[at:end], value
        at = end


_HOLDS: Mapping[type[Any], Callable[[Any, Case, str], bool]] = MappingProxyType(
    {
        Assertions: _claims,
        Classification: _label,
        Contains: _text,
        Exact: _text,
        Extract: _text,
        JsonFields: _fields,
        JsonValid: _valid,
        Number: _number,
    }
)
"""By scorer, whether a wrong reply holds the right answer all the same; others cannot tell."""
