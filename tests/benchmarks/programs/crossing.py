"""What crosses between vendors, by hand: `python -m tests.benchmarks.programs.crossing WHAT N`.

`translations`: random calls and replies in no vendor's words, each written in every wire and read
again, beside what the table of rows says. `crossings`: random requests by the vendors' SDKs to
candidates of other vendors; what was asked beside what arrived. One JSON line each, kept in
`results.md`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

from anthropic import AnthropicError
from google.genai.errors import APIError as GoogleError
from openai import OpenAIError

from harness.ask.programs.translation.passage import PROGRAM_WIRES
from harness.ask.programs.translation.rows import UNSENT
from tests.support import neutral_calls as neutral
from tests.support.crossings import PAIRS, SERVERS, endpoint
from tests.support.program_calls import TOKEN, VENDORS, WIRES, ask_by_sdk, random_body, straight


def translations(count: int) -> dict[str, Any]:
    found: dict[str, dict[str, int]] = {}
    differ: list[str] = []
    for wire in neutral.VENDORS:
        rng, calls, replies = Random(f"{wire} by hand"), 0, 0
        for _ in range(count // len(neutral.VENDORS)):
            call, reply = neutral.random_call(rng, wire), neutral.random_reply(rng)
            kept = neutral.there_and_back(call, wire)
            same = neutral.by_the_table(kept, wire) == neutral.by_the_table(call, wire)
            calls += same
            differ += [] if same else [repr(call)]
            expected = neutral.reply_by_the_table(reply, wire)
            told = [neutral.reply_again(reply, wire, streamed=one) for one in (False, True)]
            replies += all(neutral.reply_by_the_table(one, wire) == expected for one in told)
        found[wire] = {"calls": calls, "replies": replies}
    each = count // len(neutral.VENDORS)
    return {"each": each, "as the table says": found, "differ": differ[:3]}


async def crossings(count: int) -> dict[str, Any]:
    found: dict[str, dict[str, int]] = {}
    refused: Counter[str] = Counter()
    differ: list[str] = []
    for asked, to in PAIRS:
        rng, crossed, equal = Random(f"{asked} to {to}"), 0, 0
        with SERVERS[to][0]() as server, VENDORS[WIRES[asked]]() as own:
            async with straight("openai", server, endpoint=endpoint(to, server)) as (gateway, _):
                for _ in range(count // len(PAIRS)):
                    body, before = random_body(asked, rng), len(server.calls)
                    try:
                        await ask_by_sdk(asked, gateway.origin, TOKEN, body)
                    except (OpenAIError, AnthropicError, GoogleError) as error:
                        refused[_words(error)] += 1
                        continue
                    crossed += len(server.calls) == before + 1
                    await ask_by_sdk(asked, own.origin, "k", body)
                    # The gateway asks OpenAI's models in the other wire where that carries more.
                    arrived = server.calls[-1]
                    wire = "chat" if arrived.path.endswith("/chat/completions") else to
                    same = _read(asked, own.calls[-1].body, to) == _read(wire, arrived.body, to)
                    equal += same
                    differ += [] if same else [f"{asked} to {to}: {json.dumps(body)}"]
        found[f"{asked} to {to}"] = {"crossed": crossed, "equal": equal}
    each = count // len(PAIRS)
    return {"each": each, "found": found, "refused": dict(refused), "differ": differ[:3]}


def _read(wire: str, body: dict[str, Any], to: str) -> Any:
    found = neutral.of_both(PROGRAM_WIRES[wire].read(body, streamed=False))
    return replace(found, json=False) if ("json", to) in UNSENT else found


def _words(error: Exception) -> str:
    return str(error).partition("rightsize: ")[2].partition(":")[0][:70]


def main(what: str, count: str) -> None:
    wanted = int(count)
    found = asyncio.run(crossings(wanted)) if what == "crossings" else translations(wanted)
    print(json.dumps({what: found}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
