"""How large a reply may be: what a server sends beyond it is not read, and the attempt ends."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, cast

import aiohttp
import httpx2
from aiohttp.streams import StreamReader

from providers.errors import AnswerTooLargeError

MIB = 2**20
MOST_BYTES = 64 * MIB
"""Of a reply, unpacked, streamed or whole: an answer of 128,000 tokens streams about 40 million."""
MOST_BATCH_BYTES = 4096 * MIB
"""Of a file of a batch's results, which has up to 100,000 answers."""
PACKED = {"Accept-Encoding": "gzip, deflate"}
"""A packed piece of these grows a thousandfold at most; of others without a bound."""
_PLAIN = frozenset({"", "identity"})
_UNPACKED = _PLAIN | {"gzip", "deflate"}


def too_large(most: int = MOST_BYTES) -> AnswerTooLargeError:
    """The error for a reply that is larger than `most` bytes."""
    return AnswerTooLargeError(
        f"the reply has more than {most // MIB:,} MiB, and was not read to its end"
    )


def most_of(method: str) -> int:
    """GET requests fetch results of batches; POST requests ask for answers."""
    return MOST_BATCH_BYTES if method.upper() == "GET" else MOST_BYTES


def _packings(headers: Mapping[str, str]) -> list[str]:
    """How a reply is packed, the last applied first; refuses what may grow without a bound."""
    found = [each.strip() for each in headers.get("content-encoding", "").lower().split(",")]
    if not set(found) <= _UNPACKED:
        raise AnswerTooLargeError("the reply is packed in a way that was not asked for")
    return [each for each in reversed(found) if each not in _PLAIN]


async def bound(response: httpx2.Response) -> None:
    """Bound a reply before it is read; a hook of the SDKs' clients."""
    _packings(response.headers)
    most, read = most_of(response.request.method), response.aiter_bytes

    async def counted(chunk_size: int | None = None) -> AsyncGenerator[bytes, None]:
        size = 0
        async for piece in read(chunk_size):
            size += len(piece)
            if size > most:
                raise too_large(most)
            yield piece

    cast("Any", response).aiter_bytes = counted


async def unpacked(response: aiohttp.ClientResponse) -> bytes:
    """A whole reply of a session that unpacks nothing itself, to the bound.

    Raises:
        AnswerTooLargeError: it is larger, or packed in a way that was not asked for.
        httpx2.DecodingError: it is not packed as it says.
    """
    packings = _packings(response.headers)
    pieces: list[bytes] = []
    size = 0
    unpack = _unpackers(packings)
    async for raw in response.content.iter_any():
        piece = unpack(raw, MOST_BYTES - size + 1)
        size += len(piece)
        if size > MOST_BYTES:
            raise too_large()
        pieces.append(piece)
    return b"".join(pieces)


def _unpackers(packings: Sequence[str]) -> Callable[[bytes, int], bytes]:
    """Unpacks a reply piece by piece, each to so many bytes at most."""
    steps = [_Unpacker(one) for one in packings]

    def unpack(piece: bytes, most: int) -> bytes:
        for step in steps:
            piece = step.unpack(piece, most)
        return piece

    return unpack


class _Unpacker:
    """Undoes one packing."""

    def __init__(self, packing: str) -> None:
        self._is_raw_possible = packing == "deflate"
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | (16 if packing == "gzip" else 0))

    def unpack(self, piece: bytes, most: int) -> bytes:
        try:
            found = self._zlib.decompress(piece, most)
        except zlib.error as error:
            if not self._is_raw_possible:
                raise httpx2.DecodingError(str(error)) from error
            # Some servers leave zlib's own frame around deflate away.
            self._is_raw_possible = False
            self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
            return self.unpack(piece, most)
        self._is_raw_possible = False
        return found


class _BoundedReader(StreamReader):
    """Takes no more than an answer may have."""

    __slots__ = ()

    def feed_data(self, data: bytes, size: int = 0) -> bool:
        """Keep a piece, or end the reading."""
        if self.total_bytes + len(data) > MOST_BYTES:
            self.set_exception(too_large())
            return False
        return super().feed_data(data, size)


class BoundedResponse(aiohttp.ClientResponse):
    """A reply of aiohttp that reads no more than an answer may have."""

    async def start(self, connection: Any) -> aiohttp.ClientResponse:  # noqa: ANN401  # aiohttp's own
        """Begin to read."""
        await super().start(connection)
        if type(self.content) is StreamReader and most_of(self.method) == MOST_BYTES:
            # The parser feeds this very object, so it changes its kind, not its place.
            cast("Any", self.content).__class__ = _BoundedReader
        return self


def bound_requests(response: Any, *_: object, **__: object) -> None:  # noqa: ANN401  # untyped there
    """Bound a reply of `requests` before it is read; a hook of its sessions."""
    response.raw = _CountedRaw(response.raw)


class _CountedRaw:
    """What urllib3 reads, counted."""

    def __init__(self, raw: Any) -> None:  # noqa: ANN401
        self._raw = raw
        self._size = 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._raw, name)

    def stream(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        """Its pieces, to the bound."""
        return self._counted(lambda: self._raw.stream(*arguments, **options))

    def _counted(self, read: Callable[[], Any]) -> Any:  # noqa: ANN401
        for piece in read():
            self._size += len(piece)
            if self._size > MOST_BYTES:
                raise too_large()
            yield piece
