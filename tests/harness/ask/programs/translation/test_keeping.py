"""Random calls and replies: what is written in a wire and read again is what the table says."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from harness.ask.programs.translation.asking import written
from harness.ask.programs.translation.rows import UNSENT, WRITTEN
from harness.ask.programs.wires import RefusedCallError
from tests.support.neutral_calls import (
    VENDORS,
    by_the_table,
    model_of,
    random_call,
    random_reply,
    reply_again,
    reply_by_the_table,
    there_and_back,
)

EACH = 60


@pytest.mark.parametrize("wire", VENDORS)
def test_a_call_written_and_read_again_keeps_what_the_table_says(wire: str) -> None:
    rng = Random(wire)
    for _ in range(EACH):
        call = random_call(rng, wire)
        kept = there_and_back(call, wire)
        assert by_the_table(kept, wire) == by_the_table(call, wire)


@pytest.mark.parametrize("wire", VENDORS)
def test_a_reply_told_and_read_again_keeps_what_the_table_says(wire: str) -> None:
    rng = Random(wire)
    for _ in range(EACH):
        reply = random_reply(rng)
        for streamed in (False, True):
            again = reply_again(reply, wire, streamed=streamed)
            assert reply_by_the_table(again, wire) == reply_by_the_table(reply, wire)


STATED = {
    "one_call": {"one_call": True},
    "top_k": {"top_k": 5},
    "seed": {"seed": 0},
    "stop": {"stop": ("END",)},
    "json": {"json": True},
    "frequency_penalty": {"frequency_penalty": 0.5},
    "presence_penalty": {"presence_penalty": 0.5},
}


@pytest.mark.parametrize("wire", VENDORS)
def test_a_part_without_a_row_is_refused_and_left_out_where_the_entry_says_so(wire: str) -> None:
    lacks = [part for part in STATED if not {(part, wire)} & {*WRITTEN, *UNSENT}]
    rng, model = Random(wire), model_of(wire)
    call = random_call(rng, wire)
    while not call.tools:
        call = random_call(rng, wire)
    for part in lacks:
        asked_in = next(one for one in VENDORS if (part, one) in WRITTEN)
        field = WRITTEN[part, asked_in].field
        with pytest.raises(RefusedCallError, match=field.replace("[", r"\[")) as caught:
            written(replace(call, **STATED[part]), model, asked_in)
        assert "\n" not in str(caught.value)
        if "omit" in str(caught.value):
            without = replace(model, omit=frozenset({part}))
            body = written(replace(call, **STATED[part]), without, asked_in).body
            assert body == written(call, model, asked_in).body


def test_json_without_a_schema_is_left_out_for_anthropic_and_told() -> None:
    call = replace(random_call(Random(1), "chat"), json=True, schema=None)
    call = replace(call, seed=None, stop=(), frequency_penalty=None, presence_penalty=None)
    sent = written(call, model_of("messages"), "chat")
    assert sent.left_out == ("response_format",)
    bare = written(replace(call, json=False), model_of("messages"), "chat")
    assert (sent.body, bare.left_out) == (bare.body, ())
