"""The wires of decision models: requests as the vendor's SDK makes them, every kind of answer."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import openai
import pytest

from providers.completion import TokenUsage
from providers.dialects.decisions import DecisionsDialect
from providers.dialects.systemone import SystemOneDialect
from providers.errors import (
    AuthRejectedError,
    BadRequestError,
    BrokenBodyError,
    DeadlineExceededError,
    OverloadedError,
    ProviderError,
    RateLimitedError,
)
from providers.provider import Endpoint
from providers.request import ImagePart, Message, ModelRequest, Tool, ToolCall, TypedQuestion
from tests.support.wire.decision_server import DecisionServer
from tests.support.wire.reply import Body, Reply, WireUsage
from tests.support.wire.vendors import KEY, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.provider import Api, Vendor

CHOICE = TypedQuestion(
    kind="choice", instructions="Which topic?", options=("billing", "bug", "other")
)
PREDICATE = TypedQuestion(
    kind="predicate", instructions="It asks for a refund.", options=("yes", "no")
)
SCORE = TypedQuestion(
    kind="score", instructions="How good is it?", options=("fail", "fair", "pass")
)
TOLD = {
    "choice": {"billing": 0.9, "bug": 0.08, "other": 0.02},
    "predicate": {"true": 0.3},
    "score": {"fail": 0.1, "fair": 0.2, "pass": 0.7},
}
SAID = {"choice": ("billing", 0.9), "predicate": ("no", 0.7), "score": ("pass", 0.7)}
CALL = ToolCall(id="call_1", name="weather", arguments='{"city": "Oslo"}')
TURNS = (
    Message(role="system", text="A help desk."),
    Message(role="user", text="Look.", images=(ImagePart(media_type="image/png", data="iVBO"),)),
    Message(role="assistant", text="One moment.", tool_calls=(CALL,)),
    Message(role="tool", text="rain", tool_call_id="call_1"),
    Message(role="user", text="I was charged twice — señor ☂"),
)
WIRES: list[tuple[Vendor, Api]] = [
    ("openai", "decisions"),
    ("openai-compatible", "decisions"),
    ("openai-compatible", "systemone"),
]
every_wire = pytest.mark.parametrize("wire", WIRES, ids="-".join)
every_question = pytest.mark.parametrize(
    "question", [CHOICE, PREDICATE, SCORE], ids=lambda question: question.kind
)


def a_question(question: TypedQuestion = CHOICE, **more: Any) -> ModelRequest:
    values: dict[str, Any] = {
        "model": "gpt-6-luna",
        "messages": (Message(role="user", text="I was charged twice — señor ☂"),),
        "max_output_tokens": 16,
        "question": question,
    }
    return ModelRequest(**(values | more))


def script(body: Body) -> Reply:
    """Every kind of question is answered as `TOLD` says."""
    questions = body["questions"]
    first = questions[0] if isinstance(questions, list) else next(iter(questions.values()))
    kind = {"noul": "predicate"}.get(first["type"], first["type"])
    usage = WireUsage(input_tokens=312, output_tokens=1, cache_read_tokens=64)
    return Reply(text=json.dumps(TOLD[kind]), usage=usage, model="gpt-6-luna-2026-10-06")


@pytest.fixture
def server() -> Iterator[DecisionServer]:
    with DecisionServer(script) as found:
        yield found


def at(server: DecisionServer, wire: tuple[Vendor, Api]) -> Endpoint:
    return Endpoint(vendor=wire[0], api=wire[1], base_url=server.base_url)


@pytest.mark.parametrize("messages", [None, TURNS], ids=["text", "conversation"])
@every_question
async def test_the_request_is_the_sdk_s_own_byte_by_byte(
    server: DecisionServer, question: TypedQuestion, messages: tuple[Message, ...] | None
) -> None:
    more = {} if messages is None else {"messages": messages}
    await ask(at(server, ("openai", "decisions")), a_question(question, **more))
    asked: dict[str, Any] = {
        "type": question.kind,
        "name": "answer",
        "instructions": question.instructions,
    }
    if question.kind == "choice":
        asked["choices"] = [{"value": each} for each in question.options]
    if question.kind == "score":
        asked["levels"] = [{"label": each} for each in question.options]
    sent: Any = "I was charged twice — señor ☂"
    if messages is not None:
        image = {"type": "input_image", "image_url": "data:image/png;base64,iVBO"}
        look = {"type": "input_text", "text": "Look."}
        call = {"type": "function_call", "call_id": "call_1"}
        sent = [
            {"role": "system", "content": "A help desk."},
            {"role": "user", "content": [image, look]},
            {"role": "assistant", "content": "One moment."},
            call | {"name": "weather", "arguments": '{"city": "Oslo"}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
            {"role": "user", "content": sent},
        ]
    async with openai.AsyncOpenAI(api_key=KEY, base_url=server.base_url) as client:
        theirs = await client.decisions.create(
            model="gpt-6-luna",
            input=sent,
            questions=[asked],  # type: ignore[list-item]
        )
    ours, own = server.calls
    assert ours.raw == own.raw != b""
    assert (ours.method, ours.path) == (own.method, own.path) == ("POST", "/v1/decisions")
    assert ours.headers["Authorization"] == own.headers["Authorization"]
    assert theirs.answers[0].type == question.kind


@every_wire
@every_question
async def test_each_kind_of_answer_is_read_with_the_chosen_one_s_probability(
    server: DecisionServer, wire: tuple[Vendor, Api], question: TypedQuestion
) -> None:
    """The server's confidence is another number, and nowhere in what is read."""
    reply = await ask(at(server, wire), a_question(question))
    assert (reply.text, reply.probability) == SAID[question.kind]
    assert reply.finish == "stop"
    assert reply.served_model == "gpt-6-luna-2026-10-06"
    cached = 64 if wire[1] == "decisions" else 0
    assert reply.usage == TokenUsage(input_tokens=312, output_tokens=1, cache_read_tokens=cached)


