"""OpenAI's Decisions API: typed questions about an input, answered with probabilities.

As the SDK's types describe it (`openai.types.decision_create_params`, `openai.types.decision`).
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.answer import Answer, JsonObject, StreamReader, items_at, object_at, text_at
from providers.dialects.asking import extra_body, merged, read_usage, refuse, refuse_errors
from providers.dialects.chat import data_url
from providers.dialects.deciding import NAME, DecisionReply, WholeReader, question_of
from providers.request import Message, ModelRequest, TypedQuestion


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionsDialect:
    """`/decisions`: one question a request. `question` is what the reply is held against."""

    question: TypedQuestion | None
    path: str = "/decisions"

    def path_of(self, _request: ModelRequest) -> str:
        """The same for every model."""
        return self.path

    def body(self, request: ModelRequest) -> JsonObject:
        """The body that asks for `request`."""
        question = question_of(request, "decisions")
        body: JsonObject = {
            "model": request.model,
            "input": _input(request),
            "questions": [_asked(question)],
        }
        return merged(body, extra_body(request))

    def read(self, document: JsonObject) -> Answer:
        """Read the answer to the question."""
        refuse_errors(document)
        given = DecisionReply(document=document, usage=read_usage(object_at(document, "usage")))
        answers = items_at(document, "answers")
        if len(answers) != 1 or self.question is None:
            given.broken(f"has {len(answers)} answers to one question")
        return _read(given, self.question, answers[0])

    def reader(self) -> StreamReader:
        """A decision comes whole."""
        return WholeReader()


def _asked(question: TypedQuestion) -> JsonObject:
    asked: JsonObject = {
        "type": question.kind,
        "name": NAME,
        "instructions": question.instructions,
    }
    if question.kind == "choice":
        asked["choices"] = [{"value": option} for option in question.options]
    elif question.kind == "score":
        asked["levels"] = [{"label": option} for option in question.options]
    return asked


def _read(given: DecisionReply, question: TypedQuestion, answer: JsonObject) -> Answer:
    kind = text_at(answer, "type")
    if kind == "refusal":
        return given.refusal()
    if kind != question.kind:
        given.broken(f"is a {kind!r} to a question that is a {question.kind!r}")
    told = items_at(answer, "probabilities")
    if question.kind == "predicate":
        return given.predicate(question, answer.get("probability"))
    if question.kind == "choice":
        # Values are typed: the boolean true is not the text "true".
        named = [one for one in told if _named(one, "value")]
        values = {one["value"]: one.get("probability") for one in named}
        if len(values) < len(named):
            given.broken("tells the probability of one option twice")
        return given.chosen(question, answer.get("choice"), {str(k): v for k, v in values.items()})
    levels = {text_at(one, "label") or "": one.get("probability") for one in told}
    if set(levels) != set(question.options):
        given.broken("has other levels than the question")
    return given.scored({level: levels[level] for level in question.options})


def _named(one: JsonObject, key: str) -> bool:
    return isinstance(one.get(key), str)


def _input(request: ModelRequest) -> object:
    """A text as such; a conversation, or anything with an image, as messages and calls."""
    first, *more = request.messages
    alone = not more and first.role == "user" and not first.images and not first.tool_calls
    if alone:
        return first.text
    return [item for message in request.messages for item in _items(message)]


def _items(message: Message) -> list[JsonObject]:
    if message.role == "tool":
        call = message.tool_call_id or ""
        return [{"type": "function_call_output", "call_id": call, "output": message.text}]
    if message.images and message.role != "user":
        raise refuse("decisions", f"an image of the {message.role}'s")
    turn: list[JsonObject] = []
    if message.images:
        parts: list[JsonObject] = [
            {"type": "input_image", "image_url": data_url(image)} for image in message.images
        ]
        text = [{"type": "input_text", "text": message.text}] if message.text else []
        turn = [{"role": message.role, "content": [*parts, *text]}]
    elif message.text:
        turn = [{"role": message.role, "content": message.text}]
    calls: list[JsonObject] = [
        {
            "type": "function_call",
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
        }
        for call in message.tool_calls
    ]
    return [*turn, *calls]
