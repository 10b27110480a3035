"""An event loop whose clock is the test's: how busy the machine is changes no second of it.

It either leaps, to the next timer as soon as nothing else is left to do, or it stands still until
the test lets time pass. A loop that leaps waits for what is outside only where it is told so.
"""

from __future__ import annotations

import asyncio
import selectors
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

P = ParamSpec("P")
LONGEST_S = 60.0
"""Real seconds: within so many, something comes to a loop that stands still."""
POLL_S = 0.01


class OwnClockLoop(asyncio.SelectorEventLoop):
    """A loop with a clock of its own; `now_s` is read and set in its thread."""

    def __init__(self, *, leaps: bool) -> None:
        self.now_s = 5000.0
        self._outside = 0
        super().__init__(_Waiting(self, leaps=leaps))

    def time(self) -> float:
        """Its own seconds."""
        return self.now_s

    def nanoseconds(self) -> int:
        """The same as the clock of a `Stopwatch`."""
        return round(self.now_s * 1e9)

    def wait(self, seconds: float) -> None:
        """Let time pass: inside a task, as work that blocks the loop does."""
        self.now_s += seconds

    @property
    def waits_outside(self) -> bool:
        """Is something outside to answer? It leaps over none of it."""
        return self._outside > 0

    @contextmanager
    def outside(self) -> Iterator[None]:
        """What is inside waits for something that is not in this loop: a socket's other end."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def run_in_executor(self, *args: Any) -> Any:
        """A thread's work is done outside."""
        future = super().run_in_executor(*args)
        waiting = ExitStack()
        waiting.enter_context(self.outside())
        future.add_done_callback(lambda _: waiting.close())
        return future

    def pass_s(self, seconds: float) -> None:
        """Let time pass, from any thread; after its end it has none."""
        with suppress(RuntimeError):
            self.call_soon_threadsafe(self.wait, seconds)

    def pass_when(self, holds: Callable[[], bool], seconds: float) -> None:
        """Let time pass as soon as something holds."""
        threading.Thread(target=self._pass_when, args=(holds, seconds), daemon=True).start()

    def _pass_when(self, holds: Callable[[], bool], seconds: float) -> None:
        until = time.monotonic() + LONGEST_S
        while not holds() and time.monotonic() < until:
            time.sleep(POLL_S)
        self.pass_s(seconds)


class _Waiting(selectors.DefaultSelector):
    """Waits for what comes from outside, and for no timer."""

    def __init__(self, loop: OwnClockLoop, *, leaps: bool) -> None:
        super().__init__()
        self._loop = loop
        self._leaps = leaps

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        if timeout is None or not self._leaps or self._loop.waits_outside:
            came = super().select(LONGEST_S)
            assert came, "nothing comes, and the clock stands still"
            return came
        came = super().select(0)
        if not came:
            self._loop.wait(timeout)
        return came


def run_standing(test: Callable[[OwnClockLoop], Coroutine[Any, Any, None]]) -> None:
    """Run it on a clock that stands still unless it, or a server of its, lets time pass."""
    loop = OwnClockLoop(leaps=False)
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(test(loop))


def leaping(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test whose clock leaps: its seconds are exact, and take no time."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=lambda: OwnClockLoop(leaps=True)) as runner:
            runner.run(test(*args, **kwargs))

    return run


def own_loop() -> OwnClockLoop:
    """The loop that runs."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, OwnClockLoop)
    return loop
