r"""What others wrote and we run (patterns, schemas, templates) ends within a limit of time.

The time is the processor's: what waits for its turn on a busy machine is not ended for it.

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
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from types import FrameType

from harness.errors import UsageError

LIMIT_S = 5.0
"""For one answer, one file or one prompt."""
_TRIAL_S = 0.25
_STEP_S = 0.01
_LETTERS = 12
_REPEATS = 400


class TooLongError(UsageError):
    """Something that others wrote takes too long to run."""


@contextmanager
def time_limit(what: str, seconds: float = LIMIT_S) -> Generator[None]:
    """End what runs inside after so many seconds of computing; patterns go into `pattern_limit`.

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
    others_s, repeat_s = signal.getitimer(signal.ITIMER_VIRTUAL)
    if 0 < others_s <= seconds:
        yield
        return

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise _OverdueError

    began, handler = time.process_time(), signal.signal(signal.SIGVTALRM, expire)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, handler)
        if others_s > 0:
            left_s = max(others_s - (time.process_time() - began), 0.001)
            signal.setitimer(signal.ITIMER_VIRTUAL, left_s, repeat_s)


@contextmanager
def _knock(seconds: float) -> Generator[None]:
    """An exception sent into this thread by another one."""
    thread, lock, over = ctypes.c_ulong(threading.get_ident()), threading.Lock(), threading.Event()
    computed_s = _clock_of_this_thread()
    end_s = computed_s() + seconds
    was_sent = False

    def knock() -> None:
        nonlocal was_sent
        left_s = seconds
        while left_s > 0:
            if over.wait(max(left_s, _STEP_S)):
                return
            left_s = end_s - computed_s()
        with lock:
            if not over.is_set():
                was_sent = True
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, ctypes.py_object(_OverdueError))

    threading.Thread(target=knock, daemon=True).start()
    try:
        yield
    finally:
        with lock:
            over.set()
            if was_sent:  # and not come yet: it must not come outside
                ctypes.pythonapi.PyThreadState_SetAsyncExc(thread, None)


def _clock_of_this_thread() -> Callable[[], float]:
    """Seconds that this thread has computed, for others to read; where nobody counts, all."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    return partial(time.clock_gettime, time.pthread_getcpuclockid(threading.get_ident()))


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
