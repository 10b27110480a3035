"""HTML in an answer, as promptfoo finds it: signs of markup, or nothing but markup."""

from __future__ import annotations

import re
from typing import Any, cast

from harness.errors import UsageError

_LARGEST = 10 * 2**20
_NAME = r"[a-zA-Z][a-zA-Z0-9-]*"
_OPENS = re.compile(rf"<{_NAME}(?:\s[^>]*)?>")
_CLOSES = re.compile(rf"</{_NAME}\s*>")
_SIGNS = (
    (re.compile(rf"<{_NAME}(?:\s[^>]*)?/>"), 1),
    (re.compile(r"&(?:[a-zA-Z]+|#[0-9]+|#x[0-9a-fA-F]+);"), 1),
    (re.compile(r"<!DOCTYPE\s+html", re.IGNORECASE), 2),
    (re.compile(r"<!--[^-]*(?:-[^-]+)*-->"), 1),
    (re.compile(r"\s[a-zA-Z-]+=\s*[\"'][^\"']*[\"']"), 1),
    (
        re.compile(
            r"<(?:html|head|body|div|span|p|a|img|h[1-6]|ul|ol|li|table|tr|td|th|form|input|button"
            r"|script|style|link|meta|br|hr)\b",
            re.IGNORECASE | re.ASCII,
        ),
        2,
    ),
)
_ENOUGH = 2
_KNOWN = frozenset(
    """
    html head title base link meta style body article section nav aside h1 h2 h3 h4 h5 h6 header
    footer address p hr pre blockquote ol ul li dl dt dd figure figcaption main div a em strong
    small s cite q dfn abbr ruby rt rp data time code var samp kbd sub sup i b u mark bdi bdo span
    br wbr img iframe embed object param picture source video audio track map area svg math script
    noscript canvas ins del table caption colgroup col tbody thead tfoot tr td th form label input
    button select datalist optgroup option textarea output progress meter fieldset legend details
    summary dialog menu slot template
    """.split()  # noqa: SIM905  # words
)
_IMPLIED = frozenset({"html", "head", "body"})
_XML = re.compile(r"<\?xml", re.IGNORECASE)
SPACE = "\t\n\v\f\r \u00a0\ufeff\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def contains_html(text: str) -> bool:
    """Whether a text has signs of markup: a tag and its end, a usual element, or two others."""
    if len(text) > _LARGEST:
        return False
    pair = bool(_OPENS.search(text)) + bool(_CLOSES.search(text))
    return pair + sum(worth for sign, worth in _SIGNS if sign.search(text)) >= _ENOUGH


def is_html(text: str) -> bool:
    """Whether a text is markup alone: an element of HTML, and no words outside of one."""
    text = text.strip(SPACE)
    if not text or len(text) > _LARGEST or _XML.match(text):
        return False
    document = _parsed(text)
    body = document.find("body")
    if body is not None and not _is_written("body", text) and _has_words(body):
        return False
    names = (each.tag for each in document.iter() if isinstance(each.tag, str))
    return any(_is_known(name, text) for name in names)


def _has_words(element: Any) -> bool:  # noqa: ANN401  # an element of xml.etree
    texts = [element.text, *(each.tail for each in element)]
    return any(text and text.strip(SPACE) for text in texts)


def _is_known(name: str, text: str) -> bool:
    """Whether an element of the tree is one of HTML that the text itself has."""
    bare = name.rpartition("}")[2].lower()
    return _is_written(bare, text) if bare in _IMPLIED else bare in _KNOWN or "-" in bare


def _is_written(name: str, text: str) -> bool:
    """Whether a text opens one of the elements that are there anyway, before it is implied."""
    found = re.search(rf"<{name}(?=[\s>/])", text, re.IGNORECASE)
    if found is None:
        return False
    before = _parsed(text[: found.start()]).find("body")
    return before is None or not (len(before) or (before.text or "").strip(" \t\n\f\r"))


def _parsed(text: str) -> Any:  # noqa: ANN401
    try:
        import html5lib  # noqa: PLC0415  # of an extra, needed by this assertion alone
    except ModuleNotFoundError:
        raise UsageError(
            "is-html: needs html5lib; pip install 'model-rightsizing[review]'"
        ) from None
    parse: Any = cast("Any", html5lib).parse
    return parse(text, treebuilder="etree", namespaceHTMLElements=False)
