"""Waits while libfaketime shifts the clock: 0.9.10 breaks `clock_nanosleep`, and so `time.sleep`.

On the path of `.ci/far-date` alone, where Python loads it by its name.
"""

from __future__ import annotations

import select
import time


def sleep(seconds: float) -> None:
    """Wait by another call."""
    select.select([], [], [], seconds)


time.sleep = sleep
