"""Small PDFs of our own, byte by byte: no library that the code under test uses makes them."""

from __future__ import annotations

import zlib
from collections.abc import Sequence


def pdf(pages: Sequence[str], *, count: int | None = None, squeezed: bool = False) -> bytes:
    """A PDF of one line of text a page; `count` is what its tree of pages states."""
    kids = " ".join(f"{4 + 2 * at} 0 R" for at in range(len(pages)))
    stated = len(pages) if count is None else count
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {stated} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for at, text in enumerate(pages):
        page = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {5 + 2 * at} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects += [page.encode(), stream(f"BT /F1 12 Tf 72 770 Td ({text}) Tj ET", squeezed)]
    return assembled(objects)


def stream(content: str, squeezed: bool = False, extra: str = "") -> bytes:  # noqa: FBT001, FBT002
    """A stream object of a page's content."""
    data = content.encode("latin-1")
    filtered = " /Filter /FlateDecode" if squeezed else ""
    data = zlib.compress(data) if squeezed else data
    head = f"<< /Length {len(data)}{filtered}{extra} >>\nstream\n".encode()
    return head + data + b"\nendstream"


def assembled(objects: Sequence[bytes], trailer: str = "") -> bytes:
    """A file of these objects, numbered from 1; the first is its catalogue."""
    found = bytearray(b"%PDF-1.4\n")
    places: list[int] = []
    for number, body in enumerate(objects, start=1):
        places.append(len(found))
        found += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(found)
    found += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    found += b"".join(f"{place:010d} 00000 n \n".encode() for place in places)
    size = len(objects) + 1
    found += f"trailer\n<< /Size {size} /Root 1 0 R{trailer} >>\nstartxref\n{start}\n".encode()
    return bytes(found) + b"%%EOF\n"


def encrypted() -> bytes:
    """A PDF that states a password; its content does not matter."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [] /Count 0 >>",
        b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <"
        + b"00" * 32
        + b"> /U <"
        + b"00" * 32
        + b"> >>",
    ]
    return assembled(objects, f" /Encrypt 3 0 R /ID [<{'00' * 16}> <{'00' * 16}>]")


def packed(how: str, data: bytes = b"abc") -> bytes:
    """A PDF of one page whose content is packed as its reader may not know."""
    content = f"<< /Length {len(data)} /Filter {how} >>\nstream\n".encode()
    return assembled(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
            content + data + b"\nendstream",
        ]
    )
