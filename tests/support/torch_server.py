"""A decoder with random weights behind an OpenAI-compatible API: for measuring, not for reading.

    python torch_server.py PORT [--shape llama-8b | tiny] [--slots 32] [--context 4096]

Grouped-query attention, rotary positions, SwiGLU, a KV cache per slot; requests join and leave a
running batch (continuous batching), each prompt is read by itself. A token is four bytes of text;
an answer has exactly `max_tokens` tokens. Needs torch alone; on a GPU where there is one.
"""

from __future__ import annotations

import argparse
import json
import queue
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import torch
from torch import nn
from torch.nn import functional

CHUNK_BYTES = 4


@dataclass(frozen=True, kw_only=True)
class Shape:
    width: int
    layers: int
    heads: int
    kv_heads: int
    inner: int
    vocabulary: int


SHAPES = {
    "llama-8b": Shape(
        width=4096, layers=32, heads=32, kv_heads=8, inner=14336, vocabulary=128256
    ),
    "tiny": Shape(width=64, layers=2, heads=4, kv_heads=2, inner=128, vocabulary=512),
}  # fmt: skip


class Layer(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.head = shape.width // shape.heads
        kv = shape.kv_heads * self.head
        self.before = nn.RMSNorm(shape.width)
        self.between = nn.RMSNorm(shape.width)
        self.qkv = nn.Linear(shape.width, shape.width + 2 * kv, bias=False)
        self.out = nn.Linear(shape.width, shape.width, bias=False)
        self.up = nn.Linear(shape.width, 2 * shape.inner, bias=False)
        self.down = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: torch.Tensor, cache: Cache, step: Step) -> torch.Tensor:
        shape, (rows, length, _) = self.shape, x.shape
        kv = shape.kv_heads * self.head
        q, k, v = self.qkv(self.before(x)).split([shape.width, kv, kv], dim=-1)
        q, k, v = (
            part.view(rows, length, -1, self.head).transpose(1, 2) for part in (q, k, v)
        )  # fmt: skip
        keys, values = cache.add(_turn(k, step.positions), v, step)
        mixed = functional.scaled_dot_product_attention(
            _turn(q, step.positions), keys, values, attn_mask=step.mask, enable_gqa=True
        )
        x = x + self.out(mixed.transpose(1, 2).reshape(rows, length, -1))
        gate, up = self.up(self.between(x)).chunk(2, dim=-1)
        return x + self.down(functional.silu(gate) * up)


@dataclass
class Step:
    """Which slots are worked on, where each token stands, and what each may look at."""

    slots: torch.Tensor
    positions: torch.Tensor
    seen: int
    mask: torch.Tensor