async def test_system_one_is_asked_in_its_own_shape(server: DecisionServer) -> None:
    endpoint = at(server, ("openai-compatible", "systemone"))
    for question in (CHOICE, PREDICATE, SCORE):
        await ask(endpoint, a_question(question))
    no_images = tuple(message for message in TURNS if not message.images)
    await ask(endpoint, a_question(messages=no_images))
    bodies = [call.body for call in server.calls]
    assert {call.path for call in server.calls} == {"/v1/systemone"}
    choice = {
        "type": "choice",
        "instructions": "Which topic?",
        "criteria": {"billing": None, "bug": None, "other": None},
    }
    assert bodies[0] == {
        "model": "gpt-6-luna",
        "state": "I was charged twice — señor ☂",
        "questions": {"answer": choice},
    }
    assert bodies[1]["questions"]["answer"] == {
        "type": "noul",
        "instructions": "It asks for a refund.",
    }
    assert bodies[2]["questions"]["answer"] == {
        "type": "score",
        "instructions": "How good is it?",
        "criteria": ["fail", "fair", "pass"],
    }
    called = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    assert bodies[3]["state"] == [
        {"role": "system", "content": "A help desk."},
        {"role": "assistant", "content": "One moment.", "tool_calls": [called]},
        {"role": "tool", "content": "rain"},
        {"role": "user", "content": "I was charged twice — señor ☂"},
    ]


@every_wire
@every_question
async def test_a_refusal_is_the_model_s_and_is_paid(
    server: DecisionServer, wire: tuple[Vendor, Api], question: TypedQuestion
) -> None:
    server.script = lambda _body: Reply(text="null", usage=WireUsage(input_tokens=40))
    reply = await ask(at(server, wire), a_question(question))
    assert (reply.finish, reply.text, reply.probability) == ("refusal", "", None)
    assert reply.usage is not None
    assert reply.usage.input_tokens == 40


@every_wire
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthRejectedError),
        (422, BadRequestError),
        (429, RateLimitedError),
        (500, OverloadedError),
        (503, OverloadedError),
    ],
)
async def test_a_rejection_is_told_as_on_every_wire(
    server: DecisionServer, wire: tuple[Vendor, Api], status: int, kind: type[ProviderError]
) -> None:
    server.script = lambda _body: Reply(status=status)
    with pytest.raises(kind):
        await ask(at(server, wire), a_question())
    assert len(server.calls) == 1


@every_wire
async def test_no_usage_is_unknown_and_never_zero(
    server: DecisionServer, wire: tuple[Vendor, Api]
) -> None:
    server.script = lambda _body: Reply(text=json.dumps(TOLD["choice"]), usage=None)
    assert (await ask(at(server, wire), a_question())).usage is None


USAGE = {"input_tokens": 7, "output_tokens": 0, "total_tokens": 7}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (CHOICE, {"type": "choice", "choice": "sales", "probabilities": []}),
        (CHOICE, {"type": "choice", "choice": "bug", "probabilities": []}),
        (CHOICE, {"type": "choice", "choice": True, "probabilities": [{"value": True}]}),
        (CHOICE, {"type": "predicate", "probability": 0.4}),
        (CHOICE, {"type": "choice"}),
        (CHOICE, {}),
        (
            CHOICE,
            {
                "type": "choice",
                "choice": "bug",
                "probabilities": [{"value": "bug", "probability": "0.9"}],
            },
        ),
        (
            CHOICE,
            {
                "type": "choice",
                "choice": "bug",
                "probabilities": [
                    {"value": "bug", "probability": 0.9},
                    {"value": "bug", "probability": 0.2},
                ],
            },
        ),
        (PREDICATE, {"type": "predicate"}),
        (PREDICATE, {"type": "predicate", "probability": True}),
        (PREDICATE, {"type": "predicate", "probability": 1.01}),
        (PREDICATE, {"type": "predicate", "probability": -0.1}),
        (PREDICATE, {"type": "predicate", "probability": math.nan}),
        (SCORE, {"type": "score", "score": 1.0, "probabilities": []}),
        (SCORE, {"type": "score", "probabilities": [{"label": "fail", "probability": 1}]}),
    ],
)
def test_what_answers_no_question_of_ours_is_broken_and_paid(
    question: TypedQuestion, answer: Body
) -> None:
    with pytest.raises(BrokenBodyError) as raised:
        DecisionsDialect(question=question).read({"answers": [answer], "usage": USAGE})
    assert raised.value.usage == TokenUsage(input_tokens=7, output_tokens=0)


