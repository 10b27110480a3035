"""`gate --traffic`: what logs say was spent, against the limits of both sides of a change.

A change holds the limits, the rules of attribution, the prices and the features that decide whose
spend it is. So where a base branch is known, spend is placed and priced as the base has it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from harness.bring.logs.attributing import FILE as ATTRIBUTION
from harness.bring.logs.attributing import Attribution, read_rules
from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.choosing_format import find_format
from harness.bring.logs.hours import HOURS_SUFFIX, write_hours
from harness.bring.logs.log_format import LogFormat
from harness.bring.logs.measuring import measure
from harness.bring.metrics.reading_metrics import MetricsIntake, read_metrics
from harness.bring.spending.stored import Placing, StoredHours, StoredLog, stored_logs
from harness.conduct.gating import git
from harness.conduct.gating.base import stated_before
from harness.conduct.opening import find_workspace, utc_now
from harness.errors import CannotTellError, UsageError
from harness.gate.findings import GateReport
from harness.gate.inputs import Stated
from harness.gate.spend import SpendCell, SpendInput, judge_spend
from harness.money.measured import TrafficMeasured, Window
from harness.money.owned.paid import endpoints_during
from harness.money.owned.served import served_models
from harness.money.prices.logged_prices import LoggedPrices
from harness.money.spend.lines import Outlay
from harness.money.spend.timespan import Timespan, midnight, span_named, span_of
from harness.workspace.workspace import load_for_spend

_WEEK, _MONTH = re.compile(r"\d{4}-W\d{1,2}"), re.compile(r"\d{4}-\d{1,2}")
_MOVES = (ATTRIBUTION, "features/", "models/", "traffic/")
"""What of a workspace says whose spend is, and how much."""
MOST_REFUSED = 0.01
"""Share of a log's rows that may be refused before nothing can be told from the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendToJudge:
    """What spend is judged, and against what."""

    traffic: tuple[str, ...]
    """A week, a month, or files of logs."""
    metrics: tuple[Path, ...] = ()
    """Files with hours of endpoints and GPUs."""
    workspace: Path = Path("rightsizing")
    base: str | None = None
    """The git reference that the change is against; none is known without."""
    clock: Callable[[], datetime] = field(default=utc_now)


