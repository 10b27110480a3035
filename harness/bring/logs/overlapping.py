"""Calls that another imported log has, too: `traffic/NAME.ids.parquet` keeps a sketch of each.

Of every hour it has the sixteen smallest of 64 bits made of a call's identity and its time; of
calls without an identity, 64 bits of each of the hour's sums. No identity can be read out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.bring.logs.call_log import CallLog
from harness.bring.logs.sql import quoted
from harness.errors import UsageError
from harness.money.measured import measured_of
from harness.wording import plural

SKETCH_SUFFIX = ".ids.parquet"
_MEASURED = ".measured.json"
_KEPT = 16
_FEWEST_HOURS = 3
"""Hours of equal sums that are taken for the same calls; a few may be equal by chance."""
_LOW = "18446744073709551615::UHUGEINT"
_SKETCH = f"""
CREATE OR REPLACE TEMP TABLE sketch AS
SELECT hour, unnest(ids) AS id, true AS named FROM (
  SELECT date_trunc('hour', began) AS hour,
    min(xor((id & {_LOW})::UBIGINT, epoch_us(began)::UBIGINT), {_KEPT}) AS ids
  FROM calls WHERE id IS NOT NULL GROUP BY ALL)
UNION ALL
SELECT hour,
  (md5_number(concat_ws('|', feature, model, caller, n, input, output)) & {_LOW})::UBIGINT, false
FROM (
  SELECT date_trunc('hour', began) AS hour, feature, model, caller, round(sum(n)) AS n,
    round(sum(input)) AS input, round(sum(output)) AS output
  FROM calls WHERE id IS NULL GROUP BY ALL)
"""  # noqa: S608
_SHARED = """
SELECT (SELECT count(DISTINCT hour) FROM sketch JOIN other USING (hour, id, named) WHERE named),
  (SELECT count(*) FROM (
    SELECT hour FROM sketch LEFT JOIN other USING (hour, id, named) WHERE NOT sketch.named
    GROUP BY hour HAVING bool_and(other.id IS NOT NULL))),
  (SELECT count(DISTINCT hour) FROM sketch SEMI JOIN other USING (hour, named) WHERE NOT named)
"""


def sketch(log: CallLog) -> None:
    """Make a log's sketch; its calls were joined before."""
    log.base.execute(_SKETCH)


def write_sketch(log: CallLog, path: Path) -> None:
    """Write the sketch to `traffic/NAME.ids.parquet`."""
    log.base.execute(f"COPY (FROM sketch ORDER BY ALL) TO {quoted(str(path))} (FORMAT parquet)")


def refuse_shared(log: CallLog, path: Path) -> None:
    """Compare a log with each other imported log made of different files.

    Raises:
        UsageError: both have the same calls: they would count twice.
    """
    own = {each.sha256 for each in log.files}
    for other in _others(path, own):
        named, alike, both = _hours_of(log, other)
        hours = named or (alike if alike >= _FEWEST_HOURS and 2 * alike >= both else 0)
        if hours:
            name = other.name.removesuffix(SKETCH_SUFFIX)
            how = (
                "import all of their logs in one command, which joins calls by request id"
                if named
                else "leave one of the logs out, as their calls have no ids"
            )
            raise UsageError(
                f"{path}: traffic/{name}.csv has the same calls in {plural(hours, 'hour')}: "
                f"{how}, and delete traffic/{name}.*"
            )


def _others(path: Path, own: set[str]) -> Iterator[Path]:
    for measured in sorted(path.parent.glob(f"*{_MEASURED}")):
        stem = measured.name.removesuffix(_MEASURED)
        kept = measured.with_name(stem + SKETCH_SUFFIX)
        if stem == path.stem or not kept.is_file():
            continue
        told = {each.sha256 for each in measured_of(measured).sources}
        if not (told <= own or own <= told):
            yield kept


def _hours_of(log: CallLog, other: Path) -> tuple[int, int, int]:
    """Hours with the same identities; with the same sums; and those that both tell sums of."""
    log.base.execute(
        f"CREATE OR REPLACE TEMP VIEW other AS FROM read_parquet({quoted(str(other))})"
    )
    ((named, alike, both),) = log.base.execute(_SHARED).fetchall()
    return int(named), int(alike), int(both)
