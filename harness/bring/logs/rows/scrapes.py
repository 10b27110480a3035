"""Counters of vLLM as Prometheus scraped them, to what was used in each hour.

A line is `name{labels} value milliseconds`, as `/federate` writes it. Counters only grow; one that
is smaller than before began again at 0. What a counter had at its first scrape was before the log.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

_HOUR_MS = 3_600_000
_LINE = re.compile(
    r"(vllm:\w+?)(?:_total)?(?:\{(.*)\})?\s+([-+.\w]+)(?:\s+(-?\d{1,15}))?", re.ASCII
)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_COUNTERS: Mapping[str, str] = {
    "vllm:prompt_tokens": "prompt",
    "vllm:generation_tokens": "generated",
    "vllm:request_success": "requests",
    "vllm:prefix_cache_hits": "cached",
    "vllm:gpu_prefix_cache_hits": "cached",
}
_FAILED = frozenset({"error", "abort"})
_OWN = frozenset({"engine", "finished_reason", "instance", "pod", "le"})
"""Labels that tell the parts of one server apart, and nobody's callers."""
Row = dict[str, object]


def is_scrape(line: str) -> bool:
    """Whether a line is one of vLLM's metrics, or says what such a one is."""
    return line.startswith(("vllm:", "# HELP vllm:", "# TYPE vllm:"))


def used_by_hour(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, Row | None, str | None]]:
    """Rows of sums by hour and model, each with a line; or a line and why it cannot be read."""
    last: dict[str, tuple[int, float]] = {}
    sums: dict[tuple[int, tuple[tuple[str, str], ...]], dict[str, float]] = {}
    at_line: dict[tuple[int, tuple[tuple[str, str], ...]], int] = {}
    for number, text in lines:
        found = _counter(text)
        if found is None:
            continue
        if isinstance(found, str):
            yield number, None, found
            continue
        series, (name, labels), value, at = found
        before = last.get(series)
        if before is not None and at < before[0]:
            yield number, None, "a scrape before the one above it"
            continue
        last[series] = (at, value)
        if before is None:
            continue
        grown = value - before[1] if value >= before[1] else value
        key = (at // _HOUR_MS * _HOUR_MS, labels)
        at_line.setdefault(key, number)
        sums.setdefault(key, defaultdict(float))[name] += grown
    for key in sorted(sums):
        yield at_line[key], _row(key, sums[key]), None


def _counter(
    text: str,
) -> tuple[str, tuple[str, tuple[tuple[str, str], ...]], float, int] | str | None:
    """A counter that we read, with its series, value and time; else why not; None: another one."""
    found = _LINE.fullmatch(text.strip())
    name = _COUNTERS.get(found[1]) if found else None
    if found is None or name is None:
        return None
    if found[4] is None:
        return "a scrape without its time: take /federate, which writes it"
    try:
        value = float(found[3])
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or value < 0 or "_" in found[3]:
        return "a counter: no number from 0 on"
    labels = dict(_LABEL.findall(found[2] or ""))
    failed = name == "requests" and labels.get("finished_reason") in _FAILED
    shared = tuple(sorted((key, text) for key, text in labels.items() if key not in _OWN))
    series = f"{found[1]}{{{found[2] or ''}}}"
    return series, ("failed" if failed else name, shared), value, int(found[4])


def _row(key: tuple[int, tuple[tuple[str, str], ...]], sums: Mapping[str, float]) -> Row:
    at, labels = key
    named = dict(labels)
    whole = {name: round(value) for name, value in sums.items()}
    prompt, cached = whole.get("prompt"), whole.get("cached")
    failed = whole.get("failed")
    # A kind of end that never came has no series; without any of them the calls are not known.
    ended = whole.keys() & {"requests", "failed"}
    return {
        "at": at,
        "vllm_model": named.get("model_name", ""),
        "job": named.get("job", ""),
        "labels": {key: text for key, text in labels if key != "model_name"},
        "prompt": prompt,
        "generated": whole.get("generated"),
        "cached": cached if prompt is None or cached is None else min(cached, prompt),
        "requests": sum(whole[kind] for kind in ended) if ended else None,
        "failed": failed if failed is not None or not ended else 0,
    }
