"""A format's table as SQL: the columns of a call, and why a row is refused.

Every rule of a format stands in its table; here is only how such rules are read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from harness.bring.logs.log_format import LogFormat, Moment, Paths, Test
from harness.bring.logs.sql_values import (
    FIRST,
    IN_USD,
    MOST,
    amount,
    cost_checks,
    count_checks,
    counted,
    duration,
    is_duration,
    moment,
    no_duration,
    plain,
    plain_amount,
    quoted,
    skipped,
    stated,
)

Named = tuple[tuple[str, str], ...]
"""Names and the SQL of each."""
TEXTS = (
    *("operation", "model", "own_feature", "own_team", "own_product"),
    *("cohort", "environment", "caller", "parent"),
)
TOKENS = ("input", "cached", "written", "output", "reasoning", "total")
_DURATIONS = (("latency", "latency"), ("first", "first token"))
COUNTS = (*TOKENS, "calls", "failures")
TAGS_APART = "chr(31)"
"""What stands between tags in one text: no tag has it."""
_COUNTED = r"regexp_full_match(at_text, '\d{9,19}(?:\.\d+)?')"
_OF_1970 = "a count since 1970 where a date is meant: say time_unit in a --mapping"
_ANSWERS = "chat|complet|respons|messag|converse|generate_content"
"""Operations that ask for an answer, whatever the model is called."""
_NOTHING = ("", "false", "0", "no", "none", "null", "nan", "n/a", chr(92) + "n", "{}", "[]")
"""Texts that loggers write where there is no value."""
_KINDS = (
    ("embedding", "embed"),
    ("rerank", "rerank"),
    ("image", "image"),
    ("audio", "speech|transcri|audio"),
    ("moderation", "moderation"),
    ("decision", "decision|classif"),
)
"""What is asked of a model besides an answer, by the operation's name."""


@dataclass(slots=True)
class Picked:
    """The places of a row that a format reads: each is looked up once."""

    of_table: bool = False
    """Its cells are texts, also where there is nothing, or a value that Python printed."""
    pointers: list[str] = field(default_factory=list[str])
    inner: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    """JSON text inside a row: by the pointer's index, the places that are read inside it."""

    def one(self, path: str) -> str:
        """The text at a path, or NULL."""
        first, *deeper = path.split("|")
        if first not in self.pointers:
            self.pointers.append(first)
        at = self.pointers.index(first) + 1
        if not deeper:
            return f"p[{at}]"
        inside = self.inner.setdefault(at, [])
        if deeper[0] not in inside:
            inside.append(deeper[0])
        found = f"q{at}[{inside.index(deeper[0]) + 1}]"
        for pointer in deeper[1:]:
            inner = found
            found = (
                f"CASE WHEN json_valid({inner}) "
                f"THEN json_extract_string({inner}, {quoted(pointer)}) END"
            )
        return found

    def first(self, paths: Paths) -> str:
        """The first text that is not empty, or NULL."""
        if not paths:
            return "NULL::VARCHAR"
        parts = ", ".join(self._said(f"trim({self.one(path)})") for path in paths)
        return f"coalesce({parts})"

    def _said(self, text: str) -> str:
        """A text, or NULL where there is none, as a database writes it into a table."""
        if not self.of_table:
            return f"nullif({text}, '')"
        return f"CASE WHEN {text} NOT IN ('', 'NULL', {quoted(chr(92) + 'N')}) THEN {text} END"

    def number(self, paths: Paths) -> str:
        """As `first`, of what is read as a number: blanks around one do no harm."""
        return self.one(paths[0]) if len(paths) == 1 else self.first(paths)

    def any_of(self, tests: tuple[Test, ...]) -> str:
        """Whether one of some tests holds."""
        return " OR ".join(self._holds(*test) for test in tests) or "false"

    def _holds(self, path: str, values: tuple[str, ...]) -> str:
        text = f"coalesce(lower(trim({self.one(path)})), '')"
        if not values:
            return f"{text} NOT IN ({', '.join(map(quoted, _NOTHING))})"
        wild = [f"{text} GLOB {quoted(value)}" for value in values if {"*", "?"} & {*value}]
        plain = ", ".join(quoted(value) for value in values if not {"*", "?"} & {*value})
        return "(" + " OR ".join([*wild, *([f"{text} IN ({plain})"] if plain else [])]) + ")"

    def tags(self, paths: Paths) -> str:
        """Tags as `key:value`, in one text: each between two separators."""
        parts = ", ".join(_tag_text(self.one(path)) for path in paths)
        return f"concat_ws({TAGS_APART}, '', {parts}, '')" if parts else "''"

    def picked(self) -> str:
        """The texts at all places of a row."""
        return looked_up("text", self.pointers)

    def opened(self) -> str:
        """Each JSON text inside the row, looked into once."""
        return "".join(
            f", {looked_up(self._as_json(f'p[{at}]'), pointers)} AS q{at}"
            for at, pointers in self.inner.items()
        )

    def _as_json(self, text: str) -> str:
        """A text as JSON, also where Python printed a dictionary into a table."""
        if not self.of_table:
            return text
        printed = f"replace(replace({text}, chr(39), chr(34)), ': None', ': null')"
        return f"CASE WHEN starts_with({text}, '{{' || chr(39)) THEN {printed} ELSE {text} END"


