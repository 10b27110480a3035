"""A quality pass offline against the same pass through the server: seconds, from one run.

    python -m tests.benchmarks.serving.offline --python PYTHON --weights FOLDER [--requests 200]
        [--output-tokens 32] [--in-flight 64] [--replicas 1] [--device NAME] [ARGUMENT OF VLLM...]

PYTHON has vLLM. The server answers with as many requests in flight as a review has; offline the
same requests are shared out over the replicas. It adds two rows to `offline.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.ask.serving.offline import OfflineRunner, open_offline
from harness.ask.serving.server_lifecycle import serve_models
from harness.ask.serving.specs import ServeSpec
from providers.batch import BatchAnswered, BatchItem
from providers.batch_lines import BatchLines
from providers.opening import open_provider
from providers.provider import Endpoint
from providers.request import Message, ModelRequest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.ask.cluster.gpu_workers import GpuWorker

RESULTS = Path(__file__).with_name("offline.md")
HEAD = """\
# A quality pass offline and through the server

`python -m tests.benchmarks.serving.offline --help` says how a row is made. Both passes of a pair
are of one run: read their ratio, not their seconds.

| day | device | requests | pass | ready after | answering | whole | to the server's \
| equal answers |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""
TEXT = "A customer writes: my invoice {n} was charged twice and nobody answers. " * 6


@dataclass(frozen=True, kw_only=True)
class Pass:
    load_s: float
    whole_s: float
    texts: Mapping[str, str] = field(repr=False)

    @property
    def answering_s(self) -> float:
        return self.whole_s - self.load_s


class LocalSeat:
    """A seat in this process: what Ray places, without Ray."""

    def __init__(self) -> None:
        self._process = open_offline()

    def call(self, method: str, *arguments: object) -> object:
        return getattr(self._process, method)(*arguments)


def items(options: argparse.Namespace) -> list[BatchItem]:
    return [
        BatchItem(
            id=f"c{n}",
            request=ModelRequest(
                model="model",
                messages=(Message(role="user", text=TEXT.format(n=n)),),
                max_output_tokens=options.output_tokens,
                temperature=0,
            ),
        )
        for n in range(options.requests)
    ]


async def ask(asked: Sequence[BatchItem], base_url: str, in_flight: int) -> dict[str, str]:
    endpoint = Endpoint(vendor="openai-compatible", api="chat", base_url=base_url)
    provider = open_provider(endpoint, key=None)
    places = asyncio.Semaphore(in_flight)

    async def one(item: BatchItem) -> tuple[str, str]:
        async with places:
            return item.id, (await provider.complete(item.request)).text

    try:
        return dict(await asyncio.gather(*map(one, asked)))
    finally:
        await provider.aclose()


def through_server(spec: ServeSpec, options: argparse.Namespace) -> Pass:
    with tempfile.TemporaryDirectory() as logs:
        began = time.perf_counter()
        with serve_models({"model": spec}, logs=Path(logs), environ=os.environ) as served:
            loaded = time.perf_counter()
            texts = asyncio.run(ask(items(options), served["model"].base_url, options.in_flight))
        return Pass(load_s=loaded - began, whole_s=time.perf_counter() - began, texts=texts)


def offline(spec: ServeSpec, options: argparse.Namespace) -> Pass:
    lines = BatchLines(Endpoint(vendor="openai-compatible", api="chat"))
    asked, count = items(options), options.replicas
    gpu_workers: tuple[GpuWorker, ...] = tuple(LocalSeat() for _ in range(count))  # type: ignore[misc]
    runner = OfflineRunner("model", spec, gpu_workers, None)
    began = time.perf_counter()
    runner.start([lines.requests(asked[place::count]) for place in range(count)])
    while not runner.is_ended():
        time.sleep(0.1)
    shares = runner.collect()
    whole_s = time.perf_counter() - began
    for share in shares:
        if share.failed:
            raise SystemExit(share.failed)
    outcomes = [one for share in shares for one in lines.outcomes(share.results)]
    texts = {one.id: one.answer.text for one in outcomes if isinstance(one, BatchAnswered)}
    return Pass(
        load_s=max(share.load_s or whole_s for share in shares), whole_s=whole_s, texts=texts
    )


def row(found: Pass, server: Pass, name: str, options: argparse.Namespace) -> str:
    equal = sum(found.texts.get(key) == text for key, text in server.texts.items())
    cells = (
        datetime.now(UTC).date().isoformat(),
        options.device,
        f"{options.requests} of {options.output_tokens} tokens",
        name,
        f"{found.load_s:.1f} s",
        f"{found.answering_s:.1f} s",
        f"{found.whole_s:.1f} s",
        f"{found.answering_s / server.answering_s:.2f}, whole {found.whole_s / server.whole_s:.2f}",
        f"{equal} of {len(server.texts)}",
    )
    return "| " + " | ".join(cells) + " |\n"


def main(arguments: Sequence[str]) -> tuple[Pass, Pass]:
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--output-tokens", type=int, default=32)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--replicas", type=int, default=1)
    parser.add_argument("--device", default="CPU")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options, rest = parser.parse_known_args(arguments)
    spec = ServeSpec(
        engine="vllm", weights=options.weights, python=options.python, args=tuple(rest), ready_s=900
    )
    server = through_server(spec, options)
    without = offline(spec, options)
    text = options.results.read_text() if options.results.exists() else HEAD
    text += row(server, server, f"server, {options.in_flight} in flight", options)
    text += row(without, server, f"offline, {options.replicas} at once", options)
    options.results.write_text(text)
    return server, without


if __name__ == "__main__":
    main(sys.argv[1:])
