"""`import traffic`: logs of calls become a traffic file, and what was measured beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from harness.bring.logs.attributing import read_rules
from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.choosing_format import (
    find_format,
    known_zone,
    names_told,
    read_mapping,
    tells_failures,
)
from harness.bring.logs.formats import FORMATS
from harness.bring.logs.hours import HOURS_SUFFIX, write_hours
from harness.bring.logs.log_format import LogFormat
from harness.bring.logs.measuring import LogTraffic, measure
from harness.bring.logs.overlapping import SKETCH_SUFFIX, refuse_shared, sketch, write_sketch
from harness.bring.logs.rows.lines import FROM_HERE
from harness.conduct.opening import utc_now
from harness.errors import CannotTellError, UsageError
from harness.money.measured import LogRead, TrafficMeasured, write_measured
from harness.money.owned.bought import BoughtCapacity, bought_units
from harness.money.prices.logged_prices import LoggedPrices
from harness.money.traffic import Week, write_weeks
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.workspace import load_for_spend

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\.csv")
_REFUSED = ".refused.jsonl"
MOST_REFUSED = 0.01
"""Share of a log's rows that may be refused before it is too damaged to be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsToRead:
    """How logs are read: their format, else found; their zone, where times have no offset."""

    format: str | None = None
    mapping: Path | None = None
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficWritten:
    """A traffic file that was written, and the features that it may be of."""

    path: Path
    weeks: tuple[Week, ...]
    measured: TrafficMeasured
    features: Mapping[str, FeatureConfig]
    unchanged: bool
    """The file was there already, and says the same."""
    reasons: Mapping[str, int]
    """Why rows were refused, and how many; most first."""
    refused: Path | None
    """Where each refused row stands with its file, line and reason."""
    formats: tuple[LogFormat, ...]
    bought: tuple[BoughtCapacity, ...] = ()
    """Units that are paid a month whatever the logs say."""
    not_read: tuple[str, ...] = ()
    """Columns of tables of ours that nothing is made of."""
    noted: Mapping[str, int] = field(default_factory=dict[str, int])
    """Calls that were read by a rule which is to be told (`NOTES`), by the rule."""

    @property
    def too_many_refused(self) -> bool:
        """Whether too many rows were refused for the rest to be trusted."""
        rows = sum(source.rows for source in self.measured.sources)
        return sum(self.reasons.values()) > rows * MOST_REFUSED

    @property
    def cut(self) -> str | None:
        """Why the rest of a file was not read; nobody knows how many rows that are."""
        return next((reason for reason in self.reasons if FROM_HERE in reason), None)


def import_traffic(
    root: Path,
    sources: Path | Sequence[Path],
    *,
    name: str | None = None,
    how: LogsToRead | None = None,
    now: datetime | None = None,
) -> TrafficWritten:
    """Add logs of calls up to a week of traffic a feature. A file that says another thing stays.

    Args:
        root: folder of the workspace.
        sources: the logs; the same content twice counts once.
        name: of the file under traffic/; the first log's without.
        how: how they are read; found without.
        now: the moment; the clock's without. A call cannot be later.

    Raises:
        WorkspaceError: a fault of the workspace, of `attribution.yaml` or of the mapping.
        UsageError: a name that is none, another file of that name, or a log that cannot be read.
        CannotTellError: no call in the logs could be read.
    """
    paths = (sources,) if isinstance(sources, Path) else tuple(sources)
    workspace = load_for_spend(root)
    prices = LoggedPrices(models=workspace.models, policy=workspace.policy)
    path = root / "traffic" / _file_name(name or _plain_name(paths[0]))
    settings = how or LogsToRead()
    reading = LogIntake(now=now or utc_now(), zone=_zone(settings.timezone), rules=read_rules(root))
    with CallLog(reading) as log:
        formats = _added(log, paths, settings)
        found = measure(log, prices.rates)
        reasons = log.reasons()
        refused = path.with_suffix(_REFUSED)
        if found is None:
            _write_refused(refused, log)
            raise CannotTellError(_nothing(log.files, reasons))
        unchanged = _kept(path, log, found, prices)
        return TrafficWritten(
            path=path,
            weeks=found.weeks,
            measured=_measured(found, log.files),
            features=workspace.features,
            unchanged=unchanged,
            reasons=reasons,
            refused=refused if reasons else None,
            formats=tuple({form.name: form for form in formats}.values()),
            bought=bought_units(workspace.models, reading.now.date()),
            not_read=_not_read(paths, formats),
            noted=log.noted,
        )


