"""What `check` refuses is paid for by nobody: told before a call, and by one feature alone."""

from __future__ import annotations

import json
import shutil
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from itertools import takewhile
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.plan.planning import Selection
from tests.support.reviews import (
    CYCLE,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.no_cover, pytest.mark.xdist_group("refused")]

GOOD, BAD = "tickets", "other"
SHAPE = Shape(cases=150, candidates="good", features=(GOOD, BAD))
EVALSET = f"evalsets/{BAD}/evalset.yaml"
FEATURE = f"features/{BAD}.yaml"
PRIMARY = "{scorer: label, labels: [billing, technical]}"
FORMAT = "{scorer: format, margin: 5}"
REQUEST = "request: {max_output_tokens: 8"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A workspace whose journal has every answer of the good feature, and the models' server."""

    root: Path
    server: OpenAIServer

    @property
    def calls(self) -> int:
        return len(self.server.log.calls)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answered]:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        folder = tmp_path_factory.mktemp("asked")
        root = write_review_workspace(folder, server.port, SHAPE)
        run_review(root, cluster, wanted=Selection(features=(GOOD,)))
        yield Answered(root=root, server=server)


@pytest.fixture
def given(asked: Answered, tmp_path: Path) -> Answered:
    root = tmp_path / "copy"
    shutil.copytree(asked.root, root)
    return Answered(root=root, server=asked.server)


def review(root: Path, *more: str) -> int:
    return run(["review", "-w", str(root), "--cycle", CYCLE, "--yes", *more])


def documents(root: Path) -> set[str]:
    folder = root / "reviews" / CYCLE / "documents"
    return {path.name for path in folder.glob("*.md")} if folder.is_dir() else set()


def replaced(file: str, old: str, new: str) -> Callable[[Path], None]:
    return lambda root: edit(root / file, old, new)


def with_file(name: str, text: str, *edits: Callable[[Path], None]) -> Callable[[Path], None]:
    def change(root: Path) -> None:
        write(root / "evalsets" / BAD / name, text)
        for each in edits:
            each(root)

    return change


def targets(root: Path) -> None:
    path = root / "evalsets" / BAD / "cases.jsonl"
    path.write_text(path.read_text().replace('"target": "billing"', '"target": "invoices"'))


def tools(listed: object) -> Callable[[Path], None]:
    named = replaced(FEATURE, REQUEST, f"{REQUEST}, tools: tools.json")
    return with_file("tools.json", json.dumps(listed), named)


def schema(text: str) -> Callable[[Path], None]:
    named = replaced(FEATURE, REQUEST, f"{REQUEST}, schema: answer.json")
    return with_file("answer.json", text, named)


def guardrail(options: str) -> Callable[[Path], None]:
    return replaced(EVALSET, FORMAT, f"{{scorer: json-schema, margin: 5, {options}}}")


def primary(scorer: str) -> Callable[[Path], None]:
    return replaced(EVALSET, PRIMARY, scorer)


def prompt(text: str) -> Callable[[Path], None]:
    return lambda root: write(root / "prompts" / BAD / "default.j2", text)


def own_scorer(text: str) -> Callable[[Path], None]:
    return with_file("own.py", text, primary("{scorer: 'own:score'}"))


DEEP = json.dumps({"allOf": [{}]}).replace("{}", '{"allOf": [' * 300 + "{}" + "]}" * 300)

