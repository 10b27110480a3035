"""What a server says of itself on `/metrics`, whatever its series are called this year."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Reading: TypeAlias = Literal[
    "running", "waiting", "kv_cache", "prefix_hits", "prefix_queries", "output_tokens"
]
Combine: TypeAlias = Literal["sum", "max"]

SERIES: Mapping[Reading, tuple[Combine, tuple[str, ...]]] = MappingProxyType(
    {
        "running": (
            "sum",
            (
                "vllm:num_requests_running",
                "sglang:num_running_reqs",
                "llamacpp:requests_processing",
            ),
        ),
        "waiting": (
            "sum",
            ("vllm:num_requests_waiting", "sglang:num_queue_reqs", "llamacpp:requests_deferred"),
        ),
        "kv_cache": (
            "max",
            (
                "vllm:kv_cache_usage_perc",
                "vllm:gpu_cache_usage_perc",
                "sglang:token_usage",
                "llamacpp:kv_cache_usage_ratio",
            ),
        ),
        "prefix_hits": (
            "sum",
            (
                "vllm:prefix_cache_hits_total",
                "vllm:gpu_prefix_cache_hits_total",
                "vllm:prefix_cache_hits",
                "sglang:cached_tokens_total",
                "llamacpp:prompt_tokens_cached_total",
            ),
        ),
        "prefix_queries": (
            "sum",
            (
                "vllm:prefix_cache_queries_total",
                "vllm:gpu_prefix_cache_queries_total",
                "vllm:prefix_cache_queries",
                "sglang:prompt_tokens_total",
            ),
        ),
        "output_tokens": (
            "sum",
            (
                "vllm:generation_tokens_total",
                "sglang:generation_tokens_total",
                "llamacpp:tokens_predicted_total",
            ),
        ),
    }
)
"""What we call a reading: how its label sets combine, and its names, the newest first.

`kv_cache` is a share of the cache; `prefix_hits` and `prefix_queries` count tokens.
"""

LLAMA_UNCACHED = "llamacpp:prompt_tokens_total"
"""llama.cpp counts what it had to read; read plus cached is what was asked."""

_LINE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{.*\})?\s+(\S+)(?:\s+-?\d+)?$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLoad:
    """A run as the server saw it; None: it does not say."""

    most_running: float | None = None
    most_waiting: float | None = None
    most_kv_cache: float | None = None
    """Share of the KV cache in use, at its fullest."""
    prefix_hit_share: float | None = None
    """Share of the input tokens that came from the prefix cache."""
    output_tokens: float | None = None


def parse_metrics(text: str) -> dict[Reading, float]:
    """Readings in a Prometheus text; a series that is absent gives none."""
    series: dict[str, list[float]] = {}
    for line in text.splitlines():
        found = _LINE.match(line.strip())
        if found is not None:
            series.setdefault(found[1], []).append(float(found[2]))
    readings: dict[Reading, float] = {}
    for reading, (combine, names) in SERIES.items():
        values = next((series[name] for name in names if name in series), None)
        if values is not None:
            readings[reading] = sum(values) if combine == "sum" else max(values)
    uncached = series.get(LLAMA_UNCACHED)
    if uncached is not None and "prefix_hits" in readings and "prefix_queries" not in readings:
        readings["prefix_queries"] = sum(uncached) + readings["prefix_hits"]
    return readings


def fetch_metrics(host: str, port: int, *, timeout_s: float = 2.0) -> dict[Reading, float]:
    """Readings of a server now; none where it has no `/metrics`."""
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", "/metrics")
        reply = connection.getresponse()
        text = reply.read().decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return {}
    else:
        return parse_metrics(text) if reply.status == http.client.OK else {}
    finally:
        connection.close()


def summarise_load(readings: Sequence[Mapping[Reading, float]]) -> ServerLoad:
    """Highest gauges and grown counters over the readings of one run, in order."""
    hits, queries = _growth(readings, "prefix_hits"), _growth(readings, "prefix_queries")
    return ServerLoad(
        most_running=_most(readings, "running"),
        most_waiting=_most(readings, "waiting"),
        most_kv_cache=_most(readings, "kv_cache"),
        prefix_hit_share=None if hits is None or not queries else hits / queries,
        output_tokens=_growth(readings, "output_tokens"),
    )


def _most(readings: Sequence[Mapping[Reading, float]], name: Reading) -> float | None:
    return max((each[name] for each in readings if name in each), default=None)


def _growth(readings: Sequence[Mapping[Reading, float]], name: Reading) -> float | None:
    """Last minus first; None with fewer than two, or when the server was started anew between."""
    values = [each[name] for each in readings if name in each]
    if len(values) < 2 or values[-1] < values[0]:  # noqa: PLR2004  # a difference needs two
        return None
    return values[-1] - values[0]
