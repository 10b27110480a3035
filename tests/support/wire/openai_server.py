"""OpenAI's wire: Chat Completions, Completions, Responses, models, health.

Bodies follow OpenAI's public API reference (platform.openai.com/docs/api-reference).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.wire.command import serve
from tests.support.wire.frames import frame, pieces
from tests.support.wire.server import Call, WireServer

if TYPE_CHECKING:
    from tests.support.wire.reply import Body, Reply

CREATED = 1_760_000_000
FINISH = {"refusal": "stop"}


def chat_usage(reply: Reply) -> Body | None:
    """`usage` of Chat Completions and Completions."""
    if reply.usage is None:
        return None
    return {
        "prompt_tokens": reply.usage.input_tokens,
        "completion_tokens": reply.usage.output_tokens,
        "total_tokens": reply.usage.input_tokens + reply.usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": reply.usage.cache_read_tokens,
            "cache_write_tokens": reply.usage.cache_write_tokens,
        },
        "completion_tokens_details": {"reasoning_tokens": reply.usage.reasoning_tokens},
    }


def responses_usage(reply: Reply) -> Body | None:
    """`usage` of Responses."""
    if reply.usage is None:
        return None
    return {
        "input_tokens": reply.usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": reply.usage.cache_read_tokens,
            "cache_write_tokens": reply.usage.cache_write_tokens,
        },
        "output_tokens": reply.usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": reply.usage.reasoning_tokens},
        "total_tokens": reply.usage.input_tokens + reply.usage.output_tokens,
    }


def head(call: Call, reply: Reply, kind: str) -> Body:
    """What every body of one answer begins with."""
    document: Body = {
        "id": "chatcmpl-1",
        "object": kind,
        "created": CREATED,
        "model": reply.model or call.body.get("model"),
    }
    if reply.service_tier is not None:
        document["service_tier"] = reply.service_tier
    return document


def chat_message(reply: Reply) -> Body:
    """The assistant's message of a plain chat completion."""
    refused = reply.finish == "refusal"
    message: Body = {
        "role": "assistant",
        "content": None if refused or reply.tool_calls else reply.text,
        "refusal": reply.text if refused else None,
    }
    if reply.tool_calls:
        message["tool_calls"] = [
            {
                "id": tool.id,
                "type": "function",
                "function": {"name": tool.name, "arguments": tool.arguments},
            }
            for tool in reply.tool_calls
        ]
    return message


def logprobs(call: Call, reply: Reply) -> list[Body]:
    """The tokens with their log probabilities; none where the request does not ask for them."""
    asked = call.body.get("logprobs") or call.body.get("include")
    if reply.probability is None or asked in (None, False):
        return []
    tokens = pieces(reply.text)
    each = math.log(reply.probability) / len(tokens)
    return [{"token": one, "logprob": each, "bytes": None, "top_logprobs": []} for one in tokens]


def chat_document(call: Call, reply: Reply) -> Body:
    """A plain chat completion."""
    finish = FINISH.get(reply.finish, reply.finish)
    told = logprobs(call, reply)
    choice = {
        "index": 0,
        "message": chat_message(reply),
        "logprobs": {"content": told, "refusal": None} if told else None,
        "finish_reason": finish,
    }
    document = head(call, reply, "chat.completion") | {"choices": [choice]}
    usage = chat_usage(reply)
    return document if usage is None else document | {"usage": usage}


def chat_deltas(reply: Reply) -> list[Body]:
    """The deltas of a streamed chat completion, in order."""
    first: Body = {"role": "assistant", "content": ""}
    if reply.tool_calls:
        calls = [
            {
                "index": number,
                "id": tool.id,
                "type": "function",
                "function": {"name": tool.name, "arguments": piece},
            }
            if start
            else {"index": number, "function": {"arguments": piece}}
            for number, tool in enumerate(reply.tool_calls)
            for start, piece in (
                (True, ""),
                (False, tool.arguments[:4]),
                (False, tool.arguments[4:]),
            )
        ]
        return [first, *({"tool_calls": [one]} for one in calls)]
    key = "refusal" if reply.finish == "refusal" else "content"
    return [first, *({key: piece} for piece in pieces(reply.text))]


