"""Servers that set the client's clock: a second passes by an event, however busy the machine is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.opening import KeyMaskingProvider, open_provider
from providers.wire.calling import WireProvider
from tests.support.wire.reply import Reply
from tests.support.wire.vendors import KEY, WireCase, a_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.completion import Completion
    from tests.support.own_clock import OwnClockLoop
    from tests.support.wire.reply import WireUsage
    from tests.support.wire.server import WireServer

WORDS = ("Oslo", "Bergen", "Hamar", "Tromso")


class Stepped:
    """Sends a stream's words one by one, each when the client has read the last one.

    Before each word `step_s` pass on the client's clock, which is read for each word that came.
    """

    def __init__(self, loop: OwnClockLoop, step_s: float, usage: WireUsage | None = None) -> None:
        self.reply = Reply(text=" ".join(WORDS), may_send=self._may_send, usage=usage)
        self._loop = loop
        self._step_s = step_s
        self._read = self._sent = 0

    def clock(self) -> int:
        """Nanoseconds; read when the call begins, and when a word has come."""
        self._read += 1
        return self._loop.nanoseconds()

    def _may_send(self, frame: bytes) -> bool:
        if self._read <= self._sent:
            return False
        if sum(word.encode() in frame for word in WORDS) == 1:
            self._sent += 1
            self._loop.pass_s(self._step_s)
        return True

    async def ask(self, wire: WireCase, server: WireServer, **request: object) -> Completion:
        server.script = lambda _body: self.reply
        opened = open_provider(wire.endpoint(server), key=KEY)
        assert isinstance(opened, KeyMaskingProvider)
        inner = opened._inner
        assert isinstance(inner, WireProvider)
        provider = WireProvider(inner._wire, inner._dialect, clock=self.clock)
        try:
            return await provider.complete(a_request(**request))
        finally:
            await provider.aclose()


def passing(loop: OwnClockLoop, seconds: float, at: bytes | None = None) -> Callable[[bytes], bool]:
    """One part never goes out, the first or `at`; so much time passes, again and again.

    Again, because the client may read what came before it after some time has passed.
    """
    due = loop.now_s

    def may_send(part: bytes) -> bool:
        nonlocal due
        if at is not None and part != at:
            return True
        if loop.now_s >= due:
            due = loop.now_s + seconds
            loop.pass_s(seconds)
        return False

    return may_send
