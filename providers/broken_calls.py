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

# Names of the back ends' exceptions, because each has its own classes and wraps the other's.
NEVER_SENT = frozenset(
    {"ClientConnectorError", "ClientConnectorDNSError", "ConnectError", "NewConnectionError"}
)
BROKE_INSIDE = frozenset(
    {
        "ChunkedEncodingError",
        "ClientPayloadError",
        "ClientResponseError",
        "ReadError",
        "RemoteProtocolError",
    }
)
BROKE = frozenset({"ClientOSError", "ServerDisconnectedError", "ClientConnectionResetError"})


def to_error(vendor: str, error: BaseException) -> ProviderError:
    """Tell apart a time-out, an address that was not reached, and a connection that broke.

    The deepest exception that tells anything decides: the aiohttp back end dresses resets as
    connect time-outs (OpenAI's SDK) or failed connections (Anthropic's).
    """
    causes = list(chain(error))
    if _timed_out(causes[-1]):
        return TimedOutError(f"{vendor}: nothing came in time")
    for cause in reversed(causes):
        name = type(cause).__name__
        if name in BROKE:
            break
        if name in NEVER_SENT:
            return ConnectionFailedError(f"{vendor}: no connection", billable=False)
        if name in BROKE_INSIDE:
            return BrokenBodyError(f"{vendor}: the connection broke inside the reply")
    return ConnectionFailedError(f"{vendor}: the connection broke")


def chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it came from, the deepest last."""
    at: BaseException | None = error
    while at is not None:
        yield at
        at = at.__cause__ or at.__context__


def _timed_out(deepest: BaseException) -> bool:
    if isinstance(deepest, TimeoutError):
        return True
    # httpx's own transports raise their own time-outs, which are no TimeoutError.
    return not isinstance(deepest, OSError) and "Timeout" in type(deepest).__name__
