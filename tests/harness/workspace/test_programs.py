"""What is wrong with a feature that is a program, told by `check` in one line each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.conduct.checking import check_workspace, priced_on
from harness.plan.ladder import plan_option
from harness.workspace.programs.folder import ProgramFolderError, program_sha256
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
    "url": (FEATURE, "  instances", "  url: http://127.0.0.1:9\n  instances", "url"),
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
