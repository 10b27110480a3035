"""Files that guidellm, vLLM and aiperf themselves wrote, of runs against one loopback server.

The embedded llama.cpp served SmolLM2; the files are shortened to what is read and what checks it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from harness.ask.probe.foreign import decided, doubts, read_runs
from harness.ask.probe.probed_requests import ProbedRequest, RateRun, Slo, good_share
from harness.errors import UsageError

FILES = Path(__file__).parent / "files"
VLLM = FILES / "vllm-bench-0.32.0.jsonl"
AIPERF = FILES / "aiperf-0.13.0"
GUIDELLM = FILES / "guidellm-0.8.1.json"


def first_ms(samples: tuple[ProbedRequest, ...]) -> float:
    """Mean time to the first token as a tool says it: from when the request was sent."""
    return 1000 * fmean(s.first_token_s - s.late_s for s in samples if s.first_token_s is not None)


def total_ms(samples: tuple[ProbedRequest, ...]) -> float:
    return 1000 * fmean(s.total_s - s.late_s for s in samples if s.total_s is not None)


def test_of_vllm_the_times_are_those_that_it_sums_up_itself() -> None:
    said = [json.loads(line) for line in VLLM.read_text().splitlines()]
    runs = read_runs("vllm-bench", VLLM)
    assert [run.rate_per_s for run in runs] == [1.0, 4.0]
    for run, summary in zip(runs, said, strict=True):
        assert len(run.samples) == summary["completed"]
        assert first_ms(run.samples) == pytest.approx(summary["mean_ttft_ms"])
        assert total_ms(run.samples) == pytest.approx(1000 * fmean(summary["latencies"]))
        gaps = [sample.inter_token_s or 0 for sample in run.samples]
        assert 1000 * fmean(gaps) == pytest.approx(summary["mean_tpot_ms"])
        assert sum(s.output_tokens or 0 for s in run.samples) == summary["total_output_tokens"]
        late = sorted(summary["queue_times"])
        assert sorted(sample.late_s for sample in run.samples) == pytest.approx(late)
        assert not run.even


def test_of_aiperf_the_times_are_those_that_it_sums_up_itself() -> None:
    summary = json.loads((AIPERF / "profile_export_aiperf.json").read_text())
    (run,) = read_runs("aiperf", AIPERF)
    assert run.rate_per_s == pytest.approx(4.0, rel=0.2)
    assert first_ms(run.samples) == pytest.approx(summary["time_to_first_token"]["avg"])
    assert total_ms(run.samples) == pytest.approx(summary["request_latency"]["avg"])
    assert {sample.output_tokens for sample in run.samples} == {8}
    assert all(0 < sample.late_s < 0.1 for sample in run.samples)
    assert (read_runs("aiperf", AIPERF / "profile_export.jsonl"))[0] == run


def test_clients_of_aiperf_that_wait_are_seen_in_its_summary(tmp_path: Path) -> None:
    shutil.copytree(AIPERF, tmp_path / "run")
    path = tmp_path / "run" / "profile_export_aiperf.json"
    summary = json.loads(path.read_text())
    phase = {"name": "profiling", "kind": "profiling", "type": "concurrency", "concurrency": 2}
    path.write_text(json.dumps(summary | {"input_config": {"phases": [phase]}}))
    with pytest.raises(UsageError, match="holds no request of an open-loop run; run aiperf with"):
        read_runs("aiperf", tmp_path / "run")
    even = phase | {"type": "constant"}
    path.write_text(json.dumps(summary | {"input_config": {"phases": [even]}}))
    assert read_runs("aiperf", tmp_path / "run")[0].even


def test_of_guidellm_unfinished_requests_are_seen_and_waiting_clients_left_out() -> None:
    report = json.loads(GUIDELLM.read_text())
    runs = read_runs("guidellm", GUIDELLM)
    assert len(runs) == len(report["benchmarks"]) - 1
    for run, benchmark in zip(runs, report["benchmarks"], strict=False):
        kept = benchmark["requests"]
        answered = tuple(s for s in run.samples if s.error is None)
        assert len(answered) == len(kept["successful"])
        said = [entry["request_latency"] for entry in kept["successful"]]
        assert total_ms(answered) == pytest.approx(1000 * fmean(said))
        unfinished = [s for s in run.samples if s.error == "Unfinished"]
        assert len(unfinished) == len(kept["incomplete"])
        assert all(sample.total_s is not None for sample in unfinished)


def test_a_client_that_sends_at_another_rate_than_it_says_is_not_believed() -> None:
    """Asked for one a second, this guidellm sent 20 requests in 10 s."""
    slow, _ = read_runs("guidellm", GUIDELLM)
    span = slow.samples[-1].due_s - slow.samples[0].due_s
    assert slow.rate_per_s == pytest.approx((len(slow.samples) - 1) / span)
    assert slow.rate_per_s > 1.5


def test_requests_due_within_a_limit_of_the_end_are_undecided() -> None:
    """Of the last ones only the quick are answered: counting these would flatter."""
    answered = tuple(ProbedRequest(due_s=float(n), total_s=1.0) for n in range(10))
    hanging = ProbedRequest(due_s=8.5, total_s=2.5, error="Unfinished")
    run = RateRun(rate_per_s=1, repeat=0, samples=(*answered, hanging))
    kept = decided(run, Slo(total_s=4.0)).samples
    assert [sample.due_s for sample in kept] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert decided(run, Slo(total_s=2.0)).samples[-1] is hanging
    calm = RateRun(rate_per_s=1, repeat=0, samples=answered)
    assert decided(calm, Slo(total_s=4.0)) is calm


def test_a_request_of_guidellm_that_was_never_due_is_none(tmp_path: Path) -> None:
    report = json.loads(GUIDELLM.read_text())
    requests: dict[str, Any] = report["benchmarks"][0]["requests"]
    before = len(requests["incomplete"])
    blank = requests["incomplete"][0] | {"request_start_time": None, "info": {"timings": {}}}
    requests["incomplete"].append(blank)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))
    run = read_runs("guidellm", path)[0]
    assert sum(sample.error == "Unfinished" for sample in run.samples) == before


def test_a_ramp_of_guidellm_is_left_out(tmp_path: Path) -> None:
    report = json.loads(GUIDELLM.read_text())
    report["benchmarks"][1]["config"]["profile"]["rampup_duration"] = 2.0
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report))
    run = read_runs("guidellm", path)[1]
    assert min(sample.due_s for sample in run.samples) >= 2.0
    assert len(run.samples) < len(read_runs("guidellm", GUIDELLM)[1].samples)


def test_short_runs_and_even_arrivals_are_doubted() -> None:
    samples = tuple(ProbedRequest(due_s=float(n), total_s=0.1) for n in range(100))
    long = RateRun(rate_per_s=1, repeat=0, samples=samples)
    assert doubts([long], Slo(total_s=2.0)) == ()
    assert good_share(long, Slo(total_s=2.0)) == 1
    even = RateRun(rate_per_s=1, repeat=0, samples=samples[:20], even=True)
    first, second = doubts([long, even], Slo(total_s=2.0))
    assert first.startswith("1 of 2 runs count less than 24 s (12 limits)")
    assert second.startswith("requests arrived more evenly than at random")
