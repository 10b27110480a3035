"""`traffic/NAME.hours.parquet`: sums of calls by hour and whose they are, kept for showback.

It has no prompt, answer or identity of a call. A row of sums over a day is spread over its hours.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from harness.bring.logs.call_log import CallLog
from harness.bring.logs.pricing_calls import RatesOn
from harness.bring.logs.sql import quoted
from harness.money.prices.rate_tables import Rates

_ARROW: Any = importlib.import_module("pyarrow")
"""pyarrow, which has no type stubs."""
HOURS_SUFFIX = ".hours.parquet"
HOURS_KEYS = ("feature", "team", "product", "environment", "cohort", "caller", "model")
_COUNTED: Mapping[str, str] = {
    "requests": "kind = 'answer' AND NOT hit AND again IS NULL",
    "other_calls": "kind <> 'answer' AND NOT hit",
    "gateway_hits": "hit",
    "unmetered": "NOT known AND NOT hit",
    "failure_untold": "failed IS NULL AND NOT hit",
    "unknown_cost": "NOT hit AND cost IS NULL AND listed IS NULL",
}
_METERED = "known AND NOT hit"
_ANSWERS = "kind = 'answer' AND NOT hit"
_MAY_REPEAT = "single AND (attempt OR asked IS NOT NULL OR parent IS NOT NULL)"
_IF_TOLD: Mapping[str, tuple[str, str, str]] = {
    "retries": (f"{_ANSWERS} AND again = 'retry'", _ANSWERS, _MAY_REPEAT),
    "duplicates": (f"{_ANSWERS} AND again = 'duplicate'", _ANSWERS, _MAY_REPEAT),
    "cache_reads": (f"{_ANSWERS} AND cached > 0", f"{_ANSWERS} AND known", "cached IS NOT NULL"),
}
"""By count, three conditions: the calls counted, those that may be such, and of these the calls
whose log says whether they are. Where none of them says it, the count is NULL, not 0."""
_SUMMED: Mapping[str, str] = {
    "failed": "NOT hit",
    **dict.fromkeys(("cached", "written", "reasoning"), _METERED),
}
"""Columns that are summed, and the calls for which a log may have a value. NULL if none has."""
_TOKENS = ("input", "output")
HOURS_COUNTS = (*_COUNTED, *_IF_TOLD, *_SUMMED, *_TOKENS)
HOURS_USD = ("usd", "from_prices_usd", "at_list_usd")
_PRICES = """
CREATE OR REPLACE TEMP TABLE prices (model VARCHAR, day DATE, starts BIGINT, ends BIGINT,
  input DOUBLE, cached DOUBLE, written DOUBLE, output DOUBLE, call DOUBLE)
"""
_MODELS = "SELECT DISTINCT model, began::DATE FROM calls WHERE NOT hit ORDER BY ALL"
_NO_END = 2**62
_LENGTH = "CASE WHEN single AND n > 0 THEN round(told.input / n) ELSE 0 END"
_LISTED = f"""
SELECT told.*, CASE WHEN known AND NOT hit THEN
  ((told.input - coalesce(told.cached, 0) - coalesce(told.written, 0)) * prices.input
    + coalesce(told.cached, 0) * prices.cached + coalesce(told.written, 0) * prices.written
    + told.output * prices.output) / 1000000 + n * prices.call
  END AS listed
FROM calls AS told LEFT JOIN prices
  ON told.model = prices.model AND began::DATE = prices.day
  AND {_LENGTH} >= prices.starts AND {_LENGTH} < prices.ends
"""  # noqa: S608  # names of this file alone


def _sums() -> str:
    """The sums of an hour, as SQL; NULL where there are calls but none of them has the value."""
    counts = [f"sum(CASE WHEN {test} THEN n ELSE 0 END) AS {n}" for n, test in _COUNTED.items()]
    for name, (test, among, told) in _IF_TOLD.items():
        nobody = f"bool_or({among}) AND NOT coalesce(bool_or({among} AND {told}), false)"
        of_kind = f"sum(CASE WHEN {test} THEN n ELSE 0 END)"
        counts.append(f"CASE WHEN NOT ({nobody}) THEN {of_kind} END AS {name}")
    plain = [f"coalesce(sum({name}), 0) AS {name}" for name in _TOKENS]
    plain += [
        f"CASE WHEN count({name}) > 0 OR NOT bool_or({among}) THEN coalesce(sum({name}), 0) END "
        f"AS {name}"
        for name, among in _SUMMED.items()
    ]
    usd = (
        "sum(coalesce(cost::DOUBLE, listed, 0)) AS usd",
        "sum(CASE WHEN cost IS NULL THEN coalesce(listed, 0) ELSE 0 END) AS from_prices_usd",
        "sum(coalesce(listed, 0)) AS at_list_usd",
    )
    return ", ".join((*counts, *plain, *usd))


def _table() -> str:
    """Sums by hour; amounts to a billionth of a dollar, counts to a thousandth."""
    keys = ", ".join(HOURS_KEYS)
    numbers = (*HOURS_COUNTS, *HOURS_USD)
    summed = ", ".join(f"sum({name} / hours) AS {name}" for name in numbers)
    typed = ", ".join(
        f"{name}::DECIMAL(18, {9 if name in HOURS_USD else 3}) AS {name}" for name in numbers
    )
    return f"""
SELECT hour, {keys}, {typed} FROM (
  SELECT hour + to_hours(part::INTEGER) AS hour, {keys}, {summed}
  FROM (SELECT date_trunc('hour', began) AS hour, hours, {keys}, {_sums()}
        FROM ({_LISTED}) GROUP BY ALL), LATERAL (SELECT unnest(range(hours)) AS part) AS spread
  GROUP BY ALL)
ORDER BY hour, {keys}
"""  # noqa: S608


def write_hours(log: CallLog, rates: RatesOn, path: Path) -> None:
    """Write a log's sums; the calls were joined and told apart (`measure`) before."""
    log.base.execute(_PRICES)
    found = [
        row
        for model, day in log.base.execute(_MODELS).fetchall()
        if (price := rates(model, day)) is not None
        for row in _rows(model, day, price)
    ]
    if found:
        fill(log.base, "prices", {name: [row[name] for row in found] for name in found[0]})
    log.base.execute(f"COPY ({_table()}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)")


def fill(base: Any, table: str, columns: Mapping[str, Sequence[object]]) -> None:  # noqa: ANN401
    """Add rows to a table of an open base, column by column."""
    base.register("rows_to_add", _ARROW.table(dict(columns)))
    base.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows_to_add")  # noqa: S608
    base.unregister("rows_to_add")


def _rows(model: str, day: date, price: Rates) -> Iterator[dict[str, object]]:
    starts = [band.from_input_tokens for band in price.bands]
    for band, end in zip(price.bands, [*starts[1:], _NO_END], strict=True):
        yield {
            "model": model,
            "day": day,
            "starts": band.from_input_tokens,
            "ends": end,
            "input": float(band.input),
            "cached": float(band.cache_read),
            "written": float(band.cache_write),
            "output": float(band.output),
            "call": float(price.per_request),
        }
