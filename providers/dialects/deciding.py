"""What the wires of decision models share: a question out, an answer with its probability in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from providers.answer import Answer, JsonObject, text_at
from providers.completion import TokenUsage
from providers.dialects.asking import refuse, refuse_parts
from providers.errors import BrokenBodyError
from providers.request import ModelRequest, TypedQuestion

NAME = "answer"
"""What a request's one question is called."""
EVEN = 0.5
_NO_TEXT = (
    "documents",
    "tools",
    "a schema",
    "a seed",
    "stop sequences",
    "an effort",
    "token probabilities",
    "a service tier",
)
"""Nothing is generated, so what steers a text has no place on these wires."""
_WIDEST = 1e-6
"""How far beyond 1 a server's rounding may go."""


def question_of(request: ModelRequest, wire: str) -> TypedQuestion:
    """The request's question; `BadRequestError` where it has none or asks for a text."""
    refuse_parts(request, wire, _NO_TEXT)
    if request.question is None:
        raise refuse(wire, "a request without a typed question")
    if request.stream:
        raise refuse(wire, "a streamed answer")
    if request.deadline_s is not None:
        raise refuse(wire, "a deadline that is watched as the answer comes: a decision comes whole")
    return request.question


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionReply:
    """An answer as its server tells it, before it is held against the question."""

    document: JsonObject
    """The whole reply."""
    usage: TokenUsage | None

    def broken(self, why: str) -> NoReturn:
        """Refuse an answer that is none to our question; what it cost stays known."""
        raise BrokenBodyError(f"the decision {why}", usage=self.usage)

    def predicate(self, question: TypedQuestion, value: object) -> Answer:
        """Of the probability that the statement holds."""
        holds = self.probability(value)
        said = question.options[0 if holds >= EVEN else 1]
        return self.answer(said, max(holds, 1 - holds))

    def chosen(self, question: TypedQuestion, choice: object, told: Mapping[str, object]) -> Answer:
        """Of an option and the options' probabilities.

        The probability is the chosen option's own. A server's `confidence` tells how peaked the
        distribution is, which is no chance of being right.
        """
        if not isinstance(choice, str) or choice not in question.options:
            self.broken("names none of the options")
        if choice not in told:
            self.broken("has no probability of its choice")
        return self.answer(choice, self.probability(told[choice]))

    def scored(self, levels: Mapping[str, object]) -> Answer:
        """Of the probability of each level, lowest first: the likeliest, of equals the lower."""
        if not levels:
            self.broken("has no probability of its levels")
        known = {level: self.probability(value) for level, value in levels.items()}
        best = max(known, key=lambda level: known[level])
        return self.answer(best, known[best])

    def probability(self, value: object) -> float:
        """A number in [0, 1]."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.broken("has a probability that is no number")
        if not 0 <= value <= 1 + _WIDEST:
            self.broken("has a probability outside 0 to 1")
        return min(float(value), 1.0)

    def answer(self, text: str, probability: float | None, *, refused: bool = False) -> Answer:
        """The answer for the caller."""
        return Answer(
            text=text,
            finish="refusal" if refused else "stop",
            served_model=text_at(self.document, "model"),
            usage=self.usage,
            reply_id=text_at(self.document, "id"),
            probability=probability,
        )

    def refusal(self) -> Answer:
        """The model declined this question."""
        return self.answer("", None, refused=True)


class WholeReader:
    """In the place of a stream's reader: on these wires nothing is streamed."""

    def feed(self, event: JsonObject) -> bool:
        """Refuse an event."""
        raise BrokenBodyError(f"a decision is not streamed, and {len(event)} fields of one came")

    def usage(self) -> TokenUsage | None:
        """None: no event has come."""
        return None

    def answer(self) -> Answer:
        """Refuse."""
        raise BrokenBodyError("a decision is not streamed")
