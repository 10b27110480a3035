"""The vendors' batch APIs: a batch ends at its second poll; each item is answered by the script.

While `held`, no batch ends. An item whose reply has the fault `stall` expires. After OpenAI's Batch
API reference, Anthropic's Message Batches reference, and Google's batch mode and Files references.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply
from tests.support.wire.server import Call, read_call

if TYPE_CHECKING:
    from tests.support.wire.reply import Body


def lines(documents: list[Body]) -> bytes:
    """JSON lines, the last first: nothing promises an order."""
    return "".join(json.dumps(document) + "\n" for document in reversed(documents)).encode()


def call_of(path: str, body: Body) -> Call:
    """An item as the request that it would be by itself."""
    return Call(method="POST", path=path, query="", headers={}, body=body)


@dataclass(slots=True)
class Jobs:
    """What a vendor knows of its batches; the items of each by the batch's name."""

    items: dict[str, list[Body]] = field(default_factory=dict)
    polls: Counter[str] = field(default_factory=Counter)
    held: bool = False
    failed: bool = False
    gone: bool = False
    named: str = ""
    """The next batch's name; without one, the vendor's own."""

    def add(self, prefix: str, items: list[Body]) -> str:
        """A new batch; returns its name."""
        name = self.named or f"{prefix}{len(self.items) + 1}"
        self.items[name] = items
        return name

    def ended(self, name: str) -> bool:
        """One more poll of a batch; whether it has ended."""
        self.polls[name] += 1
        return self.polls[name] > 1 and not self.held


class OpenAIBatchServer(OpenAIServer):
    """Files and batches of OpenAI."""

    def routes(self) -> list[web.RouteDef]:
        """Files in and out, batches."""
        self.files: dict[str, bytes] = {}
        self.outputs: dict[str, Body] = {}
        self.jobs = Jobs()
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
        name = f"file-in-{len(self.files)}"
        self.files[name] = file.file.read()
        return web.json_response({"id": name, "object": "file", "purpose": form["purpose"]})

    async def content(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["id"]])

    async def create(self, request: web.Request) -> web.Response:
        call = await read_call(request)
        self.log.arrived(call)
        items = self.files[call.body["input_file_id"]].splitlines()
        name = self.jobs.add("batch_", [json.loads(line) for line in items])
        return web.json_response(self.batch(name, "validating"))

    async def retrieve(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if self.jobs.gone or name not in self.jobs.items:
            return web.json_response(self.error(Reply(error_code="not_found")), status=404)
        if self.jobs.failed:
            errors = {"object": "list", "data": [{"code": "invalid_json_line"}]}
            return web.json_response(self.batch(name, "failed") | {"errors": errors})
        if not self.jobs.ended(name):
            return web.json_response(self.batch(name, "in_progress"))
        return web.json_response(self.batch(name, "completed") | self.results(name))

    def batch(self, name: str, status: str) -> Body:
        return {"id": name, "object": "batch", "status": status}

    def results(self, name: str) -> Body:
        """Write both files of results, once."""
        if name in self.outputs:
            return self.outputs[name]
        answered, refused = [], []
        for item in self.jobs.items[name]:
            reply = self.script(item["body"])
            target = refused if reply.status >= 400 or reply.fault else answered
            target.append(self.result(item, reply))
        self.files |= {f"out-{name}": lines(answered), f"err-{name}": lines(refused)}
        found = {"output_file_id": f"out-{name}"}
        self.outputs[name] = found | ({"error_file_id": f"err-{name}"} if refused else {})
        return self.outputs[name]

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
        self.jobs = Jobs()
        return [
            *super().routes(),
            web.post("/v1/messages/batches", self.create),
            web.get("/v1/messages/batches/{id}", self.retrieve),
            web.get("/v1/messages/batches/{id}/results", self.results),
        ]

    async def create(self, request: web.Request) -> web.Response:
        call = await read_call(request)
        self.log.arrived(call)
        name = self.jobs.add("msgbatch_", call.body["requests"])
        return web.json_response(self.batch(name, "in_progress"))

    async def retrieve(self, request: web.Request) -> web.Response:
        name = request.match_info["id"]
        if self.jobs.gone or name not in self.jobs.items:
            missing = self.error(Reply(error_code="not_found_error"))
            return web.json_response(missing, status=404)
        ended = self.jobs.ended(name)
        return web.json_response(self.batch(name, "ended" if ended else "in_progress"))

    def batch(self, name: str, status: str) -> Body:
        return {
            "id": name,
            "type": "message_batch",
            "processing_status": status,
            "results_url": "http://127.0.0.1:9/elsewhere",
        }

    async def results(self, request: web.Request) -> web.Response:
        found = [self.result(item) for item in self.jobs.items[request.match_info["id"]]]
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
        self.files: dict[str, bytes] = {}
        self.models: dict[str, str] = {}
        self.jobs = Jobs()
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
        name = f"files/in-{len(self.files)}"
        self.files[name] = await request.read()
        document = {"file": {"name": name, "mimeType": "application/jsonl"}}
        return web.json_response(document, headers={"x-goog-upload-status": "final"})

    async def create(self, request: web.Request) -> web.Response:
        call = await read_call(request)
        self.log.arrived(call)
        file = self.files[call.body["batch"]["inputConfig"]["fileName"]]
        name = self.jobs.add("batches/", [json.loads(line) for line in file.splitlines()])
        self.models[name] = request.match_info["model"]
        return web.json_response(self.operation(name, "BATCH_STATE_PENDING"))

    async def retrieve(self, request: web.Request) -> web.Response:
        name = f"batches/{request.match_info['id']}"
        if self.jobs.gone or name not in self.jobs.items:
            missing = self.error(Reply(error_code="NOT_FOUND", status=404))
            return web.json_response(missing, status=404)
        if self.jobs.failed:
            return web.json_response(self.operation(name, "BATCH_STATE_FAILED"))
        state = "BATCH_STATE_SUCCEEDED" if self.jobs.ended(name) else "BATCH_STATE_RUNNING"
        return web.json_response(self.operation(name, state))

    def operation(self, name: str, state: str) -> Body:
        metadata: Body = {"state": state, "model": f"models/{self.models[name]}"}
        if state.endswith("SUCCEEDED"):
            metadata["output"] = {"responsesFile": f"files/out-{name.rpartition('/')[2]}"}
        return {"name": name, "metadata": metadata}

    async def download(self, request: web.Request) -> web.Response:
        name = f"batches/{request.match_info['id'].removeprefix('out-')}"
        found = [self.result(item, self.models[name]) for item in self.jobs.items[name]]
        return web.Response(body=lines(found))

    def result(self, item: Body, model: str) -> Body:
        reply = self.script(item["request"])
        if reply.fault == "stall":
            return {"key": item["key"], "error": {"code": 4, "message": "expired"}}
        if reply.status >= 400:
            return {"key": item["key"], "error": self.error(reply)["error"]}
        path = f"/v1/models/{model}:generateContent"
        return {
            "key": item["key"],
            "response": self.document(call_of(path, item["request"]), reply),
        }
