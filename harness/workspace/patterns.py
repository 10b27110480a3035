r"""What others wrote and we run (patterns, schemas, templates) ends within a limit of time.

Python's own engine looks for signals while it backtracks, so an alarm ends it: no second engine
with other readings of `\w` and `$`, and nothing to install. An alarm is the main thread's; in any
other thread, and where a system has none, what `pattern_fault` finds beforehand must do.
"""

from __future__ import annotations

import re
import signal
import threading
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
    """End what runs inside after so many seconds.

    Raises:
        TooLongError: it took longer; `what` begins the line.
    """
    main = threading.current_thread() is threading.main_thread()
    free = hasattr(signal, "setitimer") and signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    if not (main and free):
        yield
        return

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise TooLongError(f"{what}: takes longer than {seconds:g} s; make it simpler")

    signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


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
        with time_limit("the pattern", _TRIAL_S):
            for letter in list(letters)[-_LETTERS:]:
                compiled.search(f"{letter * _REPEATS}\x00")
    except TooLongError:
        return (
            "takes too long on a text of one letter many times over; write it without a repeat "
            "inside a repeat"
        )
    return None
