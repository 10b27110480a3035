"""A folder becomes an eval set."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalsets.cases import GuardrailSpec, ScorerSpec, SliceSpec, Turn
from evalsets.loading import load_evalset
from evalsets.source import SourceError

CONFIG = """\
unit: invoices
source: {kind: traffic, from: 2026-08-01, to: 2026-09-30, sampled: by layout, redacted: true}
cluster: supplier
primary: {scorer: json-fields, fields: [date], pass: all}
guardrails: [{scorer: json-schema, schema: answer.json, margin: 1, protect: proven}]
slices: {layout: {typed: {margin: 6}}}
tune: 1
repeats: 2
bar: 80
"""

LINES = [
    '{"id": "a", "input": "2026-08-31", "target": "2026-08-31", "metadata": {"layout": "typed"}}',
    '{"id": 7, "input": "x\\u2028y", "target": ["1", "1.0"], "metadata": {"pages": 1, "ok": true}}',
    (
        '  {"id": "c", "input": [{"role": "user", "content": "hi"}], '
        '"metadata": {"supplier": "s", "pages": 1.5, "none": null, "deep": {"b": 1, "a": [2]}}}\r'
    ),
    "",
    '{"id": "d", "input": "é", "choices": ["A", "B"], "metadata": null}',
]


def folder_with(tmp_path: Path, lines: list[str], config: str = CONFIG) -> Path:
    folder = tmp_path / "invoices"
    folder.mkdir(exist_ok=True)
    (folder / "evalset.yaml").write_text(config)
    (folder / "answer.json").write_text("{}")
    (folder / "cases.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder


def faults(folder: Path) -> list[str]:
    with pytest.raises(SourceError) as caught:
        load_evalset(folder, "f")
    return [str(fault) for fault in caught.value.faults]


def test_everything_that_the_files_say(tmp_path: Path) -> None:
    evalset = load_evalset(folder_with(tmp_path, LINES), "invoice-extraction")
    assert evalset.feature == "invoice-extraction"
    assert (evalset.unit, evalset.tune, evalset.repeats, evalset.bar) == ("invoices", 1, 2, 80)
    assert evalset.provenance == (
        "traffic, 2026-08-01 to 2026-09-30, sampled by layout, personal data taken out"
    )
    assert evalset.targets == "human"
    assert evalset.primary == ScorerSpec(
        scorer="json-fields", options='{"fields":["date"],"pass":"all"}'
    )
    empty = hashlib.sha256(b"{}").hexdigest()
    assert evalset.guardrails == (
        GuardrailSpec(
            scorer=ScorerSpec(
                scorer="json-schema",
                options='{"schema":"answer.json"}',
                files_sha256=(("answer.json", empty),),
            ),
            margin=1,
            protect="proven",
        ),
    )
    assert evalset.slices == (SliceSpec(key="layout", value="typed", margin=6),)
    first, second, third, fourth = evalset.cases
    assert (first.id, first.input, first.target) == ("a", "2026-08-31", "2026-08-31")
    assert (second.id, second.target, second.also_right) == ("7", "1", ("1.0",))
    assert second.metadata == (("ok", "true"), ("pages", "1"))
    assert third.input == (Turn(role="user", content="hi"),)
    assert third.metadata == (("deep", '{"a":[2],"b":1}'), ("pages", "1.5"), ("supplier", "s"))
    assert (fourth.target, fourth.choices, fourth.metadata) == (None, ("A", "B"), ())
    assert [evalset.cluster(case) for case in evalset.cases] == ["a", "7", "s", "d"]


text = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
metadata = st.dictionaries(text, st.booleans() | st.integers() | text, max_size=3)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(text, metadata, st.booleans()), min_size=1, max_size=5))
def test_every_text_is_kept(
    tmp_path: Path, rows: list[tuple[str, dict[str, object], bool]]
) -> None:
    lines = [
        json.dumps(
            {"id": f"c-{at}", "input": f"{at} {words}", "target": words, "metadata": facts},
            ensure_ascii=escaped,
        )
        for at, (words, facts, escaped) in enumerate(rows)
    ]
    folder = folder_with(tmp_path, lines, "source: {kind: written}\nprimary: {scorer: exact}\n")
    assert [
        (case.id, case.input, case.target, dict(case.metadata))
        for case in load_evalset(folder, "f").cases
    ] == [
        (f"c-{at}", f"{at} {words}", words, {key: as_text(value) for key, value in facts.items()})
        for at, (words, facts, _) in enumerate(rows)
    ]


def as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the eval set has no cases"):
        load_evalset(folder_with(tmp_path, []), "f")


def test_validation_needs_no_datasets() -> None:
    code = (
        "import sys, evalsets.loading\n"
        "heavy = {'datasets', 'pandas', 'pyarrow', 'numpy', 'ray'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_samples_of_inspect_ai_load_unchanged(tmp_path: Path) -> None:
    """Its own writer leaves ids out, counts from 1, and lists a call's function and arguments."""
    lines = [
        json.dumps({"input": "Say hello", "target": "hello"}),
        json.dumps(
            {
                "input": [
                    {"role": "system", "content": "Be brief.", "source": "input"},
                    {"role": "user", "content": [{"type": "text", "text": "Weather in Oslo?"}]},
                    {
                        "role": "assistant",
                        "content": "",
                        "tool_calls": [
                            {
                                "id": "c1",
                                "function": "weather",
                                "arguments": {"city": "Oslo"},
                                "type": "function",
                            }
                        ],
                    },
                    {"role": "tool", "content": "4 C", "tool_call_id": "c1"},
                ],
                "target": ["4", "four"],
                "metadata": {"kind": "tool"},
                "sandbox": None,
                "files": {},
            }
        ),
        json.dumps(
            {
                "input": [
                    {
                        "role": "assistant",
                        "content": "",
                        "tool_calls": [
                            {"id": "c2", "function": {"name": "f", "arguments": '{"a": 1}'}}
                        ],
                    }
                ]
            }
        ),
    ]
    folder = folder_with(tmp_path, lines, "source: {kind: imported}\nprimary: {scorer: exact}\n")
    first, second, third = load_evalset(folder, "f").cases
    assert (first.id, second.id, third.id) == ("1", "2", "3")
    assert isinstance(second.input, tuple)
    assert [turn.role for turn in second.input] == ["system", "user", "assistant", "tool"]
    assert second.input[1].content == "Weather in Oslo?"
    assert second.input[2].tool_calls == (
        '[{"arguments":"{\\"city\\":\\"Oslo\\"}","id":"c1","name":"weather"}]'
    )
    assert second.input[3].tool_call_id == "c1"
    assert isinstance(third.input, tuple)
    assert third.input[0].tool_calls == '[{"arguments":"{\\"a\\": 1}","id":"c2","name":"f"}]'


