"""Levers before any call: what the prompts show, and no more than they show."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.reviews import CYCLE, NOW, Shape, write_review_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.money import Lever

REQUESTS = 1_000_000


def caching(root: Path, *, prompt: str, stated: int) -> Lever | None:
    """The caching lever of a feature whose requests are stated to have so many input tokens."""
    write_review_workspace(root, 9, Shape(cases=120, candidates="good"))
    models = root / "models" / "all.yaml"
    cached = "cache_min_tokens: 4\n  price: [{from: 2026-09-01, cache_read: 0.4, input: 4.00"
    models.write_text(
        models.read_text().replace("price: [{from: 2026-09-01, input: 4.00", cached, 1)
    )
    feature = root / "features" / "tickets.yaml"
    feature.write_text(feature.read_text().replace("input_tokens: 80", f"input_tokens: {stated}"))
    (root / "prompts" / "tickets" / "default.j2").write_text(prompt + "{{ input }}")
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    return next((one for one in plan.features[0].levers if one.kind == "caching"), None)


def test_what_prompts_share_is_cached_and_nothing_of_what_they_do_not_show(tmp_path: Path) -> None:
    rules = "Answer with one of the two topics, billing or technical, and nothing else. " * 8
    lever = caching(tmp_path, prompt=rules, stated=5200)
    assert lever is not None
    # Four bytes a token; "Ticket number " is shared, too. A million requests keep it warm.
    tokens = Decimal(len(rules) + len("Ticket number ")) / 4
    most = tokens * REQUESTS * Decimal("3.6") / 10**6
    assert most * Decimal("0.95") < lever.saving_monthly <= most


def test_prompts_longer_than_stated_share_what_was_stated(tmp_path: Path) -> None:
    lever = caching(tmp_path, prompt="Answer with one word, please. " * 50, stated=100)
    assert lever is not None
    assert lever.saving_monthly <= Decimal(100) * REQUESTS * Decimal("3.6") / 10**6
