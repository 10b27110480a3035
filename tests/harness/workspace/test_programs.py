"""What is wrong with a feature that is a program, told by `check` in one line each."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from harness.conduct.checking import check_workspace, priced_on
from harness.plan.planned_options import plan_option
from harness.plan.planning import Selection, plan_review
from harness.workspace.feature_file import ProgramConfig
from harness.workspace.programs.digests import (
    ProgramFolderError,
    Surroundings,
    UnknownOutsideError,
    program_outside,
    program_sha256,
)
from harness.workspace.prompts import prompt_for
from harness.workspace.workspace import load_workspace
from tests.support.program_reviews import write_program_workspace
from tests.support.reviews import NOW, Shape
from tests.support.workspaces import edit

FEATURE = "features/tickets.yaml"
MODELS = "models/all.yaml"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_program_workspace(tmp_path, 9, shape=Shape(cases=12, candidates="good"))


def told(root: Path) -> list[str]:
    report = check_workspace(root, has_price=priced_on(NOW.date()))
    return [f"{one.file}: {one.key}: {one.message}" for one in report.errors]


GOOD = "good:\n  provider: openai-compatible\n"
FAULTS = {
    "unknown model": (FEATURE, "check: checker", "check: chekcer", "unknown model 'chekcer'"),
    "no incumbent": (FEATURE, "draft: big, ", "", "no role is big, the incumbent"),
    "effort": (FEATURE, "[good]", "[good@low]", "states efforts itself"),
    "request": (
        FEATURE,
        "incumbent: big",
        "incumbent: big\nrequest: {temperature: 1}",
        "says itself how it asks",
    ),
    "latency": (
        FEATURE,
        "incumbent: big",
        "incumbent: big\nlatency: {p95_s: 3}",
        "is not measured yet",
    ),
    "cascade": (
        FEATURE,
        "incumbent: big",
        "incumbent: big\ncascades: [{first: good, accept_when: format}]",
        "a cascade has no program",
    ),
    "imported": (
        FEATURE,
        "incumbent: big",
        "incumbent: big\nanswers: imported",
        "imported answers need no `program`",
    ),
    "no folder": (FEATURE, "  instances", "  folder: elsewhere\n  instances", "no such folder"),
    "outside": (FEATURE, "  instances", "  folder: ../x\n  instances", "inside the workspace"),
    "both": (FEATURE, "  instances", "  url: http://127.0.0.1:9\n  instances", "one of both"),
    "a service without a version": (
        FEATURE,
        f"command: [{sys.executable}, chain.py]",
        "url: http://127.0.0.1:9",
        "needs `version`",
    ),
    "a service far away": (
        FEATURE,
        f"command: [{sys.executable}, chain.py]",
        "version: one\n  url: http://example.com",
        "is not encrypted",
    ),
    "packages that nobody knows": (
        FEATURE,
        f"command: [{sys.executable}, ",
        "command: [sh, ",
        "what `sh` runs beside the folder's files is not known here; state `version`",
    ),
    "no calls": (FEATURE, "max_calls: 4", "max_calls: 0", "max_calls"),
    "key": (
        FEATURE,
        "  instances",
        "  environment: [OPENAI_API_KEY]\n  instances",
        "is the gateway's to set",
    ),
    "body": (MODELS, GOOD, f"{GOOD}  extra_body: {{x: 1}}\n", "states `extra_body`"),
    "batch": (MODELS, GOOD, f"{GOOD}  efforts: [low]\n", "states `efforts`"),
    "completions": (MODELS, GOOD, f"{GOOD}  api: completions\n", "states `api`"),
    "version of another": (
        MODELS,
        "checker:\n",
        "checker:\n  version: big\n",
        "program.roles.check: checker and big are both called 'big'",
    ),
    "empty command": (FEATURE, "  command: [", '  command: ["", ', "program's name"),
    "line in command": (FEATURE, "  command: [", '  command: ["a\\nb", ', "a line break or a NUL"),
    "past the gateway": (
        FEATURE,
        "  instances",
        "  environment: [GOOGLE_GENAI_USE_VERTEXAI]\n  instances",
        "leads past it",
    ),
    "lower-case proxy": (
        FEATURE,
        "  instances",
        "  environment: [no_proxy]\n  instances",
        "must be the NAME",
    ),
    "no token price": (
        MODELS,
        "input: 0.50, output: 0.50,",
        "per_request: 0.0001,",
        "price[0].input: needs `input` and `output`",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_in_one_line(root: Path, fault: str) -> None:
    file, old, new, why = FAULTS[fault]
    assert told(root) == []
    edit(root / file, old, new)
    lines = told(root)
    assert any(why in line for line in lines), lines
    assert all("\n" not in line for line in lines)


def test_a_model_s_key_is_seen_by_no_program(root: Path) -> None:
    edit(root / MODELS, GOOD, f"{GOOD}  key: SHOP_KEY\n")
    edit(root / FEATURE, "  instances", "  environment: [SHOP_KEY]\n  instances")
    assert any("SHOP_KEY is a model's key, which no program sees" in line for line in told(root))


def test_another_role_s_model_may_see_the_data(root: Path) -> None:
    text = (root / MODELS).read_text(encoding="utf-8")
    head, mark, tail = text.partition("checker:")
    (root / MODELS).write_text(head + mark + tail.replace(", customer", ""), encoding="utf-8")
    assert any("checker may not see customer data" in line for line in told(root))


def test_a_call_without_a_limit_needs_a_window(root: Path) -> None:
    text = (root / MODELS).read_text(encoding="utf-8")
    (root / MODELS).write_text(text.replace("  window_tokens: 4096\n", ""), encoding="utf-8")
    lines = told(root)
    assert len([line for line in lines if "states no `window_tokens`" in line]) == 3


def test_another_program_is_another_prompt(root: Path) -> None:
    before = prompt_for(load_workspace(root), "tickets", "big")
    assert before.path == "programs/tickets"
    assert prompt_for(load_workspace(root), "tickets", "good").sha256 == before.sha256
    folder = root / "programs" / "tickets"
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"x")
    (folder / ".hidden").write_bytes(b"x")
    assert prompt_for(load_workspace(root), "tickets", "big").sha256 == before.sha256
    (folder / "rules.txt").write_text("new", encoding="utf-8")
    assert prompt_for(load_workspace(root), "tickets", "big").sha256 != before.sha256


def test_a_link_in_a_program_s_folder_is_refused(root: Path) -> None:
    folder = root / "programs" / "tickets"
    (folder / "more.py").symlink_to(folder / "chain.py")
    with pytest.raises(ProgramFolderError, match=r"more\.py is a link"):
        program_sha256(folder, ("python",))


def test_a_folder_that_nobody_may_read_is_one_line(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = root / "programs" / "tickets" / "locked"
    locked.mkdir()
    listed = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path == locked:
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    assert [line for line in told(root) if "locked cannot be read (Permission denied)" in line]


def test_the_tokens_of_a_run_fit_no_window(root: Path) -> None:
    edit(root / FEATURE, "input_tokens: 80", "input_tokens: 80000")
    option = plan_option(load_workspace(root), "tickets", "good", on=NOW.date())
    assert option.excluded is None


def digests(folder: Path, environ: Mapping[str, str], *command: str) -> Surroundings:
    config = ProgramConfig(command=command, roles={"a": "big"}, environment=("SHOP_DB",))
    return program_outside(config, folder, environ)


def test_another_interpreter_package_or_value_makes_another_program(tmp_path: Path) -> None:
    """What lies outside the folder: a virtual environment, a package used in place, a variable."""
    home, folder, used = tmp_path / "venv", tmp_path / "program", tmp_path / "used"
    site = home / "lib" / "python3.11" / "site-packages"
    for place in (home / "bin", site / "requests-2.0.dist-info", folder, used / "deep"):
        place.mkdir(parents=True)
    python, marker = home / "bin" / "python", home / "pyvenv.cfg"
    python.write_bytes(b"1")
    python.chmod(0o755)
    marker.write_text("include-system-site-packages = false\n")
    (used / "deep" / "code.py").write_text("a = 1")
    (folder / "run").write_text("#!/usr/bin/env python\n")
    info = site / "ours-1.dist-info"
    info.mkdir()
    stated = {"url": used.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(stated))
    environ = {"PATH": str(home / "bin"), "SHOP_DB": "one"}
    seen = [digests(folder, environ, "python"), digests(folder, environ, "./run")]
    assert seen[0] == seen[1]
    (used / "deep" / "code.py").write_text("a = 22")
    seen.append(digests(folder, environ, "python"))
    (site / "requests-2.0.dist-info").rename(site / "requests-2.1.dist-info")
    seen.append(digests(folder, environ, "python"))
    python.write_bytes(b"22")
    seen.append(digests(folder, environ, "python"))
    seen.append(digests(folder, {**environ, "SHOP_DB": "two"}, "python"))
    seen.append(digests(folder, {**environ, "TZ": "Asia/Tokyo"}, "python"))
    assert len(set(seen)) == len(seen) - 1
    assert digests(folder, {**environ, "HOME": "/x"}, "python") == seen[4]


@pytest.mark.parametrize("url", [{}, {"url": ""}, {"url": "https://example.com/a.git"}])
def test_a_package_used_in_place_that_names_no_folder_is_told_in_one_line(
    url: dict[str, str], tmp_path: Path
) -> None:
    """Without a folder nothing is read: not even where the command was started."""
    home, folder = tmp_path / "venv", tmp_path / "program"
    info = home / "lib" / "python3.11" / "site-packages" / "ours-1.dist-info"
    for place in (home / "bin", folder, info):
        place.mkdir(parents=True)
    python = home / "bin" / "python"
    python.write_bytes(b"1")
    python.chmod(0o755)
    (home / "pyvenv.cfg").write_text("include-system-site-packages = false\n")
    (info / "direct_url.json").write_text(json.dumps({**url, "dir_info": {"editable": True}}))
    with pytest.raises(UnknownOutsideError) as found:
        digests(folder, {"PATH": str(home / "bin")}, "python")
    assert str(found.value) == (
        "ours-1 is installed from where it lies, and its direct_url.json names no folder (`url`)"
    )


def test_an_answer_is_not_taken_for_another_version_s(root: Path) -> None:
    fingerprints: set[str] = set()
    for version in ("one", "two"):
        entry = root / FEATURE
        text = entry.read_text(encoding="utf-8").replace("  version: one\n", "")
        entry.write_text(text.replace("  instances", f"  version: {version}\n  instances"))
        workspace = load_workspace(root)
        plan = plan_review(workspace, cycle="2026-Q4", on=NOW.date(), wanted=Selection())
        feature = plan.features[0]
        assert feature.incumbent is not None
        case = feature.evalset.cases[0]
        fingerprints.add(feature.asker.trial(feature.incumbent, case, 1, "quality").fingerprint)
    assert len(fingerprints) == 2
