"""What a model can do and whether it is current, by the price catalogue or our dated file.

Names of one family differ by their version: `claude-haiku-4-5` and `claude-haiku-5-5`,
`gpt-5.6-luna` and `gpt-6-luna`. The newest version that has a price on the day is current. Models
that take or make no text, previews and variants of one are no candidates, nor is one whose
published end is near.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache

import yaml
from pydantic import model_validator

from evalsets.files import FileModel
from harness.money.prices.pricebook import (
    CatalogueGapError,
    catalogue_rates,
    find_model,
    model_ids,
)
from harness.money.prices.rates import vendor_of
from harness.workspace.model_file import ModelConfig
from harness.workspace.reading import shipped


class CatalogueEntry(FileModel):
    """One row of `configs/catalogue.yaml`: a model, by the start of its name."""

    vendor: str
    """Who sells it."""
    model: str
    """Name, or how it begins; the longest that fits counts."""
    max_output_tokens: int | None = None
    """Longest answer, reasoning included."""
    cache_min_tokens: int | None = None
    """Shorter prefixes are not cached."""
    capabilities: tuple[str, ...] | None = None
    """What it can do."""
    retires_on: date | None = None
    """Published retirement date; None: no page that was read states one, so it is not known."""
    retires_by: str | None = None
    """Public page that states that date, as it was read."""
    retires_read: date | None = None
    """Day on which that page was read."""
    source: str
    """Public page that says the rest."""

    @model_validator(mode="after")
    def _date_has_its_page(self) -> CatalogueEntry:
        stated = [self.retires_on is None, self.retires_by is None, self.retires_read is None]
        if len(set(stated)) > 1:
            raise ValueError(f"{self.model}: a retirement date has a page and the day it was read")
        return self


class CatalogueFile(FileModel):
    """`configs/catalogue.yaml`."""

    as_of: date
    """Day on which the rows were read."""
    models: tuple[CatalogueEntry, ...]
    """The rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a model; None is unknown, never "no"."""

    window_tokens: int | None
    max_output_tokens: int | None
    capabilities: frozenset[str] | None
    cache_min_tokens: int | None
    retires_on: date | None
    deprecated: bool
    source: str


def facts(model: str, config: ModelConfig) -> ModelFacts:
    """Gather what the workspace, the price catalogue and our dated file know, in that order."""
    asked = config.version or model.partition("@")[0]
    vendor = vendor_of(config)
    priced = find_model(vendor, asked) if vendor else None
    row = _row(vendor, asked) if vendor else None
    stated = config.capabilities
    known = stated if stated is not None else row.capabilities if row else None
    return ModelFacts(
        window_tokens=config.window_tokens or (priced.window_tokens if priced else None),
        max_output_tokens=row.max_output_tokens if row else None,
        capabilities=None if known is None else frozenset(known),
        cache_min_tokens=_first(config.cache_min_tokens, row.cache_min_tokens if row else None),
        retires_on=config.retires_on or (row.retires_on if row else None),
        deprecated=bool(priced and priced.deprecated),
        source="workspace" if row is None else row.source,
    )


def plain_name(version: str) -> str:
    """A model's name without `ft:` of a tuned one, its suffix, and a router's `vendor/`.

    >>> plain_name("ft:gpt-4o-mini-2024-07-18:acme::abc"), plain_name("openai/GPT-5.6")
    ('gpt-4o-mini-2024-07-18', 'gpt-5.6')
    """
    return version.lower().removeprefix("ft:").rpartition("/")[2].partition(":")[0]


def retirement(vendor: str, model: str) -> date | None:
    """The published day of a hosted model's end; None: not known."""
    row = _row(vendor, model)
    return None if row is None else row.retires_on


def known_model_ids() -> frozenset[str]:
    """Every model id that the catalogues know: what a scan of source code looks for."""
    return model_ids() | frozenset(row.model for row in _catalogue().models)


def _first(stated: int | None, listed: int | None) -> int | None:
    return listed if stated is None else stated


def _row(vendor: str, model: str) -> CatalogueEntry | None:
    fitting = (
        row
        for row in _catalogue().models
        if row.vendor == vendor and model.lower().startswith(row.model)
    )
    return max(fitting, key=lambda row: len(row.model), default=None)


