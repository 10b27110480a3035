"""Google's wire: generateContent and streamGenerateContent.

Bodies follow Google's public API reference (ai.google.dev/api/generate-content and
cloud.google.com/apis/design/errors). Zeros are left out, as protocol buffers do.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aiohttp import web

from tests.support.wire.command import serve
from tests.support.wire.frames import frame, pieces
from tests.support.wire.server import Call, WireServer

if TYPE_CHECKING:
    from tests.support.wire.reply import Body, Reply

FINISHES = {
    "stop": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
}
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def usage_of(reply: Reply) -> Body | None:
    """`usageMetadata`: thoughts stand beside the candidates."""
    usage = reply.usage
    if usage is None:
        return None
    body: Body = {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": usage.output_tokens - usage.reasoning_tokens,
        "totalTokenCount": usage.input_tokens + usage.output_tokens,
        "cachedContentTokenCount": usage.cache_read_tokens,
        "thoughtsTokenCount": usage.reasoning_tokens,
    }
    return {key: value for key, value in body.items() if value}


def tool_parts(reply: Reply) -> list[Body]:
    """The function calls of an answer."""
    return [
        {
            "functionCall": {
                "id": tool.id,
                "name": tool.name,
                "args": json.loads(tool.arguments),
            },
            "thoughtSignature": "c2ln",
        }
        for tool in reply.tool_calls
    ]


class GoogleServer(WireServer):
    """A scripted server that speaks Gemini's API."""

    request_id_header = None

    @property
    def base_url(self) -> str:
        """What a client is given."""
        return self.origin

    def routes(self) -> list[web.RouteDef]:
        """Both methods of every model."""
        return [web.post("/{version:v1|v1beta}/models/{call}", self.answer)]

    def headers(self, reply: Reply) -> dict[str, str]:
        """The tier that served is told in a header."""
        tier = reply.service_tier
        return super().headers(reply) | ({} if tier is None else {"x-gemini-service-tier": tier})

    def is_streamed(self, call: Call) -> bool:
        """By the method's name."""
        return call.path.endswith(":streamGenerateContent")

    def document(self, call: Call, reply: Reply) -> Body:
        """The whole answer."""
        document = self._head(call, reply)
        usage = usage_of(reply)
        if usage is not None:
            document["usageMetadata"] = usage
        if reply.finish == "refusal":
            return document | {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
        parts = tool_parts(reply) or [{"text": reply.text}]
        return document | {"candidates": [self._candidate(reply, parts, ends=True)]}

    def frames(self, call: Call, reply: Reply) -> list[str]:
        """The chunks of the answer; usage grows."""
        whole = self.document(call, reply)
        if "candidates" not in whole:
            return self._framed(call, [whole])
        said = tool_parts(reply) or [{"text": piece} for piece in pieces(reply.text)]
        last = len(said) - 1
        chunks = [
            whole | {"candidates": [self._candidate(reply, [part], ends=number == last)]}
            for number, part in enumerate(said)
        ]
        return self._framed(call, chunks)

    def _framed(self, call: Call, chunks: list[Body]) -> list[str]:
        """Events where they are asked for (`alt=sse`), else the items of one JSON array."""
        if "alt=sse" in call.query:
            return [frame(chunk) for chunk in chunks]
        starts = ["[", *("," for _ in chunks[1:])]
        items = [start + json.dumps(chunk) for start, chunk in zip(starts, chunks, strict=True)]
        return [*items, "]"]

    def error(self, reply: Reply) -> Body:
        """Google's error document."""
        error: Body = {
            "code": reply.status,
            "message": reply.error_message,
            "status": STATUSES.get(reply.status, "UNKNOWN"),
        }
        if reply.error_code is not None:
            info = "type.googleapis.com/google.rpc.ErrorInfo"
            error["details"] = [{"@type": info, "reason": reply.error_code}]
        return {"error": error}

    def _head(self, call: Call, reply: Reply) -> Body:
        asked = call.path.rpartition("/")[2].partition(":")[0]
        return {"modelVersion": reply.model or asked, "responseId": "r-1"}

    def _candidate(self, reply: Reply, parts: list[Body], *, ends: bool) -> Body:
        candidate: Body = {"content": {"parts": parts, "role": "model"}, "index": 0}
        if ends:
            candidate["finishReason"] = FINISHES.get(reply.finish, reply.finish)
        return candidate


if __name__ == "__main__":
    serve(GoogleServer)
