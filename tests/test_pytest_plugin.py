"""The plugin as it is installed, in repositories that own our packages' names and in plain ones."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.support.shops import LOCK, POLICY, PROMPT, SETTINGS, edit, put, write_shop
from tests.support.wheels import NAMES, run

pytestmark = [pytest.mark.wheel, pytest.mark.xdist_group("wheel")]

HOST_TESTS = """
import evalsets, harness, providers, reports
import pytest

def test_the_packages_are_the_host_s():
    for one in (evalsets, harness, providers, reports):
        assert one.OWNER == "the host"

def test_an_assert_of_the_host_reads_as_ever():
    with pytest.raises(AssertionError) as caught:
        harness.holds(2)
    assert str(caught.value) == ""

@pytest.mark.parametrize("number", [1, 2])
def test_a_number(number):
    assert harness.holds(1) is None
"""
PACKAGE = """OWNER = "the host"

def holds(value):
    assert value == 1
"""
SETUP = '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\npythonpath = ["."]\n'
RULES = 11
WAYS = {"pytest": ["pytest"], "python -m pytest": ["python", "-m", "pytest"]}
each_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plugin") / "shop"
    for name in NAMES:
        put(root, f"{name}/__init__.py", PACKAGE)
    put(root, "tests/test_host.py", HOST_TESTS)
    put(root, "pyproject.toml", SETUP)
    write_shop(root)
    return root


@pytest.fixture
def shop(template: Path, tmp_path: Path) -> Iterator[Path]:
    return shutil.copytree(template, tmp_path / "shop")


def pytest_in(
    shop: Path, base: Path, *arguments: str, way: str = "pytest"
) -> subprocess.CompletedProcess[str]:
    command, *rest = WAYS[way]
    return run(base / command, *rest, "-p", "no:cacheprovider", *arguments, cwd=shop, check=False)


def outcomes(shop: Path, base: Path, *arguments: str, way: str = "pytest") -> dict[str, str]:
    """How each test ended, by its whole name, as `--junitxml` says."""
    done = pytest_in(shop, base, "-q", "--junitxml", "junit.xml", *arguments, way=way)
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    cases = ET.parse(shop / "junit.xml").getroot().iter("testcase")  # noqa: S314
    return {
        f"{case.get('classname')}::{case.get('name')}": next(iter(case)).tag if len(case) else "ok"
        for case in cases
    }


def of_host(found: dict[str, str]) -> dict[str, str]:
    return {name: end for name, end in found.items() if name.startswith("tests.")}


@each_way
def test_the_host_s_tests_run_unchanged(way: str, shop: Path, base: Path) -> None:
    absent = outcomes(shop, base, way=way)
    present = outcomes(shop, base, "--rightsize", "rightsizing", way=way)
    assert len(absent) == 4
    assert set(absent.values()) == {"ok"}
    assert of_host(present) == absent
    ours = {name: end for name, end in present.items() if name not in absent}
    assert len(ours) == RULES
    assert ours["rightsizing.tickets::model"] == "ok"


def test_on_workers(shop: Path, base: Path) -> None:
    given = ("--rightsize", "rightsizing")
    assert outcomes(shop, base, *given, "-n", "2") == outcomes(shop, base, *given)


def test_a_failure_is_the_gate_s_own_words(shop: Path, base: Path) -> None:
    put(shop, SETTINGS, '[llm]\nmodel = "bad"\n')
    done = pytest_in(shop, base, "--rightsize", "rightsizing")
    assert done.returncode == 1
    assert f"collected {RULES + 4} items" in done.stdout
    assert "gate: tickets: model" in done.stdout
    assert "good -> bad at app/settings.toml#llm.model: no record compares bad" in done.stdout
    assert "Traceback" not in done.stdout
    assert "FAILED rightsizing::tickets::model" in done.stdout


def test_a_warning_passes_and_is_said(shop: Path, base: Path) -> None:
    put(shop, PROMPT, "Which topic? {{ input }}\n")
    for more in ((), ("-n", "2")):
        done = pytest_in(shop, base, "--rightsize", "rightsizing", *more)
        assert done.returncode == 0, done.stdout
        assert "warn: tickets: prompt: prompt changed and nothing shows harm" in done.stdout


def test_chosen_by_name(shop: Path, base: Path) -> None:
    done = pytest_in(
        shop, base, "--rightsize", "rightsizing", "-k", "tickets and budget", "--co", "-q"
    )
    assert done.stdout.splitlines()[0] == "rightsizing::tickets::budget"
    assert f"1/{RULES + 4} tests collected" in done.stdout


def test_a_rule_that_is_off_is_no_item(shop: Path, base: Path) -> None:
    edit(POLICY, "procedure:", "gate: {budget: 'off'}\nprocedure:")(shop)
    found = outcomes(shop, base, "--rightsize", "rightsizing")
    assert "rightsizing.tickets::budget" not in found
    assert len(found) == RULES - 1 + 4


@pytest.mark.parametrize("place", [LOCK, "rightsizing", "."])
def test_a_place_may_be_named_in_any_way(place: str, shop: Path, base: Path) -> None:
    found = outcomes(shop, base, "--rightsize", place)
    assert sum(name.endswith("tickets::lock") for name in found) == 1


def test_a_service_has_the_lock_alone(shop: Path, base: Path, tmp_path: Path) -> None:
    service = tmp_path / "service"
    put(service, SETTINGS, '[llm]\nmodel = "gpt-5"\n')
    put(service, "rightsizing.lock", (shop / LOCK).read_text(encoding="utf-8"))
    given = ("--rightsize", ".", "--rightsize-repo", "shop")
    done = pytest_in(service, base, *given)
    assert done.returncode == 1
    assert "this repository has no records" in done.stdout
    assert "rightsizing.lock" not in outcomes(service, base, *given)


def test_models_that_a_change_adds(shop: Path, base: Path) -> None:
    put(shop, "app/chat.py", 'MODEL = "gpt-5"\n')
    run("git", "add", "-A", cwd=shop)
    given = ("--rightsize", "rightsizing", "--rightsize-base", "HEAD")
    done = pytest_in(shop, base, *given, "-k", "unclaimed_model")
    assert done.returncode == 1
    assert "app/chat.py:1: gpt-5 is used by no feature of the lock" in done.stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<<<<<<< ours\n{}\n", "rightsizing.lock:1: a merge conflict is not resolved"),
        ("{", "rightsizing.lock:1: no valid JSON"),
        ('{"schema_version": "rightsizing-lock/v9"}', "written as rightsizing-lock/v9"),
    ],
)
def test_a_gate_that_cannot_be_run_is_no_pass(
    text: str, words: str, shop: Path, base: Path
) -> None:
    put(shop, LOCK, text)
    found = outcomes(shop, base, "--rightsize", "rightsizing")
    assert set(of_host(found).values()) == {"ok"}
    assert [end for name, end in found.items() if name not in of_host(found)] == ["failure"]
    assert words in pytest_in(shop, base, "--rightsize", "rightsizing").stdout


def test_a_place_that_is_not_there(shop: Path, base: Path) -> None:
    done = pytest_in(shop, base, "--rightsize", "rightsising")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--rightsize rightsising: nothing is there" in done.stderr


def test_nothing_of_ours_is_loaded(shop: Path, base: Path) -> None:
    """With the option or without; the modules that only we bring would be seen."""
    put(
        shop,
        "conftest.py",
        "import json, pathlib, sys\n"
        "def pytest_unconfigure(config):\n"
        "    names = {n: getattr(m, '__file__', None) for n, m in sys.modules.items()}\n"
        "    pathlib.Path('modules.json').write_text(json.dumps(names))\n",
    )
    (site,) = (base.parent / "lib").glob("python*/site-packages")
    theirs = ("_pytest", "pytest", "pluggy", "xdist", "execnet", "iniconfig", "packaging", "anyio")
    for arguments in ((), ("--rightsize", "rightsizing")):
        pytest_in(shop, base, "-q", "-p", "no:anyio", *arguments)
        loaded = json.loads((shop / "modules.json").read_text(encoding="utf-8"))
        from_site = {
            name.partition(".")[0]
            for name, file in loaded.items()
            if file and Path(file).is_relative_to(site)
        }
        assert "model_rightsizing_pytest" in from_site
        extra = from_site - {
            "model_rightsizing_pytest",
            "_distutils_hack",
            "pygments",
            "py",
            *theirs,
        }
        assert not extra, extra


def test_no_connection_is_made(shop: Path, base: Path) -> None:
    """What the plugin runs, with every opened socket counted."""
    code = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, _: event.startswith('socket.') and opened.append(event))\n"
        "from harness.cli.main import run\n"
        "code = run(['gate', '--json', '--base', 'HEAD'])\n"
        "print(code, opened, [n for n in sys.modules if n in ('openai', 'anthropic', 'ray')],"
        " file=sys.stderr)\n"
    )
    done = run(base / "python", "-I", "-c", code, cwd=shop)
    assert done.stderr.splitlines()[-1] == "0 [] []"
