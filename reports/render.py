"""Documents to Markdown and to self-contained HTML.

A template places words; it computes nothing, and a missing name is an error. Every expression is
escaped for its format unless it was made by a renderer of ours.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reports.charts import forest_text, lay_out
from reports.document import (
    Chart,
    Code,
    Document,
    Forest,
    Headlines,
    Link,
    Portfolio,
    Run,
    Section,
    Sheets,
)
from reports.drawing import FONT, WIDTH
from reports.untrusted import clean, clean_lines, comment, fenced, markdown, markdown_code

if TYPE_CHECKING:
    from jinja2 import Template


Format: TypeAlias = Literal["md", "html"]

_CODE = re.compile(r"`([^`]+)`")
"""A command or a key within a sentence, as every message of ours sets it."""
_GAPS = re.compile(r" *\n{3,}")
_SPACE = re.compile(r"( +)")
_DIGEST = re.compile(r"[0-9a-f]{24,}")
_SEAM = re.compile(r"(?<=[A-Za-z0-9])([_/]|::?)(?=[A-Za-z0-9])")
"""Where a long name may break in a narrow column: behind what joins its words."""
_WHOLE = 32
"""Characters up to which a word with a hyphen, such as a day or a model's name, breaks nowhere."""
_UNIT = re.compile(r"(?<=\bUSD) (?=[-+\d])|(?<=\d) (?=(?:%|s|GPUs?)(?![\w]))|(?<=\blimit) (?=-?\d)")
"""The blank between a number and its unit, at which no line breaks."""
_NO_SLUG = re.compile(r"[^\w\- ]")


def render(document: Document, *, to: Format) -> str:
    """Render what people read about one feature."""
    return _render(_Page(document=document, sections=document.appendix, contents=False), to)


def render_index(portfolio: Portfolio, *, to: Format) -> str:
    """Render what a review meeting reads."""
    return _render(_Page(document=portfolio, sections=portfolio.views, contents=True), to)


def render_sheets(sheets: Sheets) -> str:
    """Render page one of each document into one HTML file that prints as one sheet each."""
    return _filled("sheets.html.j2", sheets, {})


def draw(chart: Chart, name: str) -> Markup:
    """Draw a chart as an `<svg>` element; `name` keeps its ids apart from its neighbours'."""
    drawn = _template("chart.svg.j2").render(
        name=name, chart=chart, drawing=lay_out(chart), width=WIDTH, font=FONT
    )
    return Markup(drawn)  # noqa: S704  # escaped


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    document: Document | Portfolio
    sections: tuple[Section, ...]
    contents: bool


def _render(page: _Page, to: Format) -> str:
    return _html(page) if to == "html" else _markdown(page)


def _html(page: _Page) -> str:
    own = {
        "sections": page.sections,
        "contents": page.contents,
        "heading": "h2" if page.contents else "h3",
    }
    return _filled("page.html.j2", page.document, own)


def _filled(template: str, document: Document | Portfolio | Sheets, own: dict[str, Any]) -> str:
    """A page of HTML with its style and its pictures within; `own` is what this template takes."""
    sheet = _sheet()
    drawn = 0

    def picture(chart: Chart) -> Markup:
        nonlocal drawn
        drawn += 1
        return draw(chart, f"chart{drawn}")

    return _template(template).render(
        **own,
        document=document,
        picture=picture,
        address=_linked("html"),
        lines=_lines,
        inner=_inner_html,
        whole=_unbroken,
        runs=_runs_html,
        policy=_policy(sheet),
        sheet=Markup(sheet),  # noqa: S704  # our own file
    )


def _markdown(page: _Page) -> str:
    text = _template("page.md.j2").render(
        document=page.document,
        sections=page.sections,
        contents=page.contents,
        heading=Markup("##") if page.contents else Markup("###"),
        picture=_text_picture,
        runs=_runs_markdown,
        notes=_most_notes,
        slug=_slug,
        inner=_inner_markdown,
        address=_linked("md"),
        raw=Markup,
        lines=_fenced,
        stamp=Markup(comment(page.document.stamp)),  # noqa: S704  # escaped
    )
    return _GAPS.sub("\n\n", text).rstrip() + "\n"