def test_the_bytes_of_an_image_count(tmp_path: Path) -> None:
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "image": "cat.png"},
        {"type": "image", "image": "data:image/png;base64,AAAA"},
        {"type": "text", "text": "Briefly."},
    ]
    line = json.dumps({"id": "a", "input": [{"role": "user", "content": content}]})
    folder = folder_with(tmp_path, [line], "source: {kind: written}\nprimary: {scorer: exact}\n")
    (folder / "cat.png").write_bytes(b"cat")
    (case,) = load_evalset(folder, "f").cases
    assert isinstance(case.input, tuple)
    (turn,) = case.input
    assert turn.content == "What is this?\nBriefly."
    assert turn.images == ("cat.png", "data:image/png;base64,AAAA")
    assert turn.image_sha256[0] == hashlib.sha256(b"cat").hexdigest()
    (folder / "cat.png").write_bytes(b"dog")
    assert load_evalset(folder, "f").cases != (case,)


def label(case: str, answer: object, **more: object) -> str:
    return json.dumps({"case": case, "answer": answer, "by": "dana", "at": "2026-10-01", **more})


def test_labels_fill_absent_targets_and_the_last_one_counts(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, LINES)
    (folder / "labels.jsonl").write_text(
        "\n".join(
            [
                label("a", "ignored: it has a target"),
                label("c", "first", shown=["x", "y"]),
                label("c", ["second", "2nd"]),
                label("d", "right"),
                label("d", None),
            ]
        )
    )
    cases = {case.id: case for case in load_evalset(folder, "f").cases}
    assert cases["a"].target == "2026-08-31"
    assert (cases["c"].target, cases["c"].also_right) == ("second", ("2nd",))
    assert cases["d"].target is None


