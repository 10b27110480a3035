"""What git says of a change, and where it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.conduct.gating import git
from harness.errors import CannotTellError, UsageError


@pytest.mark.parametrize(
    ("given", "environment", "base"),
    [
        ("main", {"GITHUB_BASE_REF": "dev"}, "main"),
        (None, {"GITHUB_BASE_REF": "dev"}, "origin/dev"),
        (None, {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "abc"}, "abc"),
        (None, {"GITHUB_BASE_REF": ""}, None),
    ],
)
def test_the_base_is_as_given_or_as_ci_says(
    given: str | None, environment: dict[str, str], base: str | None
) -> None:
    assert git.base_of(given, environment) == base


@pytest.mark.parametrize("given", ["", "  "])
def test_a_base_that_is_empty_is_not_taken_for_none(given: str) -> None:
    with pytest.raises(UsageError, match="names no revision"):
        git.base_of(given, {})


def test_outside_of_a_repository(tmp_path: Path) -> None:
    assert git.toplevel(tmp_path) is None
    with pytest.raises(CannotTellError, match="git diff"):
        git.changed_paths(tmp_path, "HEAD")


def test_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotTellError, match="git cannot be run"):
        git.changed_paths(tmp_path, "HEAD")


@pytest.mark.parametrize(
    ("environment", "page"),
    [
        (
            {
                "GITHUB_SERVER_URL": "https://git.example.com",
                "GITHUB_REPOSITORY": "shop/app",
                "GITHUB_RUN_ID": "7",
            },
            "https://git.example.com/shop/app/actions/runs/7",
        ),
        ({"GITHUB_SERVER_URL": "https://git.example.com"}, None),
        ({"CI_JOB_URL": "https://git.example.com/-/jobs/8"}, "https://git.example.com/-/jobs/8"),
        ({}, None),
    ],
)
def test_the_page_of_the_job(environment: dict[str, str], page: str | None) -> None:
    assert git.job_page(environment) == page
