"""Signed decisions, end to end: git's SSH key, the base branch's allowed signers, and forgeries."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import run
from harness.record.base import State
from harness.record.model import sha256
from harness.record.stored import write_records
from tests.support.reviews import CYCLE, Shape, write_review_workspace
from tests.support.shops import (
    EXTRA,
    LOCK,
    POLICY,
    RECORD,
    SETTINGS,
    W,
    commit,
    decided,
    edit,
    git,
    put,
)

DANA, EVE = "dana.ruiz@example.com", "eve@example.com"
SIGNERS = f"{W}/allowed_signers"


def key_of(folder: Path, name: str) -> str:
    """A throw-away key; returns its line of `allowed_signers`."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name]
    subprocess.run(command, check=True, capture_output=True)
    kind, body, _ = (folder / f"{name}.pub").read_text(encoding="utf-8").split(" ", 2)
    return f"{name} {kind} {body}\n"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("signed")
    lines = {name: key_of(folder, name) for name in (DANA, EVE)}
    root = folder / "shop"
    workspace = write_review_workspace(root / W, 9, Shape(cases=40, extra=EXTRA))
    edit(POLICY, "procedure:", "require_signature: true\nprocedure:")(root)
    put(root, SIGNERS, lines[DANA])
    put(root, SETTINGS, '[llm]\nmodel = "big"\n')
    record = decided(workspace, state=State.PROPOSED)
    write_records([record], workspace / "reviews" / CYCLE)
    git(root, "init", "-q", "-b", "main")
    commit(root, "one")
    put(folder, "eve.txt", lines[EVE])
    return folder


