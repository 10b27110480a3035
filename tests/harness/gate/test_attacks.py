"""What a pull request tries on the gate, each in a real repository: the list, and the honest one.

An attack is the branch's one commit on the shop's; the gate is asked with the shop's as its base.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import run
from harness.record.model import finding_sha256, sha256
from tests.support.shops import (
    LOCK,
    RECORD,
    SETTINGS,
    Step,
    both,
    commit,
    git,
    put,
    write,
    write_shop,
)

GATE_FAILED = 3


def forged(path: str, change: Callable[[dict[str, Any]], object], *hashes: str) -> Step:
    """A JSON file with a change, and these of its hashes made anew."""

    def apply(root: Path) -> None:
        raw = json.loads((root / path).read_text(encoding="utf-8"))
        change(raw)
        if "finding" in hashes:
            raw["finding_sha256"] = finding_sha256(raw)
        if "etag" in hashes:
            raw["etag"] = sha256({key: raw[key] for key in raw.keys() - {"etag"}})
        put(root, path, json.dumps(raw, indent=2, sort_keys=True) + "\n")

    return apply


def forged_entry(**facts: object) -> Step:
    """An entry of the lock with other facts, and its digest made anew."""

    def change(raw: dict[str, Any]) -> None:
        entry = raw["features"]["tickets"] | facts
        del entry["entry_sha256"]
        raw["features"]["tickets"] = entry | {"entry_sha256": sha256(entry)}

    return forged(LOCK, change)


def swapped_choice(raw: dict[str, Any]) -> None:
    entry = raw["features"]["tickets"]
    entry["accepted"] |= {"option": "bad", "model_id": "bad", "version": "bad"}
    del entry["entry_sha256"]
    entry["entry_sha256"] = sha256(entry)


def renamed_record(root: Path) -> None:
    put(root, RECORD.replace("tickets", "other"), (root / RECORD).read_text(encoding="utf-8"))


def stated_twice(path: str, old: str, new: str) -> Step:
    def apply(root: Path) -> None:
        text = (root / path).read_text(encoding="utf-8")
        assert old in text
        put(root, path, text.replace(old, f"{new}\n  {old}", 1))

    return apply


Attack = tuple[Step, int, str]

WHAT_WAS_SIGNED: dict[str, Attack] = {
    "a finding rewritten, its etag made anew": (
        forged(RECORD, lambda raw: raw.update(reason_codes=["SUPERIOR_AND_CHEAPER"]), "etag"),
        2,
        "its finding was changed by hand",
    ),
    "a record under another feature's name": (
        renamed_record,
        2,
        "holds the record of tickets: its name and its feature differ",
    ),
    "a key of a record that stands twice": (
        stated_twice(RECORD, '"state": "ACCEPTED"', '"state": "REJECTED",'),
        2,
        "state stands twice",
    ),
    "a key of the lock that stands twice": (
        stated_twice(LOCK, '"schema_version"', '"schema_version": "rightsizing-lock/v1",'),
        2,
        "schema_version stands twice",
    ),
    "a lock that expires in 2099, its digest made anew": (
        forged_entry(expires_at="2099-01-01"),
        GATE_FAILED,
        "expires_at: 2099-01-01, its record says",
    ),
    "a lock with a margin of 90": (
        forged_entry(margin=90.0),
        GATE_FAILED,
        "margin: 90.0, its record says 5.0",
    ),
    "a lock that accepts another model": (
        forged(LOCK, swapped_choice),
        GATE_FAILED,
        "accepted: bad, its record says good",
    ),
    "a lock of another verdict": (
        forged_entry(verdict="justify"),
        GATE_FAILED,
        "verdict: justify, its record says downgrade",
    ),
}

HIDDEN = 'MODEL = "gpt-5"\n'
NAMED = "gpt-5 is used by no feature"


def renamed_from_tests(root: Path) -> None:
    git(root, "mv", "tests/test_app.py", "app/run.py")


def hidden(path: str, text: str = HIDDEN, *steps: Step) -> Attack:
    return both(write(path, text), *steps), GATE_FAILED, NAMED


FROM_A_DIFF: dict[str, Attack] = {
    "a file without a diff": hidden("app/a.py", HIDDEN, write(".gitattributes", "* -diff\n")),
    "a file called binary": hidden("app/a.py", HIDDEN, write(".gitattributes", "*.py binary\n")),
    "a NUL byte": hidden("app/a.py", "# \0\n" + HIDDEN),
    "a NUL byte inside the name": hidden("app/a.py", 'MODEL = "gpt\0-5"\n'),
    "a name that git quotes": hidden('app/a"b\tc.py'),
    "a name outside of ASCII": hidden("app/\u00e4\u202e.py"),
    "a file that was a test": (renamed_from_tests, GATE_FAILED, NAMED),
    "bare carriage returns": hidden("app/a.py", '# new\rMODEL = "gpt-5"\r'),
    "a Makefile": hidden("Makefile", "serve:\n\tserve --model gpt-5\n"),
    "a workflow": hidden(".github/workflows/a.yml", "env: {MODEL: gpt-5}\n"),
    "a script without a suffix": hidden("bin/serve", "#!/bin/sh\nserve --model gpt-5\n"),
    "a notebook": hidden(
        "app/a.ipynb", '{"cells": [{"cell_type": "code", "source": ["m = \\"gpt-5\\""]}]}'
    ),
    "a folder of products": hidden("dist/a.js", 'const model = "gpt-5";\n'),
    "another key of a claimed file": hidden(
        SETTINGS, '[llm]\nmodel = "big"\n[other]\nmodel = "gpt-5"\n'
    ),
}

ATTACKS = WHAT_WAS_SIGNED | FROM_A_DIFF


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that every attack copies: made once."""
    root = tmp_path_factory.mktemp("template") / "shop"
    put(root, "tests/test_app.py", HIDDEN)
    write_shop(root, cases=40)
    return root


@pytest.fixture
def shop(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    shutil.copytree(template, root)
    monkeypatch.chdir(root)
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    return root


def judged(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    first = git(root, "rev-parse", "HEAD")
    commit(root, "two")
    capsys.readouterr()
    code = run(["gate", "--base", first])
    output = capsys.readouterr()
    return code, output.out + output.err


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_and_named(
    name: str, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apply, code, words = ATTACKS[name]
    apply(shop)
    found, said = judged(shop, capsys)
    assert words in said, said
    assert found == code, said


def test_the_honest_pull_request_takes_one_command(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(SETTINGS, '[llm]\nmodel = "good"\n')(shop)
    code, said = judged(shop, capsys)
    assert (code, said) == (0, "gate: 1 feature matches the lock.  pass\n")