def looked_up(text: str, pointers: list[str]) -> str:
    """The texts at some places of a JSON text, or NULL where it is none.

    A line that was cut has no brace at its end, so few rows fail that are not looked at first.
    """
    listed = "[" + ", ".join(quoted(pointer) for pointer in pointers) + "]"
    found = f"json_extract_string({text}, {listed})"
    return (
        f"CASE WHEN ends_with({text}, '}}') THEN TRY({found}) WHEN json_valid({text}) "
        f"THEN {found} END"
    )


def _tag_text(text: str) -> str:
    """A list of texts, an object's `key:value`, or one text; NULL where there is none."""
    escaped = "replace(replace(k, '~', '~0'), '/', '~1')"
    pairs = (
        f"list_transform(json_keys({text}), lambda k: k || ':' || "
        f"coalesce(json_extract_string({text}, '/' || {escaped}), ''))"
    )
    return (
        f"CASE WHEN {text} IS NULL OR {text} IN ('', '[]', '{{}}') THEN NULL "
        f"WHEN NOT json_valid({text}) THEN {text} "
        f"WHEN json_type({text}) = 'ARRAY' "
        f"THEN array_to_string(json_extract_string({text}, '$[*]'), {TAGS_APART}) "
        f"WHEN json_type({text}) = 'OBJECT' THEN array_to_string({pairs}, {TAGS_APART}) "
        f"ELSE {text} END"
    )


def _identity(text: str) -> str:
    """An id; what a program writes for none is none."""
    return f"CASE WHEN lower({text}) NOT IN ('none', 'nan', 'null') THEN {text} END"


def columns(form: LogFormat, *, of_table: bool = False) -> tuple[Picked, Named]:
    """What is picked out of a row of a format, as texts and truths."""
    picked = Picked(of_table)
    texts = {
        **dict.fromkeys(TEXTS),
        "operation": form.operation,
        "model": form.model,
        "own_feature": form.feature,
        "own_team": form.team,
        "own_product": form.product,
        "cohort": form.cohort,
        "environment": form.environment,
        "caller": form.caller,
        "parent": form.parent,
    }
    found = [(name, picked.first(paths or ())) for name, paths in texts.items()]
    found += [(f"{name}_text", picked.number(getattr(form, name))) for name in COUNTS]
    found += [
        ("request", _identity(picked.first(form.request))),
        ("at_text", picked.first(form.at.paths)),
        ("end_text", picked.first(form.end.paths if form.end else ())),
        ("begun_text", picked.first(form.first_token_at.paths if form.first_token_at else ())),
        ("sampled_text", picked.number(form.sampled)),
        ("cost_text", picked.number(form.cost.paths)),
        ("currency", f"upper({picked.first(form.currency)})"),
        ("latency_text", picked.number(form.latency.paths)),
        ("first_text", picked.number(form.first_token.paths)),
        ("is_call", picked.any_of(form.only) if form.only else "true"),
        ("is_failed", picked.any_of(form.failed)),
        ("is_hit", picked.any_of(form.from_cache)),
        ("asked_text", picked.first(form.asked)),
        ("tagged", picked.tags(form.tags)),
        ("counted_by", _counted_by(picked, form)),
    ]
    return picked, tuple(found)


