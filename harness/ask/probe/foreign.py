"""Reads result files of other load generators (guidellm, vLLM, aiperf), request by request.

Only an open-loop run, which sends requests when they are due, shows what a replica carries. With a
fixed number of clients (guidellm's `synchronous`, `concurrent` and `throughput`, vLLM's
`--max-concurrency` or an infinite rate, aiperf's `--concurrency` without a rate) the clients wait
for the server; such runs are refused by name. Times count from when a request was due, as in a run
of our own. The goodput is interpolated between the rates that the file has.

Tested with files of guidellm 0.8.1, vLLM 0.32.0 and aiperf 0.13.0, which lie in
`tests/harness/ask/probe/files`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, TypeAlias

from harness.ask.probe.probed_requests import (
    LIMITS_PER_RUN,
    ProbedRequest,
    RateRun,
    Slo,
    slowest_limit,
)
from harness.ask.probe.search import Goodput, NoGoodputError, SearchPlan
from harness.errors import UsageError
from harness.wording import percent


def goodput_of_rates(points: Sequence[tuple[float, float]], plan: SearchPlan) -> Goodput:
    """Where the share of good requests falls below the plan's, between two rates.

    `points` are (rate, share of good requests). The lowest rate that is not good ends the search:
    a good one above it is luck. There is no interval: nothing was repeated. When every rate is
    good the highest is the answer, and no upper bound is known.

    Raises:
        NoGoodputError: not even the lowest rate is good.
    """
    good: tuple[float, float] | None = None
    for rate, share in sorted(points):
        if share < plan.good_share:
            return _result(_crossing(good, (rate, share), plan.good_share))
        good = (rate, share)
    if good is None:
        raise NoGoodputError("there is no run")
    return _result(good[0])


def doubts(runs: Sequence[RateRun], slo: Slo) -> tuple[str, ...]:
    """What makes such a goodput too high, a line each: short runs, and even arrivals."""
    lines: list[str] = []
    wanted_s = LIMITS_PER_RUN * slowest_limit(slo)
    short = [run for run in runs if run.counted_s < wanted_s]
    if short:
        lines.append(
            f"{len(short)} of {len(runs)} runs count less than {wanted_s:.3g} s "
            f"({LIMITS_PER_RUN} limits): a queue that has not filled yet makes a rate look good"
        )
    if any(run.even for run in runs):
        lines.append("requests arrived more evenly than at random: production's queue is longer")
    return tuple(lines)


def _crossing(good: tuple[float, float] | None, bad: tuple[float, float], share: float) -> float:
    if good is None:
        raise NoGoodputError(
            f"only {percent(bad[1])} of the requests are good at the lowest rate, {bad[0]:g} a "
            "second; measure lower ones"
        )
    return good[0] + (bad[0] - good[0]) * (good[1] - share) / (good[1] - bad[1])


def _result(per_s: float) -> Goodput:
    return Goodput(per_s=per_s, lower_per_s=None, upper_per_s=None)


Tool: TypeAlias = Literal["guidellm", "vllm-bench", "aiperf"]
Entry: TypeAlias = "Mapping[str, Any]"
OPEN_LOOP = ("constant", "poisson")
EVEN_ARRIVALS = "constant"
AIPERF_OPEN_LOOP = ("poisson", "gamma", "constant")
UNFINISHED = "Unfinished"
"""Error of a request that was still on its way when the run ended."""
CHANCE = 3.0
"""Standard errors by which an arrival rate may be off by chance."""
MILLI = 1000.0
NANO = 1e9


def read_runs(tool: Tool, path: Path) -> tuple[RateRun, ...]:
    """Runs of a file, slowest rate first.

    `guidellm`: its JSON report with requests. `vllm-bench`: `vllm bench serve --save-result
    --save-detailed`. `aiperf`: `profile_export.jsonl`, or the folder that holds it.

    Raises:
        UsageError: the file is not what the tool writes, or holds no open-loop run.
    """
    readers: Mapping[Tool, Callable[[Path], Sequence[RateRun]]] = {
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


def decided(run: RateRun, slo: Slo) -> RateRun:
    """The run without its last requests, where some were on their way when it ended.

    Whether these would have been good nobody knows, and those that were answered among the last
    ones are the quick ones: all that were due less than the slowest limit before the end go.
    """
    if not any(sample.error == UNFINISHED for sample in run.samples):
        return run
    end = max(sample.due_s + (sample.total_s or 0.0) for sample in run.samples)
    last = end - slowest_limit(slo)
    return replace(run, samples=tuple(one for one in run.samples if one.due_s <= last))


def _guidellm(path: Path) -> list[RateRun]:
    report = json.loads(path.read_text(encoding="utf-8"))
    return [
        _guidellm_run(benchmark)
        for benchmark in report["benchmarks"]
        if benchmark["config"]["strategy"]["type_"] in OPEN_LOOP
    ]


def _guidellm_run(benchmark: Entry) -> RateRun:
    requests, strategy = benchmark["requests"], benchmark["config"]["strategy"]
    ends = (("successful", None), ("errored", "Errored"), ("incomplete", UNFINISHED))
    timed: list[tuple[float, Entry, str | None]] = []
    for status, error in ends:
        for entry in requests[status] or ():
            due = _guidellm_due(entry)
            if due is not None:
                timed.append((due, entry, error))
            elif error is None:
                raise ValueError("an answered request without a time")
    timed.sort(key=lambda each: each[0])
    ramp_s = float(benchmark["config"].get("profile", {}).get("rampup_duration") or 0.0)
    samples = (_guidellm_sample(entry, due, timed[0][0], error) for due, entry, error in timed)
    settled = tuple(sample for sample in samples if sample.due_s >= ramp_s)
    return RateRun(
        rate_per_s=_arrived(float(strategy["rate"]), [sample.due_s for sample in settled]),
        repeat=0,
        even=strategy["type_"] == EVEN_ARRIVALS,
        samples=settled,
    )


def _arrived(planned: float, due: Sequence[float]) -> float:
    """The planned rate, or that at which requests came, where chance does not explain the gap.

    A client that cannot keep up sends fewer than it says, and all of them look good. `due` rises.
    """
    if len(due) < 2 or due[-1] <= due[0]:  # noqa: PLR2004  # a rate needs a time between two arrivals
        return planned
    came = (len(due) - 1) / (due[-1] - due[0])
    return came if abs(came / planned - 1) > CHANCE / math.sqrt(len(due)) else planned


def _guidellm_due(entry: Entry) -> float | None:
    """When the request was due; older files say only when it was sent. None: it never was."""
    due = entry.get("info", {}).get("timings", {}).get("targeted_start")
    if due is None and entry["request_start_time"] is not None:
        late_s = float(entry.get("request_dispatch_delay") or 0.0)
        due = float(entry["request_start_time"]) - late_s
    return None if due is None else float(due)


def _guidellm_sample(entry: Entry, due: float, start: float, error: str | None) -> ProbedRequest:
    sent = entry["request_start_time"]
    late_s = 0.0 if sent is None else max(float(sent) - due, 0.0)
    first, gap = entry.get("time_to_first_token_ms"), entry.get("inter_token_latency_ms")
    total, end = entry.get("request_latency"), entry.get("request_end_time")
    if total is None and end is not None and sent is not None:
        total = max(float(end) - float(sent), 0.0)
    return ProbedRequest(
        due_s=due - start,
        first_token_s=None if first is None else first / MILLI + late_s,
        inter_token_s=None if gap is None else gap / MILLI,
        total_s=None if total is None else total + late_s,
        input_tokens=entry.get("prompt_tokens"),
        output_tokens=entry.get("output_tokens"),
        late_s=late_s,
        error=error,
    )


def _vllm_bench(path: Path) -> list[RateRun]:
    """One file a run; JSON lines (`--append-result`) hold several."""
    runs: list[RateRun] = []
    for line in _json_documents(path):
        if line["request_rate"] == "inf" or line.get("max_concurrency") is not None:
            continue
        starts: Sequence[float] = line["start_times"]
        # Older files do not say how long a request waited for the client itself.
        waits: Sequence[float] = line.get("queue_times") or [0.0] * len(starts)
        due = [start - wait for start, wait in zip(starts, waits, strict=True)]
        order = sorted(range(len(due)), key=due.__getitem__)
        runs.append(
            RateRun(
                rate_per_s=_arrived(float(line["request_rate"]), [due[n] for n in order]),
                repeat=0,
                even=float(line.get("burstiness", 1.0)) > 1,
                samples=tuple(
                    _vllm_sample(line, number, due[number] - due[order[0]], waits[number])
                    for number in order
                ),
            )
        )
    return runs


def _vllm_sample(line: Entry, number: int, due_s: float, late_s: float) -> ProbedRequest:
    if line["errors"][number]:
        return ProbedRequest(due_s=due_s, late_s=late_s, error="Errored")
    first_s: float = line["ttfts"][number]
    # The gaps are between chunks, which may hold several tokens: their sum is what is certain.
    after_s = float(sum(line["itls"][number]))
    if "latencies" in line:
        after_s = float(line["latencies"][number]) - first_s
    tokens: int = line["output_lens"][number]
    return ProbedRequest(
        due_s=due_s,
        first_token_s=first_s + late_s,
        inter_token_s=after_s / (tokens - 1) if tokens > 1 else None,
        total_s=first_s + after_s + late_s,
        input_tokens=line["input_lens"][number],
        output_tokens=tokens,
        late_s=late_s,
    )


def _aiperf(path: Path) -> list[RateRun]:
    """The rate is not in the records: it is what arrived, over the time in which it did.

    Whether the clients waited stands in `profile_export_aiperf.json` beside them, where it is.
    """
    records = path / "profile_export.jsonl" if path.is_dir() else path
    arrivals = _aiperf_arrivals(records.with_name("profile_export_aiperf.json"))
    if arrivals is not None and arrivals not in AIPERF_OPEN_LOOP:
        return []
    entries = sorted(
        (
            entry
            for entry in _json_documents(records)
            if entry["metadata"]["benchmark_phase"] == "profiling"
        ),
        key=_aiperf_due,
    )
    if len(entries) < 2:  # noqa: PLR2004  # a rate needs a time between two arrivals
        return []
    start = _aiperf_due(entries[0])
    span_s = (_aiperf_due(entries[-1]) - start) / NANO
    return [
        RateRun(
            rate_per_s=(len(entries) - 1) / span_s,
            repeat=0,
            even=arrivals == EVEN_ARRIVALS,
            samples=tuple(_aiperf_sample(entry, start) for entry in entries),
        )
    ]


def _aiperf_arrivals(summary: Path) -> str | None:
    """How requests arrived; None without the file, and in older ones that do not say."""
    if not summary.is_file():
        return None
    config = json.loads(summary.read_text(encoding="utf-8")).get("input_config", {})
    kinds = {phase["type"] for phase in config.get("phases", ()) if phase["kind"] == "profiling"}
    return kinds.pop() if len(kinds) == 1 else None


def _aiperf_due(entry: Entry) -> int:
    """When the request was due, in nanoseconds; older files say only when it was sent."""
    metadata = entry["metadata"]
    return int(metadata.get("credit_issued_ns") or metadata["request_start_ns"])


def _aiperf_sample(entry: Entry, start_ns: int) -> ProbedRequest:
    due_s = (_aiperf_due(entry) - start_ns) / NANO
    late_s = (int(entry["metadata"]["request_start_ns"]) - _aiperf_due(entry)) / NANO
    if entry.get("error"):
        cancelled = entry["metadata"].get("was_cancelled")
        error = UNFINISHED if cancelled else str(entry["error"].get("type") or "Errored")
        return ProbedRequest(due_s=due_s, late_s=late_s, error=error)
    metrics: Entry = entry["metrics"]

    def seconds(name: str) -> float | None:
        metric = metrics.get(name)
        if metric is None:
            return None
        if metric["unit"] != "ms":
            raise ValueError(f"{name} is in {metric['unit']}, expected ms")
        return float(metric["value"]) / MILLI

    def tokens(*names: str) -> int | None:
        return next((int(metrics[name]["value"]) for name in names if name in metrics), None)

    first_s, total_s = seconds("time_to_first_token"), seconds("request_latency")
    # The server's own count first: the tool's tokeniser may be another model's.
    written = tokens("usage_completion_tokens", "output_sequence_length")
    gap_s = seconds("inter_token_latency")
    if "usage_completion_tokens" in metrics and first_s is not None and total_s is not None:
        gap_s = (total_s - first_s) / (written - 1) if written and written > 1 else None
    return ProbedRequest(
        due_s=due_s,
        first_token_s=None if first_s is None else first_s + late_s,
        inter_token_s=gap_s,
        total_s=None if total_s is None else total_s + late_s,
        input_tokens=tokens("usage_prompt_tokens", "input_sequence_length"),
        output_tokens=written,
        late_s=late_s,
    )


def _json_documents(path: Path) -> list[Entry]:
    """One JSON document, or one a line."""
    text = path.read_text(encoding="utf-8")
    try:
        return [json.loads(text)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