def gate_spend(asked: SpendToJudge) -> GateReport:
    """Judge what was spent by the limits of `policy.yaml: spend`.

    Raises:
        UsageError: no limit, no log of the period, or a file that cannot be read.
        WorkspaceError: a fault of the workspace, or of a row.
        CannotTellError: too much of a log is refused.
    """
    root = find_workspace(asked.workspace)
    workspace = load_for_spend(root)
    before, told = _before(root, asked.base)
    policies = [workspace.policy, *([before.policy] if before else [])]
    if not any(scope.limits.stated for one in policies for scope in one.spend.scopes):
        raise UsageError("policy.yaml: spend: states no limit to hold spend against; add one")
    features = before.features if before else workspace.features
    rules = _rules(before, root)
    placing = Placing(rules=rules, features=features, owners=policies[-1].spend.owners)
    prices = LoggedPrices(models=before.models if before else workspace.models, policy=policies[-1])
    found = _spent(asked, root, placing, prices)
    endpoints = None
    if asked.metrics:
        how = MetricsIntake(rules=rules, features=features, models=served_models(workspace))
        read = read_metrics(asked.metrics, how)
        endpoints = endpoints_during(read, found.window.start, found.window.end)
    given = SpendInput(
        window=found.window,
        watched_hours=found.watched,
        today=asked.clock().date(),
        cells=tuple(_cells(found.lines)),
        here=workspace.policy.spend,
        before=before.policy.spend if before else None,
        endpoints=endpoints,
        told=told,
    )
    return judge_spend(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spent:
    """What logs say of a stretch."""

    window: Window
    watched: int
    lines: tuple[Outlay, ...]


def _before(root: Path, base: str | None) -> tuple[Stated | None, tuple[str, ...]]:
    """What the base branch states, and what of the change moves spend."""
    if base is None:
        return None, ()
    top = git.toplevel(root)
    if top is None:
        raise UsageError(f"--base {base}: {root} is in no git repository")
    commit = git.merge_base(top, base)
    found = stated_before(top, commit, root)
    inner = root.resolve().relative_to(top.resolve()).as_posix()
    prefix = "" if inner == "." else f"{inner}/"
    changed = git.changed_paths(top, commit, deleted=True)
    own = (path.removeprefix(prefix) for path in changed if path.startswith(prefix))
    moved = [f"{path}: changed here" for path in own if path.startswith(_MOVES)]
    lost = [f"{one.path}: cannot be read there ({one.reason})" for one in found.unread]
    return found.stated, (*moved, *lost)


def _rules(before: Stated | None, root: Path) -> Attribution:
    if before is None:
        return read_rules(root)
    if before.attribution is None:
        return Attribution()
    with TemporaryDirectory(prefix="rightsize-base-") as folder:
        (Path(folder) / ATTRIBUTION).write_bytes(before.attribution)
        return read_rules(Path(folder))


def _spent(asked: SpendToJudge, root: Path, placing: Placing, prices: LoggedPrices) -> _Spent:
    if not all(one.strip() for one in asked.traffic):
        raise UsageError("--traffic: names nothing; is a variable in it not set?")
    named = [one for one in asked.traffic if _WEEK.fullmatch(one) or _MONTH.fullmatch(one)]
    if named and len(asked.traffic) > 1:
        raise UsageError(f"--traffic {named[0]}: give one week or month, or files of logs")
    if named:
        span = _span(named[0])
        with StoredHours(stored_logs(root / "traffic"), placing) as hours:
            return _of_span(hours, span)
    with TemporaryDirectory(prefix="rightsize-spend-") as folder:
        sums = Path(folder) / f"given{HOURS_SUFFIX}"
        paths = tuple(Path(one) for one in asked.traffic)
        log = _read(paths, sums, LogIntake(now=asked.clock(), rules=placing.rules), prices)
        with StoredHours((log,), placing) as hours:
            return _between(hours, hours.window.start, hours.window.end)


def _span(name: str) -> Timespan:
    kind: Literal["week", "month"] = "week" if _WEEK.fullmatch(name) else "month"
    try:
        return span_named(kind, name)
    except UsageError:
        example = "2026-W48" if kind == "week" else "2026-11"
        raise UsageError(f"--traffic {name}: no {kind} such as {example}") from None


def _of_span(hours: StoredHours, span: Timespan) -> _Spent:
    start = midnight(span.start)
    end = min(midnight(span.end), hours.window.end)
    if start >= end or not hours.watched(start, end):
        told = hours.window
        raise UsageError(
            f"--traffic {span.name}: no log covers it; the logs that were imported are of "
            f"{told.start:%Y-%m-%d} to {told.end:%Y-%m-%d}"
        )
    return _between(hours, start, end)


def _between(hours: StoredHours, start: datetime, end: datetime) -> _Spent:
    """A stretch, week by week."""
    spans = [span_of("week", start.date())]
    while midnight(spans[-1].end) < end:
        spans.append(span_of("week", spans[-1].end))
    return _Spent(
        window=Window(start=start, end=end),
        watched=hours.watched(start, end),
        lines=tuple(one for span in spans for one in hours.spent(span, end).lines),
    )


def _read(paths: tuple[Path, ...], sums: Path, how: LogIntake, prices: LoggedPrices) -> StoredLog:
    """The sums of some logs, in a file of their own."""
    with CallLog(how) as log:
        for path in paths:
            if not path.is_file():
                raise UsageError(f"--traffic {path}: no week as 2026-W48, no month, and no file")
            log.add(path, _format(path))
        found = measure(log, prices.rates)
        names = ", ".join(path.name for path in paths)
        rows, refused = (sum(getattr(f, n) for f in log.files) for n in ("rows", "refused"))
        if found is None:
            raise CannotTellError(f"--traffic {names}: no call that can be counted")
        if refused > rows * MOST_REFUSED:
            told = f"{refused:,} of {rows:,} rows cannot be read"
            raise CannotTellError(
                f"--traffic {names}: {told}; `rightsize import traffic` says why of each"
            )
        write_hours(log, prices.rates, sums)
        measured = TrafficMeasured(
            window=found.window,
            sources=tuple(log.files),
            joined=found.joined,
            quiet_days=found.quiet_days,
            features=found.features,
            findings=found.findings,
            spending=found.spending,
        )
        return StoredLog(hours=sums, measured=measured)


def _format(path: Path) -> LogFormat:
    try:
        return find_format(path)
    except UsageError as error:
        known = str(error).partition(";")[0]
        raise UsageError(
            f"{known}; `rightsize import traffic` reads it with --format or --mapping: import it, "
            "and name its week"
        ) from None


def _cells(lines: tuple[Outlay, ...]) -> Iterator[SpendCell]:
    """Lines by team and environment."""
    found: dict[tuple[str, str], list[Outlay]] = {}
    for one in lines:
        found.setdefault((one.team, one.environment), []).append(one)
    for (team, environment), each in sorted(found.items()):
        calls = sum((one.used.calls for one in each), Decimal(0))
        unknown = sum((one.used.unknown_cost for one in each), Decimal(0))
        told = [one.used.retries for one in each]
        again = None if None in told else sum(filter(None, told), Decimal(0))
        yield SpendCell(
            team=team,
            environment=environment,
            calls=round(calls),
            unpriced_calls=min(round(unknown), round(calls)),
            requests=round(sum((one.used.requests for one in each), Decimal(0))),
            retries=None if again is None else round(again),
            usd=sum((one.usd for one in each), Decimal(0)),
            untagged_usd=sum((one.usd for one in each if not one.feature), Decimal(0)),
        )
