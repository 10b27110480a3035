"""The System One wire: a state and a map of typed questions, answered with probabilities.

Several hosts and open servers share it (docs.ollama.com/api/systemone, docs.fireworks.ai,
docs.bespokelabs.ai, console.upstage.ai). They differ in their limits, which a model's entry states.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.answer import Answer, JsonObject, StreamReader, as_object, object_at, text_at
from providers.dialects.asking import extra_body, merged, read_usage, refuse_errors, refuse_parts
from providers.dialects.deciding import NAME, DecisionReply, WholeReader, question_of
from providers.request import Message, ModelRequest, TypedQuestion

KINDS = {"predicate": "noul", "choice": "choice", "score": "score"}
"""Our kinds of question in the wire's words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemOneDialect:
    """`/systemone`: one question a request. `question` is what the reply is held against."""

    question: TypedQuestion | None
    path: str = "/systemone"

    def path_of(self, _request: ModelRequest) -> str:
        """The same for every model."""
        return self.path

    def body(self, request: ModelRequest) -> JsonObject:
        """The body that asks for `request`."""
        question = question_of(request, "systemone")
        refuse_parts(request, "systemone", ("images",))
        body: JsonObject = {
            "model": request.model,
            "state": _state(request),
            "questions": {NAME: _asked(question)},
        }
        return merged(body, extra_body(request))

    def read(self, document: JsonObject) -> Answer:
        """Read the answer to the question; a server leaves out one that it does not answer."""
        refuse_errors(document)
        given = DecisionReply(document=document, usage=read_usage(object_at(document, "usage")))
        if not isinstance(document.get("answers"), dict) or self.question is None:
            given.broken("has no answers")
        answer = object_at(document, "answers").get(NAME)
        if answer is None or text_at(as_object(answer), "type") == "refusal":
            return given.refusal()
        return _read(given, self.question, as_object(answer))

    def reader(self) -> StreamReader:
        """A decision comes whole."""
        return WholeReader()


def _asked(question: TypedQuestion) -> JsonObject:
    asked: JsonObject = {
        "type": KINDS[question.kind],
        "instructions": question.instructions,
    }
    if question.kind == "choice":
        asked["criteria"] = dict.fromkeys(question.options)
    elif question.kind == "score":
        asked["criteria"] = list(question.options)
    return asked


def _read(given: DecisionReply, question: TypedQuestion, answer: JsonObject) -> Answer:
    kind = text_at(answer, "type")
    if kind != KINDS[question.kind]:
        given.broken(f"is a {kind!r} to a question that is a {KINDS[question.kind]!r}")
    if question.kind == "predicate":
        return given.predicate(question, answer.get("noul"))
    told = object_at(answer, "probabilities")
    if question.kind == "choice":
        return given.chosen(question, answer.get("choice"), told)
    places = {str(place): level for place, level in enumerate(question.options)}
    if set(told) != set(places):
        given.broken("has other levels than the question")
    return given.scored({level: told[place] for place, level in places.items()})


def _state(request: ModelRequest) -> object:
    """A text as such, a conversation as a list of its turns."""
    first, *more = request.messages
    if not more and first.role == "user" and not first.tool_calls:
        return first.text
    return [_turn(message) for message in request.messages]


def _turn(message: Message) -> JsonObject:
    turn: JsonObject = {"role": message.role, "content": message.text}
    if message.tool_calls:
        turn["tool_calls"] = [
            {"name": call.name, "arguments": call.arguments} for call in message.tool_calls
        ]
    return turn
