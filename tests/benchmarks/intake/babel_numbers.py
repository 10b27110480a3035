"""Numbers of six locales as Babel writes and reads them: the independent reading of ours.

    python -m tests.benchmarks.intake.babel_numbers

Half of the strings are written by Babel (decimals, percents, currencies, exponents), half are
awkward ones that Babel reads strictly. `value` is Babel's, null where it refuses the text.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from babel.numbers import (
    NumberFormatError,
    format_currency,
    format_decimal,
    format_percent,
    format_scientific,
    parse_decimal,
)

LOCALES = {"en": "en_US", "de": "de_DE", "fr": "fr_FR", "de-CH": "de_CH", "en-IN": "en_IN"}
LOCALES["ar"] = "ar_EG"
TABLE = Path("tests/harness/judge/scoring/numbers.jsonl")
AWKWARD = (
    "12,50", "12.50", "1,234", "1.234", "1,234.5", "1.234,5", "1 234", "1 234,5", "1'234.5",
    "12,34,567", "12,34,567.8", "1,2,3", "1.2.3", "1,23", "1.23", "0,5", "0.5", ",5", "12,345,67",
    "1234567", "1.234.567", "1,234,567", "1.23.456", "1..2", "1,,2", "12.345,6.7", "99,999.99",
)  # fmt: skip


def rows() -> Iterator[dict[str, object]]:
    seeded = random.Random(21)
    for ours, theirs in LOCALES.items():
        system = "arab" if ours == "ar" else "latn"
        for _ in range(30):
            places = seeded.choice((0, 0, 1, 2, 3))
            value = Decimal(seeded.randint(-(10**9), 10**9) // 10 ** seeded.randint(0, 8))
            value = value.scaleb(-places)
            yield from written(ours, theirs, value, system)
        for text in AWKWARD:
            yield {"locale": ours, "text": text, "value": read(text, theirs, system)}


def written(ours: str, theirs: str, value: Decimal, system: str) -> Iterator[dict[str, object]]:
    found = {
        "decimal": format_decimal(
            value, locale=theirs, decimal_quantization=False, numbering_system=system
        ),
        "percent": format_percent(
            value / 100, locale=theirs, decimal_quantization=False, numbering_system=system
        ),
        "currency": format_currency(
            value, "EUR", locale=theirs, decimal_quantization=False, numbering_system=system
        ),
        "scientific": format_scientific(value, locale=theirs, decimal_quantization=False),
    }
    for kind, text in found.items():
        if kind != "scientific" or ours != "ar":
            yield {"locale": ours, "text": text, "value": str(value), "kind": kind}


def read(text: str, locale: str, system: str) -> str | None:
    try:
        return str(parse_decimal(text, locale=locale, strict=True, numbering_system=system))
    except NumberFormatError:
        return None


def main() -> None:
    lines = {json.dumps(row, ensure_ascii=True, sort_keys=True): None for row in rows()}
    TABLE.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} strings\n")


if __name__ == "__main__":
    main()
