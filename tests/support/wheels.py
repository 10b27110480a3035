"""The wheel, and environments that it is installed in; made once for all tests that need one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("harness", "providers", "reports", "evalsets")
CI_SAYS = ("GITHUB_BASE_REF", "CI_MERGE_REQUEST_DIFF_BASE_SHA", "GITHUB_STEP_SUMMARY")


def run(
    *command: str | Path, cwd: Path, check: bool = True, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTHON", "PYTEST"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={k: v for k, v in kept.items() if k not in CI_SAYS} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not check or done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def base(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the base install, and pytest as a host has it; its folder of commands."""
    home = tmp_path_factory.mktemp("base")
    venv.create(home / "env", with_pip=True)
    commands = home / "env" / "bin"
    pinned = ("-c", str(ROOT / "constraints.txt"))
    run(commands / "pip", "install", "-q", *pinned, wheel, "pytest", "pytest-xdist", cwd=home)
    return commands


@pytest.fixture(scope="session")
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
