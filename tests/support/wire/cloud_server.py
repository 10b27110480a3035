"""The paths and frames that clouds put around the vendors' bodies.

Azure OpenAI (deployments under the resource), Anthropic on Bedrock (`invoke`, AWS event streams),
Vertex (`rawPredict`, `generateContent` below a project) and Foundry, after their public references.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from typing import TYPE_CHECKING

from aiohttp import web

from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from tests.support.wire.reply import Body, Reply
    from tests.support.wire.server import Call


def aws_header(name: str, value: str) -> bytes:
    """One header of an AWS event: type 7 is a text."""
    raw = value.encode()
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(raw)) + raw


def aws_event(event: Body) -> bytes:
    """One event in AWS's binary framing (application/vnd.amazon.eventstream)."""
    inner = base64.b64encode(json.dumps(event).encode()).decode()
    payload = json.dumps({"bytes": inner}).encode()
    headers = b"".join(
        (
            aws_header(":event-type", "chunk"),
            aws_header(":content-type", "application/json"),
            aws_header(":message-type", "event"),
        )
    )
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    head = lengths + struct.pack(">I", zlib.crc32(lengths))
    body = head + headers + payload
    return body + struct.pack(">I", zlib.crc32(body))


class AzureServer(OpenAIServer):
    """An Azure OpenAI resource."""

    chat_paths = (
        "/openai/deployments/{deployment}/chat/completions",
        "/openai/deployments/{deployment}/completions",
        "/openai/v1/chat/completions",
        "/openai/v1/responses",
    )
    request_id_header = "apim-request-id"

    def error(self, reply: Reply) -> Body:
        """Azure's filter tells its verdict in an inner error."""
        document = super().error(reply)
        if reply.error_code == "content_filter":
            document["error"]["innererror"] = {"code": "ResponsibleAIPolicyViolation"}
        return document


class BedrockServer(AnthropicServer):
    """Anthropic's models behind bedrock-runtime."""

    chat_paths = ("/model/{model}/invoke", "/model/{model}/invoke-with-response-stream")
    stream_type = "application/vnd.amazon.eventstream"

    def is_streamed(self, call: Call) -> bool:
        """By the path."""
        return call.path.endswith("-stream")

    def raw_frames(self, call: Call, reply: Reply) -> list[bytes]:
        """Each SSE event as an AWS event."""
        texts = [frame.split("data: ", 1)[1] for frame in self.frames(call, reply)]
        return [aws_event(json.loads(text)) for text in texts]


class VertexServer(AnthropicServer):
    """Anthropic's and Google's models behind Vertex."""

    def routes(self) -> list[web.RouteDef]:
        """Both publishers."""
        path = "/projects/{project}/locations/{region}/publishers/anthropic/models/{call}"
        return [web.post(path, self.answer)]

    def is_streamed(self, call: Call) -> bool:
        """By the method."""
        return call.path.endswith(":streamRawPredict")


class VertexGoogleServer(GoogleServer):
    """Google's own models behind Vertex."""

    def routes(self) -> list[web.RouteDef]:
        """One publisher."""
        path = "/v1/projects/{project}/locations/{region}/publishers/google/models/{call}"
        return [web.post(path, self.answer)]


class FoundryServer(AnthropicServer):
    """Anthropic's models behind Azure's Foundry."""

    chat_paths = ("/anthropic/v1/messages",)
