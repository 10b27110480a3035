"""Makes small mistakes in modules, one at a time, and lists those that no test notices.

python -m tests.benchmarks.mutation MODULE ... -- TESTS ...

A module is a file, a folder, or one line of a file (`harness/a.py:12`); tests are what pytest
takes, its options too. The tests run once with coverage; each mistake is then made in a copy of
this process, which runs those tests alone that pass its line, the quickest first.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import coverage
import pytest
from hypothesis import Phase, settings

from tests.benchmarks.mutation.mutants import Mutant, mutants_of
from tests.benchmarks.mutation.transplant import forget, transplant

SLOWER, GRACE_S, ASLEEP_S = 4, 5, 120
"""A test that takes four times its time and five seconds of the processor's goes round in circles,
and one that takes two minutes waits for what does not come: both are noticed."""
KILLED, SURVIVED = 1, 0


@dataclass(slots=True)
class Baseline:
    """What the tests do without a mistake."""

    seconds: dict[str, float] = field(default_factory=dict[str, float])
    passed_by: dict[str, dict[int, set[str]]] = field(
        default_factory=dict[str, dict[int, set[str]]]
    )
    """By file and line, the tests that run it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A file, or one line of it."""

    path: Path
    line: int | None

    def mutants(self) -> Iterator[Mutant]:
        """The mistakes that are made here."""
        for mutant in mutants_of(self.path.read_text(encoding="utf-8")):
            if self.line in {None, mutant.line}:
                yield mutant


class Campaign:
    """A pytest plugin: instead of its tests it runs the campaign over the collected ones."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """A failing example is enough: it need not be kept, nor be the simplest."""
        quick = settings(
            settings.default,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            derandomize=True,
        )
        settings.register_profile("mutation", quick)
        settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the campaign."""
        if session.testsfailed or not session.items:
            raise pytest.UsageError("the tests cannot be collected")
        started = time.monotonic()
        baseline = _baseline(session, [target.path for target in self._targets])
        print(f"{len(session.items)} tests: {time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
        made = survived = 0
        for target in self._targets:
            for mutant in target.mutants():
                made += 1
                items = _noticing(session, baseline, target.path, mutant)
                if _outcome(target.path, mutant, items, baseline) == SURVIVED:
                    survived += 1
                    why = "" if items else " (no test passes here)"
                    print(f"{target.path}:{mutant.line}: {mutant.what}{why}", flush=True)  # noqa: T201
        took = time.monotonic() - started
        share = 100 * (made - survived) / max(made, 1)
        print(f"{made - survived} of {made} noticed ({share:.1f} %), {took:.0f} s")  # noqa: T201
        return True


def _baseline(session: pytest.Session, files: Sequence[Path]) -> Baseline:
    """Run every test once, in a child: this process stays as it is after collecting."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "coverage"
        times = Path(folder) / "times"
        child = os.fork()
        if child == 0:
            os._exit(_measured(session, files, data, times))
        _, status = os.waitpid(child, 0)
        if status:
            raise pytest.UsageError("the tests fail without any mistake")
        return _read(data, times)


def _measured(session: pytest.Session, files: Sequence[Path], data: Path, times: Path) -> int:
    measure = coverage.Coverage(
        data_file=str(data), include=[str(one) for one in files], config_file=False
    )
    forget()
    measure.start()
    lines: list[str] = []
    for item, following in _with_next(session.items):
        measure.switch_context(item.nodeid)
        began = time.monotonic()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        lines.append(f"{time.monotonic() - began}\t{item.nodeid}\n")
    measure.stop()
    measure.save()
    times.write_text("".join(lines), encoding="utf-8")
    return int(bool(session.testsfailed))


def _read(data: Path, times: Path) -> Baseline:
    found = Baseline()
    for line in times.read_text(encoding="utf-8").splitlines():
        seconds, _, name = line.partition("\t")
        found.seconds[name] = float(seconds)
    measured = coverage.CoverageData(basename=str(data))
    measured.read()
    for name in measured.measured_files():
        lines = measured.contexts_by_lineno(name)
        found.passed_by[name] = {line: set(tests) - {""} for line, tests in lines.items()}
    return found


def _noticing(
    session: pytest.Session, baseline: Baseline, path: Path, mutant: Mutant
) -> list[pytest.Item]:
    """The tests that may notice, the quickest first."""
    lines = baseline.passed_by.get(str(path.resolve()), {})
    inside = mutant.lines if mutant.runs else lines
    names = set[str]().union(*(lines.get(line, set[str]()) for line in inside))
    items = [item for item in session.items if item.nodeid in names or not mutant.runs]
    return sorted(items, key=lambda item: baseline.seconds[item.nodeid])


def _outcome(path: Path, mutant: Mutant, items: list[pytest.Item], baseline: Baseline) -> int:
    if not items:
        return SURVIVED
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        os._exit(_with_mistake(path, mutant, items, baseline))
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return KILLED if status else SURVIVED


def _with_mistake(path: Path, mutant: Mutant, items: list[pytest.Item], baseline: Baseline) -> int:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    try:
        transplant(importlib.import_module(_name_of(path)), mutant.statement)
        for item, following in _with_next(items):
            seconds = SLOWER * baseline.seconds[item.nodeid]
            signal.setitimer(signal.ITIMER_PROF, GRACE_S + seconds)
            signal.setitimer(signal.ITIMER_REAL, ASLEEP_S + seconds)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if item.session.testsfailed:
                return KILLED
    except BaseException:  # noqa: BLE001  # whatever a mistake breaks, it was noticed
        return KILLED
    return SURVIVED


def _with_next(items: list[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, [*items[1:], None], strict=True)


def _name_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts)


def _targets(names: Sequence[str]) -> Iterator[Target]:
    for name in names:
        path, _, line = name.partition(":")
        files = sorted(Path(path).rglob("*.py")) if Path(path).is_dir() else [Path(path)]
        for file in files:
            if file.name != "__init__.py":
                yield Target(path=file, line=int(line) if line else None)


def main(words: list[str]) -> int:
    """Run a campaign; the exit code is pytest's."""
    modules, tests = words[: words.index("--")], words[words.index("--") + 1 :]
    targets = list(_targets(modules))
    with tempfile.TemporaryDirectory() as folder:
        given = [
            "-q",
            "-s",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            f"--basetemp={folder}/tests",
        ]
        return int(pytest.main([*given, *tests], plugins=[Campaign(targets)]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
