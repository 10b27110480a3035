"""`pytest --rightsize PATH`: the gate's answers as test items, one per feature and rule.

The build places this file at the top of the wheel, under a name of its own: our packages have
common names, and a plugin that imported `harness` would import the host's. So the standard
library and pytest alone, and the gate runs in an isolated interpreter that sees no package of the
host. Without `--rightsize` nothing happens. No model is asked, either way.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

OURS = ("harness", "evalsets", "providers", "reports")
LOCK = "rightsizing.lock"
NO_ANSWER = "no answer"
"""Outcome of a gate that could not be run."""

_REPORT = pytest.StashKey[str]()


class GateFailureError(Exception):
    """What the gate says of one feature and rule; its text is the whole message."""


class ReportedRule(NamedTuple):
    """One feature and rule, as the gate's JSON has it."""

    feature: str
    rule: str
    outcome: str
    words: str


class LockFile(pytest.File):
    """Parent of all items of a gate."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Nothing by itself: the items are made from the gate's answer."""
        return ()


class Feature(pytest.Collector):
    """Parent of the items of one feature."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Nothing by itself: the items are made from the gate's answer."""
        return ()


class RuleItem(pytest.Item):
    """One rule held against one feature."""

    check: ReportedRule

    def runtest(self) -> None:
        """Fail as the gate does; a warning passes, and is said at the end."""
        if self.check.outcome not in {"pass", "warn"}:
            raise GateFailureError(self.check.words)

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None
    ) -> str:
        """The gate's own words, without a traceback."""
        del style
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The heading of a failure."""
        return self.path, None, f"gate: {self.check.feature}: {self.check.rule}"


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the options, and leave the host's packages as they are."""
    _unmark(pluginmanager)
    group = parser.getgroup("rightsize", "right-sizing gate")
    group.addoption(
        "--rightsize",
        metavar="PATH",
        help="Collect the gate's rules as items: a workspace, a rightsizing.lock, or its folder.",
    )
    group.addoption(
        "--rightsize-repo", metavar="NAME", help="This repository's name in `used_in` (folder)."
    )
    group.addoption(
        "--rightsize-base", metavar="REF", help="What the change is against (default: CI's own)."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Run the gate, once: workers are given its answer.

    Raises:
        pytest.UsageError: there is nothing at PATH.
    """
    given = config.getoption("--rightsize")
    if given is None:
        return
    answer: Mapping[str, str] = getattr(config, "workerinput", {})
    config.stash[_REPORT] = answer.get("rightsize") or _ask(config, given)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Hand the answer to a worker of pytest-xdist."""
    config: pytest.Config = getattr(node, "config")  # noqa: B009  # xdist need not be installed
    if _REPORT in config.stash:
        getattr(node, "workerinput")["rightsize"] = config.stash[_REPORT]  # noqa: B009


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the items after the host's own, before `-k` and its like choose."""
    if _REPORT not in config.stash:
        return
    path = _named(str(config.getoption("--rightsize")), config)
    parent: LockFile = LockFile.from_parent(session, path=path)  # pyright: ignore[reportUnknownMemberType]
    ours = list(_items(parent, _checks(config)))
    items += ours
    found = pytest.CollectReport(parent.nodeid, "passed", longrepr=None, result=[*ours])
    session.ihook.pytest_collectreport(report=found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was only warned of: such an item passed."""
    config = terminalreporter.config
    if _REPORT not in config.stash:
        return
    warned = [check for check in _checks(config) if check.outcome == "warn"]
    if warned:
        terminalreporter.section("right-sizing gate")
        for check in warned:
            terminalreporter.write_line(check.words)


def _items(parent: LockFile, checks: Iterable[ReportedRule]) -> Iterator[RuleItem]:
    features: dict[str, Feature] = {}
    for check in checks:
        feature = features.get(check.feature) or _feature(parent, check.feature)
        features[check.feature] = feature
        item: RuleItem = RuleItem.from_parent(feature, name=check.rule)  # pyright: ignore[reportUnknownMemberType]
        item.check = check
        yield item


def _feature(parent: LockFile, name: str) -> Feature:
    return Feature.from_parent(parent, name=name)  # pyright: ignore[reportUnknownMemberType]


def _unmark(pluginmanager: pytest.PytestPluginManager) -> None:
    """Take our packages' names off pytest's list of what it rewrites for plain asserts.

    pytest puts every package of a distribution that brings a plugin on it, by name; in a
    repository that owns such a package its asserts would read otherwise than without us.
    """
    marked = vars(pluginmanager.rewrite_hook).get("_must_rewrite")
    if isinstance(marked, set):
        marked.difference_update(OURS)


def _checks(config: pytest.Config) -> list[ReportedRule]:
    return [ReportedRule(**fields) for fields in json.loads(config.stash[_REPORT])]


def _named(given: str, config: pytest.Config) -> Path:
    """What `--rightsize` names, seen from where pytest was started."""
    return (config.invocation_params.dir / given).resolve()


def _ask(config: pytest.Config, given: str) -> str:
    """The gate's checks as JSON; a gate that cannot be run is one check, which fails."""
    path = _named(given, config)
    if not path.exists():
        raise pytest.UsageError(f"--rightsize {given}: nothing is there")
    command = [sys.executable, "-I", "-m", "harness.cli", "gate", "--json", *_where(path)]
    for option in ("repo", "base"):
        value = config.getoption(f"--rightsize-{option}")
        command += [f"--{option}", value] if value else []
    done = subprocess.run(  # noqa: S603  # our own command
        command,
        cwd=config.invocation_params.dir,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    try:
        checks = json.loads(done.stdout)["checks"]
    except (ValueError, KeyError):
        words = done.stderr.strip() or f"the gate ended with {done.returncode} and said nothing"
        checks = [ReportedRule("(all features)", "gate", NO_ANSWER, words)._asdict()]
    return json.dumps(checks)


def _where(path: Path) -> list[str]:
    """The gate's options for a path: a lock, a folder with one, or a workspace."""
    if path.is_file():
        beside = (path.parent / "policy.yaml").is_file()
        return ["--lock", str(path), *(["--workspace", str(path.parent)] if beside else [])]
    if (path / "policy.yaml").is_file():
        return ["--workspace", str(path)]
    if (path / LOCK).is_file():
        return ["--lock", str(path / LOCK)]
    return ["--workspace", str(path / "rightsizing")]
