"""A script whose answers wait for the test: a signal falls while they do, on any machine."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.wire.reply import Body, Reply, Script


def held(script: Script, allowed: Callable[[], float]) -> Script:
    """The same script: of all requests, as many are answered as are allowed by then."""
    numbers = count(1)

    def answer(body: Body) -> Reply:
        number = next(numbers)
        return replace(script(body), may_send=lambda _part: number <= allowed())

    return answer


class Gate:
    """So many requests are answered, and further ones once it is open."""

    def __init__(self, most: int) -> None:
        self._most: float = most

    def __call__(self) -> float:
        return self._most

    def allow(self, most: int) -> None:
        """Answer so many requests of all."""
        self._most = most

    def open(self) -> None:
        """Answer what waits, and all that comes."""
        self._most = float("inf")


def allowed_by(file: Path) -> Callable[[], float]:
    """As many as its number says; none while it has none."""
    return lambda: float(file.read_text() or 0) if file.exists() else 0.0
