"""What a picture costs in input tokens, by its size and its vendor: `configs/images.yaml`."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from math import ceil
from typing import Any, cast

import yaml

from evalsets.files import FileModel
from harness.money.prices.image_sizes import Picture, Size, image_size
from harness.money.prices.model_catalogue import facts, plain_name
from harness.workspace.model_file import ModelConfig
from harness.workspace.reading import shipped
from providers.request import ModelRequest

_DEAREST: tuple[Size, ...] = ((65_535, 65_535), (65_535, 24_575))
"""Sizes of which one costs most by every rule: the largest of a JPEG, and the most tiles."""
_USUAL: Size = (1024, 1024)
"""Size of a picture whose own cannot be read, for estimates of the bill."""
_DATED = re.compile(r"-(latest|\d{4}-\d{2}-\d{2}|\d{8})")
"""What stands behind the name of a model that is the same one."""
_INLINE = re.compile(r"data:image/[^,]*;base64,(.*)", re.DOTALL | re.IGNORECASE)


class _Tiles(FileModel):
    """OpenAI's older models: pieces of a picture that was made smaller."""

    tile: int
    within: int
    short: int
    base: int
    each: int

    def tokens(self, size: Size) -> int:
        scale = min(Fraction(1), Fraction(self.within, max(size)))
        scale *= min(Fraction(1), Fraction(self.short) / (min(size) * scale))
        across, down = (ceil(side * scale / self.tile) for side in size)
        return self.base + self.each * across * down


class _Patches(FileModel):
    """Squares, each of so many tokens."""

    patch: int
    times: Decimal = Decimal(1)
    most: int | None = None
    side: int | None = None

    def tokens(self, size: Size) -> int:
        scale = min(Fraction(1), Fraction(self.side or max(size), max(size)))
        across, down = (ceil(side * scale / self.patch) for side in size)
        return ceil(min(across * down, self.most or across * down) * self.times)


class _Crops(FileModel):
    """Google's: pieces that are as wide as the short side allows."""

    crop: int
    share: Decimal
    least: int
    largest: int

    def tokens(self, size: Size) -> int:
        wide = min(max(int(min(size) / self.share), self.least), self.largest)
        return self.crop * ceil(size[0] / wide) * ceil(size[1] / wide)


class _Pixels(FileModel):
    """A token for so many pixels."""

    pixels: int
    most: int

    def tokens(self, size: Size) -> int:
        return min(ceil(Fraction(size[0] * size[1], self.pixels)), self.most)


class _Flat(FileModel):
    """The same for every picture."""

    flat: int

    def tokens(self, size: Size) -> int:  # noqa: ARG002  # as the other rules have it
        return self.flat


class ImageRate(FileModel):
    """One row: how some models of a vendor count a picture."""

    vendor: str
    """Who sells the models; empty: a server that no catalogue knows."""
    models: tuple[str, ...] = ()
    """Their names; none: all of the vendor's."""
    rules: tuple[_Tiles | _Patches | _Crops | _Pixels | _Flat, ...]
    """How it is counted; the dearest counts."""
    source: str
    """Public page that says it."""

    def tokens(self, size: Size) -> int:
        """The most tokens of a picture of a size."""
        return max(rule.tokens(size) for rule in self.rules)


class ImageLimits(FileModel):
    """What pictures a vendor takes."""

    vendor: str
    """Who sells the models."""
    kinds: tuple[str, ...]
    """Media types."""
    side: int | None = None
    """Longest side, pixels; None: larger ones are made smaller."""
    many: int | None = None
    """Pictures of a request above which `side_of_many` holds."""
    side_of_many: int | None = None
    """Longest side where there are more, pixels."""
    source: str
    """Public page that says it."""

    def refuses(self, pictures: Sequence[Picture]) -> str | None:
        """Why a request may not hold these pictures; None where it may."""
        crowd = self.many is not None and len(pictures) > self.many
        side = self.side_of_many if crowd else self.side
        for each in pictures:
            if each.kind not in self.kinds:
                return f"takes no {each.kind}"
            if side is not None and each.size is not None and max(each.size) > side:
                among = f" of more than {self.many} images" if crowd else ""
                return f"takes images of at most {side:,} pixels a side{among}"
        return None


class ImageRates(FileModel):
    """`configs/images.yaml`."""

    as_of: date
    """Day on which the pages were read."""
    limits: tuple[ImageLimits, ...]
    """What each vendor takes."""
    rates: tuple[ImageRate, ...]
    """The rows."""


def image_bound(config: ModelConfig, request: ModelRequest, *, likely: bool = False) -> int:
    """Tokens of a request's images: the most that they are counted as, or how many are expected.

    No more than the model's window: a longer request is refused unpaid.
    """
    parts = [part.data for message in request.messages for part in message.images]
    if not parts:
        return 0
    rows = _fitting(config, request.model)
    found = sum(_usual(rows, part) if likely else _most(rows, part) for part in parts)
    return min(found, facts(request.model, config).window_tokens or found)


def images_refused(config: ModelConfig, pictures: Sequence[Picture]) -> str | None:
    """Why a model may not be sent pictures in one request; None where it may, or nobody knows."""
    known = (row for row in _shipped().limits if row.vendor == config.provider)
    limits = next(known, None)
    return None if limits is None else limits.refuses(pictures)


def passed_images(config: ModelConfig, version: str, body: str) -> int:
    """Tokens that the images in a body of a program's may cost, less the bytes that they have."""
    parts = list(_inline(json.loads(body)))
    rows = _fitting(config, version)
    return sum(_most(rows, part) - len(part) for part in parts)


def _fitting(config: ModelConfig, version: str) -> tuple[ImageRate, ...]:
    """The rows by which a model may count; what it is expected to cost by the first."""
    rows = _shipped().rates
    own = tuple(row for row in rows if row.vendor == config.provider)
    if not own:
        return rows
    name = plain_name(version)
    named = (row for row in own if config.platform is None and _is_of(row, name))
    found = next(named, None)
    return own if found is None else (found,)


def _is_of(row: ImageRate, name: str) -> bool:
    """Whether a row is that of a model."""
    rest = (name[len(one) :] for one in row.models if name.startswith(one))
    return not row.models or any(not more or _DATED.fullmatch(more) for more in rest)


def _most(rows: tuple[ImageRate, ...], data: str) -> int:
    size = image_size(_bytes(data))
    sizes = _DEAREST if size is None else (size,)
    known = all(row.vendor for row in rows)
    least = 0 if known else len(data)
    return max(least, *(row.tokens(each) for row in rows for each in sizes))


def _usual(rows: tuple[ImageRate, ...], data: str) -> int:
    return rows[0].tokens(image_size(_bytes(data)) or _USUAL)


def _bytes(data: str) -> bytes:
    try:
        return b64decode(data)
    except ValueError:
        return b""


def _inline(value: object) -> Iterator[str]:
    """The base64 of every image in a request of any wire."""
    waiting: list[object] = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            found = _INLINE.fullmatch(each)
            if found is not None:
                yield found[1]
        elif isinstance(each, dict):
            part = cast("dict[str, Any]", each)
            kinds = (part.get(name) for name in ("media_type", "mimeType", "mime_type"))
            data = part.get("data")
            if isinstance(data, str) and any(str(kind).startswith("image/") for kind in kinds):
                yield data
            waiting.extend(part.values())
        elif isinstance(each, list):
            waiting.extend(cast("list[object]", each))


@cache
def _shipped() -> ImageRates:
    path = shipped("images.yaml")
    return ImageRates.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
