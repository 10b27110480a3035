"""`init`, `import csv` and `check`, as a new user types them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evalsets.loading import load_evalset
from harness.cli.main import run
from tests.support.projects import WEB_SHOP
from tests.support.workspaces import edit

TABLE = "id,text,topic,channel\n" + "".join(
    f"t-{at},Ticket number {at},{'billing' if at % 2 else 'technical'},mail\n" for at in range(40)
)


def test_corrected_targets_of_a_table_are_told_and_the_file_is_kept(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "tickets.csv").write_text(TABLE)
    assert run(["init"]) == 0
    command = ["import", "csv", "tickets.csv", "-f", "tickets", "--input", "text"]
    assert run(command) == 0
    cases = here / "rightsizing" / "evalsets" / "tickets" / "cases.jsonl"
    before = cases.read_text()
    (here / "tickets.csv").write_text(TABLE.replace("number 7,billing", "number 7,technical"))
    capsys.readouterr()
    assert run(command) == 0
    assert "cases.jsonl (kept; the import has another" in capsys.readouterr().out
    assert cases.read_text() == before


def test_copies_near_copies_and_contradictions_of_a_table_are_told(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "please send my parcel to the new address that I gave you on the phone yesterday"
    rows = [f"n-{at},{long} {at},shipping" for at in range(30)]
    rows += ["a,hello,billing", "b,hello ,billing", "c,hello,technical"]
    (here / "t.csv").write_text("id,text,topic\n" + "\n".join(rows) + "\n")
    assert run(["init"]) == 0
    capsys.readouterr()
    assert run(["import", "csv", "t.csv", "-f", "t", "--input", "text", "--target", "topic"]) == 0
    shown = capsys.readouterr().out
    assert "33 rows, 31 cases: rows with equal input and metadata are one case" in shown
    assert "31 cases, worth about 1 independent one: many say nearly the same" in shown
    assert "'c' asks the same as 'a' and has another target: correct one of them" in shown
    features = here / "rightsizing" / "features"
    (features / "t.yaml").write_text((features / "example.yaml").read_text())
    assert run(["check"]) == 2
    assert "evalsets/t/cases.jsonl:33: target: asks the same as 'a' on line 31" in (
        capsys.readouterr().err
    )


PLAIN = {"PYTHONPATH": str(Path(__file__).parents[3]), "PATH": ""}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def let_prices_last(workspace: Path) -> None:
    """The catalogue's prices age between releases of it, and a test runs on any day."""
    edit(workspace / "policy.yaml", "prices: 45", "prices: 36500")


def test_a_table_becomes_an_eval_set_that_check_accepts(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "tickets.csv").write_text(TABLE + "t-40,,billing,mail\n")
    assert run(["init"]) == 0
    assert "next: rightsize check --workspace rightsizing" in capsys.readouterr().out
    let_prices_last(here / "rightsizing")
    command = ["import", "csv", "tickets.csv", "--feature", "tickets"]
    assert run([*command, "--input", "text", "--target", "topic"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "wrote evalsets/tickets/evalset.yaml",
        "wrote evalsets/tickets/cases.jsonl",
        "wrote prompts/tickets/default.j2",
        "wrote features/tickets.yaml: fill it in, then `rightsize check`",
        *(
            f"  features/tickets.yaml: {key}: is required and missing"
            for key in ("data", "incumbent", "owner", "product", "team")
        ),
        "not read: tickets.csv:42: input: is empty",
        (
            "40 cases, 40 with a target; scorer label "
            "(guessed from the targets; correct it in evalset.yaml)"
        ),
        "not read, and listed above: 1 line or column",
    ]
    assert run(["check"]) == 2
    errors = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in errors] == [
        "data", "incumbent", "owner", "product", "team",
    ]  # fmt: skip
    features = here / "rightsizing" / "features"
    (features / "tickets.yaml").write_text((features / "example.yaml").read_text())
    assert run(["check"]) == 0
    assert capsys.readouterr().out == "2 features, 6 models, 46 cases: no problem found\n"
    assert run([*command, "--input", "text", "--target", "topic"]) == 0
    assert capsys.readouterr().out.splitlines()[:3] == [
        "evalsets/tickets/evalset.yaml (kept)",
        "evalsets/tickets/cases.jsonl (kept)",
        "prompts/tickets/default.j2 (kept)",
    ]


def test_check_says_every_mistake_on_one_line_and_exits_with_2(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["init"])
    edit(here / "rightsizing" / "policy.yaml", "max_spend_usd: 25", "max_spent_usd: 25")
    edit(here / "rightsizing" / "features" / "example.yaml", "[claude-haiku-5-5", "[claude-haku")
    capsys.readouterr()
    assert run(["check"]) == 2
    captured = capsys.readouterr()
    assert captured.err.splitlines() == [
        (
            "features/example.yaml:13: candidates[0]: unknown model 'claude-haku'; "
            "did you mean `claude-haiku-5-5`?"
        ),
        "policy.yaml: max_spend_usd: is required and missing",
        "policy.yaml:3: max_spent_usd: unknown key; did you mean `max_spend_usd`?",
    ]
    assert "3 errors" in captured.out


