"""Random calls and replies in no vendor's words, and what of them each wire keeps by the table."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.ask.programs.protocol import ModelNames
from harness.ask.programs.translation.asking import closed, dialect_for, written
from harness.ask.programs.translation.neutral import (
    ChoosingRule,
    NeutralCall,
    ReplyToTell,
    reply_to_tell,
)
from harness.ask.programs.translation.passage import PROGRAM_WIRES
from harness.ask.programs.translation.rows import IMAGES, WRITTEN
from providers.completion import TokenUsage
from providers.request import ImagePart, Message, Tool, ToolCall

if TYPE_CHECKING:
    from random import Random

VENDORS = {
    "chat": "openai-compatible",
    "responses": "openai",
    "messages": "anthropic",
    "generate-content": "google",
}
WORDS = ["Grüße", "ticket 7", "漢字 🦜", 'quote " and \\ back', "line\nbreak", "<b>", "x" * 90, "0"]
SHAPES: list[dict[str, Any]] = [
    {"type": "object", "properties": {}, "additionalProperties": False},
    {
        "type": "object",
        "properties": {"a": {"type": ["string", "null"]}, "b": {"enum": ["x", "y"]}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {"rows": {"type": "array", "items": {"$ref": "#/$defs/row"}}},
        "$defs": {"row": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
        "required": ["rows"],
        "additionalProperties": False,
    },
]
LONGEST = 4096


def model_of(wire: str) -> ModelNames:
    """A candidate that speaks one wire alone."""
    return ModelNames(
        role=None,
        names=frozenset({"m"}),
        wires=frozenset({wire}),
        api=wire,
        vendor=VENDORS[wire],
        option="m",
        longest=LONGEST,
        omit=frozenset(),
    )


def text_of(rng: Random) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randint(1, 3))) + f" {rng.randint(0, 10**6)}"


def _turns(rng: Random, wire: str) -> list[Message]:
    turns: list[Message] = []
    if rng.random() < 0.6:
        turns.append(Message(role="system", text=text_of(rng)))
    number = 0
    for _ in range(rng.randint(0, 3)):
        turns.extend(_said(rng, wire))
        calls = []
        for _ in range(rng.randint(0, 3)):
            number += 1
            arguments = json.dumps({"city": text_of(rng), "n": rng.randint(0, 9)})
            calls.append(ToolCall(id=f"call_{number}", name="look", arguments=arguments))
        text = text_of(rng) if not calls or rng.random() < 0.5 else ""
        turns.append(Message(role="assistant", text=text, tool_calls=tuple(calls)))
        for call in rng.sample(calls, len(calls)):
            result = rng.choice([text_of(rng), '{"sky": "blue"}', "[1, 2]", "7", ""])
            turns.append(Message(role="tool", text=result, tool_call_id=call.id))
    return [*turns, *_said(rng, wire)]


def _said(rng: Random, wire: str) -> list[Message]:
    kinds = sorted(IMAGES[wire])
    return [
        Message(
            role="user",
            text=text_of(rng),
            images=tuple(
                ImagePart(media_type=rng.choice(kinds), data="aGk=")
                for _ in range(rng.randint(0, 2))
            ),
        )
        for _ in range(rng.randint(1, 2))
    ]


def random_call(rng: Random, wire: str) -> NeutralCall:
    """A call of parts that a wire has a row for."""
    tools = tuple(
        Tool(name=name, description=text_of(rng), parameters=json.dumps(rng.choice(SHAPES)))
        for name in ("look", "book-2")[: rng.randint(0, 2)]
    )
    modes = ["none", "auto", "required", "named"]
    mode = rng.choice(modes)
    rule = ChoosingRule(mode=mode, name="look" if mode == "named" else None)
    stated: dict[str, Any] = {
        "rule": rule if tools else None,
        "one_call": bool(tools) and mode != "none",
        "limit": rng.randint(1, LONGEST),
        "temperature": rng.choice([0, 0.0, 0.3, 1]),
        "top_p": rng.choice([0, 0.2, 0.95]),
        "top_k": rng.randint(1, 50),
        "frequency_penalty": rng.choice([-1.5, 0.4]),
        "presence_penalty": rng.choice([-1.5, 0.4]),
        "seed": rng.randint(0, 99),
        "stop": tuple(text_of(rng) for _ in range(rng.randint(1, 4))),
        "schema": json.dumps(rng.choice(SHAPES)),
        "stream": True,
    }
    parts = {"rule": "tool_choice"}
    kept = {
        name: value
        for name, value in stated.items()
        if rng.random() < 0.5 and (parts.get(name, name), wire) in WRITTEN
    }
    if "schema" not in kept and ("json", wire) in WRITTEN and rng.random() < 0.2:
        kept["json"] = True
    return NeutralCall(messages=tuple(_turns(rng, wire)), tools=tools, **kept)


def there_and_back(call: NeutralCall, wire: str) -> NeutralCall:
    """A call written in a wire and read again."""
    sent = written(call, model_of(wire), wire)
    body = json.loads(json.dumps(sent.body))
    return PROGRAM_WIRES[wire].read(body, streamed=call.stream)


def by_the_table(call: NeutralCall, wire: str) -> NeutralCall:
    """What the table says that is kept, in one form."""
    by_anthropic = wire == "messages"
    longest = LONGEST if by_anthropic else None
    rule = call.rule
    if by_anthropic and call.one_call and rule is None:
        rule = ChoosingRule(mode="auto")  # What is so without it, where one_call has its field.
    return replace(
        call,
        rule=rule,
        messages=_flat(call.messages),
        tools=tuple(replace(tool, parameters=_canonical(tool.parameters)) for tool in call.tools),
        schema=None if call.schema is None else _canonical(call.schema),
        limit=call.limit or longest,
        strict=None,
        left_out=(),
    )


def of_both(call: NeutralCall) -> NeutralCall:
    """A call in the one form that its two readers give, by what the table says of every wire."""
    schema = None if call.schema is None else json.dumps(closed(json.loads(call.schema)))
    return replace(
        by_the_table(replace(call, schema=schema), ""),
        limit=min(call.limit or LONGEST, LONGEST),
        stream=False,
        # Without tools there is nothing to choose, and a free choice is what is so without it.
        rule=None if not call.tools or call.rule == ChoosingRule(mode="auto") else call.rule,
        one_call=call.one_call and bool(call.tools),
    )


def _flat(messages: tuple[Message, ...]) -> Any:
    """Turns as their pieces: where one message ends and the next of its speaker begins is lost."""
    pieces: list[tuple[str, str, str]] = []
    for message in messages:
        pieces += [(message.role, image.media_type, image.data) for image in message.images]
        if message.role == "tool":
            pieces.append(("tool", str(message.tool_call_id), _canonical(message.text)))
        elif message.text:
            pieces.append((message.role, "text", message.text))
        pieces += [
            ("call", f"{c.id} {c.name}", _canonical(c.arguments)) for c in message.tool_calls
        ]
    return tuple(pieces)


def _canonical(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return json.dumps(value, sort_keys=True) if isinstance(value, dict) else text


def random_reply(rng: Random) -> ReplyToTell:
    """A reply with every kind of end, text, calls and count."""
    finish = rng.choice(["stop", "length", "tool_calls", "refusal", "content_filter"])
    calls = tuple(
        ToolCall(id=f"c{at}", name="look", arguments=json.dumps({"city": text_of(rng)}))
        for at in range(rng.randint(1, 3) if finish == "tool_calls" else 0)
    )
    said, read = rng.randint(1, 900), rng.randint(10, 900)
    usage = TokenUsage(
        input_tokens=read,
        output_tokens=said,
        cache_read_tokens=rng.randint(0, read // 2),
        cache_write_tokens=rng.randint(0, read // 2),
        reasoning_tokens=rng.randint(0, said - 1),
    )
    empty = finish in ("stop", "length", "tool_calls") and rng.random() < 0.3
    return ReplyToTell(
        id="r1",
        model="small-2026",
        text="" if empty else text_of(rng),
        finish=finish,
        usage=usage if rng.random() < 0.9 else None,
        tool_calls=calls,
    )


def reply_again(reply: ReplyToTell, wire: str, *, streamed: bool) -> ReplyToTell:
    """A reply told in a wire and read again by our own dialect of it."""
    tells = PROGRAM_WIRES[wire]
    document = tells.events(reply) if streamed else tells.whole(reply)
    dialect = dialect_for(wire, compatible=False)
    return reply_to_tell(dialect, json.dumps(document), "m")


def reply_by_the_table(reply: ReplyToTell, wire: str) -> ReplyToTell:
    """What the table says that is kept of a reply."""
    ends = {
        "messages": ("content_filter", "refusal"),
        "generate-content": ("refusal", "content_filter"),
    }
    lost, told = ends.get(wire, ("", ""))
    usage = reply.usage
    if usage is not None and wire == "generate-content":
        usage = replace(usage, cache_write_tokens=0)
    return replace(
        reply,
        finish=told if reply.finish == lost else reply.finish,
        usage=usage,
        tool_calls=tuple(
            replace(call, arguments=_canonical(call.arguments)) for call in reply.tool_calls
        ),
        id="",
    )
