"""HTML and XML in an answer, as promptfoo finds them.

In XML a path names elements from the root, joined by points; one that comes again is a list,
whose items are named by their number. An attribute `a` is an element `@_a`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, cast
from xml.parsers import expat

from harness.errors import UsageError

Node: TypeAlias = "dict[str, Any] | list[Any] | str"
_NAME = (
    r"[A-Z_a-z:\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02ff\u0370-\u037d\u037f-\u1fff\u200c\u200d"
    r"\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd\U00010000-\U000effff]"
    r"[-.0-9A-Z_a-z:\u00b7\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u037d\u037f-\u1fff\u200c\u200d"
    r"\u203f\u2040\u2070-\u218f\u2c00-\u2fef\u3001-\ud7ff\uf900-\ufdcf\ufdf0-\ufffd"
    r"\U00010000-\U000effff]*"
)
_TAG = re.compile(rf"<(?P<close>/?)(?P<name>{_NAME})(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_DECLARATION = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)", re.DOTALL
)
_DOCTYPE = re.compile(r"<!(?:[^\[\]>\"']|\"[^\"]*\"|'[^']*'|\[[^\]]*\])*(?:>|\Z)")
TEXT = "#text"


class MarkupError(ValueError):
    """It is no XML."""


def is_xml(text: str, wanted: Sequence[str]) -> bool:
    """Whether a whole text is XML that has these elements."""
    try:
        tree = _tree(text)
    except MarkupError:
        return False
    return all(_has(tree, path.split(".")) for path in wanted)


def contains_xml(text: str, wanted: Sequence[str]) -> bool:
    """Whether some part of a text is XML that has these elements."""
    sound: list[tuple[int, int]] = []
    for start, end in _parts(text):
        if any(start >= first and end <= last for first, last in sound):
            continue
        try:
            tree = _loosely(text[start:end])
        except MarkupError:
            continue
        if all(_has(tree, path.split(".")) for path in wanted):
            return True
        sound.append((start, end))
    return False


def _has(node: Node, path: Sequence[str]) -> bool:
    for key in path:
        if isinstance(node, list):
            if not re.fullmatch("0|[1-9][0-9]*", key) or int(key) >= len(node):
                return False
            node = node[int(key)]
        elif isinstance(node, dict) and key in node:
            node = node[key]
        else:
            return False
    return True


@dataclass(slots=True)
class _Builder:
    """Puts a tree together from the parser's events."""

    stack: list[dict[str, Any]] = field(default_factory=lambda: [{}])
    names: list[str] = field(default_factory=list[str])

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.names.append(name)
        self.stack.append({f"@_{key}": value for key, value in attributes.items()})

    def end(self, _name: str) -> None:
        found, name = self.stack.pop(), self.names.pop()
        text = found.pop(TEXT, "").strip()
        if text and found:
            found[TEXT] = text
        self.add(name, found or text)

    def add(self, name: str, value: Node) -> None:
        inside = self.stack[-1]
        if name not in inside:
            inside[name] = value
        elif isinstance(inside[name], list):
            inside[name].append(value)
        else:
            inside[name] = [inside[name], value]

    def text(self, data: str) -> None:
        inside = self.stack[-1]
        inside[TEXT] = inside.get(TEXT, "") + data

    def instruction(self, name: str, _data: str) -> None:
        self.add(f"?{name}", "")


def _loosely(text: str) -> dict[str, Any]:
    """The elements of a text whose tags match, whatever else is wrong with it."""
    builder, at = _Builder(), 0
    while at < len(text):
        end = _declared(text, at)
        tag = None if end else _TAG.match(text, at)
        if end:
            cdata = text.startswith("<![CDATA[", at)
            builder.text(text[at + 9 : end - 3] if cdata else "")
        elif tag is None and (odd := _ODD_TAG.match(text, at)):
            # Not taken for a tag where parts are looked for, but here.
            end = odd.end()
            builder.start(odd[1], {})
        elif tag is None:
            end = text.find("<", at + 1) % (len(text) + 1)
            builder.text(text[at:end])
        else:
            end = tag.end()
            _build(tag, builder)
        at = end
    while builder.names:
        builder.end("")
    return builder.stack[0]


