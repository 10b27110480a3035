"""What a PDF costs in tokens and how large it may be, by vendor: `configs/documents.yaml`."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache

import yaml

from evalsets.documents import Pdf, PdfError, read_pdf
from evalsets.files import FileModel
from harness.errors import UsageError
from harness.money.prices.model_catalogue import facts, plain_name
from harness.money.prices.pricebook import find_model
from harness.workspace.model_file import ModelConfig
from harness.workspace.reading import shipped
from providers.request import ModelRequest

_PER_STRING_BYTE = 2
"""Tokens at most of one byte of a string that a page shows.

A byte stands for one letter of at most two bytes of UTF-8, two bytes for one of at most four; a
token is at least one byte.
"""

_INLINE = re.compile(r"JVBERi[0-9A-Za-z+/]+=*")
"""A PDF in base64, by its first bytes."""
_ELSEWHERE = re.compile(r'"(?:file_id|file_url|file_uri|fileUri)"')
"""Keys by which a body names a file that the vendor has, or fetches."""


class _SmallWindow(FileModel):
    """Another limit for models of a small window."""

    tokens: int
    """Windows up to so many tokens."""
    most_pages: int
    """Pages of a request."""


class _CloudLimits(FileModel):
    """What a cloud takes of a vendor's models, where that is less."""

    most_pages: int
    """Pages of a request."""
    most_bytes: int
    """Bytes of a request's files in base64."""
    source: str
    """Public page that says it."""


class DocumentRate(FileModel):
    """One row: what a page costs at most and usually, in tokens, and what a request may hold."""

    vendor: str
    """Who sells the model; empty: a server that no catalogue knows."""
    model: str
    """Name, or how it begins; the longest that fits counts."""
    picture: int
    """Most tokens of a page's picture."""
    text: int
    """Most tokens of a page's text, as the page says."""
    usual: int
    """Tokens of a usual page."""
    most_pages: int | None = None
    """Pages of a request; None: the vendor states no limit."""
    small_window: _SmallWindow | None = None
    """Fewer pages, for models of a small window, or of one that nobody knows."""
    most_bytes: int | None = None
    """Bytes of a request's files in base64."""
    clouds: Mapping[str, _CloudLimits] = {}
    """Less, on some clouds (`platform:` of the model)."""
    source: str
    """Public page that says it."""

    def bound(self, documents: Sequence[Pdf]) -> int:
        """The most tokens that documents are counted as."""
        return sum(
            each.pages * self.picture
            + max(each.pages * self.text, _PER_STRING_BYTE * each.shown_bytes)
            for each in documents
        )

    def refuses(
        self, documents: Sequence[Pdf], window_tokens: int | None, platform: str | None = None
    ) -> str | None:
        """Why a request may not hold these documents; None where it may."""
        pages, size = sum(each.pages for each in documents), sum(_encoded(d) for d in documents)
        cloud = self.clouds.get(platform or "")
        where = f" on {platform}" if cloud else ""
        small = self.small_window
        small = None if small and window_tokens and window_tokens > small.tokens else small
        most = _least(self.most_pages, small and small.most_pages, cloud and cloud.most_pages)
        if most is not None and pages > most:
            return f"takes {most:,} pages a request{where}, not {pages:,}"
        most = _least(self.most_bytes, cloud and cloud.most_bytes)
        if most is not None and size > most:
            return f"takes {most:,} bytes of files a request{where}, not {size:,}"
        return None


class DocumentRates(FileModel):
    """`configs/documents.yaml`."""

    as_of: date
    """Day on which the pages were read."""
    rates: tuple[DocumentRate, ...]
    """The rows."""


def document_rate(config: ModelConfig, version: str) -> DocumentRate:
    """The row of a model; the dearest of its vendor where the name is a team's own.

    It is on a cloud, and wherever the price catalogue does not know it. `ft:` of a tuned model and
    a router's `vendor/` stand before a name.
    """
    rows = _shipped().rates
    own = [row for row in rows if row.vendor == config.provider]
    if not own:
        return next(row for row in rows if not row.vendor)
    name = plain_name(version)
    best = max((row for row in own if name.startswith(row.model)), key=lambda row: len(row.model))
    foreign = not best.model and find_model(config.provider, name) is None
    return max(own, key=lambda row: row.picture) if foreign or config.platform else best


def document_bound(config: ModelConfig, request: ModelRequest, *, likely: bool = False) -> int:
    """Tokens of a request's documents: the most, or how many there usually are.

    Raises:
        UsageError: one of them cannot be read.
    """
    parts = [part for message in request.messages for part in message.documents]
    if not parts:
        return 0
    rate = document_rate(config, request.model)
    try:
        documents = [read_pdf(b64decode(part.data)) for part in parts]
    except PdfError as error:
        raise UsageError(f"{request.model}: a document of the request {error}") from None
    if likely:
        return sum(each.pages for each in documents) * rate.usual
    return rate.bound(documents)


def passed_documents(config: ModelConfig, version: str, body: str) -> int | None:
    """The most tokens of the PDFs in a body that a program wrote; None: it may be any number."""
    if _ELSEWHERE.search(body):
        return None
    try:
        found = [read_pdf(b64decode(text)) for text in _INLINE.findall(body)]
    except ValueError:
        return None
    return document_rate(config, version).bound(found) if found else 0


def documents_refused(model: str, config: ModelConfig, documents: Sequence[Pdf]) -> str | None:
    """Why a model may not be sent documents in one request; None where it may."""
    rate = document_rate(config, config.version or model)
    return rate.refuses(documents, facts(model, config).window_tokens, config.platform)


def _least(*limits: int | None) -> int | None:
    """The tightest of several limits; None where there is none."""
    return min((limit for limit in limits if limit is not None), default=None)


def _encoded(document: Pdf) -> int:
    """Bytes of a file as base64."""
    return -(-document.size // 3) * 4


@cache
def _shipped() -> DocumentRates:
    path = shipped("documents.yaml")
    return DocumentRates.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