class Cache:
    """Keys and values of one layer, by slot."""

    def __init__(self, shape: Shape, slots: int, context: int, like: torch.Tensor) -> None:
        size = (slots, shape.kv_heads, context, shape.width // shape.heads)
        self.keys, self.values = like.new_zeros(size), like.new_zeros(size)

    def add(
        self, keys: torch.Tensor, values: torch.Tensor, step: Step
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows = step.slots[:, None]
        self.keys[rows, :, step.positions] = keys.transpose(1, 2)
        self.values[rows, :, step.positions] = values.transpose(1, 2)
        return self.keys[step.slots, :, : step.seen], self.values[step.slots, :, : step.seen]


class Model(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.last = nn.RMSNorm(shape.width)
        self.head = nn.Linear(shape.width, shape.vocabulary, bias=False)

    def forward(self, tokens: torch.Tensor, caches: list[Cache], step: Step) -> torch.Tensor:
        x = self.embed(tokens)
        for layer, cache in zip(self.layers, caches, strict=True):
            x = layer(x, cache, step)
        return self.head(self.last(x[:, -1])).argmax(dim=-1)


def _turn(x: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Rotary positions."""
    half = x.shape[-1] // 2
    rates = 500_000.0 ** (-torch.arange(half, device=x.device) / half)
    angles = (positions[:, None, :, None] * rates).to(torch.float32)
    sin, cos = angles.sin().to(x.dtype), angles.cos().to(x.dtype)
    left, right = x.chunk(2, dim=-1)
    return torch.cat((left * cos - right * sin, left * sin + right * cos), dim=-1)


@dataclass
class Job:
    tokens: list[int]
    wanted: int
    said: queue.Queue[int | None] = field(default_factory=queue.Queue)
    length: int = 0
    made: int = 0
    last: int = 0


class Batch:
    """The running batch; one thread works it."""

    def __init__(self, model: Model, shape: Shape, slots: int, context: int) -> None:
        self.model, self.shape, self.context = model, shape, context
        like = model.head.weight
        self.device = like.device
        self.caches = [Cache(shape, slots, context, like) for _ in range(shape.layers)]
        self.coming: queue.Queue[Job] = queue.Queue()
        self.running: dict[int, Job] = {}
        self.free = list(range(slots))
        self.tokens_made = 0

    @torch.inference_mode()
    def work(self) -> None:
        while True:
            while self.free and (not self.running or not self.coming.empty()):
                self._read(self.coming.get())
            self._step()

    def _read(self, job: Job) -> None:
        slot = self.free.pop()
        length = len(job.tokens)
        positions = torch.arange(length, device=self.device)[None]
        step = Step(
            slots=torch.tensor([slot], device=self.device),
            positions=positions,
            seen=length,
            mask=(positions[0][:, None] >= positions[0][None, :])[None, None],
        )
        tokens = torch.tensor([job.tokens], device=self.device)
        job.length = length
        self.running[slot] = job
        self._say(slot, int(self.model(tokens, self.caches, step)[0]))

    def _step(self) -> None:
        slots = list(self.running)
        jobs = [self.running[slot] for slot in slots]
        positions = torch.tensor([[job.length] for job in jobs], device=self.device)
        seen = max(job.length for job in jobs) + 1
        reach = torch.arange(seen, device=self.device)[None, :] <= positions
        step = Step(
            slots=torch.tensor(slots, device=self.device),
            positions=positions,
            seen=seen,
            mask=reach[:, None, None, :],
        )
        tokens = torch.tensor([[job.last] for job in jobs], device=self.device)
        made = self.model(tokens, self.caches, step).tolist()
        for slot, token in zip(slots, made, strict=True):
            self.running[slot].length += 1
            self._say(slot, token)

    def _say(self, slot: int, token: int) -> None:
        job = self.running[slot]
        job.last, job.made = token, job.made + 1
        self.tokens_made += 1
        job.said.put(token)
        if job.made >= job.wanted or job.length + 1 >= self.context:
            job.said.put(None)
            del self.running[slot]
            self.free.append(slot)
        elif not self.running:
            raise AssertionError("a job that goes on is running")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    batch: Batch

    def do_GET(self) -> None:
        batch = self.batch
        used = sum(job.length for job in list(batch.running.values()))
        whole = batch.context * (len(batch.running) + len(batch.free))
        pages = {
            "/health": "{}",
            "/version": json.dumps({"version": f"torch-{torch.__version__}"}),
            "/metrics": (
                f"vllm:num_requests_running {len(batch.running)}\n"
                f"vllm:num_requests_waiting {batch.coming.qsize()}\n"
                f"vllm:kv_cache_usage_perc {used / whole}\n"
                f"vllm:generation_tokens_total {batch.tokens_made}\n"
            ),
        }
        self._send(200 if self.path in pages else 404, pages.get(self.path, "{}"))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = "".join(message["content"] for message in body["messages"])
        raw = text.encode()
        size = self.batch.shape.vocabulary
        tokens = [
            int.from_bytes(raw[start : start + CHUNK_BYTES], "big") % size
            for start in range(0, len(raw), CHUNK_BYTES)
        ] or [0]  # fmt: skip
        wanted = int(body.get("max_completion_tokens") or body.get("max_tokens") or 16)
        job = Job(tokens=tokens[-(self.batch.context - wanted - 1) :], wanted=wanted)
        self.batch.coming.put(job)
        usage = {
            "prompt_tokens": len(job.tokens), "completion_tokens": wanted,
            "total_tokens": len(job.tokens) + wanted,
        }  # fmt: skip
        if body.get("stream"):
            self._stream(job, body["model"], usage)
            return
        words = list(iter(job.said.get, None))
        message = {"role": "assistant", "content": " ".join(map(str, words))}
        choice = {"index": 0, "finish_reason": "length", "message": message}
        self._send(
            200,
            json.dumps({"id": "c", "model": body["model"], "choices": [choice], "usage": usage}),
        )

    def _stream(self, job: Job, model: str, usage: dict[str, int]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        common = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": model}
        for token in iter(job.said.get, None):
            delta = {"index": 0, "delta": {"content": f"{token} "}, "finish_reason": None}
            self._event({**common, "choices": [delta]})
        end = {"index": 0, "delta": {}, "finish_reason": "length"}
        self._event({**common, "choices": [end]})
        self._event({**common, "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")
        self.close_connection = True

    def _event(self, content: dict[str, object]) -> None:
        self.wfile.write(f"data: {json.dumps(content)}\n\n".encode())

    def _send(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256

    def handle_error(self, request: object, client_address: object) -> None:
        pass


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--shape", choices=SHAPES, default="llama-8b")
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--context", type=int, default=4096)
    options = parser.parse_args()
    shape = SHAPES[options.shape]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = torch.bfloat16 if device == "cuda" else torch.float32
    torch.set_default_dtype(kind)
    with torch.device(device):
        model = Model(shape).eval()
    batch = Batch(model, shape, options.slots, options.context)
    Handler.batch = batch
    threading.Thread(target=batch.work, daemon=True).start()
    server = Server(("127.0.0.1", options.port), Handler)
    print(f"serving {options.shape} on {device}", flush=True)  # noqa: T201
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
