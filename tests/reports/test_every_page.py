"""The pages of a review that was really run, over local servers; the demo's own are opened by

python -m tests.support.every_page rightsizing-demo/reviews/2026-Q4
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.record.base import Verdict
from harness.tell.pages import publish, publish_month
from harness.tell.portfolio.monthly import month_of
from tests.support.browser import chromium
from tests.support.every_page import VIEWS, pages, problems
from tests.support.reviews import (
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("every-page")]

READ = "phone-dark"
"""The view that axe-core reads here, as it takes seconds a page; the command reads all."""


@pytest.fixture(scope="module")
def review(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A downgrade, a reason to stay, one undecided and one blocked, from workspace to pages."""
    root = tmp_path_factory.mktemp("real")
    features = ("tickets", "mails", "faxes", "calls")
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(features=features))
        edit(root / "features" / "mails.yaml", "candidates: [bad, good]", "candidates: [bad]")
        edit(root / "features" / "faxes.yaml", "risk: medium", "risk: medium\nmargin: 1.2")
        edit(root / "features" / "faxes.yaml", "[bad, good]", "[good]")
        blocked = root / "features" / "calls.yaml"
        lines = blocked.read_text(encoding="utf-8").splitlines()
        told = "\n".join(line for line in lines if "traffic:" not in line)
        blocked.write_text(told, encoding="utf-8")
        records = run_review(root, cluster)
    assert {record.verdict for record in records} == set(Verdict)
    publish(records, root / "reviews" / "2026-Q4", now=NOW)
    publish_month(
        records, month_of(NOW.date().replace(day=1), NOW.date()), root / "reviews", now=NOW
    )
    return root / "reviews" / "2026-Q4"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize("view", list(VIEWS))
def test_nothing_is_wrong_with_any_page(review: Path, browser: Browser, view: str) -> None:
    found = {
        path.stem: [*problems(browser, path, view, read=view == READ)] for path in pages(review)
    }
    assert set(found) == {"index", "tickets", "mails", "faxes", "calls", "2026-11"}
    assert not any(found.values()), found
