"""Result files of other load generators, request by request.

Only open-loop runs say what a replica carries: with a fixed number of clients (guidellm's
`synchronous`, `concurrent` and `throughput`, vLLM's `--max-concurrency` or an infinite rate) the
clients wait for the server, and such runs are refused by name.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from harness.errors import UsageError
from harness.probe.samples import Sample
from harness.probe.summary import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

Tool: TypeAlias = Literal["guidellm", "vllm-bench", "aiperf"]
Entry: TypeAlias = "Mapping[str, Any]"
OPEN_LOOP = ("constant", "poisson")
MILLI = 1000.0


def read_runs(tool: Tool, path: Path) -> tuple[Run, ...]:
    """Runs of a file, slowest rate first.

    `guidellm`: its JSON report with requests. `vllm-bench`: `vllm bench serve --save-result
    --save-detailed`. `aiperf`: `profile_export.jsonl`, or the folder that holds it.

    Raises:
        UsageError: the file is not what the tool writes, or holds no open-loop run.
    """
    readers: Mapping[Tool, Callable[[Path], Sequence[Run]]] = {
        "guidellm": _guidellm,
        "vllm-bench": _vllm_bench,
        "aiperf": _aiperf,
    }
    try:
        runs = readers[tool](path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise UsageError(f"{path}: is not a result file of {tool} ({reason})") from None
    if not any(run.samples for run in runs):
        raise UsageError(f"{path}: holds no request of an open-loop run; run {tool} with a rate")
    return tuple(sorted(runs, key=lambda run: run.rate_per_s))


def _guidellm(path: Path) -> list[Run]:
    report = json.loads(path.read_text(encoding="utf-8"))
    return [
        _guidellm_run(benchmark)
        for benchmark in report["benchmarks"]
        if benchmark["config"]["strategy"]["type_"] in OPEN_LOOP
    ]


def _guidellm_run(benchmark: Entry) -> Run:
    requests = benchmark["requests"]
    answered = [(entry, None) for entry in requests["successful"] or ()]
    failed = [
        (entry, name)
        for status, name in (("errored", "Errored"), ("incomplete", "Unfinished"))
        for entry in requests[status] or ()
    ]
    entries = sorted([*answered, *failed], key=lambda pair: _guidellm_due(pair[0]))
    start = _guidellm_due(entries[0][0]) if entries else 0.0
    return Run(
        rate_per_s=float(benchmark["config"]["strategy"]["rate"]),
        repeat=0,
        samples=tuple(_guidellm_sample(entry, start, error) for entry, error in entries),
    )


def _guidellm_due(entry: Entry) -> float:
    """When the request was due; newer files say how late it was sent."""
    return float(entry["request_start_time"]) - float(entry.get("request_dispatch_delay") or 0.0)


def _guidellm_sample(entry: Entry, start: float, error: str | None) -> Sample:
    late_s = max(float(entry.get("request_dispatch_delay") or 0.0), 0.0)
    first, gap = entry.get("time_to_first_token_ms"), entry.get("inter_token_latency_ms")
    total = entry.get("request_latency")
    return Sample(
        due_s=_guidellm_due(entry) - start,
        first_token_s=None if first is None else first / MILLI + late_s,
        inter_token_s=None if gap is None else gap / MILLI,
        total_s=None if total is None else total + late_s,
        input_tokens=entry.get("prompt_tokens"),
        output_tokens=entry.get("output_tokens"),
        late_s=late_s,
        error=error,
    )


def _vllm_bench(path: Path) -> list[Run]:
    """One file a run; JSON lines (`--append-result`) hold several."""
    runs: list[Run] = []
    for line in _json_documents(path):
        if line["request_rate"] == "inf" or line.get("max_concurrency") is not None:
            continue
        starts: Sequence[float] = line["start_times"]
        order = sorted(range(len(starts)), key=starts.__getitem__)
        runs.append(
            Run(
                rate_per_s=float(line["request_rate"]),
                repeat=0,
                samples=tuple(_vllm_sample(line, number, starts[order[0]]) for number in order),
            )
        )
    return runs


def _vllm_sample(line: Entry, number: int, start: float) -> Sample:
    due_s = line["start_times"][number] - start
    if line["errors"][number]:
        return Sample(due_s=due_s, error="Errored")
    first_s: float = line["ttfts"][number]
    # The gaps are between chunks, which may hold several tokens: their sum is what is certain.
    after_s = float(sum(line["itls"][number]))
    tokens: int = line["output_lens"][number]
    return Sample(
        due_s=due_s,
        first_token_s=first_s,
        inter_token_s=after_s / (tokens - 1) if tokens > 1 else None,
        total_s=first_s + after_s,
        input_tokens=line["input_lens"][number],
        output_tokens=tokens,
    )


def _aiperf(path: Path) -> list[Run]:
    """The rate is not in the records: it is what arrived, over the time in which it did."""
    records = path / "profile_export.jsonl" if path.is_dir() else path
    entries = sorted(
        (
            entry
            for entry in _json_documents(records)
            if entry["metadata"]["benchmark_phase"] == "profiling"
        ),
        key=lambda entry: int(entry["metadata"]["request_start_ns"]),
    )
    if len(entries) < 2:  # noqa: PLR2004  # a rate needs a time between two arrivals
        return []
    start = int(entries[0]["metadata"]["request_start_ns"])
    span_s = (int(entries[-1]["metadata"]["request_start_ns"]) - start) / 1e9
    return [
        Run(
            rate_per_s=(len(entries) - 1) / span_s,
            repeat=0,
            samples=tuple(_aiperf_sample(entry, start) for entry in entries),
        )
    ]


def _aiperf_sample(entry: Entry, start_ns: int) -> Sample:
    due_s = (int(entry["metadata"]["request_start_ns"]) - start_ns) / 1e9
    if entry.get("error"):
        return Sample(due_s=due_s, error=str(entry["error"].get("type") or "Errored"))
    metrics: Entry = entry["metrics"]

    def seconds(name: str) -> float | None:
        metric = metrics.get(name)
        if metric is None:
            return None
        if metric["unit"] != "ms":
            raise ValueError(f"{name} is in {metric['unit']}, expected ms")
        return float(metric["value"]) / MILLI

    def tokens(name: str) -> int | None:
        return int(metrics[name]["value"]) if name in metrics else None

    return Sample(
        due_s=due_s,
        first_token_s=seconds("time_to_first_token"),
        inter_token_s=seconds("inter_token_latency"),
        total_s=seconds("request_latency"),
        input_tokens=tokens("input_sequence_length"),
        output_tokens=tokens("output_sequence_length"),
    )


def _json_documents(path: Path) -> list[Entry]:
    """One JSON document, or one a line."""
    text = path.read_text(encoding="utf-8")
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
