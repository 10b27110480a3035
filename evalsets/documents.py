"""PDF files of cases: pages, and the text that a server may count. The one door of `pypdf`.

Every vendor reads a page twice, as text and as a picture, and bills both. How much text there is
cannot be known without the vendor's own reader, but the strings that the pages show bound it: a
character is at least one byte of a string.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from pypdf import PdfReader

MEDIA_TYPE = "application/pdf"
LARGEST_BYTES = 50_000_000
"""More than any vendor takes; such a file is not even looked into."""
_HEAD = b"%PDF-"
_HEAD_WITHIN = 1024
"""The header must begin within this many bytes of the file, as PDF readers allow."""
_MOST_PAGES = 20_000
_MOST_CONTENT = 200_000_000
"""Bytes of one file's content when it is unpacked."""
_DEEPEST = 50
_STRING = re.compile(rb"\(((?:[^\\()]|\\.|\((?:[^\\()]|\\.)*\))*)\)|<([0-9A-Fa-f\s]+)>", re.DOTALL)
_DRAWS = re.compile(rb"/([^\s/<>\[\]()]+)\s+Do\b")


class PdfError(ValueError):
    """A file that is no PDF which a model could be shown; one line that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdf:
    """What is known of a PDF. `shown_bytes`: of all strings that its pages show."""

    size: int
    pages: int
    shown_bytes: int


def refused_unread(data: bytes) -> str | None:
    """Why a file is no PDF, by its size and its first bytes; None where it may be one."""
    if not data:
        return "is empty"
    if len(data) > LARGEST_BYTES:
        return f"has {len(data):,} bytes; no vendor takes more than {LARGEST_BYTES:,}"
    if _HEAD not in data[:_HEAD_WITHIN]:
        return "is no PDF: it does not begin with %PDF-"
    return None


def read_pdf(data: bytes) -> Pdf:
    """Count a PDF's pages, and the strings that they show; equal files are read once.

    Raises:
        PdfError: it is empty, too large, no PDF, broken, encrypted, or has no page.
    """
    why = refused_unread(data)
    if why is not None:
        raise PdfError(why)
    key = hashlib.sha256(data).hexdigest()
    found = _READ.get(key)
    if found is None:
        found = _READ[key] = _read(data)
    return found


def pdf_of(folder: Path, name: str, sha256: str) -> Pdf:
    """What is known of a case's PDF: a file of the eval set's folder, or `data:` of the case.

    Raises:
        PdfError: no model could be shown it.
    """
    known = _READ.get(sha256)
    if known is not None:
        return known
    inline = name.startswith("data:")
    return read_pdf(decoded(name) if inline else (folder / name).read_bytes())


def decoded(address: str) -> bytes:
    """The bytes of a `data:` address; nothing where its base64 is broken."""
    try:
        return b64decode(address.partition(";base64,")[2], validate=True)
    except ValueError:
        return b""


_READ: dict[str, Pdf] = {}


def _read(data: bytes) -> Pdf:
    from pypdf import PdfReader  # noqa: PLC0415  # only where a case holds a PDF

    # Its remarks on faults that it works around are no faults of the workspace.
    logging.getLogger("pypdf").addHandler(logging.NullHandler())
    try:
        return _counted(PdfReader(io.BytesIO(data), strict=False), len(data))
    except PdfError:
        raise
    except Exception as error:  # noqa: BLE001  # whatever a file makes its reader raise is its fault
        raise PdfError(_broken(error)) from None


def _counted(reader: PdfReader, size: int) -> Pdf:
    if reader.is_encrypted:
        raise PdfError("is encrypted; models cannot read it: save it without a password")
    pages = list(_pages(reader))
    if not pages:
        raise PdfError("has no page")
    text = _Shown()
    return Pdf(size=size, pages=len(pages), shown_bytes=sum(map(text.bytes_of, pages)))


def _broken(error: Exception) -> str:
    said = (str(error).splitlines() or [""])[0][:80]
    return f"is broken ({type(error).__name__}{f': {said}' if said else ''})"


def _at(value: object, key: str) -> Any:  # noqa: ANN401  # whatever the file holds there
    """What stands under a name, followed to where it is; None where there is nothing."""
    holder = cast("Any", value)
    found: Any = holder.get(key) if hasattr(holder, "get") else None
    return found.get_object() if hasattr(found, "get_object") else found


def _pages(reader: PdfReader) -> Iterator[Any]:
    """The leaves of the tree of pages, whatever count it states."""
    branches: set[int] = set()
    found = 0
    waiting = [_at(_at(reader.trailer, "/Root"), "/Pages")]
    while waiting:
        node = waiting.pop()
        kids = _at(node, "/Kids")
        if node is None or id(node) in branches:
            continue
        if kids is None:
            found += 1
            yield node
        else:
            branches.add(id(node))
            waiting.extend(kid.get_object() for kid in reversed(list(kids)))
        if max(found, len(waiting)) > _MOST_PAGES:
            raise PdfError(f"has more than {_MOST_PAGES:,} pages")


class _Shown:
    """Adds up the strings that a page's content shows, with all the forms that it draws."""

    def __init__(self) -> None:
        self._unpacked = 0
        self._forms: dict[int, int] = {}

    def bytes_of(self, page: object) -> int:
        """Of one page, its annotations included."""
        resources = next((each for each in _inherited(page, "/Resources")), None)
        whole = self._drawn(_at(page, "/Contents"), resources, 0)
        for annotation in _items(_at(page, "/Annots")):
            look = _at(_at(annotation, "/AP"), "/N")
            looks = [look] if hasattr(look, "get_data") else [_at(look, key) for key in look or ()]
            whole += max((self._drawn(each, resources, 0) for each in looks), default=0)
        return whole

    def _drawn(self, streams: object, resources: object, depth: int) -> int:
        if streams is None or depth > _DEEPEST:
            return 0
        content = b" ".join(each.get_data() for each in _items(streams))
        self._unpacked += len(content)
        if self._unpacked > _MOST_CONTENT:
            raise PdfError(f"has more than {_MOST_CONTENT:,} bytes of content")
        shown = sum(len(text) or len(code) // 2 for text, code in _STRING.findall(content))
        forms = _at(resources, "/XObject")
        for name in _DRAWS.findall(content) if forms else ():
            form = _at(forms, f"/{name.decode('latin-1')}")
            if _at(form, "/Subtype") == "/Form":
                shown += self._form(form, resources, depth + 1)
        return shown

    def _form(self, form: object, resources: object, depth: int) -> int:
        known = self._forms.get(id(form))
        if known is None:
            self._forms[id(form)] = 0
            own = _at(form, "/Resources") or resources
            known = self._forms[id(form)] = self._drawn(form, own, depth)
        return known


def _items(value: object) -> list[Any]:
    """The objects of an array, or one object alone."""
    if value is None:
        return []
    several = cast("list[Any]", value if isinstance(value, list) else [value])
    return [each.get_object() for each in several]


def _inherited(page: object, key: str) -> Iterator[Any]:
    """A page's own value of a key, then those of the nodes above it."""
    node = page
    for _ in range(_DEEPEST):
        if node is None:
            return
        found = _at(node, key)
        if found is not None:
            yield found
        node = _at(node, "/Parent")
