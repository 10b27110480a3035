"""Tests that share what is dear to make run in one worker."""

from __future__ import annotations

import pytest


@pytest.mark.xdist_group("held")
def test_groups_hold(request: pytest.FixtureRequest) -> None:
    """A pytest that pytest-xdist does not know drops its groups without a word."""
    if request.config.getoption("loadgroup", default=False):
        assert request.node.nodeid.endswith("@held")
