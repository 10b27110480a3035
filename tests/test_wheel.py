"""The wheel in environments of its own: the base install, and a repository with our names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from harness.publish.store import write_records
from tests.support.records import downgrade_record
from tests.support.reviews import CYCLE, Shape, answers, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer

ROOT = Path(__file__).parent.parent
NAMES = ("harness", "providers", "reports", "evalsets")
HEAVY = ("ray", "datasets", "pandas", "openai", "anthropic", "google.genai", "scipy")
pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel")]


def run(*command: str | Path, cwd: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTHON"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy of the sources, so that nothing is left in the tree."""
    work = tmp_path_factory.mktemp("build")
    source = work / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".rightsize", "*.egg-info")
    shutil.copytree(ROOT, source, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", "dist", "./source"]
    run(*pip, cwd=work)
    (built,) = (work / "dist").glob("model_rightsizing-*.whl")
    return built


@pytest.fixture(scope="module")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the base install alone; returns its folder of commands."""
    home = tmp_path_factory.mktemp("base")
    venv.create(home / "env", with_pip=True)
    commands = home / "env" / "bin"
    constraints = ROOT / "constraints.txt"
    run(commands / "pip", "install", "--quiet", "-c", constraints, wheel, cwd=home)
    return commands


@pytest.fixture(scope="module")
def host(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Commands of an environment with the wheel, and a repository that owns all four names.

    The libraries are those of this environment, by a path file: what is tested is whose packages
    are found, not whether pip can install.
    """
    home = tmp_path_factory.mktemp("host")
    venv.create(home / "env", with_pip=True)
    commands = home / "env" / "bin"
    run(commands / "pip", "install", "--quiet", "--no-deps", wheel, cwd=home)
    (site,) = (home / "env" / "lib").glob("python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    repository = home / "repository"
    for name in NAMES:
        (repository / name).mkdir(parents=True)
        (repository / name / "__init__.py").write_text(
            "raise RuntimeError('the host was loaded')\n"
        )
    return commands, repository


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
    code = "from harness.config.shipped import shipped; print(shipped('demo'))"
    demo = run(base / "python", "-c", code, cwd=tmp_path).stdout.strip()
    done = run(base / "rightsize", "check", "--workspace", demo, cwd=tmp_path)
    assert "4 features, 3 models, 640 cases: no problem found" in done.stdout


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
            repository / "rightsizing", server.port, Shape(cases=120, candidates="good")
        )
        run(commands / "rightsize", "review", "--cycle", CYCLE, "--yes", cwd=repository)
        assert len(server.log.calls) == 240
    assert (repository / "rightsizing" / "reviews" / CYCLE / "index.html").is_file()
