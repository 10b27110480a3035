"""Made-up counters of two model servers of the made-up company: one works, one stands idle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

MODELS_YAML = """\
help-llama:
  provider: openai-compatible
  gpu: h100
  serve: {engine: vllm, weights: help-llama, gpus: 2}
  may_see: [internal]
contracts-llama:
  provider: openai-compatible
  gpu: h100
  serve: {engine: vllm, weights: contracts-llama, gpus: 1}
  may_see: [internal]
"""
GPUS_YAML = """\
gpus: {h100: {on_demand: 3.90, as_of: 2026-10-01, source: made up}}
"""
PLACED_YAML = """\
- {when: {model: help-llama}, team: support}
- {when: {model: contracts-llama}, team: legal}
"""
METRICS_FILE = "made-up-metrics.txt"
_HOUR = timedelta(hours=1)
_WEEK_HOURS = 168
_WORKING = range(7, 19)
_LAST_ASKED = 58
"""Hour of the week, Wednesday 10:00, from which on nobody asks the second server."""


def made_up_metrics(end: datetime) -> Iterator[str]:
    """Counters of vLLM over the week before a Monday, one sample an hour."""
    start = end - _WEEK_HOURS * _HOUR
    for model, tokens in (("help-llama", (2200, 300)), ("contracts-llama", (14_000, 900))):
        asked = 0
        for hour in range(_WEEK_HOURS + 1):
            asked += _asked(model, hour - 1) if hour else 0
            at = round((start + hour * _HOUR).timestamp() * 1000)
            for name, value in (
                ("request_success_total", asked),
                ("prompt_tokens_total", asked * tokens[0]),
                ("generation_tokens_total", asked * tokens[1]),
            ):
                yield f'vllm:{name}{{model_name="{model}"}} {value} {at}'


def _asked(model: str, hour: int) -> int:
    """Requests in an hour of the week."""
    weekday, works = hour // 24, hour % 24 in _WORKING
    if model == "help-llama":
        return (600 if works else 40) // (1 if weekday < 5 else 4)  # noqa: PLR2004
    return 25 if works and hour < _LAST_ASKED else 0


def write_made_up_metrics(root: Path, end: datetime) -> Path:
    """Write the servers and their counters into the made-up company's workspace."""
    (root / "models").mkdir(exist_ok=True)
    (root / "models" / "self-hosted.yaml").write_text(MODELS_YAML, encoding="utf-8")
    path = root / METRICS_FILE
    path.write_text("\n".join(made_up_metrics(end)) + "\n", encoding="utf-8")
    return path