def test_a_source_tree_becomes_drafts(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    WEB_SHOP.write(here / "services")
    assert run(["init", "--scan", "services", "-w", "ws"]) == 0
    # One place names two models.
    drafted = len({(path, key) for path, key, _ in WEB_SHOP.planted})
    assert f"-> {drafted} features drafted in features/" in capsys.readouterr().out
    assert run(["init", "--scan", "services", "-w", "ws"]) == 0
    out = capsys.readouterr().out
    assert "-> 0 features drafted" in out
    assert f"left as they are: {drafted} features" in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--feature", "a b"], "--feature a b: letters, digits and . _ - only"),
        (["--feature", "a", "--id", "x"], "t.csv: no column 'x'"),
        (["--feature", "a", "--metadata", "input,y"], "t.csv: no column 'y'"),
    ],
)
def test_a_wrong_command_is_one_line(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: str
) -> None:
    (here / "t.csv").write_text("input,target\na,b\n")
    run(["init"])
    capsys.readouterr()
    assert run(["import", "csv", "t.csv", *arguments]) == 2
    assert expected in capsys.readouterr().err


def test_an_inspect_dataset_becomes_an_eval_set_that_check_accepts(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        {"input": "a", "target": "b", "metadata": {"level": 2}},
        {"input": [{"role": "user", "content": "x"}], "target": ["y", "z"], "choices": ["y", "z"]},
        {"input": "q", "sandbox": "docker"},
    ]
    (here / "d.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run(["init"])
    assert run(["import", "inspect", "d.jsonl", "--feature", "facts"]) == 0
    said = capsys.readouterr().out
    assert "not read: d.jsonl:3: sandbox: needs a sandbox" in said
    assert "2 cases, 2 with a target; scorer exact" in said
    folder = here / "rightsizing" / "evalsets" / "facts"
    again = load_evalset(folder, "facts")
    assert [case.id for case in again.cases] == ["1", "2"]
    assert again.cases[1].also_right == ("z",)
    assert again.cases[1].choices == ("y", "z")
    (here / "d.json").write_text(json.dumps([lines[0] | {"id": 7}, lines[1] | {"id": 7}, "x"]))
    assert run(["import", "inspect", "d.json", "--feature", "more"]) == 0
    said = capsys.readouterr().out
    assert "not read: d.json: [2]: is no object" in said
    assert "not read: d.json:2: id: the id '7' is there already" in said
    (here / "d.json").write_text(json.dumps({"samples": lines}))
    assert run(["import", "inspect", "d.json", "--feature", "more"]) == 2
    assert "a dataset is a list of samples" in capsys.readouterr().err


def test_a_dataset_brings_images_tool_calls_and_results_along(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "pictures").mkdir()
    (here / "pictures" / "a.png").write_bytes(b"png")
    call = {"id": "c1", "function": "look", "arguments": {"at": 1}, "type": "function"}
    turns = [
        {"role": "user", "content": [{"type": "image", "image": "pictures/a.png"}]},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "a cat", "tool_call_id": "c1"},
    ]
    heard = [{"role": "user", "content": [{"type": "audio", "audio": "a.wav"}]}]
    lines = [{"input": turns, "target": "b"}, {"input": heard, "target": "b"}]
    (here / "d.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run(["init"])
    assert run(["import", "inspect", "d.jsonl", "--feature", "seen"]) == 0
    said = capsys.readouterr().out
    assert "copied evalsets/seen/pictures/a.png" in said
    assert "d.jsonl:2: input[0].content[0]: must be a part of type text, image or document" in said
    folder = here / "rightsizing" / "evalsets" / "seen"
    (case,) = load_evalset(folder, "seen").cases
    assert case.input[0].images == ("pictures/a.png",)
    assert json.loads(case.input[1].tool_calls)[0]["arguments"] == '{"at":1}'
    prompt = here / "rightsizing" / "prompts" / "seen" / "default.j2"
    assert prompt.read_text() == "=== turns ===\n"


def test_tables_and_configurations_need_no_library_of_the_engine(here: Path) -> None:
    (here / "t.csv").write_text("question,label\n" + "a,b\nc,d\n" * 4)
    (here / "d.jsonl").write_text('{"input": "a", "target": "b"}\n')
    (here / "p.yaml").write_text(
        'prompts: ["{{q}}"]\ntests: [{vars: {q: a}, assert: [{type: llm-rubric, value: polite}]}]\n'
    )
    heavy = ("numpy", "scipy", "pandas", "ray", "datasets", "evaluate", "psutil", "aiohttp")
    program = (
        f"import sys\nfor name in {heavy!r}: sys.modules[name] = None\n"
        "from harness.cli.main import run\n"
        "codes = [run(['init']), run(['import', 'csv', 't.csv', '-f', 'a']),\n"
        "    run(['import', 'inspect', 'd.jsonl', '-f', 'b']),\n"
        "    run(['import', 'promptfoo', 'p.yaml', '-f', 'c']), run(['init', '--scan', '.'])]\n"
        "sys.exit(any(codes))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=here, env=PLAIN, check=False)
    assert done.returncode == 0