def _kept(path: Path, log: CallLog, found: LogTraffic, prices: LoggedPrices) -> bool:
    """Write everything; true if it stands there already."""
    sketch(log)
    refuse_shared(log, path)
    unchanged = _write(path, found, log.files)
    _write_sums(path, log, prices, unchanged=unchanged)
    _write_refused(path.with_suffix(_REFUSED), log)
    return unchanged


def _added(log: CallLog, paths: Sequence[Path], how: LogsToRead) -> list[LogFormat]:
    """Read each file by its format."""
    formats = [_format(each, how) for each in paths]
    for each, form in zip(paths, formats, strict=True):
        log.add(each, form, failures_told=tells_failures(each, form))
    return formats


def _not_read(paths: Sequence[Path], formats: Sequence[LogFormat]) -> tuple[str, ...]:
    """Of tables of our own names: other formats have many more fields than are of use."""
    own = FORMATS["neutral"]
    files = (path for path, form in zip(paths, formats, strict=True) if form is own)
    return tuple(dict.fromkeys(name for path in files for name in names_told(path, own)[1]))


def _plain_name(path: Path) -> str:
    """`calls.csv` of `calls.jsonl.gz`."""
    return f"{path.name.partition('.')[0]}.csv"


def _file_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"--to {name}: not a file name such as 2026-10.csv")
    return name


def _zone(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        return known_zone(name)
    except ValueError as error:
        raise UsageError(f"--timezone: {error}") from None


def _format(path: Path, how: LogsToRead) -> LogFormat:
    if how.mapping is not None:
        return read_mapping(how.mapping)
    if how.format is None:
        return find_format(path)
    if how.format not in FORMATS:
        raise UsageError(f"--format {how.format}: known are {', '.join(FORMATS)}")
    return FORMATS[how.format]


def _nothing(files: Sequence[LogRead], reasons: Mapping[str, int]) -> str:
    why = "; ".join(f"{count} rows: {reason}" for reason, count in list(reasons.items())[:3])
    names = ", ".join(each.file for each in files)
    return f"{names}: no call that can be counted ({why or 'no rows'})"


def _measured(found: LogTraffic, files: Sequence[LogRead]) -> TrafficMeasured:
    return TrafficMeasured(
        window=found.window,
        sources=tuple(files),
        joined=found.joined,
        quiet_days=found.quiet_days,
        features=found.features,
        findings=found.findings,
        spending=found.spending,
    )


def _write(path: Path, found: LogTraffic, files: Sequence[LogRead]) -> bool:
    """Write the week and what was measured; true if both stand there already.

    Calls of no feature make no week: a traffic file has rows.
    """
    texts = {path.with_suffix(".measured.json"): write_measured(_measured(found, files))}
    if found.weeks:
        texts[path] = write_weeks(found.weeks)
    if path.exists() or all(each.exists() for each in texts):
        if any(not at.exists() or at.read_text(encoding="utf-8") != texts[at] for at in texts):
            raise UsageError(f"{path}: is there already; name another file with --to")
        return True
    path.parent.mkdir(exist_ok=True)
    for each, text in texts.items():
        each.write_text(text, encoding="utf-8")
    return False


def _write_sums(path: Path, log: CallLog, prices: LoggedPrices, *, unchanged: bool) -> None:
    """Write the sums by hour; files of an earlier release lack them."""
    sums = path.with_suffix(HOURS_SUFFIX)
    if not unchanged or not sums.exists():
        write_hours(log, prices.rates, sums)
    kept = path.with_suffix(SKETCH_SUFFIX)
    if not unchanged or not kept.exists():
        write_sketch(log, kept)


def _write_refused(path: Path, log: CallLog) -> None:
    """One line a refused row; no file without any, nor that of an earlier try."""
    rows = log.refused()
    first = next(rows, None)
    if first is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as handle:
        handle.write(json.dumps(asdict(first)) + "\n")
        handle.writelines(json.dumps(asdict(row)) + "\n" for row in rows)
