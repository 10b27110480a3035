from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from reports.document import (
    Badge,
    Bullets,
    Choice,
    Code,
    Column,
    Deadline,
    Document,
    Fold,
    Forest,
    Headline,
    Headlines,
    Interval,
    Latency,
    Link,
    MeasuredSeconds,
    Notice,
    Paragraph,
    Portfolio,
    Reckoning,
    Row,
    Section,
    Signature,
    Summary,
    Table,
)
from reports.render import render, render_index

if TYPE_CHECKING:
    from collections.abc import Callable

FOREST = Forest(
    caption="Differences",
    description="d",
    axis="points",
    limit=-3,
    limit_label="limit -3",
    rows=(Interval(label="haiku", value=-0.4, low=-2.1, high=1.2, strong=True),),
)


def document(text: str = "plain") -> Document:
    table = Table(
        caption=text,
        columns=(Column(text=""), Column(text=text), Column(text="n", numeric=True)),
        rows=(
            Row(cells=(text, Link(text=text, page="documents/a b"), "1")),
            Row(cells=(text, Badge(words=text, tone="open"), "3")),
            Row(cells=("strong", "", "2"), strong=True),
        ),
    )
    blocks = (
        Notice(text=text),
        Summary(lead=text, text=text),
        Deadline(
            lead=text,
            runs=(text, Code(code=text)),
            choices=(Choice(answer=text, text=text), Choice(answer="no", text="stay")),
        ),
        Headlines(
            caption=text,
            items=(
                Headline(label=text, value=text, notes=(text, "second")),
                Headline(label="time", value="3 s"),
            ),
        ),
        Reckoning(
            caption=text,
            unit="USD",
            lines=(("saved", "10"), (text, "-3")),
            total=("left", "7"),
            after=((text, "never"),),
        ),
        Fold(summary=text, blocks=(Paragraph(lead=text, runs=(text,)),)),
        Paragraph(lead=text, runs=(text, Code(code=text), " and ", Link(text=text, page="x"))),
        Paragraph(lead=None, runs=(text,)),
        Bullets(lead=text, items=(text, "second")),
        Bullets(lead=None, items=(text,)),
        table,
        FOREST,
        Signature(lead="Decision", choices=("accept",), blanks=("by",)),
    )
    times = Latency(
        caption="Time",
        description="d",
        axis="s",
        limit=None,
        limit_label="",
        rows=(MeasuredSeconds(label=text, p50=1.0, p95=2.0, p95_upper=None),),
    )
    section = Section(anchor="more", title=text, blocks=(table, times), folded=True)
    return Document(
        title=text,
        status=text,
        page=blocks,
        appendix=(section,),
        stamp="abc day",
        badge=Badge(words=text, tone="change"),
        home=Link(text=text, page="../index"),
    )


def portfolio(text: str = "plain") -> Portfolio:
    whole = document(text)
    return Portfolio(
        title=text, status=text, page=whole.page, views=whole.appendix, stamp="abc day"
    )


