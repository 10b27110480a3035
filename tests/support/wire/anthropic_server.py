"""Anthropic's wire: Messages, with its SSE events.

Bodies follow Anthropic's public API reference (docs.anthropic.com/en/api/messages, .../streaming,
.../errors).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.wire.command import serve
from tests.support.wire.frames import frame, pieces
from tests.support.wire.server import Call, WireServer

if TYPE_CHECKING:
    from tests.support.wire.reply import Body, Reply

STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "refusal": "refusal",
}
ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def usage_of(reply: Reply) -> Body | None:
    """`usage`: cached tokens stand beside `input_tokens`."""
    usage = reply.usage
    if usage is None:
        return None
    body: Body = {
        "input_tokens": usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens - usage.cache_write_1h_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
        "service_tier": reply.service_tier or "standard",
    }
    if usage.reasoning_tokens:
        body["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return body


def blocks_of(reply: Reply) -> list[Body]:
    """The content blocks of a message."""
    thought = reply.usage is not None and reply.usage.reasoning_tokens > 0
    thinking: list[Body] = [{"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}]
    calls: list[Body] = [
        {"type": "tool_use", "id": tool.id, "name": tool.name, "input": json.loads(tool.arguments)}
        for tool in reply.tool_calls
    ]
    said = calls or [{"type": "text", "text": reply.text}]
    return [*(thinking if thought else []), *said]


def head(call: Call, reply: Reply) -> Body:
    """What a message begins with."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": reply.model or call.body.get("model"),
    }


def block_frames(index: int, block: Body) -> list[str]:
    """Start, deltas and stop of one block."""
    start, deltas = block, []
    if block["type"] == "text":
        start = block | {"text": ""}
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
    elif block["type"] == "thinking":
        start = block | {"thinking": "", "signature": ""}
        deltas = [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    elif block["type"] == "tool_use":
        start = block | {"input": {}}
        text = json.dumps(block["input"])
        cut = ["", text[:4], text[4:]]
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in cut]
    events: list[Body] = [
        {"type": "content_block_start", "index": index, "content_block": start},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]
    return [frame(event, event["type"]) for event in events]


class AnthropicServer(WireServer):
    """A scripted server that speaks Messages."""

    chat_paths = ("/v1/messages",)
    request_id_header = "request-id"

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return self.origin

    def document(self, call: Call, reply: Reply) -> Body:
        """The whole message."""
        rest = {
            "content": blocks_of(reply),
            "stop_reason": STOP_REASONS.get(reply.finish, reply.finish),
            "stop_sequence": None,
        }
        usage = usage_of(reply)
        return head(call, reply) | rest | ({} if usage is None else {"usage": usage})

    def frames(self, call: Call, reply: Reply) -> list[str]:
        """The events of the message."""
        usage = usage_of(reply)
        opening = head(call, reply) | {"content": [], "stop_reason": None, "stop_sequence": None}
        delta = {
            "stop_reason": STOP_REASONS.get(reply.finish, reply.finish),
            "stop_sequence": None,
        }
        end: Body = {"type": "message_delta", "delta": delta}
        if usage is not None:
            opening["usage"] = usage | {"output_tokens": 1}
            opening["usage"].pop("output_tokens_details", None)
            keys = ("output_tokens", "output_tokens_details", "input_tokens")
            end["usage"] = {key: usage[key] for key in keys if key in usage}
        blocks = [
            piece
            for index, block in enumerate(blocks_of(reply))
            for piece in block_frames(index, block)
        ]
        return [
            frame({"type": "message_start", "message": opening}, "message_start"),
            frame({"type": "ping"}, "ping"),
            *blocks,
            frame(end, "message_delta"),
            frame({"type": "message_stop"}, "message_stop"),
        ]

    def error(self, reply: Reply) -> Body:
        """Anthropic's error document."""
        other = "invalid_request_error" if reply.status < 500 else "api_error"
        kind = reply.error_code or ERROR_TYPES.get(reply.status, other)
        error = {"type": kind, "message": reply.error_message}
        return {"type": "error", "error": error, "request_id": "req-1"}


if __name__ == "__main__":
    serve(AnthropicServer)
