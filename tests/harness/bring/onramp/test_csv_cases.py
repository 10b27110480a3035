"""A table becomes cases by its columns; what cannot be a case is told, one line each."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsets.cases import Case, distinct
from evalsets.loading import load_evalset
from evalsets.prompts import render_prompt
from harness.bring.intake.outcomes_csv import read_outcomes
from harness.bring.intake.values import ImportedSet
from harness.bring.onramp.csv_cases import Columns, read_cases
from harness.bring.onramp.guessing import guess_scorer
from harness.bring.onramp.imported_set import SetDraft, write_set
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from tests.support.pdfs import pdf

if TYPE_CHECKING:
    from collections.abc import Callable

PLACE = Path("tickets.csv")
TABLE = """\
id,text,expected,channel
1,"My card, twice",billing,mail
2,"It
crashes",technical,chat
3,Where is it?,,mail
"""


def read(text: str, *, path: Path = PLACE, columns: Columns | None = None) -> ImportedSet:
    return read_cases(text.encode(), path=path, columns=columns or Columns())


def refusal(text: str, *, path: Path = PLACE, columns: Columns | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        read(text, path=path, columns=columns)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_columns_are_found_by_their_names() -> None:
    imported = read(TABLE)
    assert imported.problems == ()
    assert imported.cases == (
        Case(id="1", input="My card, twice", target="billing", metadata=(("channel", "mail"),)),
        Case(id="2", input="It\ncrashes", target="technical", metadata=(("channel", "chat"),)),
        Case(id="3", input="Where is it?", target=None, metadata=(("channel", "mail"),)),
    )


def test_columns_can_be_named() -> None:
    columns = Columns(id="nr", input="channel", target="text", metadata=("expected",))
    text = TABLE.replace("id,", "nr,", 1).replace("3,Where is it?,,mail\n", "")
    imported = read(text + "3,x,y,z\n", columns=columns)
    assert imported.cases[2] == Case(id="3", input="z", target="x", metadata=(("expected", "y"),))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators(separator: str) -> None:
    imported = read("input,target\na,b\n".replace(",", separator))
    assert imported.cases == (Case(id="1", input="a", target="b", metadata=()),)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_that_say_what_they_are(encoding: str) -> None:
    data = "input,target\nZurück,ja\n".encode(encoding)
    assert read_cases(data, path=PLACE, columns=Columns()).cases[0].input == "Zurück"


def test_rows_that_are_no_cases_are_told_by_line() -> None:
    text = "id,input,target\n1,a,x\n,b,x\n3,,x\n1,c,x\n5,d\n\n6,e,x,y\n7,f,x\n"
    imported = read(text)
    assert [case.id for case in imported.cases] == ["1", "7"]
    assert [str(problem) for problem in imported.problems] == [
        "tickets.csv:3: id: is required and missing",
        "tickets.csv:4: input: is empty",
        "tickets.csv:5: id: the id '1' is already on line 2",
        "tickets.csv:6: 2 cells, the header has 3",
        "tickets.csv:8: 4 cells, the header has 3",
    ]


def test_columns_that_nothing_reads_are_told() -> None:
    imported = read(TABLE, columns=Columns(metadata=()))
    assert [str(problem) for problem in imported.problems] == [
        "tickets.csv:1: channel: column is not read"
    ]
    assert {problem.severity for problem in imported.problems} == {"warning"}


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("", None, "tickets.csv: no header; the first line names the columns"),
        (",,\n", None, "tickets.csv: no header; the first line names the columns"),
        ("a,b,a\n", None, "tickets.csv:1: the column 'a' is named twice"),
        ("a,b\n1,2\n", None, "tickets.csv: which column is the input? name it with --input (a, b)"),
        (
            "input,b\n1,2\n",
            Columns(target="c"),
            "tickets.csv: no column 'c'; known: b, input",
        ),
        (
            "input,target\n1,2\n",
            Columns(target="targt"),
            "tickets.csv: no column 'targt'; did you mean `target`?",
        ),
        ("input\n", None, "tickets.csv: no case could be read"),
        (
            "input,target\n,x\n,y\n",
            None,
            "tickets.csv: no case could be read; first: tickets.csv:2: input: is empty",
        ),
        ("input\n\0\n", None, "tickets.csv: not a text table (it holds NUL bytes)"),
    ],
)
def test_what_is_no_table_of_cases_is_refused(
    text: str, columns: Columns | None, expected: str
) -> None:
    assert refusal(text, columns=columns) == expected


def test_another_encoding_is_refused_with_its_line() -> None:
    for text, encoding in (
        ("Привет мир", "cp1251"),
        ("żółć", "cp1250"),
        ("こんにちは", "shift_jis"),
    ):
        data = f"input\n{text}\n".encode(encoding)
        with pytest.raises(UsageError, match=r"tickets\.csv:2: not UTF-8 text; save it as UTF-8"):
            read_cases(data, path=PLACE, columns=Columns())
        (case,) = read_cases(data, path=PLACE, columns=Columns(encoding=encoding)).cases
        assert case.input == text


PICTURE = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"},
}
SHEETS = {
    "de": (
        "Kennung_id;input;target\r\nA-1;Größe für Müller?;18,90\r\nA-2;Straße;1.204,50\r\n",
        "cp1252",
    ),
    "fr": (
        "ref_id;input;target\r\nA-1;Été à l\u2019école;18,90\r\nA-2;Ça va;1\u00a0204,50\r\n",
        "cp1252",
    ),
    "en": (
        'Ticket ID,input,target\r\nA-1,caf\u00e9,18.90\r\nA-2,"a, b","1,204.50"\r\n',
        "utf-8-sig",
    ),
    "ja": ("ticket_id\tinput\ttarget\r\nA-1\t\u5024\t18.90\r\nA-2\t\u91cf\t1,204.50\r\n", "utf-16"),
    "pt": ("sep=;\r\nticketId;input;target\r\nA-1;Ação;18,90\r\nA-2;Opções;1.204,50\r\n", "utf-8"),
}


@pytest.mark.parametrize("locale", SHEETS)
def test_a_spreadsheet_of_any_locale_is_read_with_its_ids_and_numbers(locale: str) -> None:
    text, encoding = SHEETS[locale]
    found = read_cases(text.encode(encoding), path=PLACE, columns=Columns())
    assert [case.id for case in found.cases] == ["A-1", "A-2"]
    scorer = find_scorer(found.primary)
    assert found.primary.scorer == "number"
    assert [scorer.score(case, case.target or "") for case in found.cases] == [1, 1]
    assert scorer.score(found.cases[1], "1204") == 0
    assert any("is read as '1204.5'" in note for note in found.notes)


def test_a_semicolon_says_whose_numbers_they_are_where_two_readings_fit() -> None:
    found = read("id;input;target\na;q1;1,234\nb;q2;2,5\n")
    assert json.loads(found.primary.options) == {"locale": "de"}
    both = read("id;input;target\na;q1;1,234\nb;q2;2,345\n")
    assert json.loads(both.primary.options) == {"locale": "de"}
    assert any("--locale en takes that" in note for note in both.notes)
    plain = read("id;input;target\na;q1;1234\nb;q2;2345\n")
    assert json.loads(plain.primary.options) == {}


def test_messages_of_any_vendor_are_read_and_the_last_words_stay_theirs() -> None:
    rows = [
        {"messages": [{"role": "developer", "content": "s"}, {"role": "user", "content": "q1"}]},
        {"messages": [{"from": "human", "value": "q2"}, {"from": "gpt", "value": "a"}]},
        {"messages": [{"role": "user", "parts": [{"text": "q3"}]}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "input_text", "text": "q4"}, PICTURE]}
            ]
        },
    ]
    table = "\n".join(json.dumps(row) for row in rows)
    found = read(table, path=Path("a.jsonl"))
    turns = [case.input for case in found.cases]
    assert [[(t.role, t.content) for t in each] for each in turns if not isinstance(each, str)] == [
        [("system", "s"), ("user", "q1")],
        [("user", "q2"), ("assistant", "a")],
        [("user", "q3")],
        [("user", "q4")],
    ]
    last = turns[-1]
    assert not isinstance(last, str)
    assert last[0].images == ("data:image/png;base64,iVBO",)
    (case,) = read('messages,target\n"[{""role"": ""user"", ""content"": ""q""}]",a\n').cases
    assert not isinstance(case.input, str)


def test_a_table_that_breaks_half_way_keeps_what_came_before() -> None:
    imported = read('input,target\na,x\n"b"c,y\nd,z\n')
    assert [case.input for case in imported.cases] == ["a"]
    (problem,) = imported.problems
    assert str(problem).startswith("tickets.csv:3: broken table: ")


def test_json_lines_with_columns_and_without() -> None:
    lines = [
        {"question": "2+2", "answer": 4, "metadata": {"kind": "sum"}, "level": 1, "empty": ""},
        {"question": "pair", "answer": ["a", "b"], "level": None},
        {"question": 5},
        {"question": [{"role": "user", "content": "hi"}]},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines) + "{\n"
    imported = read(text, path=Path("cases.jsonl"))
    assert imported.cases[0] == Case(
        id="1", input="2+2", target="4", metadata=(("kind", "sum"), ("level", "1"))
    )
    assert (imported.cases[1].target, imported.cases[1].also_right) == ("a", ("b",))
    assert [str(problem) for problem in imported.problems] == [
        "cases.jsonl:3: input: must be a text or chat messages, got 5",
        "cases.jsonl:5: broken JSON: Expecting property name enclosed in double quotes (column 2)",
    ]


def cases(*targets: str | None) -> list[Case]:
    return [
        Case(id=str(at), input="x", target=target, metadata=()) for at, target in enumerate(targets)
    ]


@pytest.mark.parametrize(
    ("targets", "scorer", "options"),
    [
        (("1", "2,000.5", "-3e2"), "number", {}),
        (("yes", "no", "Yes", "yes", None), "label", {"labels": ["no", "yes"]}),
        (
            ('{"a": 1, "b": 2}', '{"a": 3}'),
            "json-fields",
            {"fields": ["a", "b"], "pass": "all"},
        ),
        (('{"a": 1}', '{"b": 1}'), "json-fields", {"fields": ["a", "b"], "pass": "all"}),
        (('{"a": 1}', '{"a": '), "exact", {}),
        (('{"a": 1}', "[1]"), "exact", {}),
        (("one", "two", "three"), "exact", {}),
        (("same", "same"), "exact", {}),
        ((None, None), "exact", {}),
        ((), "exact", {}),
    ],
)
def test_a_scorer_is_guessed_from_the_targets(
    targets: tuple[str | None, ...], scorer: str, options: dict[str, object]
) -> None:
    spec = guess_scorer(cases(*targets)).primary
    assert (spec.scorer, json.loads(spec.options)) == (scorer, options)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=9),
            st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=9),
        ),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=50, deadline=None)
def test_what_is_written_as_cases_reads_back_as_the_same_cases(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    root = tmp_path_factory.mktemp("workspace")
    lines = [
        json.dumps({"input": f"x{text}", "target": f"y{right}", "kind": right})
        for text, right in rows
    ]
    imported = read("\n".join(lines), path=Path("a.jsonl"))
    draft = SetDraft(
        feature="f",
        cases=imported.cases,
        primary=imported.primary,
        prompts=(),
        origin="imported from a: b #c",
    )
    write_set(root, draft)
    loaded = load_evalset(root / "evalsets" / "f", "f")
    assert loaded.cases == distinct(imported.cases).cases
    assert loaded.rows == len(imported.cases)
    assert loaded.primary == imported.primary
    assert render_prompt("{{ input }}", loaded.cases[0])


def test_messages_keep_their_images_and_calls(tmp_path: Path) -> None:
    calls = [{"id": "c", "function": "f", "arguments": {"a": 1}}]
    messages = [
        {"role": "user", "content": [{"type": "image", "image": "data:image/png;base64,AA"}]},
        {"role": "assistant", "content": "", "tool_calls": calls},
        {"role": "tool", "content": "2", "tool_call_id": "c"},
    ]
    imported = read(json.dumps({"input": messages}), path=Path("a.jsonl"))
    draft = SetDraft(
        feature="f", cases=imported.cases, primary=imported.primary, prompts=(), origin="x"
    )
    write_set(tmp_path, draft)
    assert load_evalset(tmp_path / "evalsets" / "f", "f").cases == imported.cases


INLINE = b64encode(pdf(["Invoice 7"])).decode()
ADDRESS = f"data:application/pdf;base64,{INLINE}"


@pytest.mark.parametrize(
    "part",
    [
        {"type": "document", "document": ADDRESS, "filename": "a.pdf"},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": ADDRESS}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": INLINE}},
        {"type": "input_file", "filename": "a.pdf", "file_data": ADDRESS},
        {
            "type": "document",
            "source": {"type": "base64", "media_type": "application/pdf", "data": INLINE},
        },
        {"inlineData": {"mimeType": "application/pdf", "data": INLINE}},
        {"inline_data": {"mime_type": "application/pdf", "data": INLINE}},
    ],
)
def test_a_pdf_in_the_messages_of_any_vendor_is_kept(
    part: dict[str, object], tmp_path: Path
) -> None:
    messages = [{"role": "user", "content": [{"type": "text", "text": "Total?"}, part]}]
    imported = read(json.dumps({"messages": messages}), path=Path("a.jsonl"))
    (turn,) = imported.cases[0].input
    assert not isinstance(turn, str)
    assert turn.documents == (ADDRESS,)
    draft = SetDraft(
        feature="f", cases=imported.cases, primary=imported.primary, prompts=(), origin="x"
    )
    write_set(tmp_path, draft)
    assert load_evalset(tmp_path / "evalsets" / "f", "f").cases == imported.cases


GOOD = 12
"""Sound rows of a table that is then damaged."""


def rows_with(at: int, old: str, new: str) -> bytes:
    """The sound table with one text of one row replaced."""
    rows = [f"c-{n},Ticket {n},{'yes' if n % 2 else 'no'},mail" for n in range(GOOD)]
    rows[at] = rows[at].replace(old, new, 1)
    return "\n".join(["id,input,target,channel", *rows, ""]).encode()


def injected(at: int, more: bytes) -> bytes:
    data = rows_with(0, "", "")
    cut = data.index(b"\n") + 20 + at * 15
    return data[:cut] + more + data[cut:]


DAMAGES: dict[str, Callable[[int], bytes]] = {
    "duplicate id": lambda at: rows_with(at, f"c-{at},", "c-0," if at else "c-1,"),
    "empty input": lambda at: rows_with(at, f"Ticket {at},", " ,"),
    "cell missing": lambda at: rows_with(at, ",mail", ""),
    "cell too many": lambda at: rows_with(at, ",mail", ",mail,more"),
    "empty id": lambda at: rows_with(at, f"c-{at},", ","),
    "quote inside": lambda at: rows_with(at, "Ticket", '"Tick"et'),
    "quote left open": lambda at: rows_with(at, f"c-{at},", f'"c-{at},'),
    "other encoding": lambda at: injected(at, b"\x8f"),
    "NUL byte": lambda at: injected(at, b"\0"),
}


@pytest.mark.parametrize("at", range(GOOD))
@pytest.mark.parametrize("damage", list(DAMAGES))
def test_no_damaged_table_loses_a_row_in_silence(damage: str, at: int) -> None:
    data = DAMAGES[damage](at)
    if damage in {"other encoding", "NUL byte"} or (at == 0 and damage.startswith("quote")):
        with pytest.raises(UsageError, match=r"^tickets\.csv[^\n]*$"):
            read_cases(data, path=PLACE, columns=Columns())
        return
    imported = read_cases(data, path=PLACE, columns=Columns())
    told = [str(problem) for problem in imported.problems]
    assert len(told) == 1
    assert "\n" not in told[0]
    if damage.startswith("quote"):
        # What stands below is not read, and that is said with the line.
        assert told[0].endswith("the rows below are not read")
        assert len(imported.cases) == at
    else:
        assert len(imported.cases) == GOOD - 1


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("\ufeffTicket-Nr.;Anfrage;Erwartete Antwort;Kategorie", "utf-8"),
        ("Num\u00e9ro;Question;R\u00e9ponse attendue;Canal", "cp1252"),
        ("identificador;consulta;respuesta esperada;canal", "utf-16"),
        ("Identificativo;Domanda;Risposta attesa;Canale", "utf-8"),
        ("kenmerk;vraag;verwacht antwoord;kanaal", "utf-8"),
        ("ticket_id;message;expected output;channel", "utf-8"),
    ],
)
def test_a_spreadsheet_s_columns_are_found_in_its_language(header: str, encoding: str) -> None:
    rows = [f"T{n};Wie viel kostet {n}?;{n},5;Mail" for n in range(8)]
    data = "\r\n".join([header, *rows]).encode(encoding)
    found = read_cases(data, path=PLACE, columns=Columns())
    first = found.cases[1]
    assert (first.id, first.input, first.target) == ("T1", "Wie viel kostet 1?", "1,5")
    assert [key for key, _ in first.metadata] == [header.rpartition(";")[2]]
    assert found.primary.scorer == "number"


def test_a_table_without_a_target_says_which_columns_may_be_one() -> None:
    data = b"id,text,verdict\n1,a,b\n2,c,d\n"
    found = read_cases(data, path=PLACE, columns=Columns())
    assert found.notes[0] == "no column is read as the target; name it with --target (verdict)"


def test_a_table_of_answers_may_have_a_spreadsheet_s_own_names() -> None:
    lines = ["Fall;Modell;Frage;Erwartet;Antwort", "F1;gpt-5;was?;1,5;1,5", "F1;mini;was?;1,5;2"]
    found = read_outcomes("\n".join(lines).encode(), file="a.csv")
    assert [(a.case_id, a.model, a.text) for a in found.answers] == [
        ("F1", "gpt-5", "1,5"),
        ("F1", "mini", "2"),
    ]
    assert found.cases[0].target == "1,5"
