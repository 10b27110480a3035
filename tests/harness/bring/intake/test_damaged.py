"""More than two hundred damaged inputs: one clear line each, and nothing dropped unsaid."""

import json
from collections.abc import Iterator
from random import Random

import pytest

from harness.bring.intake.promptfoo_config import read_config
from harness.bring.intake.values import ImportedAnswers
from harness.bring.onramp.bringing import read_answers
from harness.errors import UsageError
from tests.support.foreign import CONFIG, log_eval, log_json, result, results, sample

TABLE = "case,model,repeat,score,answer\n" + "".join(
    f"{case},{model},0,1,yes\n" for case in range(6) for model in ("big", "small")
)
SAMPLES = [sample(number) for number in range(6)]
ROWS = [result(number, model) for number in range(6) for model in ("large", "small")]
WHOLE = {
    "r.json": results(ROWS),
    "l.json": log_json(SAMPLES),
    "l.eval": log_eval(SAMPLES),
    "t.csv": TABLE.encode(),
}


def no_file(_name: str) -> str | None:
    return None


def entries(file: str) -> int:
    return len(SAMPLES) if file.startswith("l.") else 12


def cut_short() -> Iterator[tuple[str, str, bytes]]:
    for name, data in WHOLE.items():
        for part in range(15):
            yield f"{name} cut at {part}/15", name, data[: len(data) * part // 15]


def flipped() -> Iterator[tuple[str, str, bytes]]:
    rng = Random(7)
    for name, data in WHOLE.items():
        for turn in range(25):
            broken = bytearray(data)
            for _ in range(3):
                broken[rng.randrange(len(broken))] = rng.randrange(256)
            yield f"{name} with bytes flipped {turn}", name, bytes(broken)


def encodings() -> Iterator[tuple[str, str, bytes]]:
    for name in ("r.json", "l.json", "t.csv"):
        text = WHOLE[name].decode().replace("yes", "ja, schön").replace("billing", "für")
        yield f"{name} in latin-1", name, text.encode("latin-1")
        yield (
            f"{name} half utf-8, half latin-1",
            name,
            (text.encode() + text.encode("latin-1") if name == "t.csv" else text.encode("latin-1")),
        )
        yield f"{name} with a NUL", name, WHOLE[name].replace(b"billing", b"bil\0ing", 1)
        yield f"{name} in utf-16 without a mark", name, text.encode("utf-16-le")


SCORES = ["NaN", "Infinity", "-1", "1.5", "1e999", '"0.5"', "null", "[]", "{}"]


def bad_scores() -> Iterator[tuple[str, str, bytes]]:
    for score in SCORES:
        text = TABLE.replace("0,big,0,1,", f"0,big,0,{score.strip(chr(34))}x,", 1)
        yield f"table with score {score}x", "t.csv", text.encode()
        log = WHOLE["l.json"].decode().replace('{"value": "C"}', f'{{"value": {score}}}', 1)
        yield f"log with score {score}", "l.json", log.encode()
        passed = WHOLE["r.json"].decode().replace('"success": true', f'"success": {score}', 1)
        yield f"results with success {score}", "r.json", passed.encode()


def doubled() -> Iterator[tuple[str, str, bytes]]:
    yield "a row twice", "t.csv", (TABLE + "0,big,0,0,no\n").encode()
    yield "a row too short", "t.csv", (TABLE + "9,big\n").encode()
    yield "a row too long", "t.csv", (TABLE + "9,big,0,1,yes,more\n").encode()
    yield "a row without a case", "t.csv", (TABLE + ",big,0,1,yes\n").encode()
    yield "a repeat that is no number", "t.csv", (TABLE + "9,big,first,1,yes\n").encode()
    yield "an open quote", "t.csv", (TABLE + '9,big,0,1,"yes\n').encode()
    yield "no column for the model", "t.csv", TABLE.replace("model", "modell").encode()
    yield "a column twice", "t.csv", TABLE.replace("answer", "score", 1).encode()
    yield "no rows", "t.csv", b"case,model,score\n"
    yield "a sample twice", "l.json", log_json([*SAMPLES, sample(0)])
    yield "another input", "l.json", log_json([*SAMPLES, sample(0, epoch=2, input="other")])
    yield "a sample that is none", "l.json", log_json([*SAMPLES, 7])
    yield "a sample without an epoch", "l.json", log_json([*SAMPLES, sample(9, epoch=0)])
    yield "a role that is none", "l.json", log_json([*SAMPLES, sample(9, input=[{"role": "x"}])])
    yield "a score of no kind", "l.json", log_json([*SAMPLES, sample(9, value="Z")])
    yield "a run that failed", "l.json", log_json(SAMPLES, status="error")
    yield "other vars", "r.json", results([*ROWS, result(0, "large", vars={"ticket": "other"})])
    yield "no provider", "r.json", results([*ROWS, result(9, "large") | {"provider": None}])
    yield "a row that is none", "r.json", results([*ROWS, "row"])
    yield "no output and no error", "r.json", results([*ROWS, result(9, "large", response={})])
    yield "no rows of promptfoo", "r.json", results([])
    yield "an empty object", "r.json", b"{}"
    yield "another kind of file", "notes.txt", b"hello"
    yield "nested too deeply", "r.json", b"[" * 100_000
    yield "a number too long", "r.json", b'{"results": ' + b"9" * 5000 + b"}"


DAMAGED = [*cut_short(), *flipped(), *encodings(), *bad_scores(), *doubled()]


def told(found: ImportedAnswers, file: str) -> bool:
    """Whether every entry that was not read, or read as another thing, has a line of its own."""
    lacking = entries(file) - len(found.answers)
    return bool(found.problems) if lacking > 0 else True


def test_there_are_more_than_two_hundred() -> None:
    assert len(DAMAGED) >= 200
    assert len({name for name, _, _ in DAMAGED}) == len(DAMAGED)


@pytest.mark.parametrize("file", list(WHOLE))
def test_undamaged_files_have_no_problem(file: str) -> None:
    found = read_answers(WHOLE[file], file=file)
    assert len(found.answers) == entries(file)
    assert found.problems == ()


@pytest.mark.parametrize(("file", "data"), [pytest.param(f, d, id=n) for n, f, d in DAMAGED])
def test_a_damaged_file_is_one_line_or_tells_each_loss(file: str, data: bytes) -> None:
    try:
        found = read_answers(data, file=file)
    except UsageError as error:
        message = str(error)
        assert message.startswith(file)  # many damaged files can be read in part
        assert "\n" not in message
        return
    assert told(found, file)
    assert all("\n" not in str(problem) for problem in found.problems)
    for answer in found.answers:
        assert answer.score is None or 0 <= answer.score <= 1
        assert answer.score is not None or answer.text or answer.ending != "answered"


@pytest.mark.parametrize(
    "name", [name for name, file, _ in doubled() if file != "notes.txt" and "no " not in name[:3]]
)
def test_each_damaged_entry_is_told(name: str) -> None:
    file, data = next((f, d) for n, f, d in DAMAGED if n == name)
    try:
        problems = read_answers(data, file=file).problems
    except UsageError:
        return
    assert problems


KINDS = [
    "not-llm-rubric",
    "python",
    "similar",
    "webhook",
    "cost",
    "latency",
    "perplexity",
    "is-refusal",
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_assertion_is_told_with_its_line(kind: str) -> None:
    text = CONFIG.replace("type: javascript", f"type: {kind}")
    found = read_config(text, file="c.yaml", read=no_file)
    assert [(p.line, p.key) for p in found.problems] == [(15, kind)]


@pytest.mark.parametrize("part", range(12))
def test_a_configuration_cut_short_is_one_line_or_read(part: int) -> None:
    text = CONFIG[: len(CONFIG) * part // 12]
    try:
        found = read_config(text, file="c.yaml", read=no_file)
    except UsageError as error:
        assert str(error).startswith("c.yaml")  # noqa: PT017
    else:
        assert found.cases


def test_json_itself_is_a_configuration() -> None:
    text = json.dumps({"tests": [{"vars": {"q": "a"}, "assert": [{"type": "is-json"}]}]})
    assert read_config(text, file="c.json", read=no_file).primary.scorer == "assertions"