class Tags(HTMLParser):
    """Every start tag with its attributes, and the visible text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def parse(text: str) -> Tags:
    parser = Tags()
    parser.feed(text)
    return parser


def outside_charts(parsed: Tags) -> list[str]:
    """Tags in order; a chart's own follow its labels' widths, breaks the length of words."""
    charts = {"path", "text", "wbr"}
    kept = [{"class": "kept"}, {"class": "long"}]
    return [tag for tag, attrs in parsed.tags if tag not in charts and attrs not in kept]


def test_the_sheet_is_allowed_by_its_hash_and_nothing_else_is() -> None:
    text = render(document(), to="html")
    sheet = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert sheet is not None
    digest = base64.b64encode(hashlib.sha256(sheet[1].encode()).digest()).decode()
    policy = dict(parse(text).tags[3][1])["content"]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src 'none'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert "style=" not in text


@pytest.mark.parametrize("to", ["md", "html"])
def test_the_same_document_gives_the_same_text(to: str) -> None:
    assert render(document(), to=to) == render(document(), to=to)  # type: ignore[arg-type]


def test_html_is_whole() -> None:
    text = render(document("word"), to="html")
    tags = parse(text).tags
    names = [tag for tag, _ in tags]
    assert names.count("h1") == 1
    assert {"scope": "col", "class": "number"} in [attrs for tag, attrs in tags if tag == "th"]
    assert names.count("caption") == 3
    assert names.count("details") == 2
    assert {"class": "badge change"} in [attrs for tag, attrs in tags if tag == "span"]
    assert ('<a href="#more">word</a>' in text, '<a href="../index.html">word</a>' in text) == (
        True,
        True,
    )
    assert names.count("svg") == 2
    assert "documents/a%20b.html" in text
    assert '<meta name="rightsize-stamp" content="abc day">' in text
    ids = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("2026-12-24", '<td><span class="kept">2026-12-24</span></td>'),
        (
            "since 2026-12-24 <b>",
            '<td>since <span class="kept">2026-12-24</span> &lt;b&gt;</td>',
        ),
        ("claude-haiku-4-5", '<td><span class="kept">claude-haiku-4-5</span></td>'),
        ("not alike", "<td>not alike</td>"),
        ("NOT_ALIKE:a/b", "<td>NOT_<wbr>ALIKE:<wbr>a/<wbr>b</td>"),
        ("ab" * 32, f'<td><span class="long">{"ab" * 32}</span></td>'),
        (f"a-{'b' * 40}", f'<td><span class="long">a-{"b" * 40}</span></td>'),
    ],
)
def test_days_and_names_in_a_cell_stay_whole(cell: str, shown: str) -> None:
    columns = (Column(text="a", numeric=False), Column(text="b", numeric=False))
    made = Table(caption="c", columns=columns, rows=(Row(cells=("first", cell)),))
    assert shown in render(replace(document(), page=(made,)), to="html")


def test_markdown_reads_as_it_should() -> None:
    lines = render(document("word"), to="md").split("\n")
    assert lines[:3] == ["# word", "", "**word** \u00b7 word"]
    assert {
        "**word** word`word`",
        "- **word:** word",
        "| word | time |",
        "| **word** | **3 s** |",
    } <= {*lines}
    assert {"| word |  |", "| word | -3 |", "| **left** | **7** |", "| word | never |"} <= {*lines}
    assert {"[word](<../index.md>)", "[word](#word)", "| word | word | 3 |"} <= {*lines}
    assert "> **word**" in lines
    assert "**word** word`word` and [word](<x.md>)" in lines
    assert "|  | word | n |" in lines
    assert "|---|---|---:|" in lines
    assert "| word | [word](<documents/a%20b.md>) | 1 |" in lines
    assert "| **strong** |  | **2** |" in lines
    assert any(line.startswith("**Decision**  [ ] accept") for line in lines)
    assert "```text" in lines
    assert lines[-2:] == ["<!-- rightsize-stamp abc day -->", ""]


def test_markdown_has_no_gap_wider_than_one_line() -> None:
    assert "\n\n\n" not in render(document(), to="md")


def test_an_index_leads_to_its_views() -> None:
    text = render_index(portfolio("word"), to="html")
    assert '<a href="#more">word</a>' in text
    assert 'id="more"' in text
    assert "## word" in render_index(portfolio("word"), to="md")


@pytest.mark.parametrize(
    "make",
    [lambda t: render(document(t), to="html"), lambda t: render_index(portfolio(t), to="html")],
)
@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</style><script>1</script>",
        "{{ 7*7 }}",
        "&lt;b&gt;",
    ],
)
def test_hostile_text_is_shown_as_it_is(make: Callable[[str], str], hostile: str) -> None:
    plain, made = parse(make("plain")), parse(make(hostile))
    assert outside_charts(plain) == outside_charts(made)
    assert hostile in "".join(made.text)


def test_a_table_with_a_missing_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="needs 1 cells"):
        Table(caption="c", columns=(Column(text="a"),), rows=(Row(cells=("1", "2")),))
