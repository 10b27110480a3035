"""Tokens of PDFs are bounded by the dearest row that a model's name leaves possible."""

from __future__ import annotations

import json
from base64 import b64encode
from dataclasses import replace

import pytest

from evalsets.documents import read_pdf
from harness.money.prices.document_rates import document_rate, documents_refused, passed_documents
from harness.workspace.model_file import ModelConfig
from tests.support.pdfs import pdf

PAGES = pdf(["a"] * 90, squeezed=True)
MINI = 48_169
"""Most tokens of a picture to gpt-4o-mini, which counts most."""


def model(provider: str = "openai", **more: object) -> ModelConfig:
    return ModelConfig.model_validate({"provider": provider, "may_see": ["public"], **more})


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("gpt-4o-mini", MINI),
        ("gpt-4o-mini-2024-07-18", MINI),
        ("ft:gpt-4o-mini-2024-07-18:acme::abc", MINI),
        ("openai/gpt-4o-mini", MINI),
        ("GPT-4o-mini", MINI),
        ("our-small-one", MINI),
        ("gpt-4o", 1445),
        ("gpt-5.4-mini", 12_000),
    ],
)
def test_a_name_gets_its_row_or_the_dearest_of_its_vendor(name: str, picture: int) -> None:
    assert document_rate(model(), name).picture == picture


def test_a_server_that_nobody_knows_counts_as_the_dearest_of_all() -> None:
    unknown = document_rate(model("openai-compatible", base_url="http://127.0.0.1:1/v1"), "x")
    known = [document_rate(model(), name) for name in ("gpt-4o", "gpt-4o-mini", "gpt-5.4")]
    assert unknown.bound([read_pdf(PAGES)]) == max(one.bound([read_pdf(PAGES)]) for one in known)
    assert unknown.usual == max(one.usual for one in known)


@pytest.mark.parametrize(
    ("window", "fits"),
    [(None, False), (200_000, False), (500_000, False), (999_999, False), (1_000_000, True)],
)
def test_anthropic_takes_a_hundred_pages_below_a_window_of_a_million(
    window: int | None,
    fits: bool,  # noqa: FBT001
) -> None:
    rate = document_rate(model("anthropic"), "claude-haiku-4-5")
    hundred = [read_pdf(pdf(["a"] * 50, squeezed=True))] * 2
    assert rate.refuses(hundred, window) is None
    refused = rate.refuses([*hundred, read_pdf(pdf(["a"], squeezed=True))], window)
    assert (refused is None) == fits


@pytest.mark.parametrize(("platform", "pages"), [(None, 600), ("vertex", 600), ("bedrock", 100)])
def test_bedrock_takes_fewer_pages_and_bytes_whatever_the_window(
    platform: str | None, pages: int
) -> None:
    config = model("anthropic", platform=platform, window_tokens=1_000_000)
    one = read_pdf(pdf(["a"]))
    assert documents_refused("claude-opus-5", config, [one] * pages) is None
    told = documents_refused("claude-opus-5", config, [one] * (pages + 1))
    where = " on bedrock" if platform == "bedrock" else ""
    assert told == f"takes {pages} pages a request{where}, not {pages + 1}"
    heavy = documents_refused("claude-opus-5", config, [replace(one, size=21_000_000)])
    assert (heavy is None) is (platform != "bedrock")


def test_a_body_of_a_program_counts_the_pages_in_it() -> None:
    config = model("anthropic")
    rate = document_rate(config, "claude-haiku-4-5")
    source = {"type": "base64", "media_type": "application/pdf", "data": b64encode(PAGES).decode()}
    body = json.dumps({"content": [{"type": "document", "source": source}] * 2})
    counted = passed_documents(config, "claude-haiku-4-5", body)
    assert counted == rate.bound([read_pdf(PAGES)] * 2)
    assert counted > 2 * 90 * rate.usual > len(body)
    assert passed_documents(config, "claude-haiku-4-5", json.dumps({"content": "no file"})) == 0


@pytest.mark.parametrize(
    "part",
    [
        {"type": "input_file", "file_id": "file-1"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"fileData": {"fileUri": "gs://a/b.pdf", "mimeType": "application/pdf"}},
        {"data": b64encode(b"%PDF-1.4 broken").decode()},
    ],
)
def test_a_file_that_cannot_be_counted_may_be_of_any_size(part: dict[str, object]) -> None:
    assert passed_documents(model(), "gpt-5.4", json.dumps({"input": [part]})) is None
