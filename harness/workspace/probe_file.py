"""`probes/<model>.<feature>.json`: what a probe measured, versioned, with its hash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from evalsets.files import FileModel
from harness.errors import UsageError
from harness.workspace.fingerprints import fingerprint

SCHEMA_VERSION = "rightsizing-probe/v1"
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]


class SloEntry(FileModel):
    """Limits of a good request, in seconds."""

    first_token_s: Positive | None = None
    """Until the first token."""
    inter_token_s: Positive | None = None
    """Mean gap between tokens."""
    total_s: Positive | None = None
    """Until the last token."""


class PercentileEntry(FileModel):
    """A percentile in seconds; a bound is null where the samples allow none.

    Of one run: near saturation the runs at one rate may differ by more.
    """

    value: float
    """Order statistic."""
    lower: float | None
    """One-sided bound."""
    upper: float | None
    """One-sided bound."""
    n: int
    """Samples."""


class TimesEntry(FileModel):
    """Percentiles of one time; null where too few samples have it."""

    p50: PercentileEntry | None
    """Median."""
    p95: PercentileEntry | None
    """95th."""
    p99: PercentileEntry | None
    """99th."""


class ServerEntry(FileModel):
    """The server's own metrics over a run; null: it does not say."""

    most_running: float | None = None
    """Requests in work, at most."""
    most_waiting: float | None = None
    """Requests waiting, at most."""
    most_kv_cache: float | None = None
    """Share of the KV cache in use, at most."""
    prefix_hit_share: float | None = None
    """Share of input tokens from the prefix cache."""


class GpuEntry(FileModel):
    """GPUs over a run; null: they do not say."""

    mean_utilisation: float | None
    """Share of time in which a kernel ran."""
    most_memory_mib: float | None
    """In use, summed over GPUs."""
    mean_power_w: float | None
    """Summed over GPUs."""


class RateEntry(FileModel):
    """One run at one arrival rate."""

    rate_per_s: Positive
    """Arrivals a second."""
    repeat: int
    """Repeat that it belongs to, from 0; the number after the last: the rough search."""
    requests: int
    """Sent after the warm-up."""
    good_share: Share
    """Share of them that met every limit; errors are misses."""
    errors: dict[str, int]
    """Errors by class."""
    cut: bool
    """Ended early: hopelessly behind."""
    seconds: float
    """From the first due time to the last."""
    first_token_s: TimesEntry
    """Time to the first token."""
    inter_token_s: TimesEntry
    """Gap between tokens."""
    total_s: TimesEntry
    """Time to the last token."""
    output_tokens_per_s: float | None
    """Tokens that answers brought, a second; null: not reported."""
    client_late_s: float
    """How late the client sent at worst; counted in every time above."""
    server: ServerEntry = ServerEntry()
    """The server's own metrics."""
    gpu: GpuEntry | None = None
    """The GPUs."""


class GoodputEntry(FileModel):
    """Highest arrival rate a replica serves."""

    per_s: Positive
    """Requests a second."""
    lower_per_s: float | None
    """One-sided bound; null: not repeated."""
    upper_per_s: float | None
    """One-sided bound; null: not repeated, or no rate that was tried is too high."""
    level: float
    """Of each bound."""
    good_share: Share
    """Share of requests that must be good."""
    repeats: int
    """Independent searches."""


class EngineEntry(FileModel):
    """What served."""

    name: str
    """`vllm`, `llama-cpp`, or what an imported file names."""
    version: str | None = None
    """Its version, where known."""
    args: tuple[str, ...] = ()
    """Its flags."""


class ProbeResult(FileModel):
    """One model, one feature, one replica."""

    schema_version: Literal["rightsizing-probe/v1"] = SCHEMA_VERSION
    """Of this file."""
    source: Literal["probe", "guidellm", "vllm-bench", "aiperf"]
    """Who measured."""
    model: str
    """Entry of models/."""
    feature: str
    """Feature whose prompts were sent."""
    measured_at: str
    """UTC, ISO 8601."""
    engine: EngineEntry
    """What served."""
    gpus_per_replica: int
    """GPUs of one replica; 0: none."""
    gpu: str | None
    """Row of `policy.yaml: gpus`."""
    load_s: float | None
    """Start to first answer; null: it was running already."""
    slo: SloEntry
    """Limits of a good request."""
    goodput: GoodputEntry
    """The result."""
    input_tokens_mean: float | None
    """Of a request; null: not reported."""
    output_tokens_mean: float | None
    """Of an answer; null: not reported."""
    rates: tuple[RateEntry, ...]
    """Every run, in the order of running."""
    notes: tuple[str, ...] = ()
    """What a reader must know."""

    @property
    def sha256(self) -> str:
        """Of the content: what a record holds."""
        return fingerprint(self.model_dump(mode="json"))


def probe_path(root: Path, model: str, feature: str) -> Path:
    """Where a workspace keeps the probe of a model with a feature's prompts."""
    return root / "probes" / f"{model}.{feature}.json"


def write_probe(result: ProbeResult, path: Path) -> None:
    """Write the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result.model_dump(mode="json"), indent=2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_probe(path: Path) -> ProbeResult:
    """Read the file.

    Raises:
        UsageError: it is no probe file of a version that we know.
    """
    try:
        return ProbeResult.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path}: {where}: {first['msg']}; write it with `rightsize probe`"
        ) from None
