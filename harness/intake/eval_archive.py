"""inspect_ai's `.eval` files: a zip whose members are JSON, deflated or by Zstandard.

Zstandard is method 93, which the standard library of Python 3.11 lists but cannot read. A log cut
short has lost the zip's table of contents, and inspect_ai's own reader refuses it as well.
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

from harness.errors import Problem, UsageError
from harness.intake.reading import an_object, warning

if TYPE_CHECKING:
    from harness.intake.reading import Object

_ZSTANDARD = 93
_LARGEST = 512 * 1024 * 1024
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_SAMPLE = re.compile(r"samples/.+\.json")


def is_archive(data: bytes) -> bool:
    """Whether the bytes begin as a zip does."""
    return data.startswith(b"PK")


def read_archive(
    data: bytes, *, file: str
) -> tuple[Object, list[tuple[str, object]], list[Problem]]:
    """The header, the samples by member name, and a problem for each member that is broken.

    Raises:
        UsageError: the file is no whole zip, or has no header.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, NotImplementedError, struct.error, ValueError, OSError):
        raise UsageError(f"{file}: the log is cut short or no .eval file") from None
    samples: list[tuple[str, object]] = []
    problems: list[Problem] = []
    header: Object | None = None
    for member in archive.infolist():
        wanted = member.filename in {"header.json", "_journal/start.json"}
        if not wanted and not _SAMPLE.fullmatch(member.filename):
            continue
        value = _value(data, member, file, problems)
        if value is None:
            continue
        if not wanted:
            samples.append((member.filename, value))
        elif header is None or member.filename == "header.json":
            header = an_object(value)
    if header is None:
        raise UsageError(f"{file}: the .eval file has no header; the run never started")
    return header, samples, problems


def _value(data: bytes, member: zipfile.ZipInfo, file: str, problems: list[Problem]) -> Any:  # noqa: ANN401
    try:
        return json.loads(_content(data, member))
    except (ValueError, RecursionError, zipfile.BadZipFile, zlib.error, struct.error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        problems.append(warning(file, None, member.filename, f"cannot be read: {reason}"))
        return None


def _content(data: bytes, member: zipfile.ZipInfo) -> bytes:
    if member.file_size > _LARGEST:
        raise ValueError(f"{member.file_size} bytes are too many")
    raw = _raw(data, member)
    if member.compress_type == zipfile.ZIP_STORED:
        content = raw
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        content = zlib.decompressobj(-15).decompress(raw, member.file_size + 1)
    elif member.compress_type == _ZSTANDARD:
        content = _unzstandard(raw, member.file_size)
    else:
        raise ValueError(f"compressed by method {member.compress_type}")
    if len(content) != member.file_size or zlib.crc32(content) != member.CRC:
        raise ValueError("the bytes are damaged")
    return content


def _raw(data: bytes, member: zipfile.ZipInfo) -> bytes:
    """The member's compressed bytes, behind its local header."""
    fields = _LOCAL_HEADER.unpack_from(data, member.header_offset)
    if fields[0] != b"PK\x03\x04":
        raise zipfile.BadZipFile("no member where the table of contents says")
    start = member.header_offset + _LOCAL_HEADER.size + fields[-2] + fields[-1]
    return data[start : start + member.compress_size]


def _unzstandard(raw: bytes, size: int) -> bytes:
    try:
        import zstandard  # noqa: PLC0415  # only for logs that need it
    except ImportError:
        raise UsageError(
            "this .eval file needs Zstandard: pip install model-rightsizing[review]"
        ) from None
    try:
        return zstandard.ZstdDecompressor().stream_reader(raw).read(size + 1)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
