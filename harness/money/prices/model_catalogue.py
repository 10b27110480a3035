"""What a model can do, where the price catalogue or our dated file says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

import yaml
from pydantic import model_validator

from evalsets.files import FileModel
from harness.money.prices.pricebook import find_model, model_ids
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
