"""Patterns and templates of others end within their limit, in whatever thread they run."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from evalsets.cases import Case
from evalsets.prompts import render_prompt
from harness.errors import UsageError
from harness.workspace.patterns import TooLongError, pattern_limit, time_limit

LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ input }}"


def render_loop() -> None:
    with time_limit("prompt", 0.2):
        render_prompt(LOOP, Case(id="c", input="x", target=None, metadata=()))


def match_all() -> None:
    with pattern_limit("the pattern", 0.2):
        re.search("^(a+)+$", "a" * 40 + "!")


def after_a_short_one() -> None:
    """A limit that was kept comes to nobody later."""
    with time_limit("short", 0.1):
        pass
    time.sleep(0.2)
    raise UsageError("nothing came later")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (render_loop, "prompt: takes longer than 0.2 s"),
        (match_all, "the pattern: runs in the main thread only"),
        (after_a_short_one, "nothing came later"),
    ],
)
def test_in_another_thread_nothing_runs_without_an_end(call: Callable[[], None], said: str) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(UsageError, match=said):
        pool.submit(call).result(timeout=20)


def test_a_limit_stands_beside_an_alarm_of_somebody_else() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, _frame: heard.append(number))
    signal.setitimer(signal.ITIMER_REAL, 30)
    try:
        with pytest.raises(TooLongError, match="the pattern: takes longer"):
            match_all()
        assert 20 < signal.getitimer(signal.ITIMER_REAL)[0] < 30
        signal.raise_signal(signal.SIGALRM)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert heard == [signal.SIGALRM]