def _counted_by(picked: Picked, form: LogFormat) -> str:
    """By which of its fields a row of sums was counted; of a tag its kind too, NULL of none."""
    cases = " ".join(
        f"WHEN nullif(trim({picked.one(path)}), '') IS NOT NULL THEN "
        + (
            f"'tag ' || lower(split_part(trim({picked.one(path)}), ':', 1))"
            if name == "tag"
            else quoted(name)
        )
        for name, path in form.counted_by
    )
    return f"CASE {cases} END" if cases else "NULL::VARCHAR"


def _moment(text: str, how: Moment | None, zone: str | None, latest: datetime) -> str:
    return "NULL::TIMESTAMP" if how is None else moment(text, how, zone, latest)


def typed(form: LogFormat, zone: str | None, latest: datetime) -> Named:
    """Numbers and times of what was picked."""
    numbers = [(name, counted(f"{name}_text")) for name in COUNTS]
    return (
        ("at_time", moment("at_text", form.at, zone, latest)),
        ("end_at", _moment("end_text", form.end, zone, latest)),
        ("first_at", _moment("begun_text", form.first_token_at, zone, latest)),
        *numbers,
        ("sample", duration("sampled_text")),
        ("plain", plain_amount("cost_text", form.cost.times)),
        ("latency", _times(duration("latency_text"), form.latency.times)),
        ("first", _times(duration("first_text"), form.first_token.times)),
    )


def _times(number: str, times: str) -> str:
    return number if times == "1" else f"({number} * {times}::DECIMAL(8, 2))"


def reason(form: LogFormat, zone: str | None, latest: datetime) -> str:
    """Why a row is refused, or NULL; the first that holds. No text of the row stands in it.

    Nearly every row is sound, which one question tells; the others say which of the checks fails.
    """
    cases = " ".join(
        f"WHEN {test} THEN {quoted(text)}" for test, text in _checks(form, zone, latest)
    )
    return (
        f"CASE WHEN broken IS NOT NULL THEN broken WHEN NOT is_call OR ({_sound(form, latest)}) "
        f"THEN NULL ELSE CASE {cases} END END"
    )


def _sound(form: LogFormat, latest: datetime) -> str:
    """Whether nothing is to be said against a row; where it is not true, the checks decide."""
    tests = [
        *(["request IS NOT NULL"] if form.request else []),
        f"at_time BETWEEN {_FIRST} AND {_instant(latest)}",
        "(end_text IS NULL OR end_at >= at_time)",
        "(first_at IS NULL OR first_at >= at_time)",
        *(
            f"({name}_text IS NULL OR ({name} BETWEEN 0 AND {MOST} AND {name} = floor({name})))"
            for name in COUNTS
            if getattr(form, name)
        ),
        *(f"({name}_text IS NULL OR {is_duration(name)})" for name, _ in _DURATIONS),
        "(cost_text IS NULL OR money >= 0)",
        *([f"({IN_USD})"] if form.currency else []),
        "sampled_text IS NULL",
    ]
    return " AND ".join(tests)


def _instant(at: datetime) -> str:
    return f"TIMESTAMP {quoted(at.replace(tzinfo=None).isoformat())}"


_FIRST = _instant(FIRST)
_WORDS_OF_SUMS = (
    r"(?:^|\|)\s*(?:(?:grand |sub)?-?totals?|sums?|summary|summe|gesamt)\s*:?\s*(?:\||$)"
)
_SUMS = (
    "at_time IS NULL AND regexp_matches(lower(concat_ws('|', at_text, request, own_feature, model, "
    f"caller)), {quoted(_WORDS_OF_SUMS)})"
)
"""A row that adds others up, as tables end with: no call, and no fault."""


