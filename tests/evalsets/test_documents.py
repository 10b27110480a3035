"""PDFs of cases: pages, shown text, and one clear line for those that no model can be shown."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from evalsets.documents import LARGEST_BYTES, PdfError, read_pdf
from tests.support.pdfs import assembled, encrypted, packed, pdf, stream

_WORDS = st.text(st.characters(codec="ascii", categories=("L", "N"), include_characters=" .,"))


@given(st.lists(_WORDS, min_size=1, max_size=6), st.sampled_from(["plain", "squeezed"]))
def test_pages_are_counted_and_their_text_is_never_more_than_the_strings(
    texts: list[str], packing: str
) -> None:
    data = pdf(texts, squeezed=packing == "squeezed")
    found = read_pdf(data)
    told = "".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    assert found.pages == len(texts)
    assert found.shown_bytes >= len(told.replace("\n", ""))


@pytest.mark.parametrize("stated", [0, 1, 99])
def test_a_count_that_lies_is_not_believed(stated: int) -> None:
    assert read_pdf(pdf(["a", "b", "c"], count=stated)).pages == 3


def test_text_of_forms_and_annotations_counts_as_often_as_it_is_drawn() -> None:
    form = stream("BT (twelve bytes) Tj ET", extra=" /Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    page = (
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Annots [<< /AP << /N 5 0 R >> >>] "
        b"/Resources << /XObject << /X1 5 0 R >> >> >>"
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        page,
        stream("/X1 Do /X1 Do"),
        form,
    ]
    assert read_pdf(assembled(objects)).shown_bytes == 3 * len("twelve bytes")


_CYCLE = assembled([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [2 0 R] >>"])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b"GIF89a, no pdf", "does not begin with %PDF-"),
        (b"%PDF-1.7\nand then nothing", "is broken"),
        (pdf(["whole"])[:60], "is broken"),
        (pdf(["whole"]).replace(b"startxref", b"startxxxx"), "is broken"),
        (encrypted(), "is encrypted"),
        (pdf([]), "has no page"),
        (pdf([], count=7), "has no page"),
        (_CYCLE, "has no page"),
        (packed("/JBIG2Decode"), "is broken"),
        (packed("/LZW"), "is broken"),
        (b"%PDF-1.4" + b" " * LARGEST_BYTES, "no vendor takes more"),
    ],
)
def test_what_no_model_can_be_shown_is_one_clear_line(data: bytes, why: str) -> None:
    with pytest.raises(PdfError, match=why) as caught:
        read_pdf(data)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300), st.integers(0, 600))
def test_a_damaged_file_is_read_or_refused_and_nothing_else(noise: bytes, at: int) -> None:
    data = pdf(["some text", "more"])
    with suppress(PdfError):
        assert read_pdf(data[:at] + noise + data[at + len(noise) :]).pages > 0
