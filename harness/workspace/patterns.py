r"""What others wrote and we run (patterns, schemas, templates) ends within a limit of time.

Python's own engine looks for signals while it backtracks, so an alarm ends it: no second engine
with other readings of `\w` and `$`, and nothing to install. An alarm is the main thread's. In any
other thread an exception is sent from outside, which ends templates and whatever else is Python;
a pattern would not see it, nor let any other thread run meanwhile, so it is refused there. Where a
system has no alarms, the trial of `pattern_fault` must do for patterns.
"""

from __future__ import annotations

import ctypes
import re
import signal
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from harness.errors import UsageError

LIMIT_S = 5.0
"""For one answer, one file or one prompt."""
_TRIAL_S = 0.25
_LETTERS = 12
_REPEATS = 400


class TooLongError(UsageError):
    """Something that others wrote takes too long to run."""


@contextmanager
def time_limit(what: str, seconds: float = LIMIT_S) -> Generator[None]:
    """End what runs inside after so many seconds; patterns go into `pattern_limit`.

    Raises:
        TooLongError: it took longer; `what` begins the line.
    """
    try:
        with _alarm(seconds) if _is_main() and hasattr(signal, "setitimer") else _knock(seconds):
            yield
    except _OverdueError:
        raise TooLongError(f"{what}: takes longer than {seconds:g} s; make it simpler") from None


@contextmanager
def pattern_limit(what: str, seconds: float = LIMIT_S) -> Generator[None]:
    """The same for what runs inside the engine of regular expressions, as schemas may.

    Raises:
        TooLongError: it took longer; `what` begins the line.
        UsageError: nothing could end it here.
    """
    if not _is_main():
        raise UsageError(f"{what}: runs in the main thread only, where a limit of time can end it")
    with time_limit(what, seconds):
        yield


class _OverdueError(BaseException):
    """The time is over. No template catches it."""


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextmanager
def _alarm(seconds: float) -> Generator[None]:
    """An alarm of our own, beside somebody else's; one that comes sooner is left to its owner."""
    others_s, repeat_s = signal.getitimer(signal.ITIMER_REAL)
    if 0 < others_s <= seconds:
        yield
        return

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise _OverdueError

    began, handler = time.monotonic(), signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if others_s > 0:
            left_s = max(others_s - (time.monotonic() - began), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left_s, repeat_s)


@contextmanager
def _knock(seconds: float) -> Generator[None]:
    """An exception sent into this thread by another one."""
    thread, lock = ctypes.c_ulong(threading.get_ident()), threading.Lock()
    is_over = was_sent = False

    def knock() -> None:
        nonlocal was_sent
        with lock:
            if not is_over:
                was_sent = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_OverdueError))

    timer = threading.Timer(seconds, knock)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        with lock:
            is_over = True
            if was_sent:  # and not come yet: it must not come outside
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)


def pattern_fault(pattern: str) -> str | None:
    r"""Why a pattern cannot be used, in one line; None when it can.

    It is tried on one letter many times over, which is what makes nested repeats try all ways.

    >>> pattern_fault("(a+)-x"), pattern_fault("(")
    (None, 'not a regular expression: missing ), unterminated subpattern at position 0')
    """
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        return f"not a regular expression: {error}".splitlines()[0]
    letters = dict.fromkeys([*(one for one in pattern if one.isalnum()), "a", "0", " "])
    try:
        with pattern_limit("the pattern", _TRIAL_S):
            for letter in list(letters)[-_LETTERS:]:
                compiled.search(f"{letter * _REPEATS}\x00")
    except TooLongError:
        return (
            "takes too long on a text of one letter many times over; write it without a repeat "
            "inside a repeat"
        )
    return None