def _checks(form: LogFormat, zone: str | None, latest: datetime) -> list[tuple[str, str]]:
    """What can be said against a row."""
    checks = [(_SUMS, "")]
    checks += [("request IS NULL", "no request id")] if form.request else []
    checks.append(("at_text IS NULL", "no time"))
    if form.at.unit == "iso" and (zone or form.at.zone) is None:
        local = f"{plain('at_text')} AND TRY_CAST(at_text AS TIMESTAMP) IS NOT NULL"
        checks.append((local, "a time without its offset: say --timezone"))
    checks += [
        *([("at_time IS NULL AND " + _COUNTED, _OF_1970)] if form.at.unit == "iso" else []),
        *_skipped("at_text", form.at, zone, latest),
        ("at_time IS NULL", "a time that cannot be read"),
        (f"at_time < {_FIRST}", "a time before 2020: another unit?"),
        (f"at_time > {_instant(latest)}", "a time in the future"),
        *(_skipped("end_text", form.end, zone, latest) if form.end else []),
        (f"{stated('end')} AND end_at IS NULL", "an end that cannot be read"),
        ("end_at < at_time", "it ends before it begins"),
        ("first_at < at_time", "its first token comes before it begins"),
        *(check for name in COUNTS if getattr(form, name) for check in count_checks(name)),
        *((no_duration(name), f"{named}: no number from 0 on") for name, named in _DURATIONS),
        *cost_checks(form),
        (
            f"{stated('sampled')} AND NOT coalesce(sample > 0 AND sample <= 1, false)",
            "sampling: no share above 0 and at most 1",
        ),
    ]
    return checks


def _skipped(text: str, how: Moment, zone: str | None, latest: datetime) -> list[tuple[str, str]]:
    test = skipped(text, how, zone, latest)
    said = f"a time that clocks of {how.zone or zone} skip, as they are put forward"
    return [(f"coalesce({test}, false)", said)] if test else []


def usage(form: LogFormat) -> Named:
    """Input with cached tokens in it, output with thoughts in it, and cost, or NULL where unknown.

    A total decides whether parts stand inside; where no reading gives the total, or a part is more
    than its whole, both are unknown.
    """
    inside = "coalesce(input, 0)"
    outside = f"({inside} + coalesce(cached, 0) + coalesce(written, 0))"
    shown = "coalesce(output, 0)"
    with_thoughts = f"({shown} + coalesce(reasoning, 0))"
    ins = (inside, outside) if form.cached_inside else (outside, inside)
    outs = (shown, with_thoughts) if form.reasoning_inside else (with_thoughts, shown)
    pairs = [(each, out) for each in ins for out in outs]
    fits = " ".join(f"WHEN {each} + {out} = total THEN {{}}" for each, out in pairs)
    free = "WHEN coalesce(total, 0) = 0 THEN {}"
    known = "input IS NOT NULL OR output IS NOT NULL"

    def chosen(which: int) -> str:
        values = [pairs[0][which], *(pair[which] for pair in pairs)]
        return f"CASE WHEN NOT ({known}) THEN NULL " + f"{free} {fits}".format(*values) + " END"

    told = (
        _told("cached", none=form.absent_is_none),
        _told("written", none=form.absent_is_none or form.writes_are_free),
    )
    money = ("money", f"coalesce(plain, {amount('cost_text', form.cost.times)})")
    return (("whole_in", chosen(0)), ("whole_out", chosen(1)), *told, money)


def _told(name: str, *, none: bool) -> tuple[str, str]:
    """Tokens of a prompt cache, NULL where a call of that kind may have had some."""
    absent = f"{name} IS NULL AND ({str(none).lower()} OR kind <> 'answer')"
    return f"{name}_told", f"CASE WHEN coalesce(whole_in, 0) = 0 OR {absent} THEN 0 ELSE {name} END"


def kind() -> str:
    """What a call asked for, by its operation's name; by its model's where that leaves it open."""
    operation, model = (_kind_named(f"lower({name})") for name in ("operation", "model"))
    answers = f"WHEN regexp_matches(lower(operation), {quoted(_ANSWERS)}) THEN 'answer'"
    return f"CASE {operation} {answers} {model} ELSE 'answer' END"


def _kind_named(name: str) -> str:
    """One look at a name first: most name no kind."""
    cases = " ".join(
        f"WHEN regexp_matches({name}, {quoted(words)}) THEN {quoted(found)}"
        for found, words in _KINDS
    )
    any_of = "|".join(words for _, words in _KINDS)
    return f"WHEN regexp_matches({name}, {quoted(any_of)}) THEN CASE {cases} END"
