"""The wheel in environments of its own: the base install, and a repository with our names."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.record.stored import write_records
from tests.support.records import downgrade_record
from tests.support.reviews import CYCLE, Shape, answers, write_review_workspace
from tests.support.wheels import run
from tests.support.wire.openai_server import OpenAIServer

HEAVY = ("ray", "datasets", "pandas", "openai", "anthropic", "google.genai", "scipy")
pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel")]


def test_base_install_has_nothing_heavy(base: Path, tmp_path: Path) -> None:
    code = (
        "import importlib.util as u\n"
        "def has(name):\n"
        "    try:\n        return u.find_spec(name) is not None\n"
        "    except ModuleNotFoundError:\n        return False\n"
        f"print([name for name in {HEAVY!r} if has(name)])"
    )
    assert run(base / "python", "-c", code, cwd=tmp_path).stdout.strip() == "[]"
    assert "130 interrupted" in run(base / "rightsize", "--help", cwd=tmp_path).stdout


def test_base_install_checks_the_shipped_demo(base: Path, tmp_path: Path) -> None:
    code = "from harness.workspace.reading import shipped; print(shipped('demo'))"
    demo = run(base / "python", "-c", code, cwd=tmp_path).stdout.strip()
    done = run(base / "rightsize", "check", "--workspace", demo, cwd=tmp_path)
    assert "6 features, 4 models, 1,000 cases: no problem found" in done.stdout


def test_base_install_says_what_a_table_needs(base: Path, tmp_path: Path) -> None:
    root = write_review_workspace(tmp_path / "rightsizing", 9)
    (settings,) = (root / "evalsets").glob("*/evalset.yaml")
    text = settings.read_text()
    named = text.replace("cases: cases.jsonl", "cases: {dataset: cases.parquet}")
    assert named != text
    settings.write_text(named)
    settings.with_name("cases.parquet").touch()
    for command in ("check", "gate"):
        done = run(base / "rightsize", command, cwd=tmp_path, check=False)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert line.endswith(
            ": cases.dataset: needs datasets, which is not installed: "
            "pip install 'model-rightsizing[review]'"
        )


def test_base_install_reports(base: Path, tmp_path: Path) -> None:
    root = write_review_workspace(tmp_path / "rightsizing", 9)
    write_records([downgrade_record()], root / "reviews" / CYCLE)
    run(base / "rightsize", "report", "--cycle", CYCLE, cwd=tmp_path)
    pages = sorted(path.name for path in (root / "reviews" / CYCLE / "documents").iterdir())
    assert len(pages) == 2
    assert (root / "reviews" / CYCLE / "index.html").is_file()


def test_a_missing_extra_is_named(base: Path, tmp_path: Path) -> None:
    write_review_workspace(tmp_path / "rightsizing", 9)
    done = run(base / "rightsize", "review", "--yes", cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert "model-rightsizing[review]" in done.stderr


@pytest.mark.ray
def test_reviews_inside_a_repository_that_owns_our_names(host: tuple[Path, Path]) -> None:
    commands, repository = host
    with OpenAIServer(answers) as server:
        write_review_workspace(
            repository / "rightsizing",
            server.port,
            Shape(cases=120, candidates="good", ray="always"),
        )
        run(commands / "rightsize", "review", "--cycle", CYCLE, "--yes", cwd=repository)
        assert len(server.log.calls) == 240
    assert (repository / "rightsizing" / "reviews" / CYCLE / "index.html").is_file()
