"""What a pull request tries on the gate, each in a real repository: the list, and the honest one.

An attack is the branch's one commit on the shop's; the gate is asked with the shop's as its base.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.main import run
from harness.record.model import finding_sha256, sha256
from harness.record.parts import HistoryEntry
from harness.record.stored import write_records
from tests.support.reviews import CYCLE, Shape, write_review_workspace
from tests.support.shops import (
    CASES,
    EXTRA,
    FEATURE,
    LOCK,
    MODELS,
    POLICY,
    RECORD,
    SETTINGS,
    Step,
    W,
    both,
    commit,
    decided,
    edit,
    git,
    put,
    relock,
    write,
)

GATE_FAILED = 3
EVALSET = f"{W}/evalsets/tickets/evalset.yaml"


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

SWAP = write(SETTINGS, '[llm]\nmodel = "bad"\n')
GATE_OFF = edit(POLICY, "procedure:", "gate: {model: off, evalset: off}\nprocedure:")


def lax_lock(raw: dict[str, Any]) -> None:
    raw["gate"]["model"] = "off"


def flipped(count: int) -> Step:
    """The right answers of the first cases, turned into another label."""

    def apply(root: Path) -> None:
        lines = (root / CASES).read_text(encoding="utf-8").splitlines()
        for at in range(count):
            case = json.loads(lines[at])
            case["target"] = "billing" if case["target"] != "billing" else "technical"
            lines[at] = json.dumps(case)
        put(root, CASES, "\n".join(lines) + "\n")

    return apply


def entry(**facts: object) -> dict[str, object]:
    known = {"state": "ACCEPTED", "by": "eve@example.com", "by_source": "--by", "reason": "",
             "link": None, "until": None, "at": "2026-11-20T08:00:00Z"}  # fmt: skip
    return known | facts


def without_record(root: Path) -> None:
    (root / RECORD).unlink()


def renamed_away(root: Path) -> None:
    """The feature and its entry go, under another name and elsewhere; the service asks on."""
    for folder in ("prompts", "evalsets"):
        shutil.move(root / W / folder / "tickets", root / W / folder / "other")
    text = (root / FEATURE).read_text(encoding="utf-8")
    (root / FEATURE).unlink()
    put(root, FEATURE.replace("tickets", "other"), text.replace(EXTRA, ""))
    put(root, LOCK, '{"schema_version":"rightsizing-lock/v1","gate":{},"features":{}}')


DECOY = edit(FEATURE, EXTRA, "used_in: shop:app/decoy.toml#llm.model")
NOBODY = write("app/decoy.toml", '[llm]\nmodel = "good"\n')

THE_BASE_RULES: dict[str, Attack] = {
    "its own rule is off": (both(GATE_OFF, SWAP), GATE_FAILED, "gate.model: off, was fail"),
    "off, and still judged by the base's": (
        both(GATE_OFF, SWAP),
        GATE_FAILED,
        "fail: tickets: model: good -> bad",
    ),
    "off for the feature alone": (
        both(
            edit(POLICY, "procedure:", "gate: {by_feature: {tickets: {model: off}}}\nprocedure:"),
            SWAP,
        ),
        GATE_FAILED,
        "gate.model for tickets: off, was fail",
    ),
    "the rule about rules is off": (
        both(edit(POLICY, "procedure:", "gate: {weakened: off}\nprocedure:"), SWAP),
        GATE_FAILED,
        "gate.weakened: off, was fail",
    ),
    "a larger margin": (
        both(edit(FEATURE, EXTRA, f"{EXTRA}\nmargin: 90"), SWAP),
        GATE_FAILED,
        "margin: 90, was 5",
    ),
    "a lower confidence": (
        both(edit(POLICY, "procedure:", "confidence: 0.6\nprocedure:"), SWAP),
        GATE_FAILED,
        "confidence: 0.6, was 0.95",
    ),
    "a looser chargeback": (
        both(
            edit(POLICY, "procedure:", "spend: {chargeback: {allocated_share: 0.1}}\nprocedure:"),
            SWAP,
        ),
        GATE_FAILED,
        "spend.chargeback.allocated_share: 0.1, was 0.95",
    ),
    "a setting moved to a decoy": (
        both(DECOY, NOBODY, SWAP),
        GATE_FAILED,
        "settings.toml#llm.model: no record compares bad",
    ),
    "a setting of another repository": (
        both(edit(FEATURE, EXTRA, "used_in: elsewhere:a.toml#llm.model"), SWAP),
        GATE_FAILED,
        "used_in: elsewhere:a.toml#llm.model, was shop:",
    ),
    "a setting that nobody names": (
        both(edit(FEATURE, EXTRA, ""), SWAP),
        GATE_FAILED,
        "no record compares bad",
    ),
    "an entry removed while its model runs": (
        write(LOCK, '{"schema_version":"rightsizing-lock/v1","gate":{},"features":{}}'),
        GATE_FAILED,
        "its entry was removed from the lock",
    ),
    "a feature deleted while its model runs": (
        both(renamed_away, SWAP),
        GATE_FAILED,
        "the feature is deleted while app/settings.toml#llm.model still says bad",
    ),
    "a lock with laxer rules for the services": (
        forged(LOCK, lax_lock),
        GATE_FAILED,
        "rightsizing.lock is laxer than policy.yaml: gate.model: off",
    ),
    "a decision that is removed": (without_record, GATE_FAILED, "was removed"),
    "a history without its beginning": (
        forged(RECORD, lambda raw: raw.update(history=[]), "etag"),
        GATE_FAILED,
        "its history does not go on from the base branch's",
    ),
    "a state that no history tells of": (
        forged(RECORD, lambda raw: raw.update(state="VERIFIED"), "etag"),
        GATE_FAILED,
        "says VERIFIED, which no entry of its history does",
    ),
    "a machine that accepts": (
        forged(
            RECORD,
            lambda raw: raw.update(
                history=[*raw["history"], entry(state="VERIFIED", by_source="--by")],
                state="VERIFIED",
            ),
            "etag",
        ),
        GATE_FAILED,
        "ACCEPTED cannot become VERIFIED by eve@example.com",
    ),
    "a finding under a decision replaced": (
        forged(RECORD, lambda raw: raw.update(trigger="none"), "finding", "etag"),
        GATE_FAILED,
        "the finding under the decision of dana.ruiz@example.com was replaced",
    ),
    "somebody who may not decide": (
        forged(
            RECORD,
            lambda raw: raw.update(
                history=[*raw["history"], entry(state="REJECTED")], state="REJECTED"
            ),
            "etag",
        ),
        GATE_FAILED,
        "eve@example.com may not decide it: dana.ruiz@example.com",
    ),
    "a decider who adds themselves": (
        both(
            edit(POLICY, "deciders: [dana.ruiz", "deciders: [eve@example.com, dana.ruiz"),
            SWAP,
        ),
        GATE_FAILED,
        "deciders: eve@example.com added",
    ),
    "a model that may see more": (
        both(edit(MODELS, "internal, customer]", "internal, customer, restricted]"), SWAP),
        GATE_FAILED,
        "may_see of big: restricted added",
    ),
}

LABELS_COUNT: dict[str, Attack] = {
    "all targets flipped": (flipped(40), GATE_FAILED, "the right answers of 40 cases were changed"),
    "one target flipped": (flipped(1), GATE_FAILED, "the right answers of 1 case were changed"),
    "labels that are deleted": (
        edit(CASES, ', "target": "billing"', ""),
        GATE_FAILED,
        "the right answers of 20 cases were changed",
    ),
    "a scorer that takes more": (
        edit(EVALSET, "labels: [billing, technical]", "labels: [billing, technical, other]"),
        GATE_FAILED,
        "the eval set changed and no record was made with it",
    ),
    "a lower bar": (
        both(edit(EVALSET, "bar: 50", "bar: 1"), SWAP),
        GATE_FAILED,
        "bar: 1.0, was 50",
    ),
    "a guardrail with a larger margin": (
        both(edit(EVALSET, "format, margin: 5", "format, margin: 50"), SWAP),
        GATE_FAILED,
        "guardrail format {}: 50 (alarm), was 5 (alarm)",
    ),
    "a slice that is gone": (
        both(edit(EVALSET, "slices: {channel: {mail: {margin: 30}}}\n", ""), SWAP),
        GATE_FAILED,
        "slice channel mail: removed",
    ),
    "cases that count as independent": (
        both(edit(EVALSET, "cluster: channel\n", ""), SWAP),
        GATE_FAILED,
        "cluster: none, was channel",
    ),
    "another address": (
        edit(MODELS, "http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1"),
        GATE_FAILED,
        "was asked with other parameters",
    ),
    "another model in the body": (
        edit(
            MODELS,
            "provider: openai-compatible",
            "extra_body: {model: other}\n  provider: openai-compatible",
        ),
        2,
        "extra_body",
    ),
}


def linked(path: str, to: str) -> Step:
    def apply(root: Path) -> None:
        (root / path).unlink(missing_ok=True)
        (root / path).symlink_to(to)

    return apply


CANNOT_TELL = 4
LINKS: dict[str, Attack] = {
    "settings that are read elsewhere": (
        linked(SETTINGS, "/etc/hostname"),
        CANNOT_TELL,
        "is a link that leads out of the repository",
    ),
    "settings without an end": (linked(SETTINGS, "/dev/zero"), CANNOT_TELL, "leads out of"),
    "settings that are themselves": (linked(SETTINGS, "settings.toml"), CANNOT_TELL, "to itself"),
    "a lock without an end": (linked(LOCK, "/dev/zero"), 2, "cannot be read (no plain file)"),
    "a prompt without an end": (
        linked(f"{W}/prompts/tickets/default.j2", "/dev/zero"),
        2,
        "prompts/tickets/default.j2: no plain file",
    ),
    "a link to a file that names a model": (
        linked("app/worker.py", "../tests/test_app.py"),
        GATE_FAILED,
        "app/worker.py:1: gpt-5 is used by no feature",
    ),
    "a link out of the repository": (
        linked("app/worker.py", "/etc/hostname"),
        0,
        "unclaimed_model: app/worker.py: was not looked into for models: a link that leads out",
    ),
    "a link to nothing": (linked("app/worker.py", "later.py"), 0, "a link to what is not there"),
    "a link to a folder": (linked("app/conf", "../tests"), 0, "a link to what is no plain file"),
}

POINTER = (
    f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0123456789abcdef' * 4}\nsize 12345\n"
)


def pointer(path: str) -> Step:
    return lambda root: put(root, path, POINTER)


POINTERS: dict[str, Attack] = {
    **{
        f"{name} that is a pointer": (pointer(path), 2, f"{said}: only a pointer of Git LFS")
        for name, path, said in (
            ("a lock", LOCK, "rightsizing.lock"),
            ("a record", RECORD, "tickets.json"),
            ("a policy", POLICY, "policy.yaml"),
            ("a feature", FEATURE, "features/tickets.yaml"),
            ("models", MODELS, "models/all.yaml"),
            ("cases", CASES, "evalsets/tickets/cases.jsonl"),
            ("an eval set", EVALSET, "evalsets/tickets/evalset.yaml"),
            ("a prompt", f"{W}/prompts/tickets/default.j2", "prompts/tickets/default.j2"),
        )
    },
    "settings that are a pointer": (
        pointer(SETTINGS),
        CANNOT_TELL,
        "is only a pointer of Git LFS",
    ),
    "code that becomes a pointer": (
        pointer("tests/test_app.py"),
        CANNOT_TELL,
        "tests/test_app.py: was not looked into for models: it is only a pointer",
    ),
    "a new pointer": (
        pointer("app/weights.bin"),
        0,
        "app/weights.bin: was not looked into for models: it is only a pointer",
    ),
    "a pointer of git-annex": (
        lambda root: put(root, "tests/test_app.py", "/annex/objects/SHA256E-s9--00ff.py\n"),
        CANNOT_TELL,
        "only a pointer of Git LFS or git-annex",
    ),
}


def moved_workspace(root: Path) -> None:
    """Elsewhere, laxer, and a link in its place."""
    git(root, "mv", W, "elsewhere")
    (root / W).symlink_to("elsewhere")
    edit(POLICY.replace(W, "elsewhere"), "margin: 5", "margin: 60")(root)


def linked_lock(root: Path) -> None:
    """Without its feature, and a link in its place."""
    empty = {"schema_version": "rightsizing-lock/v1", "gate": {}, "features": {}}
    put(root, "other.lock", json.dumps(empty))
    linked(LOCK, os.path.relpath(root / "other.lock", (root / LOCK).parent))(root)


def encoded(text: str, encoding: str, attributes: str = "") -> Step:
    def apply(root: Path) -> None:
        put(root, ".gitattributes", attributes)
        (root / "app" / "new.py").write_bytes(text.encode(encoding))

    return apply


NEW = "app/new.py:1: gpt-5 is used by no feature"
OTHER_WRITINGS: dict[str, Attack] = {
    "a workspace that is moved behind a link": (moved_workspace, GATE_FAILED, "weakened"),
    "a lock that is moved behind a link": (linked_lock, GATE_FAILED, "tickets"),
    "an id in another encoding, by an attribute": (
        encoded('M = "gpt-5"\n', "utf-16", "new.py working-tree-encoding=UTF-16\n"),
        GATE_FAILED,
        NEW,
    ),
    "an id in UTF-32": (encoded('M = "gpt-5"\n', "utf-32"), GATE_FAILED, NEW),
    "an id in escapes of code": (encoded('M = "\\x67pt-5"\n', "ascii"), GATE_FAILED, NEW),
    **{
        f"an id in escapes of {name}": (
            write(f"app/new.{name}", text),
            GATE_FAILED,
            "gpt-5 is used by no feature",
        )
        for name, text in (
            ("json", '{"model": "\\u0067pt-5"}'),
            ("yaml", 'model: "\\x67pt-5"\n'),
            ("toml", 'model = "\\u0067pt-5"\n'),
            ("xml", "<model>&#103;pt&#x2d;5</model>"),
            ("ts", 'const model = "\\u{67}pt-5";\n'),
        )
    },
    **{
        f"an id at the end of an order, {name}": (
            write(f"app/{name}", text),
            GATE_FAILED,
            "gpt-5 is used by no feature",
        )
        for name, text in (
            ("Dockerfile", "FROM a\nENV LLM gpt-5\n"),
            ("proxy.conf", "backend gpt-5;\n"),
            ("run.sh", "exec serve --with 'gpt-5'\n"),
            ("rates.csv", "name,gpt-5,3\n"),
            ("wire.py", "M = b'gpt-5'\n"),
        )
    },
    "a file whose name is a pathspec": (
        write("app/:(exclude)x.py", 'M = "gpt-5"\n'),
        GATE_FAILED,
        "gpt-5 is used by no feature",
    ),
    "a record with a number that is none": (
        edit(RECORD, '"schema_version"', '"z": NaN, "schema_version"'),
        2,
        "not a record",
    ),
    "a workspace that becomes a submodule": (
        lambda root: shutil.rmtree(root / W),
        2,
        "no workspace here",
    ),
}

ATTACKS = (
    LINKS
    | OTHER_WRITINGS
    | POINTERS
    | WHAT_WAS_SIGNED
    | FROM_A_DIFF
    | THE_BASE_RULES
    | LABELS_COUNT
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that every attack copies: made once."""
    root = tmp_path_factory.mktemp("template") / "shop"
    put(root, "tests/test_app.py", HIDDEN)
    workspace = write_review_workspace(root / W, 9, Shape(cases=40, extra=EXTRA))
    edit(POLICY, "procedure:", "deciders: [dana.ruiz@example.com]\nprocedure:")(root)
    edit(EVALSET, "slices:", "bar: 50\ncluster: channel\nslices:")(root)
    put(root, SETTINGS, '[llm]\nmodel = "big"\n')
    accepted = HistoryEntry.model_validate(entry(by="dana.ruiz@example.com"))
    write_records([decided(workspace, history=(accepted,))], workspace / "reviews" / CYCLE)
    relock(root)
    git(root, "init", "-q", "-b", "main")
    commit(root, "one")
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
    """The gate on all that is in the index: what a commit would hold."""
    git(root, "add", "-A")
    capsys.readouterr()
    code = run(["gate", "--base", "HEAD"])
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