@pytest.fixture
def shop(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(template, tmp_path / "copy")
    root = tmp_path / "copy" / "shop"
    monkeypatch.chdir(root)
    for name in ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    signs_as(root, DANA)
    return root


def signs_as(root: Path, who: str) -> None:
    git(root, "config", "user.email", who)
    git(root, "config", "gpg.format", "ssh")
    git(root, "config", "user.signingKey", str(root.parent / who))


def accept(*more: str) -> int:
    return run(["decide", "tickets", "accept", "--cycle", CYCLE, *more])


def swapped_and_judged(root: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The rest of an honest pull request: lock, swap, commit; and the gate on it."""
    first = git(root, "rev-parse", "HEAD")
    assert run(["lock"]) == 0
    put(root, SETTINGS, '[llm]\nmodel = "good"\n')
    commit(root, "two")
    capsys.readouterr()
    code = run(["gate", "--base", first])
    return code, capsys.readouterr().out


def test_a_signed_decision_passes(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert accept("--sign") == 0
    said = capsys.readouterr().out
    assert said.startswith(f"ACCEPTED by {DANA} (git identity, signed), etag ")
    entry = json.loads((shop / RECORD).read_text(encoding="utf-8"))["history"][-1]
    assert entry["signature"].startswith("-----BEGIN SSH SIGNATURE-----\n")
    assert swapped_and_judged(shop, capsys) == (0, "gate: 1 feature matches the lock.  pass\n")


def test_the_command_asks_for_what_the_policy_asks(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert accept() == 2
    assert "the policy asks for a signature: --sign" in capsys.readouterr().err
    git(shop, "config", "gpg.format", "openpgp")
    assert accept("--sign") == 2
    assert "git signs with openpgp here" in capsys.readouterr().err
    git(shop, "config", "gpg.format", "ssh")
    git(shop, "config", "user.signingKey", "no/such/key")
    assert accept("--sign") == 2
    assert "no/such/key: no key is here" in capsys.readouterr().err


def unsigned(root: Path) -> None:
    """The rule is switched off in the change itself."""
    edit(POLICY, "require_signature: true", "require_signature: false")(root)
    assert accept() == 0


def by_a_stranger(root: Path) -> None:
    """A key that the change adds to the signers."""
    put(root, SIGNERS, (root.parent / "eve.txt").read_text(encoding="utf-8"))
    signs_as(root, EVE)
    assert accept("--sign") == 0


def in_another_s_name(root: Path) -> None:
    signs_as(root, EVE)
    assert accept("--sign", "--by", DANA) == 0


def resealed(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    """A signed decision, rewritten afterwards; its etag made anew."""

    def apply(root: Path) -> None:
        assert accept("--sign", "--reason", "agreed") == 0
        raw = json.loads((root / RECORD).read_text(encoding="utf-8"))
        change(raw)
        raw["etag"] = sha256({key: raw[key] for key in raw.keys() - {"etag"}})
        put(root, RECORD, json.dumps(raw, indent=2, sort_keys=True) + "\n")

    return apply


FORGERIES: dict[str, tuple[Callable[[Path], None], str]] = {
    "unsigned, the rule switched off": (unsigned, f"ACCEPTED by {DANA} is not signed"),
    "a stranger, added to the signers": (by_a_stranger, "the signature of ACCEPTED by eve@"),
    "a stranger in another's name": (in_another_s_name, "the signature of ACCEPTED by dana."),
    "another reason": (
        resealed(lambda raw: raw["history"][-1].update(reason="as the board wished")),
        "the signature of ACCEPTED by dana.ruiz@example.com does not hold",
    ),
    "another person": (
        resealed(lambda raw: raw["history"][-1].update(by="boss@example.com")),
        "the signature of ACCEPTED by boss@example.com does not hold",
    ),
    "a signature that is taken off": (
        resealed(lambda raw: raw["history"][-1].pop("signature")),
        "is not signed",
    ),
    "a signature that is none": (
        resealed(lambda raw: raw["history"][-1].update(signature="AAAA")),
        "does not hold",
    ),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forgery_is_refused(name: str, shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply, words = FORGERIES[name]
    apply(shop)
    code, said = swapped_and_judged(shop, capsys)
    assert words in said, said
    assert code == 3


def test_a_decision_of_another_person_is_not_taken_back_quietly(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(
        shop,
        SIGNERS,
        "".join(((shop / SIGNERS).read_text(), (shop.parent / "eve.txt").read_text())),
    )
    commit(shop, "both may sign")
    assert accept("--sign") == 0
    commit(shop, "accepted")
    signs_as(shop, EVE)
    reject = ["decide", "tickets", "reject", "--cycle", CYCLE, "--reason", "too slow", "--sign"]
    assert run(reject) == 2
    assert f"{DANA} decided ACCEPTED on" in capsys.readouterr().err
    first = git(shop, "rev-parse", "HEAD")
    assert run([*reject, "--overturn"]) == 0
    assert f"before: ACCEPTED by {DANA}\n" in capsys.readouterr().out
    commit(shop, "rejected")
    put(shop, LOCK, '{"schema_version":"rightsizing-lock/v1","gate":{},"features":{}}')
    capsys.readouterr()
    assert run(["gate", "--base", first]) == 0
    assert f"REJECTED by {EVE} overturns ACCEPTED by {DANA}" in capsys.readouterr().out


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
def test_an_honest_swap_is_two_commands_and_one_edit(
    shop: Path, capsys: pytest.CaptureFixture[str], *, signed: bool
) -> None:
    """As `harness/gate/README.md` counts them: a signature is an option, not a step."""
    if not signed:
        edit(POLICY, "require_signature: true\n", "")(shop)
        commit(shop, "no signatures here")
    first = git(shop, "rev-parse", "HEAD")
    steps = [
        lambda: accept("--by", DANA, *(["--sign"] if signed else [])),
        lambda: run(["lock"]),
        lambda: put(shop, SETTINGS, '[llm]\nmodel = "good"\n'),
    ]
    assert [step() for step in steps] == [0, 0, None]
    commit(shop, "switch tickets to good")
    changed = git(shop, "diff", "--name-only", first).splitlines()
    by_commands = [LOCK, *(path for path in changed if path.startswith(f"{W}/reviews/{CYCLE}/"))]
    assert RECORD in by_commands
    assert sorted(changed) == sorted([SETTINGS, *by_commands])
    capsys.readouterr()
    assert run(["gate", "--base", first]) == 0
    assert capsys.readouterr().out.endswith("pass\n")
