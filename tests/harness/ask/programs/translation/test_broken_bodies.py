"""Bodies that are wrong in a place or three: each crosses, or is refused in one line."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from harness.ask.programs.gateway import Asked
from harness.ask.programs.translation.asking import written
from harness.ask.programs.translation.passage import passage
from harness.ask.programs.wires import RefusedCallError, read_call
from tests.support.neutral_calls import VENDORS, model_of, random_call

if TYPE_CHECKING:
    from collections.abc import Iterator

EACH = 60
PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "generate-content": "/v1beta/models/m:generateContent",
}
JUNK: list[Any] = [
    *(None, True, False, 0, -1, 1.5, 10**30, "", "x", "\ud800", "data:image/png;base64,aGk="),
    *([], {}, [1], ["x"], [None], [[]], {"type": "x"}, {"a": {"b": [{}]}}),
]


def spots(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from spots(value[key], (*path, key))


def broken(body: dict[str, Any], rng: Random) -> dict[str, Any]:
    """The body with something else, or nothing, in one place."""
    *way, last = rng.choice(list(spots(body)))
    place: Any = body
    for key in way:
        place = place[key]
    if rng.random() < 0.2:
        del place[last]
    else:
        place[last] = rng.choice(JUNK)
    return body


@pytest.mark.parametrize("asked", VENDORS)
def test_a_broken_body_crosses_or_is_refused_in_one_line(asked: str) -> None:
    rng, refused = Random(asked), list[str]()
    for _ in range(EACH):
        call = replace(random_call(rng, asked), seed=None, stop=(), top_k=None, json=False)
        call = replace(call, frequency_penalty=None, presence_penalty=None, one_call=False)
        sent = json.loads(json.dumps(written(call, model_of(asked), asked).body))
        body = {"model": "m", **sent} if asked != "generate-content" else sent
        body = {**body, "model": "m"} if "model" in body else body
        for _ in range(rng.randint(1, 3)):
            body = broken(body, rng)
        to = rng.choice([one for one in VENDORS if one != asked])
        try:
            read = read_call(PATHS[asked], "", body)
            asks = Asked(path=PATHS[asked], query="", body=body, headers=())
            way = passage(read, asks, model_of(to))
        except RefusedCallError as error:
            refused.append(str(error))
        else:
            assert json.loads(way.made.body)
    assert refused
    assert all("\n" not in said and len(said) < 300 for said in refused)


def test_a_schema_without_end_is_refused() -> None:
    deep = "{" + '"a":{' * 600 + "}" * 601
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": json.loads(deep)}}
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "response_format": schema,
    }
    read = read_call(PATHS["chat"], "", body)
    asks = Asked(path=PATHS["chat"], query="", body=body, headers=())
    with pytest.raises(RefusedCallError, match="nested too deeply"):
        passage(read, asks, model_of("messages"))