@pytest.mark.parametrize("answers", [[], [{"type": "refusal"}, {"type": "refusal"}], None, {}])
def test_one_question_has_one_answer(answers: object) -> None:
    with pytest.raises(BrokenBodyError):
        DecisionsDialect(question=CHOICE).read({"answers": answers})


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (CHOICE, {"type": "choice", "choice": "bug", "probabilities": {"billing": 1}}),
        (CHOICE, {"type": "choice", "choice": "bug", "confidence": 0.9}),
        (CHOICE, {"type": "noul", "noul": 0.2}),
        (PREDICATE, {"type": "noul"}),
        (SCORE, {"type": "score", "probabilities": {"0": 0.5, "1": 0.5}}),
    ],
)
def test_system_one_s_broken_answers(question: TypedQuestion, answer: Body) -> None:
    document: Body = {"answers": {"answer": answer}, "usage": USAGE}
    with pytest.raises(BrokenBodyError) as raised:
        SystemOneDialect(question=question).read(document)
    assert raised.value.usage is not None
    with pytest.raises(BrokenBodyError):
        SystemOneDialect(question=question).read({"answers": [answer]})


def test_a_probability_rounded_past_one_is_one_and_an_even_predicate_holds() -> None:
    dialect = DecisionsDialect(question=PREDICATE)
    for value, said in ((1.0000001, ("yes", 1.0)), (0.5, ("yes", 0.5)), (0, ("no", 1.0))):
        answer = dialect.read({"answers": [{"type": "predicate", "probability": value}]})
        assert (answer.text, answer.probability) == said


def test_equal_levels_are_the_lower_one() -> None:
    told = [{"label": each, "probability": 0.4} for each in ("fail", "fair")]
    told.append({"label": "pass", "probability": 0.2})
    answer = {"type": "score", "score": 0.8, "probabilities": told}
    assert DecisionsDialect(question=SCORE).read({"answers": [answer]}).text == "fail"


@pytest.mark.parametrize("dialect", [DecisionsDialect, SystemOneDialect])
@pytest.mark.parametrize(
    "changed",
    [
        {"question": None},
        {"stream": True},
        {"deadline_s": 3.0},
        {"schema": "{}"},
        {"seed": 1},
        {"stop": ("x",)},
        {"effort": "low"},
        {"tools": (Tool(name="a", description="", parameters="{}"),)},
        {"service_tier": "flex"},
    ],
)
def test_what_only_a_text_has_is_refused_before_it_is_sent(
    dialect: type[DecisionsDialect], changed: Body
) -> None:
    with pytest.raises(BadRequestError) as raised:
        dialect(question=CHOICE).body(a_question(**changed))
    assert not raised.value.billable


@every_wire
async def test_a_decision_that_comes_too_late_is_the_model_s_failure_and_paid(
    server: DecisionServer, wire: tuple[Vendor, Api]
) -> None:
    with pytest.raises(DeadlineExceededError, match="came after the deadline") as raised:
        await ask(at(server, wire), a_question(deadline_s=1e-9))
    assert raised.value.usage is not None
    assert raised.value.usage.input_tokens == 312
    assert raised.value.total_s is not None
    found = await ask(at(server, wire), a_question(deadline_s=600.0))
    assert found.timing.first_token_s is None


@every_wire
async def test_the_first_token_of_a_decision_is_its_last(
    server: DecisionServer, wire: tuple[Vendor, Api]
) -> None:
    found = await ask(at(server, wire), a_question(stream=True))
    assert found.timing.first_token_s == found.timing.total_s


def test_system_one_takes_no_image() -> None:
    with pytest.raises(BadRequestError, match="images"):
        SystemOneDialect(question=CHOICE).body(a_question(messages=TURNS))


@pytest.mark.parametrize("options", [("a",), (), ("a", "a")])
def test_a_question_has_two_different_answers(options: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="two"):
        TypedQuestion(kind="choice", instructions="Which?", options=options)
    with pytest.raises(ValueError, match="instructions"):
        TypedQuestion(kind="choice", instructions=" ", options=("a", "b"))
    with pytest.raises(ValueError, match="predicate"):
        TypedQuestion(kind="predicate", instructions="Which?", options=("a", "b", "c"))