def _text_picture(chart: Chart) -> Markup:
    """Markdown has no pictures of its own: a forest is drawn in text, the rest are tables."""
    if isinstance(chart, Forest):
        caption = markdown(chart.caption)
        return Markup(f"*{caption}*\n\n```text\n{forest_text(chart)}\n```\n")  # noqa: S704  # no backticks in it
    return Markup("")


def _inner_markdown(text: str) -> Markup:
    """Escape a stretch of text and keep the blanks at its ends; what backticks hold is code."""
    parts = _CODE.split(clean(text))
    done = (markdown_code(part) if at % 2 else _plain(part) for at, part in enumerate(parts))
    return Markup("".join(done))  # noqa: S704  # escaped


def _plain(body: str) -> str:
    head = " " if body[:1] == " " else ""
    tail = " " if body[-1:] == " " and body.strip() else ""
    return head + markdown(body) + tail


def _inner_html(text: str) -> Markup:
    """Escape a stretch of text; what backticks hold is code."""
    parts = _CODE.split(text)
    return Markup("").join(
        _code(part) if at % 2 else _unbroken(part) for at, part in enumerate(parts)
    )


def _code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(_unbroken(text))


def _unbroken(text: str) -> Markup:
    """Escape a text whose days and names break at no hyphen, and whose long ones at their seams."""
    return Markup("").join(_word(word) for word in _SPACE.split(_UNIT.sub("\u00a0", clean(text))))


def _word(word: str) -> Markup:
    if "-" in word and len(word) <= _WHOLE:
        return Markup('<span class="kept">{}</span>').format(word)
    seams = Markup(_SEAM.sub(r"\1<wbr>", str(escape(word))))  # noqa: S704  # escaped
    if len(word) > _WHOLE or _DIGEST.fullmatch(word):
        return Markup('<span class="long">{}</span>').format(seams)
    return seams


def _runs_html(runs: tuple[Run, ...]) -> Markup:
    return Markup("").join(_run_html(run) for run in runs)


def _run_html(run: Run) -> Markup:
    if isinstance(run, str):
        return _inner_html(run)
    if isinstance(run, Code):
        return _code(run.code)
    return Markup('<a href="{}">{}</a>').format(_linked("html")(run), clean(run.text))


def _runs_markdown(runs: tuple[Run, ...]) -> Markup:
    return Markup("").join(_run_markdown(run) for run in runs)


def _run_markdown(run: Run) -> Markup:
    if isinstance(run, str):
        return _inner_markdown(run)
    if isinstance(run, Code):
        return Markup(markdown_code(run.code))  # noqa: S704  # escaped
    return Markup(f"[{markdown(run.text)}](<{_linked('md')(run)}>)")  # noqa: S704  # escaped


def _most_notes(block: Headlines) -> int:
    return max((len(item.notes) for item in block.items), default=0)


def _slug(title: str) -> Markup:
    """The name that GitHub and GitLab give a heading."""
    return Markup(quote(_NO_SLUG.sub("", title.lower()).replace(" ", "-")))  # noqa: S704  # quoted


def _linked(to: Format) -> Callable[[Link], Markup]:
    """The address of what a link leads to, from a page of this format."""

    def address(link: Link) -> Markup:
        return Markup(f"{quote(link.page)}.{link.ending or to}")  # noqa: S704  # escaped

    return address


def _lines(text: str) -> Markup:
    return escape(clean_lines(text))


def _fenced(text: str) -> Markup:
    return Markup(fenced(text))  # noqa: S704  # no fence within is as long


def _policy(sheet: str) -> str:
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'none'; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _sheet() -> str:
    return (files("reports") / "templates" / "page.css").read_text(encoding="utf-8")


@cache
def _template(name: str) -> Template:
    html = name.endswith((".html.j2", ".svg.j2"))
    environment = Environment(
        loader=PackageLoader("reports"),
        undefined=StrictUndefined,
        autoescape=html,  # noqa: S701  # Markdown has its own escaping: `finalize`
        finalize=_escape_html if html else _escape_markdown,
    )
    return environment.get_template(name)


def _escape_html(value: Any) -> Markup:  # noqa: ANN401  # whatever a template prints
    return value if isinstance(value, Markup) else escape(clean(str(value)))


def _escape_markdown(value: Any) -> Markup:  # noqa: ANN401  # whatever a template prints
    return value if isinstance(value, Markup) else Markup(markdown(str(value)))  # noqa: S704
