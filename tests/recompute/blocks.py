"""A page as blocks of plain text: paragraphs, lines of a list, tables; from Markdown or HTML."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_BOLD = re.compile(r"^\*\*(.+?)\*\*\s*(.*)$", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\((?:<[^>]*>|#[^)]*)\)")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A paragraph or an item of a list, with its lead."""

    lead: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table: caption, names of the columns, rows of cells."""

    caption: str
    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(kw_only=True)
class Page:
    """Title, status and blocks; pictures are in `pictures`."""

    title: str = ""
    status: str = ""
    blocks: list[Line | Grid] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)


def read_markdown(text: str) -> Page:
    page = Page()
    lead, caption = "", ""
    for part in _parts(text):
        first, whole = part[0], "\n".join(part)
        if first.startswith(("#", "<!--")):
            page.title = page.title or _plain(first[2:])
            lead = ""
        elif first.startswith("```"):
            page.pictures.append(whole)
        elif first.startswith("|"):
            page.blocks.append(_grid(caption, part))
        elif first.startswith("- "):
            page.blocks += [Line(lead=lead, text=_plain(item[2:])) for item in part]
        elif first.startswith("*") and not first.startswith("**"):
            caption = _plain(whole.strip("*"))
        else:
            lead = _paragraph(page, whole)
    return page


def _paragraph(page: Page, whole: str) -> str:
    """Put a paragraph in its place; its lead."""
    if not page.status:
        page.status = _plain(whole)
        return ""
    lead, text = _lead(whole)
    page.blocks.append(Line(lead=lead, text=text))
    return lead


def _parts(text: str) -> list[list[str]]:
    """Stretches of lines between empty ones; a fence is one of them."""
    parts: list[list[str]] = [[]]
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        if line.strip() or fenced:
            parts[-1].append(line)
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]


def _lead(text: str) -> tuple[str, str]:
    found = _BOLD.match(text.removeprefix("> "))
    return (_plain(found[1]), _plain(found[2])) if found else ("", _plain(text))


def _grid(caption: str, lines: list[str]) -> Grid:
    rows = [
        tuple(_plain(cell.strip()) for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1]))
        for line in lines
    ]
    return Grid(caption=caption, names=rows[0], rows=tuple(rows[2:]))


def _plain(text: str) -> str:
    bare = _LINK.sub(r"\1", text).replace("**", "").replace("`", "")
    bare = re.sub(r"\\([\\`*_{}\[\]()#+.!|<>~-])", r"\1", bare)
    bare = re.sub(r"\[ \] | ?_{3,}", "", bare)
    return re.sub(r"\s+", " ", html.unescape(bare)).strip()


def read_html(text: str) -> Page:
    reader = _Reader()
    reader.feed(text)
    return reader.page


class _Reader(HTMLParser):
    """Blocks of a page of ours: h1, p, li, table; styles and pictures are not text."""

    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.stack: list[str] = []
        self.text: list[str] = []
        self.strong: list[str] = []
        self.both: list[str] = []
        self.lead = ""
        self.caption = ""
        self.label = ""
        self.rows: list[list[str]] = []
        self.picture: list[str] = []
        self.status = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"meta", "link", "br", "wbr", "img", "hr", "path", "use", "rect", "line"}:
            return
        self.stack.append(tag)
        if tag in {"h1", "p", "li", "caption", "th", "td", "h2", "h3"}:
            self.text, self.strong, self.both = [], [], []
            self.status = ("class", "status") in attrs
        if tag == "tr":
            self.rows.append([])
        if tag == "ul":
            self.label = dict(attrs).get("aria-label") or ""
        if tag == "table":
            self.rows, self.caption = [], ""

    def handle_data(self, data: str) -> None:
        if {"style", "title", "head"} & set(self.stack) and "svg" not in self.stack:
            return
        if "svg" in self.stack or "pre" in self.stack:
            self.picture.append(f"{data}\n")
            return
        self.both.append(data)
        if "strong" in self.stack:
            self.strong.append(data)
        else:
            self.text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.stack:
            return
        while self.stack.pop() != tag:
            pass
        text, strong = _squeezed(self.text), _squeezed(self.strong)
        if tag == "h1":
            self.page.title = text
        elif tag in {"h2", "h3", "nav"}:
            self.lead = ""
        elif tag == "p":
            self._paragraph(strong, text)
        elif tag == "li" and "nav" not in self.stack:
            lead = self.label or self.lead
            self.page.blocks.append(Line(lead=lead, text=_squeezed(self.both)))
        elif tag in {"svg", "pre"}:
            self.page.pictures.append("\n".join(self.picture))
            self.picture = []
        else:
            self._of_table(tag, text)

    def _of_table(self, tag: str, text: str) -> None:
        if tag == "caption":
            self.caption = text
        elif tag in {"th", "td"}:
            self.rows[-1].append(_squeezed([*self.strong, *self.text]))
        elif tag == "table":
            names, *rows = (tuple(row) for row in self.rows)
            self.page.blocks.append(Grid(caption=self.caption, names=names, rows=tuple(rows)))

    def _paragraph(self, strong: str, text: str) -> None:
        if self.status:
            self.page.status = text
        else:
            self.lead = strong
            self.page.blocks.append(Line(lead=strong, text=text))


def _squeezed(parts: list[str]) -> str:
    return re.sub(r"\s+", " ", "".join(parts)).strip()