def test_every_broken_label(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, LINES)
    lines = [
        "{",
        label("absent", "x"),
        label("a", 5),
        label("a", []),
        label("a", ["x", 1]),
        json.dumps({"case": "a"}),
        label("a", "x", by=5),
        label("7", "x"),
    ]
    (folder / "labels.jsonl").write_text("\n".join(lines))
    file = "invoices/labels.jsonl"
    column = "Expecting property name enclosed in double quotes (column 2)"
    assert faults(folder) == [
        f"{file}:1: broken JSON: {column}",
        f"{file}:2: case: no case has the id 'absent'",
        f"{file}:3: answer: must be a text, a list of texts or null, got 5",
        f"{file}:4: answer: must be a text, a list of texts or null, got a list",
        f"{file}:5: answer: must be a text, a list of texts or null, got a list",
        f"{file}:6: answer: is required and missing",
        f"{file}:6: by: is required and missing",
        f"{file}:6: at: is required and missing",
        f"{file}:7: by: must be a text, got 5",
    ]


def test_labels_must_lie_in_the_folder(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, LINES, CONFIG + "labels: ../labels.jsonl\n")
    assert faults(folder) == [
        "invoices/evalset.yaml:10: labels: must name a file in the eval set's own folder"
    ]


def test_deep_and_long_lines_are_faults(tmp_path: Path) -> None:
    deep = '{"id": "a", "input": ' + "[" * 100_000
    long = '{"id": ' + "9" * 5000 + "}"
    folder = folder_with(tmp_path, [deep, long, '{"id": "b", "input": "x"}', '{"input": "y"}'])
    found = [fault for fault in faults(folder) if "cases.jsonl" in fault]
    assert found == [
        "invoices/cases.jsonl:1: nested too deeply",
        "invoices/cases.jsonl:2: broken JSON: a number of too many digits",
        "invoices/cases.jsonl:4: id: is required and missing",
    ]


def test_without_an_evalset_file(tmp_path: Path) -> None:
    assert faults(tmp_path) == [f"{tmp_path.name}/evalset.yaml: the file is missing"]


@pytest.mark.parametrize(
    "image",
    ["a" * 300 + ".png", "a\0.png", "data:image/png;base64,***", "data:text/plain;base64,AAAA"],
)
def test_what_is_no_image_is_a_fault(tmp_path: Path, image: str) -> None:
    content = [{"type": "image", "image": image}]
    line = json.dumps({"id": "a", "input": [{"role": "user", "content": content}]})
    folder = folder_with(tmp_path, [line], "source: {kind: written}\nprimary: {scorer: exact}\n")
    (fault,) = faults(folder)
    assert fault.startswith("invoices/cases.jsonl:1: input[0].content: the image ")


def test_half_a_surrogate_pair_is_no_text(tmp_path: Path) -> None:
    lines = [r'{"id": "a", "input": "\ud83d"}', r'{"id": "b", "input": "\ud83d\ude00"}']
    folder = folder_with(tmp_path, lines, "source: {kind: written}\nprimary: {scorer: exact}\n")
    assert faults(folder) == [
        r"invoices/cases.jsonl:1: half of a surrogate pair (`\ud...`) is no text"
    ]


def test_a_file_named_by_something_else_is_a_fault(tmp_path: Path) -> None:
    config = 'cases: "a\\0b"\nsource: {kind: written}\nprimary: {scorer: exact}\n'
    assert faults(folder_with(tmp_path, LINES, config)) == [
        "invoices/evalset.yaml:1: cases: must name a file in the eval set's own folder"
    ]


def test_a_target_may_be_json_itself(tmp_path: Path) -> None:
    call = {"name": "f", "arguments": {"b": 1.5, "a": True}}
    said = '{"arguments":{"a":true,"b":1.5},"name":"f"}'
    targets = [call, [call, call], [[call], []], "[]"]
    rows = [{"id": str(at), "input": str(at), "target": t} for at, t in enumerate(targets)]
    config = "cases: cases.jsonl\nsource: {kind: written}\nprimary: {scorer: tool-calls}\n"
    folder = folder_with(tmp_path, list(map(json.dumps, rows)), config)
    found = [(case.target, case.also_right) for case in load_evalset(folder, "f").cases]
    assert found == [
        (said, ()),
        (f"[{said},{said}]", ()),
        (f"[{said}]", ("[]",)),
        ("[]", ()),
    ]
