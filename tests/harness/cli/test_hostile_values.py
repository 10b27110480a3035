"""What a value says is never taken for what the command says: by a terminal or a CI log."""

from __future__ import annotations

import json
import re
import shutil
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from harness.cli.main import COMMANDS, run
from tests.support.reviews import (
    CYCLE,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from tests.support.wire.reply import Body

ROOT = Path(__file__).parents[3]
EVIL = "x\x1b[2J\u202e\u2066\x07\n::stop-commands::t\r##[group]\n##vso[task.setvariable]\x9b31m"
"""Clears a screen, turns the reading direction, and stops what a CI service reads."""
STEERS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]|^\s*::|##\w*\[", re.MULTILINE
)


def evil_answers(body: Body) -> Reply:
    """Right and wrong as ever, in a name of the server's own."""
    fair = answers(body)
    text = f"{body['model']}{EVIL}" if "Ticket number 7" in json.dumps(body) else fair.text
    return Reply(text=text, usage=fair.usage, model=f"m{EVIL}", service_tier=EVIL)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose every free text is hostile, reviewed on a hostile server."""
    root = tmp_path_factory.mktemp("hostile") / "w"
    with OpenAIServer(evil_answers) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(cases=120, candidates="good"))
        _make_hostile(root)
        run_review(root, cluster)
    return root


def _make_hostile(root: Path) -> None:
    models = root / "models" / "all.yaml"
    known = yaml.safe_load(models.read_text())
    for config in known.values():
        config["region"] = config["tier"] = EVIL
        config["version"] = f"v{EVIL}"
        config["price"][0]["source"] = EVIL
    models.write_text(yaml.safe_dump(known))
    path = root / "features" / "tickets.yaml"
    feature = yaml.safe_load(path.read_text())
    feature |= {"name": EVIL, "owner": EVIL, "team": EVIL, "product": EVIL}
    feature |= {"agreed": {"by": EVIL, "on": date(2026, 9, 14)}, "tags": [EVIL]}
    feature["traffic"]["source"] = EVIL
    path.write_text(yaml.safe_dump(feature))
    path = root / "evalsets" / "tickets" / "evalset.yaml"
    evalset = yaml.safe_load(path.read_text())
    evalset |= {"unit": EVIL, "slices": {"channel": {EVIL: {"margin": 30}}}}
    path.write_text(yaml.safe_dump(evalset))
    path = root / "evalsets" / "tickets" / "cases.jsonl"
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    for case in cases:
        case["id"] += EVIL
        case["metadata"]["channel"] = EVIL
    path.write_text("".join(json.dumps(case) + "\n" for case in cases))


def words(command: str, root: Path, folder: Path) -> list[list[str]]:
    """The calls of each command, on hostile values and with hostile arguments."""
    at = ["-w", str(root)]
    copy = ["-w", str(shutil.copytree(root, folder / "copy"))] if command == "import" else at
    cycle = [*at, "--cycle", CYCLE]
    record = root / "reviews" / CYCLE / "records" / "tickets.json"
    csv = folder / "evil.csv"
    csv.write_text(f'id,input,target\n1,"a{EVIL}","b{EVIL}"\n2,,"{EVIL}"\n"{EVIL}"\n')
    (folder / "app.py").write_text(f'model = "gpt-4o"  # {EVIL!r}\nother = "gpt-4o{EVIL!a}"\n')
    promptfoo = folder / "promptfooconfig.yaml"
    tests = [{"vars": {EVIL: EVIL}, "assert": [{"type": EVIL, "value": EVIL}]}]
    promptfoo.write_text(yaml.safe_dump({"prompts": [EVIL], "providers": [EVIL], "tests": tests}))
    return {
        "init": [["init", "-w", str(folder / "new"), "--scan", str(folder)]],
        "import": [
            ["import", "promptfoo", str(promptfoo), "--feature", "p", *copy],
            ["import", "csv", str(csv), "--feature", "c", *copy],
            ["import", "traffic", str(csv), *copy],
            ["check", *copy],
        ],
        "check": [["check", *at], ["check", *at, "--json"]],
        "models": [["models", *at], ["models", *at, "--json"], ["models", *at, "--refresh"]],
        "scorers": [["scorers"], ["scorers", EVIL]],
        "plan": [["plan", *cycle, "--details"], ["plan", *cycle, "--feature", EVIL]],
        "review": [["review", *cycle, "--yes"], ["review", *at, "--cycle", EVIL, "--yes"]],
        "report": [["report", *cycle], ["report", *at, "--cycle", EVIL]],
        "reprice": [["reprice", *cycle]],
        "export": [["export", *cycle, "--out", str(folder / "out.csv")]],
        "decide": [["decide", "tickets", "defer", *cycle, "--by", EVIL, "--reason", EVIL]],
        "verify": [["verify", str(record)], ["verify", EVIL], ["verify", *cycle]],
        "lock": [["lock", *at]],
        "gate": [["gate", *at], ["gate", *at, "--json"], ["gate", *at, "--base", EVIL]],
        "journal": [
            ["journal", "show", *at],
            ["journal", "check", *at],
            ["journal", "merge", f"/nowhere/{EVIL}", *at],
        ],
        "probe": [["probe", EVIL, "--feature", "tickets", *at]],
        "serving": [["serving", "list", *at], ["serving", "start", EVIL, *at]],
        "label": [["label", "tickets", *at, "--by", EVIL], ["label", EVIL, *at]],
        "why": [["why", "tickets", *cycle], ["why", "tickets", *cycle, "--json"]],
        "try": [
            ["try", "tickets", "--model", "good", "--show", *at],
            ["try", EVIL, "--model", "x"],
        ],
        "demo": [["demo", EVIL]],
        EVIL: [[EVIL]],
    }.get(command, [[command, EVIL]])


@pytest.mark.parametrize("command", [*COMMANDS, EVIL], ids=[*COMMANDS, "mistyped"])
def test_no_command_prints_what_would_steer(
    command: str,
    root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: command == "why")
    for arguments in words(command, root, tmp_path):
        code = run(arguments)
        shown = capsys.readouterr()
        said = shown.out + shown.err
        assert not STEERS.search(said), (arguments, said[-2000:])
        assert "internal error" not in said, (arguments, said[-2000:])
        assert code in range(6)


def test_one_place_prints() -> None:
    folder = ROOT / "harness" / "cli"
    found = {
        path.name
        for path in folder.rglob("*.py")
        if re.search(r"click\.s?echo\(|(?<![\w.])print\(", path.read_text("utf-8"))
    }
    assert found == {"say.py"}
