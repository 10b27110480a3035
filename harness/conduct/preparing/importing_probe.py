"""`probe --import`: what another tool measured of a replica."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from harness.ask.probe.foreign import Tool, decided, doubts, goodput_of_rates, read_runs
from harness.ask.probe.probed_requests import good_share
from harness.ask.probe.search import SearchPlan
from harness.conduct.opening import utc_now
from harness.conduct.preparing.probing_replica import (
    Probed,
    ReplicaToProbe,
    Subject,
    opened,
    slo_of,
    to_result,
    written,
)
from harness.workspace.probe_file import EngineEntry


def import_probe(
    asked: ReplicaToProbe, tool: Tool, path: Path, *, now: datetime | None = None
) -> Probed:
    """Take another tool's result file instead of measuring.

    Raises:
        WorkspaceError: a fault of the workspace.
        UsageError: no such model or feature, a feature without limits, or a file that is none of
            the tool's.
        NoGoodputError: not even the lowest rate is good.
    """
    found, search = opened(asked), SearchPlan(repeats=1)
    slo = slo_of(found, asked.feature)
    runs = tuple(decided(run, slo) for run in read_runs(tool, path))
    goodput = goodput_of_rates([(run.rate_per_s, good_share(run, slo)) for run in runs], search)
    subject = Subject(
        model=asked.model, feature=asked.feature, source=tool, load_s=None,
        engine=EngineEntry(name="unknown"), measured_at=(now or utc_now()).astimezone(UTC),
        notes=(
            f"imported from {path.name}: no interval, since nothing was repeated",
            *doubts(runs, slo),
        ),
    )  # fmt: skip
    return written(asked, found, to_result(found, subject, (goodput, runs), search))
