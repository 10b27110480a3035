"""What one of promptfoo's assertions holds of an answer, as promptfoo 0.121 decides it.

Texts are compared as they are: no white space is collapsed, no fence is taken off, JSON is what
`JSON.parse` reads. A schema is of draft 7, and its formats are checked.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, cast

from evalsets.source import SourceError, read_yaml
from harness.judge.scoring.foreign.markup import SPACE, contains_html, contains_xml, is_html, is_xml
from harness.judge.scoring.foreign.rouge import rouge_1
from harness.judge.scoring.javascript import ScriptError, script_value

_WORDS = re.compile(f"[^{re.escape(SPACE)}]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An assertion without its sign: type, value, threshold."""

    kind: str
    value: Any = None
    threshold: float | None = None


def js_text(value: object) -> str:
    """A value as JavaScript writes it: 5.0 is `5`, true is `true`.

    >>> js_text(5.0), js_text(True), js_text(None), js_text(1e21)
    ('5', 'true', 'null', '1e+21')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        several = cast("list[object]", value)
        return ",".join("" if each is None else js_text(each) for each in several)
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, float):
        return _number_text(value)
    return json.dumps(value)


_LONGEST_PLAIN, _LEAST_PLAIN = 1e21, 1e-6


def _number_text(value: float) -> str:
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value.is_integer() and abs(value) < _LONGEST_PLAIN:
        return str(int(value))
    if _LEAST_PLAIN <= abs(value) < _LONGEST_PLAIN:
        return format(value, "f") if "e" in repr(value) else repr(value)
    return re.sub(r"e([+-])0*(\d)", r"e\1\2", repr(value).replace(".0e", "e"))


def comma_separated(text: str) -> list[str]:
    """The fields of a list in one text: commas between them, quotes around a field with one.

    >>> comma_separated('a, "b, c",, d')
    ['a', 'b, c', 'd']
    """
    found: list[str] = []
    for match in _FIELD.finditer(text):
        quoted, plain = match[1], match[2]
        if quoted is not None:
            found.append(re.sub(r'\\(["\\])|""', lambda each: each[1] or '"', quoted))
        elif plain.strip(SPACE):
            found.append(plain.strip(SPACE))
    return found


_FIELD = re.compile(r'\s*(?:"((?:[^"\\]|\\.|"")*)"\s*(?=,|\Z)|([^,]+))', re.DOTALL)


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return comma_separated(value)
    several = cast("list[object]", value) if isinstance(value, list) else [value]
    return [js_text(item) for item in several]


def parsed(text: str) -> Any:  # noqa: ANN401  # any JSON value
    """What `JSON.parse` reads; raises `ValueError` for anything else."""
    if text[:1] == "\ufeff":
        raise ValueError("a byte order mark")
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def same(one: object, other: object) -> bool:
    """Whether two values are deeply equal; 1 is 1.0 and not true."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        first, second = cast("dict[str, object]", one), cast("dict[str, object]", other)
        return first.keys() == second.keys() and all(same(v, second[k]) for k, v in first.items())
    if isinstance(one, list) and isinstance(other, list):
        left, right = cast("list[object]", one), cast("list[object]", other)
        return len(left) == len(right) and all(map(same, left, right))
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    texts = isinstance(one, str) and isinstance(other, str)
    return (numbers or texts) and one == other


def _equals(answer: str, check: Claim) -> bool:
    wanted: object = check.value
    if not isinstance(wanted, str | int | float):
        try:
            return same(check.value, parsed(answer))
        except ValueError:
            return False
    return js_text(check.value) == answer


_PATTERNS = {
    "date": r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])",
    "time": r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(z|[+-]\d\d(:?\d\d)?)",
    "email": r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*@"
    r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?",
    "uuid": r"(urn:uuid:)?[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}",
    "ipv4": r"((25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)",
    "hostname": r"(?=.{1,253}\.?\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
    r"(\.[a-z0-9]([-0-9a-z]{0,61}[0-9a-z])?)*\.?",
    "uri": r"[a-z][a-z0-9+.-]*:[^\s<>\"{}|\\^`]+",
    "duration": r"P(?!\Z)((\d+Y)?(\d+M)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?|(\d+W)?)",
}
_FEBRUARY = 2
_LONG_MONTHS = frozenset({1, 3, 5, 7, 8, 10, 12})


def _is_date(text: str) -> bool:
    if not re.fullmatch(_PATTERNS["date"], text, re.ASCII):
        return False
    year, month, day = map(int, text.split("-"))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = 28 + leap if month == _FEBRUARY else 30 + (month in _LONG_MONTHS)
    return day <= last


