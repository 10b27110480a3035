"""Pictures: sizes as another library writes them, tokens as the vendors' pages count them."""

from __future__ import annotations

import io
import json
import struct
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from harness.money.prices.image_rates import image_bound, passed_images
from harness.money.prices.image_sizes import image_kind, image_size
from harness.workspace.model_file import ModelConfig
from providers.request import ImagePart, Message, ModelRequest
from tests.support.images import png

UNREAD = 5_033_165
"""Tokens of a picture of 65,535 pixels each way to gpt-5.6, which has no limit."""


def saved(kind: str, size: tuple[int, int], **how: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, kind, **how)
    return out.getvalue()


def bound(provider: str, version: str, data: bytes, *, likely: bool = False, **more: object) -> int:
    config = ModelConfig.model_validate({"provider": provider, "window_tokens": 10**8, **more})
    image = ImagePart(media_type="image/png", data=b64encode(data).decode())
    asked = Message(role="user", text="", images=(image,))
    request = ModelRequest(model=version, messages=(asked,), max_output_tokens=8)
    return image_bound(config, request, likely=likely)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("PNG", {}),
        ("PNG", {"pnginfo": None, "dpi": (300, 300)}),
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\x00\x00" + bytes(60_000), "icc_profile": bytes(200_000)}),
        ("JPEG", {"comment": b"\xff\xc0 no frame"}),
        ("GIF", {}),
        ("GIF", {"comment": b"x" * 700}),
        ("WEBP", {}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\x00\x00"}),
    ],
)
@pytest.mark.parametrize("size", [(1, 1), (300, 7), (1025, 769)])
def test_a_size_is_read_from_the_header_alone(
    kind: str, how: dict[str, object], size: tuple[int, int]
) -> None:
    data = saved(kind, size, **how)
    assert image_kind(data) == f"image/{kind.lower()}"
    assert image_size(data) == size


def test_a_gif_whose_first_picture_is_larger_than_its_screen_counts_as_the_picture() -> None:
    data = bytearray(saved("GIF", (500, 400)))
    data[6:10] = struct.pack("<HH", 2, 3)
    assert image_size(bytes(data)) == (500, 400)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_file_that_is_cut_off_is_of_no_size_or_of_its_own(kind: str) -> None:
    data = saved(kind, (300, 200))
    assert {image_size(data[:at]) for at in range(len(data))} == {None, (300, 200)}


@given(st.binary(max_size=60), st.sampled_from(["PNG", "JPEG", "GIF", "WEBP"]))
def test_no_bytes_make_it_fail(tail: bytes, kind: str) -> None:
    found = image_size(saved(kind, (9, 9))[:13] + tail)
    assert found is None or min(found) > 0


@pytest.mark.parametrize(
    ("provider", "version", "size", "tokens"),
    [
        ("openai", "gpt-4o", (1024, 1024), 765),
        ("openai", "gpt-4o", (2048, 4096), 1105),
        ("openai", "gpt-4o", (2048, 768), 85 + 8 * 170),
        ("openai", "gpt-4o", (512, 512), 255),
        ("openai", "gpt-4o", (513, 512), 425),
        ("openai", "gpt-4o-mini", (2048, 768), 2833 + 8 * 5667),
        ("openai", "gpt-5", (1024, 1024), 70 + 4 * 140),
        ("openai", "gpt-5.1-2025-11-13", (1, 1), 210),
        ("openai", "o3", (4000, 3000), 75 + 4 * 150),
        ("openai", "gpt-5-mini", (1024, 1024), 1229),
        ("openai", "gpt-5-mini", (8000, 8000), 1844),
        ("openai", "gpt-4.1-nano", (1024, 1024), 2520),
        ("openai", "gpt-4.1", (2048, 768), 1536),
        ("openai", "gpt-5.6", (8000, 8000), 75_000),
        ("openai", "gpt-5.6-luna", (33, 1), 3),
        ("openai", "gpt-5.5", (8000, 8000), 12_000),
        ("openai", "gpt-5.5", (12_000, 64), 226),
        ("openai", "ft:gpt-4o-2024-08-06:acme::x1", (512, 512), 255),
        ("anthropic", "claude-haiku-4-5", (1092, 1092), 1590),
        ("anthropic", "claude-opus-5", (8000, 8000), 4784),
        ("anthropic", "claude-opus-5", (1, 8000), 286),
        ("google", "gemini-3-pro", (300, 300), 1120),
        ("google", "gemini-3-pro", (960, 540), 6 * 258),
        ("google", "gemini-3-pro", (8000, 8000), 121 * 258),
    ],
)
def test_a_picture_counts_as_the_vendor_s_page_says(
    provider: str, version: str, size: tuple[int, int], tokens: int
) -> None:
    assert bound(provider, version, png(*size)) == tokens
    assert bound(provider, version, png(*size), likely=True) == tokens


@pytest.mark.parametrize(
    ("version", "more"),
    [
        ("our-deployment", {}),
        ("gpt-5.6", {"platform": "azure"}),
        ("gpt-6-sol", {}),
        ("gpt-5-codex", {}),
    ],
)
def test_a_name_that_no_row_has_counts_as_its_vendor_s_dearest(
    version: str, more: dict[str, object]
) -> None:
    assert bound("openai", version, png(2048, 768), **more) == 2833 + 8 * 5667
    assert bound("openai", version, png(8000, 8000), **more) == 75_000


def test_a_server_that_nobody_knows_counts_as_the_dearest_of_all_or_the_bytes() -> None:
    url = {"base_url": "http://127.0.0.1:1/v1"}
    assert bound("openai-compatible", "x", png(8000, 8000), **url) == 286 * 286
    assert bound("openai-compatible", "x", png(2048, 768), **url) == 2833 + 8 * 5667
    heavy = png(1, 1) + bytes(200_000)
    assert bound("openai-compatible", "x", heavy, **url) == len(b64encode(heavy))
    assert bound("openai-compatible", "x", png(280, 280), likely=True, **url) == 100


@pytest.mark.parametrize(
    "data", [b"", b"\x89PNG\r\n\x1a\n", b"BM\x00", b"\x00\x00\x00\x18ftypheic"]
)
def test_a_size_that_cannot_be_read_counts_as_the_most_there_is(data: bytes) -> None:
    assert bound("openai", "gpt-5.6", data) == UNREAD
    assert bound("openai", "gpt-4o", data) == 85 + 8 * 170
    assert bound("anthropic", "claude-opus-5", data) == 4784
    assert bound("openai", "gpt-5.6", data, likely=True) == 1229
    assert bound("openai", "gpt-5.6", data, window_tokens=400_000) == 400_000


def test_images_in_a_body_of_a_program_count_by_their_size() -> None:
    config = ModelConfig.model_validate({"provider": "openai"})
    data = b64encode(png(8000, 8000)).decode()
    for part in (
        {"type": "input_image", "image_url": f"data:image/png;base64,{data}"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image", "source": {"media_type": "image/png", "type": "base64", "data": data}},
        {"inlineData": {"mimeType": "image/png", "data": data}},
    ):
        body = json.dumps({"input": [{"content": [part, part]}]})
        assert passed_images(config, "gpt-5.6", body) == 2 * (75_000 - len(data))
    for text in ({"data": data}, {"text": "an image: data:image/png"}, {"media_type": "image/png"}):
        assert passed_images(config, "gpt-5.6", json.dumps(text)) == 0
