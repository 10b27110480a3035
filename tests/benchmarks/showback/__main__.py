"""`python -m tests.benchmarks.showback scale [FEATURES] [WEEKS]` and `... alarms [SEEDS]`.

`scale` writes sums by hour of a made-up company and renders its showback; it prints rows, seconds
and the most memory. `alarms` looks at a year of hours, week by week, in which things go wrong on
purpose, and prints how many are found, how soon, and how many alarms a week have no cause.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

import duckdb
import numpy as np

from harness.conduct.spending.made_up_logs import POLICY_YAML
from harness.conduct.spending.showing_back import show_back, write_showback_files
from harness.money.measured import LogRead, TrafficMeasured, Window, write_measured
from harness.stats.hourly import HOURS_A_WEEK, MOST_WEEKS, alarms

NOW = datetime(2026, 11, 30, 9, tzinfo=UTC)
END = datetime(2026, 11, 30)  # noqa: DTZ001  # as windows are kept: UTC, without saying so
_ROWS = """
COPY (
  SELECT hour, 'feature-' || f AS feature, 'team-' || (f % 40) AS team, 'product' AS product,
    CASE WHEN f % 25 = 0 THEN 'development' ELSE 'production' END AS environment,
    'tenant-' || (f % 9) AS cohort, 'svc-' || f || '-' || c AS caller,
    ['gpt-5', 'gpt-5-mini', 'claude-sonnet-4-5', 'claude-opus-4-5'][1 + f % 4] AS model,
    n::DECIMAL(18, 3) AS requests, (n // 50)::DECIMAL(18, 3) AS retries,
    0::DECIMAL(18, 3) AS duplicates, 0::DECIMAL(18, 3) AS other_calls,
    0::DECIMAL(18, 3) AS gateway_hits, (n // 3)::DECIMAL(18, 3) AS cache_reads,
    0::DECIMAL(18, 3) AS unmetered, 0::DECIMAL(18, 3) AS unknown_cost,
    (n // 40)::DECIMAL(18, 3) AS failed, (n * 1800)::DECIMAL(18, 3) AS input,
    (n * 500)::DECIMAL(18, 3) AS cached, 0::DECIMAL(18, 3) AS written,
    (n * 200)::DECIMAL(18, 3) AS output, 0::DECIMAL(18, 3) AS reasoning,
    (n * 0.004)::DECIMAL(18, 9) AS usd, 0::DECIMAL(18, 9) AS from_prices_usd,
    (n * 0.0042)::DECIMAL(18, 9) AS at_list_usd
  FROM (SELECT {start} + to_hours(h::INTEGER) AS hour, f, c,
      greatest(0, 20 + 15 * sin(h / 24.0 * 6.2832) + 8 * (random() - 0.5))::INTEGER AS n
    FROM range({hours}) AS t(h), range({features}) AS u(f), range(2) AS v(c))
  WHERE n > 0 ORDER BY hour, feature)
TO '{path}' (FORMAT parquet, COMPRESSION zstd)
"""


def _make(path: Path, start: datetime, features: int, weeks: int) -> int:
    """Write the sums, in a process of its own: its memory does not count; returns the rows."""
    base = duckdb.connect()
    base.execute("SELECT setseed(0.5)")
    hours, moment = weeks * HOURS_A_WEEK, f"TIMESTAMP '{start}'"
    base.execute(_ROWS.format(start=moment, hours=hours, features=features, path=path))
    ((rows,),) = base.execute(f"SELECT count(*) FROM '{path}'").fetchall()  # noqa: S608
    return rows


def scale(features: int, weeks: int) -> None:
    """Time and memory of one showback."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "policy.yaml").write_text(POLICY_YAML, encoding="utf-8")
        (root / "traffic").mkdir()
        path = root / "traffic" / "all.hours.parquet"
        start = END - timedelta(weeks=weeks)
        with ProcessPoolExecutor(1, mp_context=get_context("fork")) as apart:
            rows = apart.submit(_make, path, start, features, weeks).result()
        measured = TrafficMeasured(
            window=Window(start=start, end=END),
            sources=(
                LogRead(file="all", sha256="0", format="-", rows=1, passed_over=0, refused=0),
            ),
            joined=0,
            quiet_days=0,
            features=(),
            findings=(),
        )
        text = write_measured(measured)
        (root / "traffic" / "all.measured.json").write_text(text, encoding="utf-8")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began, cpu = time.perf_counter(), time.process_time()
        shown = show_back(root, None, now=NOW)
        worked, worked_cpu = time.perf_counter() - began, time.process_time() - cpu
        began, cpu = time.perf_counter(), time.process_time()
        files = write_showback_files(shown, root)
        wrote, wrote_cpu = time.perf_counter() - began, time.process_time() - cpu
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        size = path.stat().st_size / 1e6
        print(  # noqa: T201
            f"{features} features, {weeks} weeks: {rows:,} rows ({size:.0f} MB): figures "
            f"{worked:.1f} s ({worked_cpu:.1f} s of processor), {len(files)} files {wrote:.1f} s "
            f"({wrote_cpu:.1f}), at most {most / 1024:,.0f} MB ({before / 1024:,.0f} before); "
            f"USD {shown.whole.now.usd:,}"
        )


_PLANTED = ("spike", "storm", "shift", "appears")
_DAY = np.array([1, 1, 1, 1, 1, 2, 4, 7, 11, 14, 15, 14, 13, 14, 15, 14, 12, 9, 6, 5, 4, 3, 2, 1])


def _year(chance: np.random.Generator, level: float, weeks: int) -> np.ndarray:
    """Hours of Poisson calls whose length varies, that grow, with a quiet week and noisy levels."""
    shape = np.concatenate([_DAY * (1 if day < 5 else 0.3) for day in range(7)]) / _DAY.mean()
    growth = 1.01 ** np.arange(weeks) * chance.lognormal(0, 0.03, weeks)
    growth[weeks // 2] *= 0.6
    mean = level * growth[:, None] * shape[None, :]
    calls = chance.poisson(mean)
    longest = np.exp(0.5 * 0.5**2)
    spread = np.sqrt(np.exp(0.5**2) - 1)
    noise = chance.standard_normal(mean.shape) * np.sqrt(calls) * spread * longest
    return np.maximum(calls * longest + noise, 0.0)


def _plant(hours: np.ndarray, kind: str, at: int, chance: np.random.Generator) -> int:
    """Change a week's hours on purpose; returns how many are changed."""
    mean = float(hours.mean())
    length = {"spike": 1, "storm": int(chance.integers(3, 9))}.get(kind, HOURS_A_WEEK - at)
    span = slice(at, at + length)
    if kind == "spike":
        hours[span] += 15 * mean
    elif kind == "storm":
        hours[span] += 4 * mean
    elif kind == "shift":
        hours[span] *= 1.8
    else:
        hours[span] += 0.7 * mean
    return length


def alarm_year(seeds: int) -> None:
    """Found, how soon, and alarms without a cause, by the size of a feature."""
    names = ("calls an hour", "planted", "found", "median hours late", "false alarms a year")
    print(f"| {' | '.join(names)} |")  # noqa: T201
    print("|---|---|---|---|---|")  # noqa: T201
    for level in (0.3, 3.0, 30.0, 300.0):
        found, planted, false, late = dict.fromkeys(_PLANTED, 0), dict.fromkeys(_PLANTED, 0), 0, []
        for seed in range(seeds):
            chance = np.random.default_rng(1000 * seed + int(level * 10))
            year = _year(chance, level, 52)
            chosen = chance.choice(np.arange(8, 52), 8, replace=False)
            kinds = {int(week): _PLANTED[at % 4] for at, week in enumerate(chosen)}
            for week in range(3, 52):
                now, at, length = year[week].copy(), -1, 0
                if week in kinds:
                    at = int(chance.integers(0, 130))
                    length = _plant(now, kinds[week], at, chance)
                    planted[kinds[week]] += 1
                past = year[max(week - MOST_WEEKS, 0) : week]
                least = 0.02 * float(past.sum(axis=1).mean())
                every = alarms(now.tolist(), past.tolist())
                told = [a for a in every if a.seen - a.expected >= least]
                hit = [a for a in told if at >= 0 and a.last >= at and a.first < at + length]
                if hit:
                    found[kinds[week]] += 1
                    late.append(max(hit[0].first - at, 0))
                false += len([a for a in told if a not in hit])
        share = ", ".join(f"{kind} {found[kind]} of {planted[kind]}" for kind in _PLANTED)
        print(  # noqa: T201
            f"| {level:g} | {sum(planted.values())} | {share} | {np.median(late):.0f} | "
            f"{false / seeds:.2f} |"
        )


if __name__ == "__main__":
    given = [int(text) for text in sys.argv[2:]]
    if sys.argv[1] == "scale":
        scale(*(given or [500, 13]))
    else:
        alarm_year(*(given or [20]))
