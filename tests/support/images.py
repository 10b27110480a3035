"""Images of our own, byte by byte: no library that the code under test uses makes them."""

from __future__ import annotations

import struct
import zlib
from functools import cache


@cache
def png(width: int, height: int) -> bytes:
    """A white PNG of one bit a pixel: as many pixels as one likes in hardly any bytes."""
    row = b"\x00" + b"\xff" * -(-width // 8)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(row * height, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height, as the file states them."""
    width, height = struct.unpack(">II", data[16:24])
    return width, height
