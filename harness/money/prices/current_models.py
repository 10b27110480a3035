"""Which of a vendor's models are current, by the price catalogue alone.

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

from harness.money.prices.model_catalogue import retirement
from harness.money.prices.pricebook import (
    CatalogueGapError,
    catalogue_rates,
    find_model,
    model_ids,
)

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
