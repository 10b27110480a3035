"""What the calls of logs say of each feature: its week, hour by hour, and its figures.

A *retry* follows a failed call of the same request within a minute; a *duplicate* is asked again
within a minute although the first was answered. The same request: the same text by its hash, else
the same trace with as many input tokens; rows that a format calls attempts are retries anyway.
Requests are told apart by 64 bits: two that share them by chance must fall into one minute, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from harness.bring.logs.call_log import CallLog
from harness.bring.logs.findings import findings
from harness.bring.logs.pricing_calls import RatesOn, at_rates, no_rates, spending
from harness.money.measured import (
    CallsBy,
    FeatureMeasured,
    Quantiles,
    Spending,
    TrafficFinding,
    Window,
)
from harness.money.request_log import weeks_of_hours
from harness.money.traffic import Week

_JOIN = """
CREATE TEMP TABLE joined AS
SELECT min(file) AS file, min(line) AS line, min(began) AS began, max(hours) AS hours, id,
  false AS attempt, max(parent) AS parent, max(asked) AS asked, max(feature) AS feature,
  max(team) AS team, max(product) AS product, max(environment) AS environment,
  max(cohort) AS cohort, max(caller) AS caller, max(model) AS model, max(kind) AS kind,
  max(n) AS n, min(failed) AS failed, bool_and(single) AS single, bool_or(hit) AS hit,
  bool_or(known) AS known, max(input) AS input, max(cached) AS cached, max(written) AS written,
  max(output) AS output, max(reasoning) AS reasoning, max(cost) AS cost,
  max(latency) AS latency, max(waited) AS waited, NULL::VARCHAR AS again, min(began) AS started,
  NULL::VARCHAR AS reason, NULL::VARCHAR AS counted_by, max(notes) AS notes
FROM calls WHERE id IN (FROM told_again) GROUP BY id
"""
_TOLD_BY_ANOTHER_FILE = """
DELETE FROM calls WHERE attempt AND rowid IN (
  SELECT row FROM (
    SELECT rowid AS row, file, min(file) OVER (PARTITION BY id, feature, cohort, model, began,
      input, cached, written, output, failed) AS first_file
    FROM calls WHERE attempt AND id IS NOT NULL)
  WHERE file <> first_file)
"""
_AGAIN = """
CREATE OR REPLACE TEMP TABLE asked_twice AS
WITH keyed AS (
  SELECT rowid AS row, began, failed, file, line, attempt, input,
    CASE WHEN attempt THEN hash('i', id, feature, cohort)
    WHEN asked IS NOT NULL THEN hash('a', asked, feature, model, cohort)
    ELSE hash('p', parent, feature, model) END AS key
  FROM calls WHERE single AND NOT hit AND kind = 'answer'
    AND (attempt OR asked IS NOT NULL OR parent IS NOT NULL))
FROM keyed WHERE key IN (SELECT key FROM keyed GROUP BY key HAVING count(*) > 1)
"""
_TOLD_AGAIN = """
UPDATE calls SET again = found.again, started = found.started FROM (
  SELECT row, CASE WHEN attempt OR lost > 0 THEN 'retry' ELSE 'duplicate' END AS again,
    CASE WHEN attempt THEN first_began ELSE began END AS started
  FROM (
    SELECT *, lag(key) OVER every AS key_before, lag(began) OVER every AS before,
      lag(failed) OVER every AS lost, lag(input) OVER every AS input_before
    FROM asked_twice WINDOW every AS (ORDER BY key, began, file, line, row))
  JOIN (SELECT key, min(began) AS first_began FROM asked_twice GROUP BY key) USING (key)
  WHERE key_before = key AND (attempt OR (began - before <= INTERVAL 1 MINUTE
    AND (lost > 0 OR input = input_before)))) found
WHERE calls.rowid = found.row
"""
_HOURS = """
SELECT feature, cohort, hour::INTEGER AS hour,
  sum(CASE WHEN again IS NULL THEN n ELSE 0 END) AS requests,
  sum(CASE WHEN again IS NULL THEN 0 ELSE n END) AS retries,
  sum(input) AS input_tokens, coalesce(sum(cached), 0) AS cached_tokens,
  sum(CASE WHEN cached IS NULL THEN input ELSE 0 END) AS cache_untold,
  coalesce(sum(written), 0) AS cache_written_tokens,
  sum(CASE WHEN written IS NULL THEN input ELSE 0 END) AS write_untold,
  sum(output) AS output_tokens,
  sum(CASE WHEN known THEN 0 ELSE n END) AS unmetered
