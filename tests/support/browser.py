"""Pages in headless Chromium: what they ask for, what they say, and whether everybody can read."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import axe_playwright_python
import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from playwright.sync_api import Browser, Page

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How a page is looked at."""

    width: int = 1280
    scheme: Literal["light", "dark"] = "light"
    media: Literal["screen", "print"] = "screen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A page and all that it did since it was opened."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that a reader can come to see: folded parts are opened."""
        self.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
        return " ".join(self.page.inner_text("body").split())

    @property
    def overflow(self) -> int:
        """Pixels by which the page is wider than its window."""
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")

    def violations(self) -> list[str]:
        """Serious findings of axe-core, one line each."""
        source = Path(axe_playwright_python.__file__).with_name("axe.min.js")
        self.page.evaluate(source.read_text(encoding="utf-8"))
        found = self.page.evaluate("axe.run()")["violations"]
        return [
            f"{item['id']}: {node['target']} {node.get('failureSummary', '')}"
            for item in found
            if item["impact"] in {"serious", "critical"}
            for node in item["nodes"]
        ]


@contextmanager
def chromium() -> Generator[Browser]:
    program = next((path for name in NAMES if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no chromium: install Debian's package")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=SWITCHES)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser: Browser, path: Path, view: View | None = None) -> Generator[Opened]:
    """Open a file and listen to everything it does."""
    view = view or View()
    page = browser.new_page(viewport={"width": view.width, "height": 900}, color_scheme=view.scheme)
    found = Opened(page=page)
    page.on("console", lambda message: found.said.append(message.text))
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("dialog", lambda dialog: (found.said.append("dialog"), dialog.dismiss()))
    page.on("request", lambda request: found.asked.append(request.url))
    page.emulate_media(media=view.media, color_scheme=view.scheme)
    try:
        page.goto(path.as_uri())
        yield found
    finally:
        page.close()


def others(found: Opened, path: Path) -> Sequence[str]:
    """Requests for anything but the file itself."""
    return [url for url in found.asked if url != path.as_uri()]
