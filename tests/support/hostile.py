"""Texts that try to execute, to link, to rearrange or to break a page."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from itertools import cycle, islice
from typing import TYPE_CHECKING

from harness.record.model import DecisionRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_EVENTS = ("onerror", "onload", "onclick", "onfocus", "onmouseover", "ontoggle", "onanimationend")
_TAGS = ("img", "svg", "body", "iframe", "video", "input", "details", "math", "object", "embed")
_SCHEMES = ("javascript:alert(1)", "data:text/html,<b>1", "vbscript:x", "file:///etc/passwd",
            "https://evil.example/x.png", "//evil.example/x", "mailto:a@evil.example")  # fmt: skip
_BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
_INVISIBLE = "\u200b\u2060\u2064\ufeff\ufff9\U000e0001\U000e0041\u2028\u2029"
_FORMULAS = ("=1+1", "+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", '=HYPERLINK("http://e.e","x")',
             "\t=1", "\r=1", " =1", "=IMPORTXML(1)", "=DDE(1)")  # fmt: skip
_MARKDOWN = (
    "![x](https://evil.example/p.png)",
    "[x](https://evil.example)",
    "[x]: https://evil.example 'y'",
    "<https://evil.example>",
    "https://evil.example/auto",
    "www.evil.example",
    "a@evil.example",
    "@everyone look",
    "#1 and GH-2 and org/repo#3",
    "| a | b |",
    "a | b || c",
    "```\ncode\n```",
    "~~~\ncode",
    "`unclosed",
    "``a`b``",
    "# heading",
    "heading\n===",
    "heading\n---",
    "- [x] done",
    "* * *",
    "1. one",
    "> quote",
    "    indented",
    "**bold** _it_ ~~gone~~",
    "***",
    "\\",
    "\\\\|",
    "a\\",
    "&lt;script&gt;",
    "&#x3C;b&#x3E;",
    "&copy;&nbsp;",
    "<!-- comment -->",
    "-->",
    "<![CDATA[x]]>",
    "<?php 1 ?>",
    "$x^2$ and $$y$$",
    "\\(x\\)",
    "[^1]: note",
    "[[wiki]]",
    "{{ 7*7 }}",
    "{% raw %}",
    "{# x #}",
    "${7*7}",
    "<%= 7 %>",
    ":smile:",
    "line\\\nbreak  \nend",
)
_HTML = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><style>*{display:none}</style>",
    "</title><script>alert(1)</script>",
    "</svg><script>alert(1)</script>",
    "</table></div></main>",
    "</td></tr></table>",
    '"><b>x',
    "'><b>x",
    '" onmouseover="alert(1)',
    "` onmouseover=alert(1)",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "<form action=//evil.example><button>",
    "<a href='javascript:alert(1)'>x</a>",
    "<p style='position:fixed;inset:0'>x",
    "<style>@import '//evil.example'</style>",
    "<plaintext>",
    "<textarea>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<math><mtext><table><mglyph><style><!--</style><img src=1 onerror=alert(1)>",
    "<svg><use href='data:image/svg+xml,x#x'>",
    "<scr\x00ipt>alert(1)</scr\x00ipt>",
    "\ufeff<script>",
    "\ud800 lone",
)

PAYLOADS: tuple[str, ...] = (
    *_HTML,
    *_MARKDOWN,
    *_FORMULAS,
    *(f"<{tag} src=x {event}=alert(1)>" for tag in _TAGS for event in _EVENTS),
    *(f"<a href={scheme}>x</a>" for scheme in _SCHEMES),
    *(f"[x]({scheme})" for scheme in _SCHEMES),
    *(f"a{mark}b{mark}" for mark in _BIDI + _INVISIBLE),
    *(f"x{chr(code)}y" for code in (*range(1, 32, 2), 127, 128, 133, 155)),
    "x" * 1_000_000,
    "word " * 200_000,
    "\u202e" * 100_000,
    "<b>" * 300_000,
    "|" * 1_000_000,
    "\n" * 1_000_000,
    "\u0301" * 5000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50,
    "\u05e9\u05dc\u05d5\u05dd 123 abc",
    "",
    " ",
)

_FIXED = {"schema_version", "verdict", "finding", "reason_codes", "state", "result", "reason_code"}


def hostile_records(
    record: DecisionRecord, payloads: Sequence[str], rounds: int = 1
) -> Iterator[DecisionRecord]:
    """Records with a payload in every text field, until each payload stood somewhere."""
    raw = json.loads(record.model_dump_json())
    fields = [path for path in _texts(raw, ()) if not _FIXED & {str(key) for key in path}]
    count = rounds * -(-len(payloads) // len(fields))
    supply = cycle(payloads)
    for _ in range(count):
        made = deepcopy(raw)
        for path, payload in zip(fields, islice(supply, len(fields)), strict=True):
            holder = made
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = payload
        yield DecisionRecord.model_validate(made)


def _texts(value: object, path: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, (*path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _texts(item, (*path, at))
    elif isinstance(value, str) and not _is_number(value):
        yield path


def _is_number(text: str) -> bool:
    for read in (Decimal, date.fromisoformat, datetime.fromisoformat):
        try:
            read(text)
        except (ValueError, InvalidOperation):
            continue
        return True
    return False
