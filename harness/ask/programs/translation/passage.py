"""The door: a program's call as it goes to the model that stands in, and the reply's way back.

A model that is asked in the program's own wire gets the program's body as it is. Any other gets the
call translated; it is refused whole where a part of it cannot cross. A stream is bought as a
stream, read to its end, and told as a stream of the program's wire.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from harness.ask.programs.gateway import Asked
from harness.ask.programs.protocol import Given, MadeCall, ModelNames
from harness.ask.programs.translation import chat, generate_content, messages, responses
from harness.ask.programs.translation.asking import dialect_for, written
from harness.ask.programs.translation.neutral import NeutralCall, ReplyToTell, reply_to_tell
from harness.ask.programs.wires import ReadCall, RefusedCallError
from providers.answer import JsonObject
from providers.errors import BadRequestError
from providers.provider import Api


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramWire:
    """One wire as programs speak it."""

    read: Callable[..., NeutralCall]
    whole: Callable[[ReplyToTell], JsonObject]
    events: Callable[[ReplyToTell], list[JsonObject]]


PROGRAM_WIRES: Mapping[Api, ProgramWire] = {
    "chat": ProgramWire(read=chat.read_request, whole=chat.whole, events=chat.events),
    "responses": ProgramWire(
        read=responses.read_request, whole=responses.whole, events=responses.events
    ),
    "messages": ProgramWire(
        read=messages.read_request, whole=messages.whole, events=messages.events
    ),
    "generate-content": ProgramWire(
        read=generate_content.read_request,
        whole=generate_content.whole,
        events=generate_content.events,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One call's way to its model and back."""

    made: MadeCall
    """The call as its model is asked; whoever makes it gives it its number."""
    read: ReadCall
    """The call as the program made it."""
    compatible: bool = False

    def told(self, given: Given) -> Given:
        """The reply in the program's own wire."""
        if given.document is None or self.made.wire == self.read.wire:
            return given
        dialect = dialect_for(self.made.wire, compatible=self.compatible)
        reply = reply_to_tell(dialect, given.document, self.read.model)
        wire = PROGRAM_WIRES[self.read.wire]
        document = wire.events(reply) if self.read.streamed else wire.whole(reply)
        return replace(given, document=json.dumps(document, ensure_ascii=False))


def passage(call: ReadCall, asked: Asked, model: ModelNames) -> Passage:
    """A call's way to the model that stands in for the one that it names.

    Raises:
        RefusedCallError: the model speaks another wire, and the call cannot cross to it.
    """
    made = MadeCall(
        call=0,
        role=model.role,
        wire=call.wire,
        body=json.dumps(asked.body, ensure_ascii=False),
        path=call.path,
        headers=asked.headers,
        api_version=call.api_version,
        streamed=call.streamed,
        max_output_tokens=call.max_output_tokens,
    )
    if call.wire in model.wires:
        return Passage(made=made, read=call)
    try:
        neutral = PROGRAM_WIRES[call.wire].read(asked.body, streamed=call.streamed)
        crossed = written(neutral, model, call.wire)
    except RecursionError:
        raise RefusedCallError("the request is nested too deeply") from None
    except BadRequestError as error:
        raise RefusedCallError(str(error)) from None
    made = replace(
        made,
        wire=crossed.wire,
        body=json.dumps(crossed.body, ensure_ascii=False),
        path=None,
        headers=(),
        api_version=None,
        max_output_tokens=crossed.limit,
        left_out=(*neutral.left_out, *crossed.left_out, *(name for name, _ in asked.headers)),
    )
    return Passage(made=made, read=call, compatible=model.vendor == "openai-compatible")
