"""What every test run is held to: no skip of a kind that is not listed here."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.support.wheels import base, host, wheel

__all__ = ["base", "host", "wheel"]

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

LISTED_SKIPS = (
    "no shared data",  # real outcomes are not part of the repository
    "no chromium",  # Debian's package is absent
    "no weights",  # the small model's file cannot be had
    "no torch",  # a CPU build of torch is not at hand
    "no google-generativeai",  # an environment of its own, made by hand
    "no GPU",
    "no network namespaces",
    "no pip",
    "not root",  # another user of the machine is played by root alone
)


# A busy machine makes an example slow, never wrong.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """All that collection made lives to the end: no later collection of garbage walks it again."""
    gc.collect()
    gc.freeze()


COVERED_ELSEWHERE = {
    Path(__file__).parent.parent / line
    for line in (Path(__file__).parent / "covered_elsewhere.txt").read_text().splitlines()
    if not line.startswith("#")
}


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """End the measurement that pytest-cov begins in a worker and then replaces by another.

    Nobody reads it, and it would go on, as dear as the other, whenever that one pauses.
    """
    cov = config.pluginmanager.get_plugin("_cov")
    if hasattr(config, "workerinput") and cov is not None and cov.cov_controller is not None:
        cov.cov_controller.pause()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Spare the coverage tracer what others cover: it doubles the time of a test."""
    if item.path in COVERED_ELSEWHERE:
        item.add_marker(pytest.mark.no_cover)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    """Spare the fixtures of a test marked `no_cover`, too: pytest-cov spares the test alone."""
    cov = item.config.pluginmanager.get_plugin("_cov")
    if cov is None or cov.cov_controller is None or not item.get_closest_marker("no_cover"):
        return (yield)
    cov.cov_controller.pause()
    try:
        return (yield)
    finally:
        cov.cov_controller.resume()


def reason_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return text.removeprefix("Skipped: ")


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    reasons = Counter(reason_of(report) for report in terminalreporter.getreports("skipped"))
    unlisted = [reason for reason in reasons if not reason.startswith(LISTED_SKIPS)]
    terminalreporter.write_line(f"skips: {sum(reasons.values())}")
    for reason, count in sorted(reasons.items()):
        mark = " (NOT A LISTED KIND)" if reason in unlisted else ""
        terminalreporter.write_line(f"  {count} x {reason}{mark}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    skipped = reporter.getreports("skipped")
    if exitstatus == 0 and any(not reason_of(r).startswith(LISTED_SKIPS) for r in skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