FROM (
  SELECT feature, cohort, again, known,
    (isodow(at_hour) - 1) * 24 + extract(hour FROM at_hour) AS hour, {parts}
  FROM (SELECT *, started + to_hours(part::INTEGER) AS at_hour
        FROM calls, LATERAL (SELECT unnest(range(hours)) AS part) AS spread
        WHERE kind = 'answer' AND NOT hit AND feature <> ''))
GROUP BY ALL ORDER BY ALL
"""
_PARTS = ", ".join(
    f"floor((part + 1) * {name} / hours) - floor(part * {name} / hours) AS {name}"
    if name != "n"
    else "CASE WHEN hours = 1 THEN n ELSE floor((part + 1) * n / hours) "
    "- floor(part * n / hours) END AS n"
    for name in ("n", "input", "cached", "written", "output")
)
_FEATURES = """
SELECT feature, sum(n) FILTER (answered AND again IS NULL), sum(n) FILTER (again = 'retry'),
  sum(n) FILTER (again = 'duplicate'), sum(failed), sum(n) FILTER (hit),
  sum(n) FILTER (NOT known), sum(n) FILTER (cached > 0),
  sum(n) FILTER (answered AND cached IS NOT NULL),
  sum(n) FILTER (answered AND known AND cached IS NULL), sum(cost), sum(n) FILTER (cost IS NULL),
  sum(n) FILTER (answered AND known AND written IS NULL)
FROM (SELECT *, kind = 'answer' AND NOT hit AS answered FROM calls)
GROUP BY feature ORDER BY feature
"""
_COUNTED = """
SELECT feature, {by}, sum(n), sum(cost) FROM calls WHERE {where}
GROUP BY ALL ORDER BY 1, 4 DESC NULLS LAST, 3 DESC, 2
"""
_QUIET = """
SELECT coalesce(max(day - before) - 1, 0) FROM (
  SELECT day, lag(day) OVER (ORDER BY day) AS before
  FROM (SELECT DISTINCT began::DATE AS day FROM calls))
"""
_THIRDS = """
SELECT feature, coalesce(sum(n) FILTER (began < ?), 0), coalesce(sum(n) FILTER (began >= ?), 0)
FROM calls WHERE again IS NULL AND kind = 'answer' AND NOT hit GROUP BY feature
"""
_FEWEST_WEEKS = 4
_FEWEST_CALLS = 30
_MONTH = timedelta(days=30.4375)
_HOUR = timedelta(hours=1)
_WEEK = timedelta(weeks=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTraffic:
    """What logs say, feature by feature; calls of nobody's stand under the empty name."""

    window: Window
    weeks: tuple[Week, ...]
    features: tuple[FeatureMeasured, ...]
    findings: tuple[TrafficFinding, ...]
    quiet_days: int
    joined: int
    """Rows that tell a call again, or a part of it."""
    spending: Spending


def measure(log: CallLog, rates: RatesOn = no_rates) -> LogTraffic | None:
    """Join what belongs together, and add up; None without a call."""
    joined = _join(log)
    log.base.execute(_AGAIN)
    log.base.execute(_TOLD_AGAIN)
    window = _window(log)
    if window is None:
        return None
    hours = log.base.execute(_HOURS.format(parts=_PARTS)).df()
    features = tuple(_features(log, at_rates(log, rates), window))
    return LogTraffic(
        window=window,
        weeks=weeks_of_hours(hours, window),
        features=features,
        findings=findings(log, window, features, rates),
        quiet_days=log.one(_QUIET),
        joined=joined,
        spending=spending(log, rates),
    )


def _join(log: CallLog) -> int:
    """Rows that tell one call are one; returns how many are gone."""
    before = log.one("SELECT count(*) FROM calls")
    log.base.execute(_TOLD_BY_ANOTHER_FILE)
    log.base.execute(
        "CREATE TEMP TABLE told_again AS SELECT id FROM calls WHERE id IS NOT NULL AND NOT attempt "
        "GROUP BY id HAVING count(*) > 1"
    )
    if not log.one("SELECT count(*) FROM told_again"):
        return before - log.one("SELECT count(*) FROM calls")
    log.base.execute(_JOIN)
    log.base.execute("DELETE FROM calls WHERE id IN (FROM told_again)")
    log.base.execute("INSERT INTO calls SELECT * FROM joined")
    return before - log.one("SELECT count(*) FROM calls")


