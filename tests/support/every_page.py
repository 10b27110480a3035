"""Every page of a review in Chromium, in every way that people look at it.

    python -m tests.support.every_page REVIEW [FOLDER FOR SCREENSHOTS]

opens the index and each document at 1280 and 390 px, light, dark and as printed, and prints what
is wrong: console messages, requests for anything but the file, pages wider than their window, and
axe-core's serious findings. It ends with 1 when anything is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.browser import View, chromium, opened, others

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from playwright.sync_api import Browser

VIEWS: dict[str, View] = {
    "wide-light": View(),
    "wide-dark": View(scheme="dark"),
    "phone-light": View(width=390),
    "phone-dark": View(width=390, scheme="dark"),
    "print": View(width=688, media="print"),
}


CUT = """[...document.querySelectorAll("table.stacked")]
    .filter(table => table.offsetParent && table.parentElement.scrollWidth
            > table.parentElement.clientWidth)
    .map(table => table.caption.innerText)"""
"""Captions of stacked tables that one must scroll: they fit every screen."""


def pages(review: Path) -> list[Path]:
    """The index, the documents, and the months' pages beside the review."""
    months = sorted((review.parent / "monthly").glob("*.html"))
    return [review / "index.html", *sorted((review / "documents").glob("*.html")), *months]


def problems(
    browser: Browser, path: Path, name: str, *, shots: Path | None = None, read: bool = True
) -> Iterator[str]:
    """What is wrong with one page in one view; with `read`, what axe-core finds too."""
    with opened(browser, path, VIEWS[name]) as found:
        if shots is not None:
            found.page.screenshot(path=shots / f"{path.stem}-{name}.png", full_page=True)
        for said in found.said:
            yield f"says {said}"
        for asked in others(found, path):
            yield f"asks for {asked}"
        if found.overflow > 0:
            yield f"is {found.overflow} px too wide"
        for caption in found.page.evaluate(CUT):
            yield f"cuts a table that stands in rows on a narrow screen: {caption}"
        if read:
            yield from found.violations()


def main(arguments: Sequence[str]) -> int:
    review = Path(arguments[0]).resolve()
    shots = Path(arguments[1]) if arguments[1:] else None
    if shots is not None:
        shots.mkdir(parents=True, exist_ok=True)
    wrong = 0
    with chromium() as browser:
        for path in pages(review):
            for name in VIEWS:
                for problem in problems(browser, path, name, shots=shots):
                    wrong += 1
                    sys.stdout.write(f"{path.stem}, {name}: {problem}\n")
    count = len(pages(review))
    sys.stdout.write(f"{count} pages, {len(VIEWS)} views each: {wrong} problems\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
