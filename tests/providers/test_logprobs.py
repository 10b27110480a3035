"""How sure a chat model is of its answer, where a wire tells of its tokens."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from providers.dialects.asking import whole_probability
from providers.dialects.chat import ChatDialect
from providers.dialects.generate_content import GenerateContentDialect
from providers.dialects.messages import MessagesDialect
from providers.errors import BadRequestError
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply
from tests.support.wire.vendors import WIRES, WireCase, a_request, ask

if TYPE_CHECKING:
    from providers.answer import JsonObject

OPENAI = [wire for wire in WIRES if wire.vendor.startswith("openai")]
SURE = 0.8125


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("wire", OPENAI, ids=lambda wire: wire.name)
async def test_openai_s_wires_tell_it_where_they_are_asked(wire: WireCase, *, stream: bool) -> None:
    with OpenAIServer(lambda _body: Reply(text="a longer answer", probability=SURE)) as server:
        asked = await ask(wire.endpoint(server), a_request(logprobs=True, stream=stream))
        plain = await ask(wire.endpoint(server), a_request(stream=stream))
        bodies = [call.body for call in server.calls]
    assert asked.probability == pytest.approx(SURE)
    assert plain.probability is None
    assert asked.text == plain.text == "a longer answer"
    added = bodies[0].keys() - bodies[1].keys()
    assert added == ({"include"} if wire.api == "responses" else {"logprobs"})


def test_gemini_s_chosen_tokens() -> None:
    dialect = GenerateContentDialect()
    assert dialect.body(a_request(logprobs=True))["generationConfig"]["responseLogprobs"]  # type: ignore[index]
    assert "responseLogprobs" not in str(dialect.body(a_request()))
    told = [{"token": "yes", "logProbability": -0.1}, {"token": ".", "logProbability": -0.05}]
    document: JsonObject = {
        "candidates": [
            {
                "content": {"parts": [{"text": "yes."}]},
                "finishReason": "STOP",
                "logprobsResult": {"chosenCandidates": told, "topCandidates": []},
            }
        ]
    }
    assert dialect.read(document).probability == pytest.approx(math.exp(-0.15))
    reader = dialect.reader()
    reader.feed(document)
    assert reader.answer().probability == pytest.approx(math.exp(-0.15))


def test_anthropic_has_none() -> None:
    with pytest.raises(BadRequestError, match="token probabilities"):
        MessagesDialect().body(a_request(logprobs=True))


@pytest.mark.parametrize(
    "told", [[], [None], [-0.1, None], ["-0.1"], [True], [math.nan], [-0.1, math.nan]]
)
def test_what_is_not_told_of_every_token_is_not_known(told: list[object]) -> None:
    assert whole_probability(told) is None


def test_it_is_a_probability_whatever_a_server_rounds() -> None:
    assert whole_probability([0.0000001]) == 1.0
    assert whole_probability([-math.inf]) == 0.0
    assert whole_probability([-1e9, -1.0]) == 0.0
    choice = {"message": {"content": "yes"}, "finish_reason": "stop", "logprobs": {"content": []}}
    assert ChatDialect().read({"choices": [choice]}).probability is None
