"""A log's sums by feature, cohort and hour of the week, to weeks of traffic."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TypeAlias

import pandas as pd

from harness.money.measured import Window
from harness.money.traffic import ALL_COUNTS, HOURS_A_WEEK, HourUsage, Week

Frame: TypeAlias = pd.DataFrame

_HOUR = timedelta(hours=1)


def weeks_of_hours(sums: Frame, window: Window) -> tuple[Week, ...]:
    """Weeks by feature and cohort; an hour without a row had no call.

    Args:
        sums: columns `feature`, `cohort`, `hour` (0 is Monday 00:00 UTC) and the counts of an hour.
        window: the hours that were watched, of any number.
    """
    often = hours_watched(window)
    most = max(often)
    watched = () if set(often) == {most} else often
    groups = sums.groupby(["feature", "cohort"], sort=True)
    return tuple(
        Week(
            feature=str(name[0]),
            cohort=str(name[1]),
            weeks=most,
            hours=_hours(group),
            watched=watched,
        )
        for name, group in groups
    )


def hours_watched(window: Window) -> tuple[int, ...]:
    """How often each hour of the week lies in a window."""
    whole, rest = divmod(round((window.end - window.start) / _HOUR), HOURS_A_WEEK)
    first = _hour_of_week(window.start)
    more = Counter((first + step) % HOURS_A_WEEK for step in range(rest))
    return tuple(whole + more[hour] for hour in range(HOURS_A_WEEK))


def _hour_of_week(at: datetime) -> int:
    return at.weekday() * 24 + at.hour


def _hours(group: Frame) -> tuple[HourUsage, ...]:
    counts = group.set_index("hour")[list(ALL_COUNTS)]
    whole = counts.reindex(range(HOURS_A_WEEK), fill_value=0).round().astype("int64")
    # Each was rounded by itself: the parts of the input stay parts of it.
    whole["cached_tokens"] = whole[["cached_tokens", "input_tokens"]].min(axis=1)
    fresh = whole["input_tokens"] - whole["cached_tokens"]
    whole["cache_written_tokens"] = whole["cache_written_tokens"].clip(upper=fresh)
    whole["cache_untold"] = whole["cache_untold"].clip(upper=fresh)
    unwritten = whole["input_tokens"] - whole["cache_written_tokens"]
    whole["write_untold"] = whole["write_untold"].clip(upper=unwritten)
    rows: list[list[int]] = whole.to_numpy().tolist()
    return tuple(HourUsage(**dict(zip(ALL_COUNTS, row, strict=True))) for row in rows)