def _is_moment(text: str) -> bool:
    day, *rest = re.split(r"t|\s", text, flags=re.IGNORECASE)
    return _is_date(day) and len(rest) == 1 and _matches("time")(rest[0])


def _matches(name: str) -> Callable[[str], bool]:
    pattern = re.compile(_PATTERNS[name], re.ASCII | re.IGNORECASE)
    return lambda text: pattern.fullmatch(text) is not None


def _on_texts(holds: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or holds(value)


FORMATS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {**{name: _matches(name) for name in _PATTERNS}, "date": _is_date, "date-time": _is_moment}
)
"""The formats that ajv-formats knows, by RFC; an unknown one is refused at import."""


@cache
def _format_checker() -> Any:  # noqa: ANN401  # jsonschema's own
    from jsonschema import FormatChecker  # noqa: PLC0415  # a tenth of what `check` loads

    checker = FormatChecker(formats=())
    for name, holds in FORMATS.items():
        checker.checks(name)(_on_texts(holds))
    return checker


def _is_json(answer: str, check: Claim) -> bool:
    try:
        value = parsed(answer)
    except ValueError:
        return False
    return not check.value or is_valid(value, check.value)


def is_valid(value: object, schema: object) -> bool:
    """Whether a value holds a schema; raises `ValueError` for a schema that is none."""
    from jsonschema import Draft7Validator, SchemaError, ValidationError  # noqa: PLC0415

    try:
        Draft7Validator.check_schema(cast("Any", schema))
        validator: Any = Draft7Validator(cast("Any", schema), format_checker=_format_checker())
        return bool(validator.is_valid(value))
    except (SchemaError, ValidationError, RecursionError) as error:
        raise ValueError(f"the schema is none: {error}".splitlines()[0]) from None


def _contains_json(answer: str, check: Claim) -> bool:
    found = list(_objects(answer))
    if not check.value:
        return bool(found)
    return any(is_valid(value, check.value) for value in found)


_MOST_JSON = 100_000


def _objects(text: str) -> Iterator[object]:
    """Every object in a text, outermost first, read as YAML reads it."""
    at = text.find("{")
    while 0 <= at < len(text) - 1:
        end = _closing(text, at)
        value = _object(text[at:end])
        if value is not None:
            yield value
            at = text.find("{", end)
        else:
            at = text.find("{", at + 1)


def _closing(text: str, start: int) -> int:
    depth = 1
    end = min(len(text), start + _MOST_JSON)
    for at in range(start + 1, end):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if not depth:
            return at + 1
    return end


def _object(text: str) -> object:
    with suppress(ValueError):
        return parsed(text)
    closed = text + "}" * max(0, text.count("{") - text.count("}"))
    try:
        value = read_yaml(closed, file="", foreign=True)
    except (SourceError, RecursionError):
        return None
    return cast("object", value.data) if isinstance(value.data, dict) else None


def _levenshtein(answer: str, check: Claim) -> bool:
    limit = _EDITS if check.threshold is None else int(check.threshold)
    return _is_within(answer, str(check.value), limit)


_EDITS = 5


def _is_within(one: str, other: str, limit: int) -> bool:
    """Whether at most so many edits lie between two texts (Levenshtein 1966), in a band of rows."""
    if limit < 0 or abs(len(one) - len(other)) > limit:
        return False
    far = limit + 1
    row = {at: at for at in range(min(limit, len(other)) + 1)}
    for number, letter in enumerate(one, start=1):
        now: dict[int, int] = {0: number} if number <= limit else {}
        for at in range(max(1, number - limit), min(len(other), number + limit) + 1):
            changed = row.get(at - 1, far) + (letter != other[at - 1])
            now[at] = min(changed, row.get(at, far) + 1, now.get(at - 1, far) + 1)
        row = now
    return row.get(len(other), far) <= limit


_BEYOND = re.compile("[\U00010000-\U0010ffff]")
_HALVES = struct.Struct("<2H")


def _units(text: str) -> str:
    """The text in JavaScript's letters: those beyond U+FFFF are two halves each."""
    return _BEYOND.sub(
        lambda match: "".join(map(chr, _HALVES.unpack(match[0].encode("utf-16-le")))), text
    )


def _word_count(answer: str, check: Claim) -> bool:
    count = len(_WORDS.findall(answer))
    if isinstance(check.value, dict):
        bounds = cast("dict[str, float]", check.value)
        return bounds.get("min", 0) <= count <= bounds.get("max", math.inf)
    return count == float(check.value)