FAULTS = {
    "targets that no label matches": (
        targets,
        f"{EVALSET}:4: primary: no answer can be right on 75 cases",
    ),
    "a prompt without its case": (
        prompt("Topic of a ticket?"),
        f"prompts/{BAD}/default.j2: every case is asked the same",
    ),
    "a prompt with the case's id alone": (
        prompt("Topic of {{ id }}?"),
        f"prompts/{BAD}/default.j2: every case is asked the same",
    ),
    "a prompt with the channel alone": (
        prompt("Topic of a ticket by {{ metadata.channel }}?"),
        f"prompts/{BAD}/default.j2: 150 different inputs make 2 different questions",
    ),
    "a prompt that a case cannot fill in": (
        prompt("{{ input }} {{ metadata.region }}"),
        f"prompts/{BAD}/default.j2: case 't-0001': ",
    ),
    "a margin agreed after the review": (
        replaced(FEATURE, "2026-09-14", "2926-09-14"),
        f"{FEATURE}:7: agreed.on: 2926-09-14 is to come",
    ),
    "a schema that leads back to itself": (
        guardrail("schema: {$ref: '#'}"),
        f"{EVALSET}:5: guardrails[0]: scorer 'json-schema': broken schema: a `$ref` in it leads",
    ),
    "a schema in a file that leads nowhere": (
        with_file("s.json", '{"properties": {"a": {"$ref": "#/b"}}}', guardrail("schema: s.json")),
        f"{EVALSET}:5: guardrails[0]: scorer 'json-schema': broken schema: refers to '#/b'",
    ),
    "a schema elsewhere": (
        guardrail("schema: {$ref: 'https://other.example/x'}"),
        f"{EVALSET}:5: guardrails[0]: scorer 'json-schema': broken schema: refers to 'https:",
    ),
    "a schema that is none": (
        with_file("s.json", "5", guardrail("schema: s.json")),
        f"{EVALSET}:5: guardrails[0]: scorer 'json-schema': broken schema: a schema must be",
    ),
    "a schema nested too deeply": (
        with_file("s.json", "[" * 5000, guardrail("schema: s.json")),
        f"{EVALSET}:5: guardrails[0]: scorer 'json-schema': ",
    ),
    "a pattern that does not compile": (
        primary("{scorer: regex, pattern: '('}"),
        f"{EVALSET}:4: primary: scorer 'regex': ",
    ),
    "targets that are no patterns": (
        with_file(
            "cases.jsonl",
            "".join(
                json.dumps({"id": str(n), "input": f"Ticket number {n}", "target": "("}) + "\n"
                for n in range(150)
            ),
            primary("{scorer: regex}"),
            replaced(EVALSET, "slices: {channel: {mail: {margin: 30}}}\n", ""),
        ),
        f"{EVALSET}:4: primary: case '0': the target is not a regular expression",
    ),
    "a second grader that cannot be made": (
        replaced(EVALSET, "unit: tickets", "unit: tickets\nsecond_grader: {scorer: nobody}"),
        f"{EVALSET}:3: second_grader: unknown scorer 'nobody'",
    ),
    "grades that nobody gives": (
        primary("{scorer: graded, by: tool}"),
        f"{EVALSET}:4: primary: reads the grades of imported answers",
    ),
    "an answer's schema that leads back to itself": (
        schema('{"$ref": "#"}'),
        f"{FEATURE}:10: request.schema: the file evalsets/{BAD}/answer.json: a `$ref` in it",
    ),
    "an answer's schema nested too deeply": (
        schema(DEEP),
        f"{FEATURE}:10: request.schema: the file evalsets/{BAD}/answer.json: nested more than",
    ),
    "tools of an unknown form": (
        tools([{"title": "lookup"}]),
        f"{FEATURE}:10: request.tools: the file evalsets/{BAD}/tools.json: tool 1 has no name",
    ),
    "tools that are none": (
        tools([]),
        f"{FEATURE}:10: request.tools: the file evalsets/{BAD}/tools.json: lists no tool",
    ),
    "targets that call a tool which nobody is given": (
        with_file(
            "cases.jsonl",
            "".join(
                json.dumps({"id": str(n), "input": f"Ticket {n}", "target": [{"name": "close"}]})
                + "\n"
                for n in range(150)
            ),
            tools([{"name": "open"}]),
            primary("{scorer: tool-calls}"),
            replaced(EVALSET, "guardrails: [{scorer: format, margin: 5}]\n", ""),
            replaced(EVALSET, "slices: {channel: {mail: {margin: 30}}}\n", ""),
        ),
        f"{EVALSET}:4: primary: no answer can be right on 150 cases: the target calls a tool",
    ),
    "a scorer of one's own that is not there": (
        primary("{scorer: 'nowhere:score'}"),
        f"{EVALSET}:4: primary: scorer 'nowhere:score': no file 'nowhere.py' in ",
    ),
    "a scorer of one's own that is no function": (
        own_scorer("score = 5\n"),
        f"{EVALSET}:4: primary: scorer 'own:score': rightsize_scorer_own has no function 'score'",
    ),
    "a scorer of one's own whose file lacks the function": (
        own_scorer("def scores(answer, target, metadata):\n    return 1\n"),
        f"{EVALSET}:4: primary: scorer 'own:score': own.py has no function 'score'",
    ),
    "a scorer of one's own that is no Python": (
        own_scorer("def score(:\n"),
        f"{EVALSET}:4: primary: scorer 'own:score': own.py cannot be read: invalid syntax",
    ),
    "a scorer of one's own that raises": (
        own_scorer("def score(answer):\n    return 1\n"),
        f"{EVALSET}:4: primary: scorer 'own:score': case 't-0001': TypeError: ",
    ),
    "a scorer of one's own that is out of range": (
        own_scorer("def score(answer, target, metadata):\n    return 7\n"),
        f"{EVALSET}:4: primary: scorer 'own:score': case 't-0001': returned 7; want a number",
    ),
    "a file that is no YAML": (
        lambda root: write(root / FEATURE, "name: ["),
        f"{FEATURE}:2: broken YAML: ",
    ),
    "a case file that is broken": (
        with_file("cases.jsonl", "{\n"),
        f"evalsets/{BAD}/cases.jsonl:1: broken JSON: ",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a command printed, and its exit code."""

    code: int
    out: str
    errors: str

    def of(self, feature: str) -> list[str]:
        """The faults that are told of one feature that is left out."""
        _, found, rest = self.errors.partition(f"{feature} is left out, nothing of it is asked:\n")
        assert found, self.errors
        return [line.strip() for line in takewhile(lambda x: x[:1] == " ", rest.splitlines())]


def told(words: list[str]) -> Told:
    out, errors = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        code = run(words)
    return Told(code=code, out=out.getvalue(), errors=errors.getvalue())


def renamed(root: Path, old: str, new: str) -> None:
    for path in ("features/{}.yaml", "prompts/{}", "evalsets/{}"):
        (root / path.format(old)).rename(root / path.format(new))


NAMED = {name: f"{BAD}-{number}" for number, name in enumerate(FAULTS)}


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Told, Told, int]]:
    """A good feature and one of each fault: the workspace, `plan`, `review`, and its calls."""
    shape = replace(SHAPE, features=(GOOD, *NAMED.values()))
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        root = write_review_workspace(tmp_path_factory.mktemp("spoilt"), server.port, shape)
        run_review(root, cluster, wanted=Selection(features=(GOOD,)))
        for name, feature in NAMED.items():
            renamed(root, feature, BAD)
            FAULTS[name][0](root)
            renamed(root, BAD, feature)
        before = len(server.log.calls)
        where = ["-w", str(root), "--cycle", CYCLE]
        planned, reviewed = told(["plan", *where]), told(["review", *where, "--yes"])
        yield root, planned, reviewed, len(server.log.calls) - before


@pytest.mark.parametrize("name", FAULTS)
def test_a_feature_at_fault_is_told_by_plan_and_review(
    spoilt: tuple[Path, Told, Told, int], name: str
) -> None:
    _, planned, reviewed, _ = spoilt
    lines = planned.of(NAMED[name])
    assert lines == reviewed.of(NAMED[name])
    expected = FAULTS[name][1].replace(BAD, NAMED[name])
    assert any(line.startswith(expected) for line in lines), lines


def test_features_at_fault_are_left_out_and_the_other_gets_its_document(
    spoilt: tuple[Path, Told, Told, int],
) -> None:
    root, planned, reviewed, calls = spoilt
    assert planned.code == reviewed.code == ExitCode.USAGE_ERROR
    assert planned.out.startswith("1 feature, ")
    assert planned.errors == reviewed.errors
    heads = [line for line in planned.errors.splitlines() if not line.startswith(" ")]
    assert len(heads) == len(FAULTS)
    assert documents(root) == {f"{GOOD}.md"}
    assert "DOWNGRADE 1   JUSTIFY 0   UNDECIDED 0" in reviewed.out
    assert calls == 0


def test_what_is_wrong_with_others_is_not_asked_after(
    given: Answered, capsys: pytest.CaptureFixture[str]
) -> None:
    targets(given.root)
    assert review(given.root, "--feature", GOOD) == ExitCode.OK
    assert capsys.readouterr().err == ""
    assert review(given.root, "--feature", BAD) == ExitCode.USAGE_ERROR
    assert capsys.readouterr().err.startswith(f"{EVALSET}:4: primary: no answer can be right")
    assert review(given.root, "-f", BAD, "-f", GOOD) == ExitCode.USAGE_ERROR
    assert f"{BAD} is left out" in capsys.readouterr().err


def test_a_fault_that_all_features_share_ends_the_command(
    given: Answered, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(given.root / "policy.yaml", "{prices: 36500}", "{prices: 45, evidence: 99999999}")
    before = given.calls
    for command in ("plan", "review"):
        assert run([command, "-w", str(given.root), "--cycle", CYCLE]) == ExitCode.USAGE_ERROR
        assert capsys.readouterr().err == (
            "policy.yaml:4: expires_days.evidence: must be less than or equal to 36500, "
            "got 99999999\n"
        )
    assert documents(given.root) == set()
    assert given.calls == before


def test_a_prompt_is_not_tried_by_a_scorer_that_cannot_be_made(
    given: Answered, capsys: pytest.CaptureFixture[str]
) -> None:
    primary("{scorer: regex, pattern: '('}")(given.root)
    before = given.calls
    assert run(["try", BAD, "-w", str(given.root), "-m", "good"]) == ExitCode.USAGE_ERROR
    assert capsys.readouterr().err.startswith(f"{EVALSET}:4: primary: scorer 'regex': ")
    assert given.calls == before


def test_the_shape_of_openai_is_asked_with(given: Answered) -> None:
    """The fault was told of all features: now the tools are read."""
    function = {"name": "lookup", "parameters": {"type": "object"}}
    tools([{"type": "function", "function": function}])(given.root)
    primary("{scorer: judge, model: bad, rubric: Is the call right?}")(given.root)
    assert run(["plan", "-w", str(given.root), "--cycle", CYCLE]) == ExitCode.OK


def test_a_folder_that_takes_no_records_is_told_before_a_call(
    given: Answered, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "file", "")
    before = given.calls
    assert review(given.root, "--out", str(tmp_path / "file" / "in")) == ExitCode.USAGE_ERROR
    assert "file/in/2026-Q4: cannot be written (Not a directory)" in capsys.readouterr().err
    assert run(["review", "-w", str(given.root), "--cycle", f"2026-Q4-{'x' * 300}", "--yes"]) == 2
    assert "of at most 60 letters" in capsys.readouterr().err
    assert given.calls == before


def judged_by_a_model_without_a_prompt(root: Path) -> None:
    """No check finds it: only its plan does."""
    primary("{scorer: judge, model: bad, rubric: Is the topic right?}")(root)
    prompts = root / "prompts" / BAD
    (prompts / "default.j2").rename(prompts / "big.j2")
    shutil.copy(prompts / "big.j2", prompts / "good.j2")


def test_a_feature_that_cannot_be_planned_is_left_out(
    given: Answered, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_by_a_model_without_a_prompt(given.root)
    before = given.calls
    assert run(["plan", "-w", str(given.root), "--cycle", CYCLE]) == ExitCode.USAGE_ERROR
    expected = (
        f"{BAD}: it could not be planned: prompts/{BAD}: no prompt for bad; "
        f"write prompts/{BAD}/default.j2; it is left out, nothing of it is asked\n"
    )
    assert capsys.readouterr().err == expected
    assert review(given.root) == ExitCode.USAGE_ERROR
    assert capsys.readouterr().err == expected
    assert documents(given.root) == {f"{GOOD}.md"}
    assert review(given.root, "-f", BAD) == ExitCode.USAGE_ERROR
    assert given.calls == before
