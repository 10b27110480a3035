from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.untrusted import clean, clip, comment, csv_cell, markdown, markdown_code


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("a\u202eb", "a\ufffdb", id="right-to-left override"),
        pytest.param("a\x1b[31mb", "a\ufffd[31mb", id="terminal escape"),
        pytest.param("a\r\nb\tc", "a b c", id="line breaks and tabs are blanks"),
        pytest.param("a\ud800b", "a\ufffdb", id="lone surrogate"),
        pytest.param("\u05e9\u05dc\u05d5\u05dd caf\u00e9 \U0001f600", None, id="letters stay"),
    ],
)
def test_clean(text: str, shown: str | None) -> None:
    assert clean(text) == (text if shown is None else shown)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        pytest.param("a|b", r"a\|b", id="pipe"),
        pytest.param("`x`", r"\`x\`", id="backtick"),
        pytest.param("<img src=x>", "&lt;img src=x&gt;", id="tag"),
        pytest.param("![a](http://x.y)", r"!\[a\](http&#58;//x.y)", id="image"),
        pytest.param("@dana", "&#64;<!-- -->dana", id="mention"),
        pytest.param("see #12", "see &#35;<!-- -->12", id="issue number"),
        pytest.param("d@e.org", "d&#64;e.org", id="address"),
        pytest.param("WWW.evil.org", "WWW&#46;evil.org", id="bare host"),
        pytest.param("# title", r"\# title", id="heading"),
        pytest.param("1. item", r"1\. item", id="list item"),
        pytest.param("94.8 %", "94.8 %", id="a number is no list item"),
        pytest.param("- item", r"\- item", id="bullet"),
        pytest.param("-0.4 points", "-0.4 points", id="a negative number is no bullet"),
        pytest.param("===", r"\===", id="underline of a heading"),
        pytest.param("QUALITY_INFERIOR", "QUALITY_INFERIOR", id="underscore in a word"),
        pytest.param("_x_ __y__", r"\_x\_ \_\_y\_\_", id="emphasis"),
        pytest.param("&lt;", "&amp;lt;", id="entity"),
    ],
)
def test_markdown(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


@given(st.text())
def test_nothing_hidden_or_rearranging_is_left(text: str) -> None:
    for made in (clean(text), clip(text, 20), markdown(text), csv_cell(text), comment(text)):
        assert not any(unicodedata.category(c) in {"Cc", "Cs"} for c in made)
        assert not any(unicodedata.bidirectional(c) in {"RLO", "LRO", "RLE", "RLI"} for c in made)


@given(st.text())
def test_markdown_leaves_no_markup(text: str) -> None:
    made = markdown(text).replace("<!-- -->", "")
    assert "<" not in made
    assert ">" not in made
    for mark in "`|*[]":
        assert made.count(mark) == made.count("\\" + mark)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_clip_keeps_within_its_limit(text: str, limit: int) -> None:
    assert len(clip(text, limit)) <= limit
    if len(text) <= limit:
        assert clip(text, limit) == clean(text)


def test_a_huge_text_is_cut_and_says_so() -> None:
    assert clip("x" * 1_000_000, 10) == "x" * 9 + "\u2026"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1"])
def test_a_formula_becomes_text(text: str) -> None:
    assert csv_cell(text).startswith("'")


def test_plain_text_stays_as_it_is_in_a_cell() -> None:
    assert csv_cell("a = b - c") == "a = b - c"


def test_code_holds_neither_backtick_nor_pipe() -> None:
    assert markdown_code("a`b|c") == "`a\u2018b\u2223c`"
    assert markdown_code(" ") == ""


def test_a_comment_cannot_be_ended() -> None:
    assert comment("a --> <b>") == "a - b"
