from __future__ import annotations

import pytest

from providers.errors import RateLimitedError
from providers.request import Message, ModelRequest
from providers.scripted import ScriptedProvider, say

REQUEST = ModelRequest(
    model="small-1", messages=(Message(role="user", text="hello"),), max_output_tokens=8
)


async def test_it_answers_by_its_script_and_remembers() -> None:
    provider = ScriptedProvider(lambda request: say(request.messages[0].text.upper()))
    completion = await provider.complete(REQUEST)
    await provider.aclose()
    assert completion.text == "HELLO"
    assert completion.usage is None
    assert provider.asked == [REQUEST]
    assert provider.closed


async def test_a_script_may_fail() -> None:
    def refuse(_request: ModelRequest) -> object:
        raise RateLimitedError("scripted", retry_after_s=2)

    provider = ScriptedProvider(refuse)  # type: ignore[arg-type]
    with pytest.raises(RateLimitedError):
        await provider.complete(REQUEST)