def _words_of(text: str) -> list[str]:
    return re.split(f"[{re.escape(SPACE)}]+", text.lower().strip(SPACE))


def _sequences(words: Sequence[str], length: int) -> Counter[tuple[str, ...]]:
    """How often each run of so many words stands in a text."""
    return Counter(tuple(words[at : at + length]) for at in range(len(words) - length + 1))


def _references(check: Claim) -> list[str]:
    return [check.value] if isinstance(check.value, str) else list(check.value)


_MOST_WORDS = 4
_ALMOST_NONE = 1e-7


def _bleu(answer: str, check: Claim) -> float:
    """BLEU of one text (Papineni et al. 2002), over the runs of words that it is long enough for.

    A precision of 0 counts as 1e-7; the reference nearest in length gives the brevity penalty.
    """
    if not answer.strip(SPACE):
        return 0.0
    words = _words_of(answer)
    references = [_words_of(text) for text in _references(check)]
    near = min((len(each) for each in references), key=lambda n: (abs(n - len(words)), n))
    logs: list[float] = []
    for length in range(1, min(_MOST_WORDS, len(words)) + 1):
        own = _sequences(words, length)
        best = max((own & _sequences(each, length)).total() for each in references)
        logs.append(math.log(best / own.total() or _ALMOST_NONE))
    brevity = 1.0 if len(words) > near else math.exp(1 - near / len(words))
    return brevity * math.exp(sum(logs) / len(logs))


def _gleu(answer: str, check: Claim) -> float | None:
    """GLEU (Wu et al. 2016): the lesser of precision and recall over runs of one to four words."""
    if not answer:
        return None
    words = [word.rstrip(".") for word in _words_of(answer)]
    return max(
        _gleu_of(words, [word.rstrip(".") for word in _words_of(text)])
        for text in _references(check)
    )


def _gleu_of(words: list[str], wanted: list[str]) -> float:
    lengths = range(1, _MOST_WORDS + 1)
    own = sum((_sequences(words, length) for length in lengths), Counter[tuple[str, ...]]())
    theirs = sum((_sequences(wanted, length) for length in lengths), Counter[tuple[str, ...]]())
    return (own & theirs).total() / max(own.total(), theirs.total())


GRADES: Mapping[str, Callable[[str, Claim], float | None]] = MappingProxyType(
    {"bleu": _bleu, "gleu": _gleu, "rouge-n": lambda text, check: rouge_1(text, str(check.value))}
)
"""Assertions that give a share, held against a threshold; None: promptfoo ends with an error."""
LEAST_GRADES: Mapping[str, float] = MappingProxyType({"bleu": 0.5, "gleu": 0.5, "rouge-n": 0.75})
"""The threshold, unless an assertion says."""


def script_verdict(answer: str, check: Claim, *, negated: bool) -> tuple[bool, float]:
    """Whether a JavaScript assertion passes, and its score; what throws fails, negated or not."""
    script = cast("dict[str, Any]", check.value)
    try:
        found = script_value(script["script"], answer, script.get("vars", {}))
    except ScriptError:
        return False, 0.0
    if isinstance(found, bool):
        return found != negated, float(found != negated)
    if isinstance(found, dict):
        return found["pass"] != negated, float(found["score"])
    enough = found > 0 if check.threshold is None else found >= check.threshold
    return enough != negated, float(found)


CHECKS: Mapping[str, Callable[[str, Claim], bool]] = MappingProxyType(
    {
        "contains": lambda answer, check: js_text(check.value) in answer,
        "contains-all": lambda answer, check: all(text in answer for text in _texts(check.value)),
        "contains-any": lambda answer, check: any(text in answer for text in _texts(check.value)),
        "contains-html": lambda answer, _: contains_html(answer),
        "contains-json": _contains_json,
        "contains-xml": lambda answer, check: contains_xml(answer, check.value or ()),
        "equals": _equals,
        "icontains": lambda answer, check: js_text(check.value).lower() in answer.lower(),
        "icontains-all": lambda answer, check: all(
            text.lower() in answer.lower() for text in _texts(check.value)
        ),
        "icontains-any": lambda answer, check: any(
            text.lower() in answer.lower() for text in _texts(check.value)
        ),
        "is-html": lambda answer, _: is_html(answer),
        "is-json": _is_json,
        "is-xml": lambda answer, check: is_xml(answer, check.value or ()),
        "levenshtein": _levenshtein,
        "regex": lambda answer, check: (
            re.search(_units(str(check.value)), _units(answer)) is not None
        ),
        "starts-with": lambda answer, check: answer.startswith(js_text(check.value)),
        "word-count": _word_count,
    }
)