_ODD_TAG = re.compile(r"<([^\s>\"']*)(?:[^>\"']|\"[^\"]*\"|'[^']*')*>")
_ATTRIBUTE = re.compile(r"([^\s=/<>\"']+)(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'>]+))?")


def _build(tag: re.Match[str], builder: _Builder) -> None:
    name = tag["name"]
    if tag["close"]:
        if not builder.names:
            raise MarkupError("it closes what it does not open")
        builder.end(name)
        return
    rest = tag[0][1 + len(name) : -1]
    builder.start(name, dict.fromkeys(_ATTRIBUTE.findall(rest), ""))
    if rest.rstrip().endswith("/"):
        builder.end(name)


def _tree(text: str) -> dict[str, Any]:
    """The elements of a text; raises `MarkupError` where it is not well-formed."""
    _check_namespaces(text)
    parser, builder = expat.ParserCreate(), _Builder()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.ProcessingInstructionHandler = builder.instruction
    parser.XmlDeclHandler = lambda _version, _encoding, _alone: builder.add("?xml", "")
    parser.StartDoctypeDeclHandler = _no_subset
    try:
        parser.Parse(text, True)  # noqa: FBT003  # the last piece
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise MarkupError(str(error)) from None
    return builder.stack[0]


def _check_namespaces(text: str) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = _no_subset
    try:
        parser.Parse(text, True)  # noqa: FBT003
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise MarkupError(str(error)) from None


def _no_subset(_name: str, _system: str | None, _public: str | None, has_subset: int) -> None:
    """Entities of a text's own could grow without a bound; promptfoo refuses them, too."""
    if has_subset:
        raise MarkupError("an internal subset")


def _parts(text: str) -> Iterator[tuple[int, int]]:
    """Where elements begin and end: siblings together first, then the outermost in their order."""
    found: list[tuple[int, int, int | None]] = []
    open_tags: list[tuple[str, int]] = []
    at = text.find("<")
    while at >= 0:
        end = _declared(text, at)
        tag = None if end else _TAG.match(text, at)
        if tag is not None:
            end = tag.end()
            _take(tag, open_tags, found)
        at = text.find("<", max(at + 1, end or 0))
    starts = {start for start, _, _ in found}
    outer = [one for one in found if one[2] is None or one[2] not in starts]
    beside: dict[int | None, list[tuple[int, int]]] = {}
    for start, end, parent in outer:
        beside.setdefault(parent, []).append((start, end))
    for several in beside.values():
        if len(several) > 1:
            ordered = sorted(several)
            yield ordered[0][0], ordered[-1][1]
    yield from sorted(((start, end) for start, end, _ in outer), key=lambda one: (one[0], -one[1]))


def _declared(text: str, at: int) -> int:
    """The end of a comment, a declaration or an instruction that begins here; 0: none does."""
    match = _DECLARATION.match(text, at) or _DOCTYPE.match(text, at)
    return match.end() if match else 0


def _take(
    tag: re.Match[str],
    open_tags: list[tuple[str, int]],
    found: list[tuple[int, int, int | None]],
) -> None:
    """Read one tag: it opens an element, is one, or closes the last one that is open."""
    if not tag["close"]:
        if tag[0][:-1].rstrip().endswith("/"):
            found.append((tag.start(), tag.end(), open_tags[-1][1] if open_tags else None))
        else:
            open_tags.append((tag["name"], tag.start()))
    elif open_tags and open_tags[-1][0] == tag["name"]:
        _, start = open_tags.pop()
        found.append((start, tag.end(), open_tags[-1][1] if open_tags else None))
    else:
        open_tags.clear()


_LARGEST = 10 * 2**20
_ELEMENT = r"[a-zA-Z][a-zA-Z0-9-]*"
_OPENS = re.compile(rf"<{_ELEMENT}(?:\s[^>]*)?>")
_CLOSES = re.compile(rf"</{_ELEMENT}\s*>")
_SIGNS = (
    (re.compile(rf"<{_ELEMENT}(?:\s[^>]*)?/>"), 1),
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