def _window(log: CallLog) -> Window | None:
    """From the first call to the last, in whole hours; nearly whole weeks are taken for whole."""
    found = log.base.execute(
        "SELECT min(began), max(began + to_hours((hours - 1)::INTEGER)) FROM calls"
    ).fetchall()
    ((first, last),) = found
    if first is None:
        return None
    start, end = _floor(first), _floor(last) + _HOUR
    weeks = -(-(last - first) // _WEEK)
    if weeks and weeks * _WEEK - (last - first) <= _DAY:
        end = start + weeks * _WEEK
    return Window(start=start, end=end)


def _floor(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _features(
    log: CallLog, priced: Mapping[str, tuple[Decimal | None, int]], window: Window
) -> Iterator[FeatureMeasured]:
    quantiles = {
        name: _quantiles(log, name, where)
        for name, where in (
            ("input", "known"),
            ("output", "known"),
            ("latency", "latency IS NOT NULL"),
            ("waited", "waited IS NOT NULL"),
        )
    }
    others = {
        by: _counted(log, by, where)
        for by, where in (
            ("model", "kind = 'answer' AND NOT hit"),
            ("cohort", "kind = 'answer' AND NOT hit AND again IS NULL"),
            ("caller", "NOT hit"),
            ("kind", "kind <> 'answer'"),
        )
    }
    growth = _growth(log, window)
    for row in log.base.execute(_FEATURES).fetchall():
        name = str(row[0])
        counts = [round(value or 0) for value in row[1:10]]
        yield FeatureMeasured(
            feature=name,
            requests=counts[0],
            retries=counts[1],
            duplicates=counts[2],
            failed=None if row[4] is None else counts[3],
            from_gateway_cache=counts[4],
            unmetered=counts[5],
            cache_hit_rate=round(counts[6] / counts[7], 6) if counts[7] else None,
            cache_untold=counts[8],
            write_untold=round(row[12] or 0),
            logged_usd=row[10],
            without_cost=round(row[11] or 0),
            at_rates_usd=priced.get(name, (None, 0))[0],
            without_price=priced.get(name, (None, 0))[1],
            input_tokens=quantiles["input"].get(name),
            output_tokens=quantiles["output"].get(name),
            latency_ms=quantiles["latency"].get(name),
            first_token_ms=quantiles["waited"].get(name),
            models=others["model"].get(name, ()),
            cohorts=others["cohort"].get(name, ()),
            callers=others["caller"].get(name, ())[:20],
            other_operations=others["kind"].get(name, ()),
            growth_per_month=growth.get(name),
        )


def _growth(log: CallLog, window: Window) -> dict[str, float]:
    """Change of the requests a month, from the first third of whole weeks to the last."""
    third = (window.end - window.start) // _WEEK // 3 * _WEEK
    if window.end - window.start < _FEWEST_WEEKS * _WEEK or not third:
        return {}
    last = window.end - third
    months = (last - window.start) / _MONTH
    found = log.base.execute(_THIRDS, [window.start + third, last]).fetchall()
    return {
        str(feature): round(float((late / early) ** (1 / months) - 1), 4)
        for feature, early, late in found
        if min(early, late) >= _FEWEST_CALLS
    }


def _quantiles(log: CallLog, name: str, where: str) -> dict[str, Quantiles]:
    """Of single calls that were answered, exactly: an approximate one changes with the threads."""
    one = f"round({name} / n)" if name in {"input", "output"} else name
    rows = log.base.execute(
        f"SELECT feature, sum({one} * n) / sum(n), "  # noqa: S608
        f"quantile_disc({one}, [0.5, 0.95, 0.99]) FROM calls "
        f"WHERE single AND NOT hit AND kind = 'answer' AND {where} "
        "AND coalesce(failed, 0) = 0 GROUP BY feature"
    ).fetchall()
    return {
        str(feature): Quantiles(mean=round(mean, 3), p50=low, p95=high, p99=top)
        for feature, mean, (low, high, top) in rows
    }


def _counted(log: CallLog, by: str, where: str) -> dict[str, tuple[CallsBy, ...]]:
    found: dict[str, list[CallsBy]] = {}
    for feature, name, calls, cost in log.base.execute(
        _COUNTED.format(by=by, where=where)
    ).fetchall():
        one = CallsBy(name=str(name), calls=round(calls), logged_usd=cost)
        found.setdefault(str(feature), []).append(one)
    return {feature: tuple(each) for feature, each in found.items()}
