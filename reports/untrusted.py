"""Untrusted text, made harmless for each format that it reaches.

Names, notes and reasons come from people, files and models. Whatever they contain, a page must
neither execute it nor be rearranged by it.
"""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0 and C1 controls
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # bidi, invisible
    "\ud800-\udfff\ufffe\uffff"  # lone surrogates and non-characters
    "\U000e0000-\U000e007f]"  # tag characters
)
_BLANK = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_MARKDOWN = re.compile(r"[\\`*\[\]|~$]|(?<![^\W_])_|_(?![^\W_])")
_ADDRESS = re.compile(r"(?i)(?<=www)\.|:(?=//)")
_LINE_START = re.compile(r"^(?:(#{1,6}|[-+=]+)(?=\s|$)|\d+(?=[.)](?:\s|$)))")
_MENTION = re.compile(r"(?<![\w.])([@#])(?=\w)")
_COMMENT_END = re.compile(r"-{2,}")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def clean(text: str) -> str:
    r"""Put blanks for line breaks and a visible mark for characters that hide or rearrange text.

    >>> ascii(clean("a\u202eb"))
    "'a\\ufffdb'"
    """
    return _UNSEEN.sub("\ufffd", _BLANK.sub(" ", text))


def clean_lines(text: str) -> str:
    """Clean a text of several lines and keep its line breaks and indents."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(_UNSEEN.sub("\ufffd", line.expandtabs(4)) for line in lines)


def fenced(text: str) -> str:
    """Set a text as a block of code whose fence is longer than any within."""
    body = clean_lines(text)
    longest = max((len(run) for run in re.findall(r"`+", body)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{body}\n{fence}"


def clip(text: str, limit: int) -> str:
    """Clean a text and cut it to `limit` characters, ending in an ellipsis."""
    head = clean(text[: limit + 1])
    return head if len(head) <= limit else head[: limit - 1] + "\u2026"


def markdown(text: str) -> str:
    r"""Escape a text so that Markdown shows exactly it, on one line.

    Addresses are broken by an entity, mentions and issue numbers by an empty comment: a page
    never links to, or calls, a stranger.

    >>> markdown("a|b <c> d@e.org")
    'a\\|b &lt;c&gt; d&#64;e.org'
    """
    safe = clean(text).strip().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    safe = _MARKDOWN.sub(r"\\\g<0>", safe)
    safe = _LINE_START.sub(_escape_start, safe)
    safe = _MENTION.sub(lambda match: f"&#{ord(match[1])};<!-- -->", safe)
    safe = safe.replace("@", "&#64;")
    return _ADDRESS.sub(lambda match: f"&#{ord(match[0])};", safe)


def _escape_start(match: re.Match[str]) -> str:
    return match[0] + "\\" if match[0].isdigit() else "\\" + match[0]


def markdown_code(text: str) -> str:
    """Set a text as inline code; backticks and pipes, which end code or cells, are replaced."""
    safe = clean(text).replace("`", "\u2018").replace("|", "\u2223")
    return f"`{safe}`" if safe.strip() else ""


def comment(text: str) -> str:
    """Make a text harmless inside an HTML comment."""
    return _COMMENT_END.sub("-", clean(text)).replace("<", "").replace(">", "")


def csv_cell(text: str) -> str:
    """Clean a text for a cell of CSV, and quote it where a spreadsheet would run it as a formula.

    >>> csv_cell("=1+1")
    "'=1+1"
    """
    return f"'{clean(text)}" if _is_formula(text) else clean(text)


def csv_lines(text: str) -> str:
    """Quote a text as `csv_cell` does and keep its line breaks, for a sheet that is read back."""
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    return text.lstrip(" ").startswith(_FORMULA)
