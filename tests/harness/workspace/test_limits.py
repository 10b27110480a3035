"""Patterns and templates of others end within their limit, in whatever thread they run."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evalsets.cases import Case
from evalsets.prompts import render_prompt
from harness.errors import UsageError
from harness.workspace.patterns import TooLongError, pattern_limit, time_limit

ROOT = Path(__file__).parents[3]
LOOP = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}{{ input }}"


def render_loop() -> None:
    with time_limit("prompt", 0.2):
        render_prompt(LOOP, Case(id="c", input="x", target=None, metadata=()))


def match_all() -> None:
    with pattern_limit("the pattern", 0.2):
        re.search("^(a+)+$", "a" * 40 + "!")


def after_a_short_one() -> None:
    """A limit that was kept comes to nobody later, and who only waits keeps it."""
    began = time.monotonic()
    with time_limit("short", 0.1):
        time.sleep(0.3)
    assert time.monotonic() - began >= 0.3
    began = time.thread_time()
    while time.thread_time() - began < 0.3:
        pass
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
    """In a process of its own: a tracer beside an exception sent into a thread does not end."""
    names = f"in_a_thread, {call.__name__}"
    script = (
        f"from tests.harness.workspace.test_limits import {names}; in_a_thread({call.__name__})"
    )
    asked = [sys.executable, "-c", script]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=300, check=True)
    assert said in done.stdout


def in_a_thread(call: Callable[[], None]) -> None:
    with ThreadPoolExecutor(1) as pool:
        sys.stdout.write(f"{pool.submit(call).exception(timeout=200)}\n")


@pytest.mark.parametrize(
    ("timer", "sent"),
    [(signal.ITIMER_REAL, signal.SIGALRM), (signal.ITIMER_VIRTUAL, signal.SIGVTALRM)],
)
def test_a_limit_stands_beside_an_alarm_of_somebody_else(timer: int, sent: signal.Signals) -> None:
    heard: list[int] = []
    before = signal.signal(sent, lambda number, _frame: heard.append(number))
    signal.setitimer(timer, 3600)
    try:
        with pytest.raises(TooLongError, match="the pattern: takes longer"):
            match_all()
        assert 3000 < signal.getitimer(timer)[0] < 3600
        signal.raise_signal(sent)
    finally:
        signal.setitimer(timer, 0)
        signal.signal(sent, before)
    assert heard == [sent]


def test_waiting_is_no_computing() -> None:
    """As on a machine whose processor others have."""
    began = time.monotonic()
    with time_limit("short", 0.1):
        time.sleep(0.3)
    assert time.monotonic() - began >= 0.3