@cache
def _catalogue() -> CatalogueFile:
    path = shipped("catalogue.yaml")
    return CatalogueFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


_OWN: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("claude-",),
    "openai": ("gpt-", "o3", "o4"),
    "google": ("gemini-",),
}
"""How a vendor's own models begin; it may sell others' as well."""
_NO_TEXT = re.compile(
    r"image|audio|tts|live|realtime|embed|transcribe|whisper|moderation|search|codex|cyber|computer"
    r"|robotics|preview|latest|banana|omni|oss|deep-research|translate|vision|rosalind|:|chat|turbo"
    r"|instruct|16k|32k|\.ft|-8b|20\d\d-\d\d|-0\d{3}$|^gpt-3|^gpt-4|^claude-[23]$|^claude-3-"
)
_A_QUARTER = timedelta(days=92)
"""A model that ends within a quarter is not proposed."""
_VERSION = re.compile(r"(?<![a-z0-9])(\d+(?:[.-]\d+)?)(?![a-z0-9])")


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentModel:
    """The newest version of a family, with its list price in USD per million tokens."""

    vendor: str
    name: str
    family: str
    input_usd: Decimal
    output_usd: Decimal

    @property
    def price(self) -> str:
        """Its price in words."""
        return price_of(self.input_usd, self.output_usd)


def price_of(input_usd: Decimal, output_usd: Decimal) -> str:
    """USD per million tokens, both ways."""
    return f"USD {input_usd.normalize():f} in, {output_usd.normalize():f} out"


def family_of(name: str) -> tuple[str, tuple[int, ...]]:
    """A model's name without its version, and the version.

    >>> family_of("claude-haiku-4-5"), family_of("gpt-5.4-mini")
    (('claude-haiku', (4, 5)), ('gpt-mini', (5, 4)))
    """
    found = _VERSION.search(name)
    if found is None:
        return name, ()
    rest = name[: found.start()].rstrip("-") + name[found.end() :]
    return rest, tuple(int(part) for part in re.split(r"[.-]", found[1]))


def current_models(vendor: str, on: date) -> tuple[CurrentModel, ...]:
    """The newest priced version of each family that a vendor makes, cheapest first."""
    newest: dict[str, tuple[tuple[int, ...], CurrentModel]] = {}
    for found, version in _priced(vendor, on):
        known = newest.get(found.family)
        if known is None or known[0] < version:
            newest[found.family] = (version, found)
    listed = (found for _, found in newest.values())
    return tuple(sorted(listed, key=lambda each: (each.input_usd + each.output_usd, each.name)))


def _priced(vendor: str, on: date) -> Iterator[tuple[CurrentModel, tuple[int, ...]]]:
    for name in sorted(model_ids(frozenset({vendor}))):
        known = find_model(vendor, name)
        if not name.startswith(_OWN.get(vendor, ())) or _NO_TEXT.search(name):
            continue
        family, version = family_of(name)
        if not version or known is None or known.deprecated:
            continue
        ends = retirement(vendor, name)
        if ends is not None and ends <= on + _A_QUARTER:
            continue
        try:
            rates = catalogue_rates(vendor, name, on)
        except CatalogueGapError:
            continue
        yield (
            CurrentModel(
                vendor=vendor,
                name=name,
                family=family,
                input_usd=rates.input,
                output_usd=rates.output,
            ),
            version,
        )


def replaced_by(vendor: str, name: str, on: date) -> CurrentModel | None:
    """The newer version of a model's family; None where it is the newest, or is not known."""
    family, version = family_of(name)
    for each in current_models(vendor, on):
        if each.family == family and version and family_of(each.name)[1] > version:
            return each
    return None


def cheaper_and_not_listed(
    vendors: Collection[str], listed: Collection[str], than: tuple[Decimal, Decimal], on: date
) -> tuple[CurrentModel, ...]:
    """Current models that nobody listed and that cost less than `than`, both ways; cheapest first.

    `than` are USD per million tokens in and out.
    """
    found = [each for vendor in sorted(vendors) for each in current_models(vendor, on)]
    wanted = [
        each
        for each in found
        if not any(name == each.name or name.startswith(f"{each.name}-2") for name in listed)
        and each.input_usd < than[0]
        and each.output_usd < than[1]
    ]
    return tuple(sorted(wanted, key=lambda each: (each.input_usd + each.output_usd, each.name)))