@pytest.mark.parametrize(
    ("pattern", "named"), [(f"/{W}/reviews/", True), (f"/{W}/reviews/*", False), ("*", True)]
)
def test_whom_code_owners_names_may_decide_where_nobody_else_is_named(
    pattern: str, *, named: bool, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record stands two folders below `reviews/`, where `reviews/*` does not reach."""
    edit(POLICY, "deciders: [dana.ruiz@example.com]\n", "")(shop)
    put(shop, "CODEOWNERS", f"/app/ @acme/app\n{pattern} dana.ruiz@example.com\n")
    relock(shop)
    commit(shop, "owners")
    apply, _, words = THE_BASE_RULES["somebody who may not decide"]
    apply(shop)
    assert (words in judged(shop, capsys)[1]) is named


SHOUT = "bad\\n::stop-commands::x\\n##[error]y\\u001b[2J\\u202e\\r::error::z"
"""As TOML and YAML write it: commands of CI services, an escape, a mark that turns the line."""


def test_what_steers_a_log_is_shown_as_text(
    shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(shop, SETTINGS, f'[llm]\nmodel = "{SHOUT}"\n')
    outs = [tmp_path / f"gate{end}" for end in (".md", ".xml", ".txt", ".json")]
    arguments = [part for path in outs for part in ("--out", str(path))]
    capsys.readouterr()
    assert run(["gate", *arguments]) == GATE_FAILED
    texts = [capsys.readouterr().out, *(path.read_text(encoding="utf-8") for path in outs)]
    for text in texts:
        assert not set("\x1b\r\u202e") & set(text)
        assert not any(line.lstrip().startswith(("::", "##[")) for line in text.splitlines())
        assert "stop-commands" in text


def test_a_feature_without_a_lock_that_asks_what_failed_is_named(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = shop / W
    failed = {"option_result": "FAIL", "option_reason_codes": ("QUALITY_INFERIOR",)}
    record = decided(workspace, "bad", state="PROPOSED", chosen=None, verdict="justify", **failed)
    (shop / RECORD).unlink()
    (shop / LOCK).write_text('{"schema_version":"rightsizing-lock/v1","gate":{},"features":{}}')
    write_records([record], workspace / "reviews" / CYCLE)
    commit(shop, "reviewed, and not locked")
    assert judged(shop, capsys)[0] == 0
    swap = edit(
        FEATURE, "incumbent: big\ncandidates: [bad, good]", "incumbent: bad\ncandidates: [good]"
    )
    swap(shop)
    code, said = judged(shop, capsys)
    assert code == GATE_FAILED
    assert "big -> bad, which failed its review" in said
    assert "run `rightsize decide tickets accept`, then `rightsize lock`" in said


def test_the_honest_pull_request_takes_one_command(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(SETTINGS, '[llm]\nmodel = "good"\n')(shop)
    code, said = judged(shop, capsys)
    assert (code, said) == (0, "gate: 1 feature matches the lock.  pass\n")


def test_what_cannot_be_read_on_the_base_branch_is_told(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {path: (shop / path).read_text(encoding="utf-8") for path in (LOCK, RECORD, CASES)}
    for path in kept:
        put(shop, path, "<<<<<<< ours\n")
    commit(shop, "damaged")
    for path, text in kept.items():
        put(shop, path, text)
    code, said = judged(shop, capsys)
    assert code == 0
    for path in (LOCK, RECORD.removeprefix(f"{W}/"), "evalsets/tickets"):
        assert f"warn: (all features): weakened: {path} of the base branch cannot be read" in said
    (shop / POLICY).write_text("max_spend_usd: [\n", encoding="utf-8")
    commit(shop, "damaged again")
    git(shop, "checkout", "-q", "HEAD~2", "--", W)
    code, said = judged(shop, capsys)
    assert code == 0
    assert "policy.yaml of the base branch cannot be read, and binds nobody here" in said