def chat_frames(call: Call, reply: Reply) -> list[str]:
    """The frames of a streamed chat completion."""
    base = head(call, reply, "chat.completion.chunk")
    finish = FINISH.get(reply.finish, reply.finish)
    chunks: list[Body] = [
        base | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
        for delta in chat_deltas(reply)
    ]
    for chunk, token in zip(chunks[1:], logprobs(call, reply), strict=False):
        chunk["choices"][0]["logprobs"] = {"content": [token]}
    chunks.append(base | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    options: dict[str, Any] = call.body.get("stream_options") or {}
    usage = chat_usage(reply)
    if options.get("include_usage") and usage is not None:
        chunks.append(base | {"choices": [], "usage": usage})
    return [*(frame(chunk) for chunk in chunks), "data: [DONE]\n\n"]


def completion_document(call: Call, reply: Reply) -> Body:
    """A plain text completion."""
    finish = FINISH.get(reply.finish, reply.finish)
    told = logprobs(call, reply)
    legacy = {"tokens": [one["token"] for one in told]}
    listed = legacy | {"token_logprobs": [one["logprob"] for one in told]} if told else None
    choice = {"index": 0, "text": reply.text, "logprobs": listed, "finish_reason": finish}
    document = head(call, reply, "text_completion") | {"choices": [choice]}
    usage = chat_usage(reply)
    return document if usage is None else document | {"usage": usage}


def completion_frames(call: Call, reply: Reply) -> list[str]:
    """The frames of a streamed text completion."""
    base = head(call, reply, "text_completion")
    finish = FINISH.get(reply.finish, reply.finish)
    chunks: list[Body] = [
        base | {"choices": [{"index": 0, "text": piece, "finish_reason": None}]}
        for piece in pieces(reply.text)
    ]
    for chunk, token in zip(chunks, logprobs(call, reply), strict=False):
        chunk["choices"][0]["logprobs"] = {"token_logprobs": [token["logprob"]]}
    chunks.append(base | {"choices": [{"index": 0, "text": "", "finish_reason": finish}]})
    options: dict[str, Any] = call.body.get("stream_options") or {}
    usage = chat_usage(reply)
    if options.get("include_usage") and usage is not None:
        chunks.append(base | {"choices": [], "usage": usage})
    return [*(frame(chunk) for chunk in chunks), "data: [DONE]\n\n"]


def response_output(reply: Reply) -> list[Body]:
    """The output items of a response."""
    if reply.tool_calls:
        return [
            {
                "type": "function_call",
                "id": f"fc_{number}",
                "call_id": tool.id,
                "name": tool.name,
                "arguments": tool.arguments,
                "status": "completed",
            }
            for number, tool in enumerate(reply.tool_calls)
        ]
    content: Body = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
    if reply.finish == "refusal":
        content = {"type": "refusal", "refusal": reply.text}
    message: Body = {
        "type": "message",
        "id": "msg_1",
        "status": "completed",
        "role": "assistant",
        "content": [content],
    }
    reasoning: Body = {"type": "reasoning", "id": "rs_1", "summary": []}
    thought = reply.usage is not None and reply.usage.reasoning_tokens > 0
    return [reasoning, message] if thought else [message]


def response_document(call: Call, reply: Reply) -> Body:
    """A plain response."""
    incomplete = {"length": "max_output_tokens", "content_filter": "content_filter"}
    reason = incomplete.get(reply.finish)
    output = response_output(reply)
    told = logprobs(call, reply)
    if told:
        output[-1]["content"][0]["logprobs"] = told
    document: Body = {
        "id": "resp_1",
        "object": "response",
        "created_at": CREATED,
        "status": "incomplete" if reason else "completed",
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": reply.model or call.body.get("model"),
        "output": output,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": responses_usage(reply),
    }
    if reply.service_tier is not None:
        document["service_tier"] = reply.service_tier
    return document


def response_deltas(document: Body, reply: Reply) -> list[Body]:
    """The delta events of a streamed response."""
    item: Body = document["output"][-1]
    index = len(document["output"]) - 1
    place: Body = {"output_index": index, "item_id": item["id"]}
    if reply.tool_calls:
        return [
            {
                "type": "response.function_call_arguments.delta",
                "output_index": number,
                "item_id": call["id"],
                "delta": call["arguments"],
            }
            for number, call in enumerate(document["output"])
        ]
    kind = "refusal" if reply.finish == "refusal" else "output_text"
    extra: Body = {} if reply.finish == "refusal" else {"logprobs": []}
    return [
        {"type": f"response.{kind}.delta", "content_index": 0, "delta": piece, **place, **extra}
        for piece in pieces(reply.text)
    ]


def response_frames(call: Call, reply: Reply) -> list[str]:
    """The frames of a streamed response."""
    document = response_document(call, reply)
    opening = document | {"status": "in_progress", "output": [], "usage": None}
    closing = "response.incomplete" if document["incomplete_details"] else "response.completed"
    events: list[Body] = [
        {"type": "response.created", "response": opening},
        *response_deltas(document, reply),
        {"type": closing, "response": document},
    ]
    return [
        frame(event | {"sequence_number": number}, event["type"])
        for number, event in enumerate(events)
    ]


class OpenAIServer(WireServer):
    """A scripted OpenAI-compatible server."""

    chat_paths = ("/v1/chat/completions", "/v1/completions", "/v1/responses")

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return f"{self.origin}/v1"

    def routes(self) -> list[web.RouteDef]:
        """The chat paths, the list of models and the health check."""
        return [
            *super().routes(),
            web.get("/v1/models", self.models),
            web.get("/health", self.health),
        ]

    async def models(self, _request: web.Request) -> web.Response:
        """Answer with one scripted model."""
        one = {"id": "scripted", "object": "model", "created": CREATED, "owned_by": "tests"}
        return web.json_response({"object": "list", "data": [one]})

    async def health(self, _request: web.Request) -> web.Response:
        """Answer that all is well."""
        return web.json_response({"status": "ok"})

    def document(self, call: Call, reply: Reply) -> Body:
        """The whole body, by path."""
        if call.path.endswith("/chat/completions"):
            return chat_document(call, reply)
        if call.path.endswith("/completions"):
            return completion_document(call, reply)
        return response_document(call, reply)

    def frames(self, call: Call, reply: Reply) -> list[str]:
        """The frames, by path."""
        if call.path.endswith("/chat/completions"):
            return chat_frames(call, reply)
        if call.path.endswith("/completions"):
            return completion_frames(call, reply)
        return response_frames(call, reply)

    def error(self, reply: Reply) -> Body:
        """OpenAI's error document."""
        error = {
            "message": reply.error_message,
            "type": "invalid_request_error" if reply.status < 500 else "server_error",
            "param": None,
            "code": reply.error_code,
        }
        return {"error": error}


if __name__ == "__main__":
    serve(OpenAIServer)
