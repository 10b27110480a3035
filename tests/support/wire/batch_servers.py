"""The vendors' batch APIs: a batch ends at the second poll; each item is answered by the script.

An item whose reply has the fault `stall` expires. After OpenAI's Batch API reference, Anthropic's
Message Batches reference, and Google's batch mode and Files references.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.server import Call, read_call

if TYPE_CHECKING:
    from tests.support.wire.reply import Body, Reply


def lines(documents: list[Body]) -> bytes:
    """JSON lines, the last first: nothing promises an order."""
    return "".join(json.dumps(document) + "\n" for document in reversed(documents)).encode()


def call_of(path: str, body: Body) -> Call:
    """An item as the request that it would be by itself."""
    return Call(method="POST", path=path, query="", headers={}, body=body)


class OpenAIBatchServer(OpenAIServer):
    """Files and batches of OpenAI."""

    def routes(self) -> list[web.RouteDef]:
        """Files in and out, batches."""
        self.files: dict[str, bytes] = {}
        self.batch: Body = {}
        self.polls = 0
        self.failed = False
        return [
            *super().routes(),
            web.post("/v1/files", self.upload),
            web.get("/v1/files/{id}/content", self.content),
            web.post("/v1/batches", self.create),
            web.get("/v1/batches/{id}", self.retrieve),
        ]

    async def upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file: Any = form["file"]
        self.files["file-in"] = file.file.read()
        return web.json_response({"id": "file-in", "object": "file", "purpose": form["purpose"]})

    async def content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]])

    async def create(self, request: web.Request) -> web.Response:
        self.log.arrived(await read_call(request))
        self.batch = {"id": "batch_1", "object": "batch", "status": "validating"}
        return web.json_response(self.batch)

    async def retrieve(self, _request: web.Request) -> web.Response:
        self.polls += 1
        status = "in_progress" if self.polls == 1 else "completed"
        self.batch["status"] = "failed" if self.failed else status
        if self.failed:
            self.batch["errors"] = {"object": "list", "data": [{"code": "invalid_json_line"}]}
        elif self.polls > 1:
            self.end()
        return web.json_response(self.batch)

    def end(self) -> None:
        """Write both files of results."""
        answered, refused = [], []
        for line in self.files["file-in"].splitlines():
            item = json.loads(line)
            reply = self.script(item["body"])
            target = refused if reply.status >= 400 or reply.fault else answered
            target.append(self.result(item, reply))
        self.files |= {"file-out": lines(answered), "file-err": lines(refused)}
        self.batch |= {"output_file_id": "file-out"}
        self.batch |= {"error_file_id": "file-err"} if refused else {}

    def result(self, item: Body, reply: Reply) -> Body:
        """One line of results."""
        head = {"id": "batch_req_1", "custom_id": item["custom_id"]}
        if reply.fault == "stall":
            message = "This request could not be executed before the completion window expired."
            return head | {"response": None, "error": {"code": "batch_expired", "message": message}}
        whole = self.error(reply) if reply.status >= 400 else None
        body = whole or self.document(call_of(item["url"], item["body"]), reply)
        response = {"status_code": reply.status, "request_id": "req-1", "body": body}
        return head | {"response": response, "error": None}


class AnthropicBatchServer(AnthropicServer):
    """Message Batches."""

    def routes(self) -> list[web.RouteDef]:
        """Batches and their results."""
        self.requests: list[Body] = []
        self.polls = 0
        return [
            *super().routes(),
            web.post("/v1/messages/batches", self.create),
            web.get("/v1/messages/batches/{id}", self.retrieve),
            web.get("/v1/messages/batches/{id}/results", self.results),
        ]

    async def create(self, request: web.Request) -> web.Response:
        call = await read_call(request)
        self.log.arrived(call)
        self.requests = call.body["requests"]
        return web.json_response(self.batch("in_progress"))

    async def retrieve(self, _request: web.Request) -> web.Response:
        self.polls += 1
        return web.json_response(self.batch("in_progress" if self.polls == 1 else "ended"))

    def batch(self, status: str) -> Body:
        return {
            "id": "msgbatch_1",
            "type": "message_batch",
            "processing_status": status,
            "results_url": "http://127.0.0.1:9/elsewhere",
        }

    async def results(self, _request: web.Request) -> web.Response:
        found = [self.result(item) for item in self.requests]
        return web.Response(body=lines(found), content_type="application/x-jsonl")

    def result(self, item: Body) -> Body:
        reply = self.script(item["params"])
        result: Body = {"type": "succeeded"}
        if reply.fault == "stall":
            result = {"type": "expired"}
        elif reply.status >= 400:
            result = {"type": "errored", "error": self.error(reply)}
        else:
            result["message"] = self.document(call_of("/v1/messages", item["params"]), reply)
        return {"custom_id": item["custom_id"], "result": result}


class GoogleBatchServer(GoogleServer):
    """Files and batches of Gemini's API."""

    def routes(self) -> list[web.RouteDef]:
        """Resumable upload, download, batches."""
        self.file = b""
        self.polls = 0
        self.failed = False
        return [
            web.post("/v1/models/{model}:batchGenerateContent", self.create),
            *super().routes(),
            web.post("/upload/{version}/files", self.start_upload),
            web.post("/upload-here", self.upload),
            web.get("/{version}/batches/{id}", self.retrieve),
            web.get("/{version}/files/{id}:download", self.download),
        ]

    async def start_upload(self, _request: web.Request) -> web.Response:
        return web.json_response({}, headers={"x-goog-upload-url": f"{self.origin}/upload-here"})

    async def upload(self, request: web.Request) -> web.Response:
        self.file = await request.read()
        document = {"file": {"name": "files/in", "mimeType": "application/jsonl"}}
        return web.json_response(document, headers={"x-goog-upload-status": "final"})

    async def create(self, request: web.Request) -> web.Response:
        self.log.arrived(await read_call(request))
        return web.json_response(self.operation("BATCH_STATE_PENDING"))

    async def retrieve(self, _request: web.Request) -> web.Response:
        self.polls += 1
        state = "BATCH_STATE_RUNNING" if self.polls == 1 else "BATCH_STATE_SUCCEEDED"
        return web.json_response(self.operation("BATCH_STATE_FAILED" if self.failed else state))

    def operation(self, state: str) -> Body:
        metadata: Body = {"state": state, "model": "models/small-1"}
        if state.endswith("SUCCEEDED"):
            metadata["output"] = {"responsesFile": "files/batch-out"}
        return {"name": "batches/1", "metadata": metadata}

    async def download(self, _request: web.Request) -> web.Response:
        items = [json.loads(line) for line in self.file.splitlines()]
        return web.Response(body=lines([self.result(item) for item in items]))

    def result(self, item: Body) -> Body:
        reply = self.script(item["request"])
        if reply.fault == "stall":
            return {"key": item["key"], "error": {"code": 4, "message": "expired"}}
        if reply.status >= 400:
            return {"key": item["key"], "error": self.error(reply)["error"]}
        path = "/v1/models/small-1:generateContent"
        return {
            "key": item["key"],
            "response": self.document(call_of(path, item["request"]), reply),
        }
