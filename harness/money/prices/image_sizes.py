"""An image's kind and size, read from its first bytes: what vendors count and what they refuse.

The formats are those that a vendor takes. Only the headers are looked at: the W3C's PNG
specification (11.2.1), ITU-T T.81 (annex B.2.2), the GIF89a specification (18, 20) and RFC 9649.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

Size = tuple[int, int]
"""Width and height, pixels."""

_PNG = b"\x89PNG\r\n\x1a\n"
_HEADERS: tuple[tuple[str, bytes, int], ...] = (
    ("image/png", _PNG, 0),
    ("image/jpeg", b"\xff\xd8\xff", 0),
    ("image/gif", b"GIF87a", 0),
    ("image/gif", b"GIF89a", 0),
    ("image/webp", b"WEBP", 8),
    ("image/heic", b"ftyphei", 4),
    ("image/heic", b"ftyphev", 4),
    ("image/heif", b"ftypmif1", 4),
    ("image/heif", b"ftypmsf1", 4),
    ("image/avif", b"ftypavi", 4),
    ("image/bmp", b"BM", 0),
    ("image/tiff", b"II*\x00", 0),
    ("image/tiff", b"MM\x00*", 0),
)
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of a JPEG that state a size: `SOF0` to `SOF15`."""
_BARE = frozenset({0x01, *range(0xD0, 0xDA)})
"""Markers of a JPEG without a length; with the scan's, after which no size comes."""
_MARK, _SCAN = 0xFF, 0xDA


class ImageError(ValueError):
    """A file that is no picture which a model could be shown; one line that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is known of an image. `size` is None of kinds whose headers are not read here."""

    kind: str
    size: Size | None


def picture_of(data: bytes) -> Picture:
    """What an image's first bytes say.

    Raises:
        ImageError: it is empty, of no kind that is known, or its header tells no size.
    """
    kind = image_kind(data)
    if not data:
        raise ImageError("is empty")
    if kind is None:
        known = ", ".join(dict.fromkeys(name.removeprefix("image/") for name, _, _ in _HEADERS))
        raise ImageError(f"is no image of a kind that is known ({known})")
    size = image_size(data)
    if size is None and kind in _READERS:
        raise ImageError("is broken: its header tells no size")
    return Picture(kind=kind, size=size)


def image_kind(data: bytes) -> str | None:
    """The media type that an image's first bytes say; None: of no kind that is known."""
    found = (kind for kind, head, at in _HEADERS if data[at : at + len(head)] == head)
    return next(found, None)


def image_size(data: bytes) -> Size | None:
    """Width and height in pixels; None where they cannot be read."""
    read = _READERS.get(image_kind(data) or "")
    size = None if read is None else read(data)
    return None if size is None or min(size) < 1 else size


def _png(data: bytes) -> Size | None:
    if data[12:16] != b"IHDR":
        return None
    return _numbers(data, 16, 4, "big")


def _jpeg(data: bytes) -> Size | None:
    """The largest size that a frame states before the first scan."""
    found: list[Size] = []
    at = 2
    while at + 4 <= len(data):
        mark, marker = data[at], data[at + 1]
        if mark != _MARK or marker == _SCAN:
            break
        if marker == _MARK or marker in _BARE:
            at += 1 if marker == _MARK else 2
            continue
        size = _numbers(data, at + 5, 2, "big") if marker in _FRAMES else None
        if size is not None:
            found.append((size[1], size[0]))
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return max(found, key=lambda size: size[0] * size[1], default=None)


def _gif(data: bytes) -> Size | None:
    """The screen, or its first picture where that is larger."""
    screen = _numbers(data, 6, 2, "little")
    if screen is None:
        return None
    flags = data[10] if len(data) > 10 else 0  # noqa: PLR2004  # its place in the header
    at = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    while data[at : at + 1] == b"!":
        at += 2
        while at < len(data) and data[at]:
            at += 1 + data[at]
        at += 1
    corner = _numbers(data, at + 1, 2, "little") if data[at : at + 1] == b"," else None
    shown = _numbers(data, at + 5, 2, "little") if corner else None
    if corner is None or shown is None:
        return screen
    return max(screen[0], corner[0] + shown[0]), max(screen[1], corner[1] + shown[1])


def _webp(data: bytes) -> Size | None:
    kind = data[12:16]
    if kind == b"VP8X":
        size = _numbers(data, 24, 3, "little")
        return None if size is None else (size[0] + 1, size[1] + 1)
    if kind == b"VP8L" and data[20:21] == b"\x2f" and len(data) >= 25:  # noqa: PLR2004
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    size = _numbers(data, 26, 2, "little") if kind == b"VP8 " else None
    return None if size is None else (size[0] & 0x3FFF, size[1] & 0x3FFF)


def _numbers(data: bytes, at: int, width: int, order: str) -> Size | None:
    """Two numbers, one after the other; None where the data ends before."""
    if len(data) < at + 2 * width:
        return None
    first, second = data[at : at + width], data[at + width : at + 2 * width]
    if order == "big":
        return int.from_bytes(first, "big"), int.from_bytes(second, "big")
    return int.from_bytes(first, "little"), int.from_bytes(second, "little")


_READERS: Mapping[str, Callable[[bytes], Size | None]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}
