"""The server's and the GPUs' own numbers, by whatever name."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest

from harness.ask.probe.metrics import (
    GpuLoad,
    GpuReading,
    ServerLoad,
    fetch_metrics,
    open_meter,
    parse_metrics,
    summarise_gpus,
    summarise_load,
)
from tests.support.queue_server import queue_server

VLLM_NOW = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 2.0
vllm:num_requests_waiting{engine="0",model_name="m"} 1.0
vllm:kv_cache_usage_perc{engine="0"} 0.25
vllm:kv_cache_usage_perc{engine="1"} 0.5
vllm:prefix_cache_queries_total{engine="0"} 1000
vllm:prefix_cache_hits_total{engine="0"} 400 1717171717000
vllm:generation_tokens_total{engine="0"} 1.5e3
"""
VLLM_BEFORE = """\
vllm:num_requests_running 3
vllm:gpu_cache_usage_perc 0.25
vllm:gpu_prefix_cache_hits_total 10
vllm:gpu_prefix_cache_queries_total 40
"""
LLAMA = """\
llamacpp:requests_processing 1
llamacpp:requests_deferred 4
llamacpp:prompt_tokens_total 60
llamacpp:prompt_tokens_cached_total 40
llamacpp:tokens_predicted_total 7
"""


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        pytest.param(
            VLLM_NOW,
            {
                "running": 5, "waiting": 1, "kv_cache": 0.5, "prefix_hits": 400,
                "prefix_queries": 1000, "output_tokens": 1500,
            },
            id="vLLM today, two engines",
        ),
        pytest.param(
            VLLM_BEFORE,
            {"running": 3, "kv_cache": 0.25, "prefix_hits": 10, "prefix_queries": 40},
            id="vLLM's earlier names",
        ),
        pytest.param(
            LLAMA,
            {"running": 1, "waiting": 4, "prefix_hits": 40, "prefix_queries": 100,
             "output_tokens": 7},
            id="llama.cpp counts what it read",
        ),
        pytest.param("<html>not found</html>", {}, id="no metrics at all"),
    ],
)  # fmt: skip
def test_series_are_found_under_every_name(text: str, readings: dict[str, float]) -> None:
    assert parse_metrics(text) == readings


def test_a_runs_load_is_highest_gauges_and_grown_counters() -> None:
    load = summarise_load(
        [
            {"running": 1, "waiting": 7, "prefix_hits": 10, "prefix_queries": 100},
            {"running": 4, "waiting": 0, "prefix_hits": 40, "prefix_queries": 200},
        ]
    )
    assert load == ServerLoad(most_running=4, most_waiting=7, prefix_hit_share=0.3)


def test_a_server_that_was_started_anew_has_no_growth() -> None:
    load = summarise_load([{"output_tokens": 50}, {"output_tokens": 2}])
    assert load.output_tokens is None
    assert summarise_load([]) == ServerLoad()


def test_readings_come_over_the_wire_and_a_dead_server_has_none() -> None:
    with queue_server(servers=1, service_s=0.01, constant=True, seed=1) as port:
        assert fetch_metrics("127.0.0.1", port) == {
            "running": 0,
            "waiting": 0,
            "output_tokens": 0,
        }
    assert fetch_metrics("127.0.0.1", port) == {}


class FakeNvmlError(Exception):
    pass


def nvml(gpus: int, *, broken: bool = False) -> ModuleType:
    def start() -> None:
        if broken:
            raise FakeNvmlError("driver not loaded")

    module = ModuleType("fake_nvml")
    vars(module).update(
        NVMLError=FakeNvmlError,
        nvmlInit=start,
        nvmlDeviceGetCount=lambda: gpus,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetUtilizationRates=lambda index: SimpleNamespace(gpu=40 + 20 * index),
        nvmlDeviceGetMemoryInfo=lambda _: SimpleNamespace(used=2**30),
        nvmlDeviceGetPowerUsage=lambda _: 350_500,
    )
    return module


def test_gpus_are_read_by_nvml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fake_nvml", nvml(2))
    meter = open_meter("fake_nvml")
    assert not isinstance(meter, str)
    assert meter.read() == GpuReading(utilisation=0.5, memory_mib=2048, power_w=701)
    own = open_meter("fake_nvml", only=("1",))
    assert not isinstance(own, str)
    assert own.read() == GpuReading(utilisation=0.6, memory_mib=1024, power_w=350.5)


def test_a_gpu_without_a_sensor_says_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """NVML refuses the utilisation and the power of a MIG part; the probe goes on."""

    def refuse(_: int) -> None:
        raise FakeNvmlError("Not Supported")

    module = nvml(2)
    vars(module).update(nvmlDeviceGetUtilizationRates=refuse, nvmlDeviceGetPowerUsage=refuse)
    monkeypatch.setitem(sys.modules, "fake_nvml", module)
    meter = open_meter("fake_nvml")
    assert not isinstance(meter, str)
    reading = meter.read()
    assert reading == GpuReading(utilisation=None, memory_mib=2048, power_w=None)
    assert summarise_gpus([reading]) == GpuLoad(
        mean_utilisation=None, most_memory_mib=2048, mean_power_w=None
    )


@pytest.mark.parametrize(
    ("module", "why"),
    [
        pytest.param(None, "NVML's Python package is not installed (`pip install nvidia-ml-py`)"),
        pytest.param(nvml(0), "NVML lists no GPU here"),
        pytest.param(nvml(1, broken=True), "NVML does not answer here (driver not loaded)"),
    ],
    ids=["no package", "no GPU", "no driver"],
)
def test_without_a_gpu_it_is_said_why(
    module: ModuleType | None, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fake_nvml", module)
    assert open_meter("fake_nvml") == why


def test_a_runs_gpus_are_means_and_the_most_memory() -> None:
    readings = [
        GpuReading(utilisation=0.2, memory_mib=100, power_w=300),
        GpuReading(utilisation=0.6, memory_mib=80, power_w=500),
    ]
    load = summarise_gpus(readings)
    assert load is not None
    assert load.mean_utilisation == pytest.approx(0.4)
    assert (load.most_memory_mib, load.mean_power_w) == (100, 400)
    assert summarise_gpus([]) is None
