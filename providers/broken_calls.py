"""From a transport's exception, whichever HTTP back end raised it, to one of our errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import (
    BrokenBodyError,
    ConnectionFailedError,
    ProviderError,
    TimedOutError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BROKEN = ("ClientPayloadError", "ReadError", "RemoteProtocolError", "ClientResponseError")
UNREACHED = ("ClientConnectorError", "ConnectError", "ClientConnectorDNSError")


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from, the deepest last."""
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__


def to_error(vendor: str, error: BaseException) -> ProviderError:
    """Tell a time-out from a broken connection by the deepest cause.

    The aiohttp back end reports resets as connect time-outs, so the outer class says nothing.
    """
    causes = list(chain(error))
    names = [type(cause).__name__ for cause in causes]
    if _timed_out(causes):
        return TimedOutError(f"{vendor}: nothing came in time")
    if any(name in UNREACHED for name in names):
        return ConnectionFailedError(f"{vendor}: no connection", billable=False)
    if any(name in BROKEN for name in names):
        return BrokenBodyError(f"{vendor}: the connection broke inside the reply")
    return ConnectionFailedError(f"{vendor}: the connection broke")


def _timed_out(causes: list[BaseException]) -> bool:
    deepest = causes[-1]
    if isinstance(deepest, TimeoutError):
        return True
    # httpx's own transports raise their own time-outs, which are no TimeoutError.
    return not isinstance(deepest, OSError) and "Timeout" in type(deepest).__name__
