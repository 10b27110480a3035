"""XML, HTML and words in an answer, as promptfoo 0.121.20 says of each (recorded by hand)."""

from __future__ import annotations

import pytest

from harness.judge.scoring.foreign.markup import contains_html, contains_xml, is_html, is_xml
from harness.judge.scoring.foreign.rouge import rouge_1, treebank_words


@pytest.mark.parametrize(
    ("text", "whole", "part"),
    [
        ("<a><b>1</b></a>", True, True),
        ("so: <a><b/></a>, ok", False, True),
        ("<a b=1><b/></a>", False, True),
        ("<x:a><b/></x:a>", False, False),
        ("<!DOCTYPE a [<!ENTITY x 'y'>]><a><b/></a>", False, True),
        ("<a><b></a></b>", False, False),
        ("</a></b><a><b/></a>", False, True),
        ("<" * 50_000, False, False),
        ("\ud800<a><b/></a>", False, True),
    ],
)
def test_xml_with_an_element(text: str, whole: bool, part: bool) -> None:  # noqa: FBT001
    assert (is_xml(text, ["a.b"]), contains_xml(text, ["a.b"])) == (whole, part)


@pytest.mark.parametrize(
    ("text", "whole", "part"),
    [
        ("<p>x</p>", True, True),
        ("x <b>y</b>", False, True),
        ("<p>a<div>b</div>c", False, True),
        ("<custom>x</custom>", False, True),
        ("<body>x", True, True),
        ("x<body>y", False, True),
        ("1 < 2 and 3 > 2", False, False),
    ],
)
def test_html(text: str, whole: bool, part: bool) -> None:  # noqa: FBT001
    assert (is_html(text), contains_html(text)) == (whole, part)


def test_words_in_common_are_counted_as_often_as_both_have_them() -> None:
    assert treebank_words("I can't, it cannot.") == [
        *("I", "ca", "n't", ",", "it", "can", "not", "."),
    ]
    assert rouge_1("the the report", "The report") == pytest.approx(0.8)
    assert rouge_1("", "the report") == 0
