"""The values that other tools' files become, and typed access to foreign text and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, cast

from evalsets.cases import Case, GuardrailSpec, ScorerSpec
from harness.errors import Problem, UsageError
from providers.completion import TokenUsage

Ending: TypeAlias = Literal["answered", "failed", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedPrompt:
    """A prompt as our template; `name` is the file's stem: `default`, or a model's name."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedSet:
    """An eval set and its prompts, read from another tool's configuration.

    `models` are the tool's own names, in its order. `converted` counts assertions that became
    scorers; each one that did not is a problem with its line.
    """

    cases: tuple[Case, ...]
    primary: ScorerSpec
    prompts: tuple[ImportedPrompt, ...]
    models: tuple[str, ...]
    converted: int
    problems: tuple[Problem, ...]
    guardrails: tuple[GuardrailSpec, ...] = ()
    notes: tuple[str, ...] = ()
    """What was guessed, and how the first targets are read by it."""
    read_as: str | None = None
    """How the file's letters were read, where that was guessed."""
    kept: bool = False
    """Whether every file of it was there already, so that nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAnswer:
    """One trial that another tool ran. None is unknown, never 0.

    `ending` "failed" is the model's fault (score 0), "missing" the world's (no score); `reason`
    then says why. `score` is the other tool's grade in [0, 1].
    """

    case_id: str
    model: str
    repeat: int
    ending: Ending
    text: str | None = None
    tool_calls: str | None = None
    """The answer's tool calls, as the journal keeps them."""
    score: float | None = None
    reason: str | None = None
    usage: TokenUsage | None = None
    seconds: float | None = None
    served_model: str | None = None
    at: str | None = None
    """UTC, ISO 8601."""
    file: str = ""
    """Name of the file that it came from."""
    row: int = 0
    """Which of the rows with its case's id and its model it is, where nothing numbers the repeats:
    such a row may be a further answer, or a copy."""

    @property
    def told(self) -> tuple[object, ...]:
        """The answer's content, by which two are compared; without time and speed."""
        return (self.ending, self.text, self.tool_calls, self.score, self.reason, self.usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignModel:
    """A model as another tool names it."""

    name: str
    """Its answers' `model`."""
    id: str
    """The tool's id of it, with its vendor where it tells one: `openai:chat:gpt-4.1-mini`."""
    part: str = ""
    """What tells it from others of one id: the label of its prompt, or its own."""
    label: str = ""
    """How people named it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedAnswers:
    """The answers of a file, who graded them, and every row that could not be read."""

    tool: str
    grader: str
    """For people: `promptfoo: equals`, `inspect_ai: match`, `the file's column score`."""
    answers: tuple[ImportedAnswer, ...]
    cases: tuple[Case, ...]
    """The cases as the file shows them; their inputs may be empty where the file has none."""
    problems: tuple[Problem, ...]
    tools: str | None = None
    """The tools that the models were given, as a file of tools; None: none, or not known."""
    notes: tuple[str, ...] = ()
    """What was made of the rows: which are copies, which are repeats."""
    told_models: tuple[ForeignModel, ...] = ()
    """The models of which the file tells more than a name."""

    @property
    def models(self) -> tuple[str, ...]:
        """The models' names in the file, in order of appearance."""
        return tuple(dict.fromkeys(answer.model for answer in self.answers))

    @property
    def known_models(self) -> tuple[ForeignModel, ...]:
        """The same with what is told of each."""
        told = {model.name: model for model in self.told_models}
        return tuple(told.get(name) or ForeignModel(name=name, id=name) for name in self.models)


def placeholder_input(case_id: str) -> str:
    """What stands for an input that a file does not tell."""
    return f"(case {case_id}: its input was not imported)"


def has_no_input(case: Case) -> bool:
    """Whether the file did not tell what a case asks."""
    return not case.input or case.input == placeholder_input(case.id)


Object: TypeAlias = "dict[str, Any]"


def as_text(data: bytes, *, file: str) -> str:
    """Text of a UTF-8 file, with or without a byte order mark; UTF-16 where a mark says so.

    Raises:
        UsageError: another encoding; names the line.
    """
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return data.decode("utf-16" if marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise UsageError(f"{file}:{line}: not UTF-8 text; save it as UTF-8") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableText:
    """A text table as a spreadsheet saved it."""

    text: str
    """From the header on."""
    delimiter: str
    header_line: int
    """The file's line on which the header stands."""
    note: str | None = None
    """What was guessed of its encoding."""


_WESTERN = frozenset(
    "\u00e4\u00f6\u00fc\u00c4\u00d6\u00dc\u00df\u00e9\u00e8\u00ea\u00eb\u00c9\u00c8\u00ca\u00e0\u00e2\u00c0\u00e7\u00c7\u00ee\u00ef\u00f4\u00fb\u00f9\u0153\u00f1\u00d1"
    "\u00e1\u00ed\u00f3\u00fa\u00c1\u00cd\u00d3\u00da\u00e3\u00f5\u00ec\u00f2\u00e5\u00c5\u00f8\u00d8\u00e6\u00c6"
)
_WESTERN_MARKS = frozenset(
    "\u20ac\u00a3\u00a7\u00b0\u00ab\u00bb\u00bf\u00a1\u00a0\u00a9\u00ae\u2122\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2022\u2026"
)


def _is_western(text: str) -> bool:
    """Whether every letter beyond ASCII is a Western one, and such letters are rare in a word."""
    beyond = {letter for letter in text if not letter.isascii()}
    if not beyond <= _WESTERN | _WESTERN_MARKS or re.search(r"\w[\u00bf\u00a1\u00a3]\w", text):
        return False
    words = [word for word in re.findall(r"\w+", text) if not word.isascii()]
    letters = "".join(words)
    return 2 * sum(letter.isascii() for letter in letters) >= len(letters)


_SEPARATORS = (",", ";", "\t", "|")


def as_table(data: bytes, *, file: str, encoding: str | None = None) -> TableText:
    """The text of a table, its separator found from the header, or said by a first line `sep=;`.

    What is not UTF-8 or UTF-16 is read as Windows-1252 where every letter is one that Western
    texts have, which is told.

    Raises:
        UsageError: another encoding, or one that the bytes are not in.
    """
    text, note = _decoded(data, file, encoding)
    first, _, rest = text.partition("\n")
    said = re.fullmatch(r'"?sep=(.)"?\r?', first, re.IGNORECASE)
    header = rest if said else text
    delimiter = said[1] if said else _separator(header)
    return TableText(text=header, delimiter=delimiter, header_line=2 if said else 1, note=note)


def _separator(text: str) -> str:
    """The separator that the header has most of, outside quotes."""
    header = re.sub(r'"[^"]*"', "", text.split("\n", 1)[0])
    return max(_SEPARATORS, key=header.count)


def _decoded(data: bytes, file: str, encoding: str | None) -> tuple[str, str | None]:
    if encoding is not None:
        try:
            return data.decode(encoding).removeprefix("\ufeff"), None
        except (LookupError, UnicodeDecodeError, ValueError):
            raise UsageError(
                f"{file}: --encoding {encoding}: not known, or not the file's"
            ) from None
    try:
        return as_text(data, file=file), None
    except UsageError as error:
        text = data.decode("cp1252", errors="replace")
        if not _is_western(text):
            raise UsageError(f"{error}, or name it: --encoding cp1252, cp1251, ...") from None
        return text, "not UTF-8: read as Windows-1252; --encoding says another"


def as_json(data: bytes, *, file: str) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON value of a file; NaN and infinities are kept for the reader to judge.

    Raises:
        UsageError: not JSON, or cut short; names the line.
    """
    return json_value(as_text(data, file=file), file=file)


def json_value(text: str, *, file: str) -> Any:  # noqa: ANN401  # any JSON value
    """The JSON value of a text; half a surrogate pair, which no file can hold, becomes U+FFFD.

    Raises:
        UsageError: not JSON, or cut short; names the line.
    """
    try:
        value = json.loads(text)
        return whole_texts(value) if "\\u" in text else value
    except json.JSONDecodeError as error:
        cut = " (the file is cut short)" if error.pos >= len(text.rstrip()) else ""
        raise UsageError(f"{file}:{error.lineno}: broken JSON: {error.msg}{cut}") from None
    except (RecursionError, ValueError):
        raise UsageError(f"{file}: broken JSON: nested too deeply, or a number too long") from None


_HALF = re.compile("[\ud800-\udfff]")


def whole_texts(value: Any) -> Any:  # noqa: ANN401  # any JSON value
    """The value with no half of a surrogate pair in any text."""
    if isinstance(value, str):
        return _HALF.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [whole_texts(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return {whole_texts(key): whole_texts(each) for key, each in pairs}
    return value


def warning(file: str, line: int | None, key: str, message: str) -> Problem:
    """A problem that stops nothing but is told."""
    return Problem(file=file, line=line, key=key, message=message, severity="warning")


def an_object(value: object) -> Object:
    """The value if it is a JSON object, else an empty one."""
    return cast("Object", value) if isinstance(value, dict) else {}


def a_list(value: object) -> list[Any]:
    """The value if it is a JSON list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def a_text(value: object) -> str | None:
    """The value if it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_MOST = 1e15
"""Beyond it no count, time or score is a fact."""


def a_number(value: object) -> float | None:
    """The value if it is a number within reason, also as a text."""
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if abs(value) < _MOST else None


def a_duration(value: object) -> float | None:
    """The value if it is a number that is not negative."""
    number = a_number(value)
    return number if number is not None and number >= 0 else None


def a_moment(value: object) -> str | None:
    """The value if it is a time with its zone, as ISO 8601."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return value if moment.tzinfo is not None else None


def a_count(value: object) -> int | None:
    """The value if it is a whole number that is not negative."""
    number = a_number(value)
    return int(number) if number is not None and number >= 0 and number == int(number) else None


def a_score(value: object) -> float | None:
    """The value as a score in [0, 1]; true is 1."""
    number = float(value) if isinstance(value, bool) else a_number(value)
    return number if number is not None and 0 <= number <= 1 else None


def usage(counts: Mapping[str, int | None]) -> TokenUsage | None:
    """Usage from counts by `TokenUsage`'s names; None where the main two are not known."""
    given, made = counts.get("input_tokens"), counts.get("output_tokens")
    if given is None or made is None:
        return None
    try:
        return TokenUsage(
            input_tokens=given,
            output_tokens=made,
            cache_read_tokens=counts.get("cache_read_tokens") or 0,
            cache_write_tokens=counts.get("cache_write_tokens") or 0,
            reasoning_tokens=counts.get("reasoning_tokens") or 0,
        )
    except ValueError:
        return None
