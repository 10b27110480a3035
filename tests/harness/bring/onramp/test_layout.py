"""`init` writes a workspace that passes `check`, and never touches what is there."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from harness.bring.onramp.drafts import write_layout
from harness.bring.onramp.schemas import schema_texts
from harness.conduct.checking import check_workspace, priced_on
from harness.workspace.reading import shipped

TODAY = date(2026, 11, 24)
TEMPLATES = shipped("init")


def tree(root: Path) -> dict[str, bytes]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_a_new_workspace_passes_check(tmp_path: Path) -> None:
    written = write_layout(tmp_path, templates=TEMPLATES, example=True)
    report = check_workspace(tmp_path, has_price=priced_on(TODAY))
    assert report.problems == ()
    assert (report.features, report.cases) == (1, 6)
    assert written.kept == ()
    assert set(written.created) == set(tree(tmp_path))


def test_every_file_names_its_schema_and_explains_itself(tmp_path: Path) -> None:
    write_layout(tmp_path, templates=TEMPLATES, example=True)
    for path in tmp_path.rglob("*.yaml"):
        first, rest = path.read_text().split("\n", 1)
        schema = first.removeprefix("# yaml-language-server: $schema=")
        assert (path.parent / schema).resolve().parent == tmp_path / "schemas"
        assert "# " in rest
    assert set(schema_texts()) == {path.name for path in (tmp_path / "schemas").iterdir()}


def test_the_journal_is_ignored_by_git(tmp_path: Path) -> None:
    write_layout(tmp_path, templates=TEMPLATES, example=False)
    assert ".rightsize/" in (tmp_path / ".gitignore").read_text().splitlines()


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    write_layout(tmp_path, templates=TEMPLATES, example=True)
    (tmp_path / "policy.yaml").write_text("max_spend_usd: 7\n")
    (tmp_path / "models" / "google.yaml").unlink()
    before = tree(tmp_path)
    written = write_layout(tmp_path, templates=TEMPLATES, example=True)
    assert written.created == ("models/google.yaml",)
    assert "policy.yaml" in written.kept
    after = tree(tmp_path)
    after.pop("models/google.yaml")
    assert after == before


def test_an_old_schema_is_renewed(tmp_path: Path) -> None:
    write_layout(tmp_path, templates=TEMPLATES, example=True)
    (tmp_path / "schemas" / "policy.json").write_text("{}")
    written = write_layout(tmp_path, templates=TEMPLATES, example=True)
    assert written.created == ("schemas/policy.json",)


def test_without_the_example_no_feature_and_no_model_is_made_up(tmp_path: Path) -> None:
    written = write_layout(tmp_path, templates=TEMPLATES, example=False)
    files = [name for name in written.created if not name.startswith("schemas/")]
    assert files == [".gitignore", "policy.yaml"]
