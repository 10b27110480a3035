"""Other load generators' files: open-loop runs come in, closed-loop ones do not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.ask.probe.foreign import Tool, goodput_of_rates, read_runs
from harness.ask.probe.probed_requests import Slo, good_share
from harness.ask.probe.search import NoGoodputError, SearchPlan
from harness.errors import UsageError


def guidellm_request(start: float, **changes: object) -> dict[str, object]:
    return {
        "request_start_time": start, "request_latency": 0.5, "time_to_first_token_ms": 120.0,
        "inter_token_latency_ms": 20.0, "prompt_tokens": 50, "output_tokens": 20,
    } | changes  # fmt: skip


def guidellm_benchmark(strategy: dict[str, object], **requests: object) -> dict[str, object]:
    empty: dict[str, object] = {"successful": [], "errored": [], "incomplete": None}
    return {"config": {"strategy": strategy}, "requests": empty | requests}


def vllm_bench(rate: float | str, **changes: object) -> dict[str, object]:
    return {
        "request_rate": rate, "burstiness": 1.0, "max_concurrency": None, "duration": 2.0,
        "start_times": [11.0, 10.0, 10.5], "ttfts": [0.2, 0.1, 0.0],
        "itls": [[0.1, 0.1], [], []], "input_lens": [5, 6, 7], "output_lens": [3, 1, 0],
        "errors": ["", "", "Traceback"],
    } | changes  # fmt: skip


def aiperf_record(start_s: float, **changes: object) -> dict[str, object]:
    return {
        "metadata": {
            "request_start_ns": int(start_s * 1e9), "benchmark_phase": "profiling",
        },
        "metrics": {
            "time_to_first_token": {"value": 255.0, "unit": "ms"},
            "request_latency": {"value": 297.0, "unit": "ms"},
            "inter_token_latency": {"value": 5.25, "unit": "ms"},
            "input_sequence_length": {"value": 550, "unit": "tokens"},
            "output_sequence_length": {"value": 9, "unit": "tokens"},
        },
        "error": None,
    } | changes  # fmt: skip


def put(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_guidellm_counts_from_the_due_time_and_leaves_closed_loops_out(tmp_path: Path) -> None:
    report = {
        "benchmarks": [
            guidellm_benchmark(
                {"type_": "poisson", "rate": 4.0},
                successful=[guidellm_request(101.0, request_dispatch_delay=0.25)],
                errored=[guidellm_request(100.0, request_latency=None)],
            ),
            guidellm_benchmark(
                {"type_": "constant", "rate": 2.0}, successful=[guidellm_request(50.0)]
            ),
            guidellm_benchmark(
                {"type_": "concurrent", "streams": 8}, successful=[guidellm_request(1.0)]
            ),
        ]
    }
    slow, fast = read_runs("guidellm", put(tmp_path / "benchmarks.json", report))
    assert (slow.rate_per_s, fast.rate_per_s) == (2.0, 4.0)
    failed, answered = fast.samples
    assert (failed.due_s, failed.error) == (0.0, "Errored")
    assert answered.due_s == pytest.approx(0.75)
    assert answered.total_s == pytest.approx(0.75)
    assert answered.first_token_s == pytest.approx(0.37)
    assert answered.inter_token_s == pytest.approx(0.02)


def test_vllm_bench_is_put_in_order_of_arrival(tmp_path: Path) -> None:
    path = tmp_path / "bench.jsonl"
    lines = [vllm_bench(3.0), vllm_bench("inf"), vllm_bench(1.5, max_concurrency=8)]
    path.write_text("\n".join(map(json.dumps, lines)))
    (run,) = read_runs("vllm-bench", path)
    one, failed, several = run.samples
    assert (one.due_s, one.total_s, one.inter_token_s) == (0.0, 0.1, None)
    assert (failed.due_s, failed.error) == (0.5, "Errored")
    assert several.total_s == pytest.approx(0.4)
    assert several.inter_token_s == pytest.approx(0.1)
    assert several.input_tokens == 5


def test_aiperf_has_the_rate_at_which_requests_arrived(tmp_path: Path) -> None:
    failed = {"metrics": None, "error": {"type": "RequestCancellationError", "code": 499}}
    warm = {"metadata": {"request_start_ns": 0, "benchmark_phase": "warmup"}}
    records = [aiperf_record(2.0), aiperf_record(1.0), aiperf_record(3.0, **failed)]
    text = "\n".join(map(json.dumps, [*records, aiperf_record(0, **warm)]))
    (tmp_path / "profile_export.jsonl").write_text(text)
    (run,) = read_runs("aiperf", tmp_path)
    assert run.rate_per_s == pytest.approx(1.0)
    assert [sample.error for sample in run.samples] == [None, None, "RequestCancellationError"]
    assert run.samples[0].total_s == pytest.approx(0.297)
    assert run.samples[0].output_tokens == 9
    assert good_share(run, Slo(total_s=0.3)) == pytest.approx(2 / 3)


UNIT: dict[str, Any] = {"metrics": {"request_latency": {"value": 1.0, "unit": "s"}}}


@pytest.mark.parametrize(
    ("tool", "content", "line"),
    [
        pytest.param("guidellm", {"benchmarks": []}, "holds no request", id="empty"),
        pytest.param("guidellm", {"results": []}, "KeyError: 'benchmarks'", id="another file"),
        pytest.param("vllm-bench", vllm_bench("inf"), "holds no request", id="closed loop"),
        pytest.param(
            "vllm-bench", {"request_rate": 2.0}, "KeyError: 'start_times'", id="not detailed"
        ),
        pytest.param("aiperf", aiperf_record(1.0), "holds no request", id="a single request"),
        pytest.param("guidellm", "text", "TypeError", id="no object"),
    ],
)
def test_what_cannot_be_used_is_said(
    tmp_path: Path, tool: Tool, content: object, line: str
) -> None:
    with pytest.raises(UsageError, match=line):
        read_runs(tool, put(tmp_path / "file.json", content))


def test_a_unit_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    lines = [aiperf_record(1.0, **UNIT), aiperf_record(2.0, **UNIT)]
    path.write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(UsageError, match="request_latency is in s, expected ms"):
        read_runs("aiperf", path)


def test_an_absent_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_runs("guidellm", tmp_path / "none.json")


def test_the_crossing_lies_between_the_last_good_and_the_first_bad_rate() -> None:
    plan = SearchPlan()
    found = goodput_of_rates([(4, 0.7), (1, 1.0), (2, 1.0), (8, 0.95)], plan)
    assert found.per_s == pytest.approx(2 + 2 / 3)
    assert (found.lower_per_s, found.upper_per_s) == (None, None)


def test_where_every_rate_is_good_the_highest_is_the_answer() -> None:
    assert goodput_of_rates([(1, 1.0), (2, 0.9)], SearchPlan()).per_s == 2


@pytest.mark.parametrize(
    ("points", "line"),
    [([(3, 0.5)], "only 50 % of the requests are good at the lowest rate, 3"), ([], "no run")],
)
def test_no_good_rate_is_said(points: list[tuple[float, float]], line: str) -> None:
    with pytest.raises(NoGoodputError, match=line):
        goodput_of_rates(points, SearchPlan())


def test_an_answer_of_guidellm_without_a_time_is_not_taken_as_due_at_zero(tmp_path: Path) -> None:
    timeless = guidellm_request(101.0, request_start_time=None)
    benchmark = guidellm_benchmark({"type_": "poisson", "rate": 2.0}, successful=[timeless])
    path = put(tmp_path / "report.json", {"benchmarks": [benchmark]})
    with pytest.raises(UsageError, match="an answered request without a time"):
        read_runs("guidellm", path)
