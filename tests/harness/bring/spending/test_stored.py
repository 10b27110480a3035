"""Logs that were imported, as the spend of a week: each call once, under today's names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.bring.logs.attributing import read_rules
from harness.bring.spending.stored import Placing, StoredHours, stored_logs
from harness.conduct.preparing.importing_traffic import import_traffic
from harness.errors import UsageError, WorkspaceError
from harness.money.measured import measured_of
from harness.money.spend.timespan import span_named
from harness.workspace.workspace import load_workspace
from tests.support.call_logs import MONDAY, NOW, LoggedCall, a_week, jsonl, litellm
from tests.support.workspaces import write_workspace

if TYPE_CHECKING:
    from pathlib import Path

WEEK = span_named("week", "2026-W41")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_workspace(tmp_path / "w")


def bring(root: Path, calls: list[LoggedCall], name: str = "log") -> None:
    jsonl(root.parent / f"{name}.jsonl", [litellm(one) for one in calls])
    import_traffic(root, root.parent / f"{name}.jsonl", now=NOW)


def opened(root: Path, **how: object) -> StoredHours:
    placing = Placing(rules=read_rules(root), features=load_workspace(root).features, **how)  # type: ignore[arg-type]
    return StoredHours(stored_logs(root / "traffic"), placing)


def test_the_stored_sums_are_what_was_measured(root: Path) -> None:
    bring(root, a_week())
    measured = measured_of(root / "traffic" / "log.measured.json")
    with opened(root) as hours:
        now = hours.spent(WEEK)
        after = hours.spent(span_named("week", "2026-W42"))
    assert measured.spending is not None
    assert now.usd + after.usd == measured.spending.total_usd.quantize(Decimal("0.01"))
    for one in measured.features:
        both = [*now.of("feature", one.feature).lines, *after.of("feature", one.feature).lines]
        assert sum(line.used.requests for line in both) == one.requests
        assert sum(line.used.failed for line in both) == one.failed


def test_a_log_that_another_file_has_too_counts_once(root: Path) -> None:
    bring(root, a_week())
    with opened(root) as hours:
        once = hours.spent(WEEK)
    more = root.parent / "more.jsonl"
    later = [replace(c, at=c.at + timedelta(days=9), id=f"x{c.id}") for c in a_week()]
    jsonl(more, [litellm(one) for one in later])
    import_traffic(root, [root.parent / "log.jsonl", more], name="both.csv", now=NOW)
    with opened(root) as hours:
        assert [one.hours.name for one in hours.logs] == ["both.hours.parquet"]
        assert hours.spent(WEEK) == once
    third = root.parent / "third.jsonl"
    jsonl(third, [litellm(replace(later[0], id="third"))])
    (root / "traffic" / "both.ids.parquet").unlink()  # of a release that kept none
    import_traffic(root, [more, third], name="mixed.csv", now=NOW)
    with pytest.raises(UsageError, match="share a log, and each has others"):
        opened(root)


def test_the_same_calls_in_two_logs_are_refused_and_two_gateways_are_not(root: Path) -> None:
    calls = a_week()
    bring(root, calls[:150], "half")
    bring(root, [replace(one, id=f"other-{one.id}", input=one.input + 7) for one in calls], "apart")
    with opened(root) as hours:
        assert len(hours.logs) == 2
    (root / "traffic" / "half.ids.parquet").unlink()  # of a release that kept none
    bring(root, [*calls, replace(calls[0], at=MONDAY + timedelta(days=9), id="late")], "whole")
    with pytest.raises(UsageError, match=r"half.hours.parquet: most of its calls .* too: import"):
        opened(root)


def test_a_rule_written_later_places_what_nothing_placed(root: Path) -> None:
    calls = [replace(c, feature="", caller="svc-tickets") for c in a_week()[:50]]
    bring(root, calls)
    with opened(root) as hours:
        before = hours.spent(WEEK)
    assert before.share("feature") == 0
    rule = "- {when: {key_alias: 'svc-*'}, feature: tickets, environment: staging}\n"
    (root / "attribution.yaml").write_text(rule, encoding="utf-8")
    with opened(root) as hours:
        now = hours.spent(WEEK)
    assert now.usd == before.usd
    assert now.share("feature") == now.share("team") == 1
    (line,) = now.lines
    assert (line.team, line.owner) == ("support", "dana.ruiz@example.com")
    assert (line.product, line.environment) == ("helpdesk", "staging")


def test_an_owner_comes_from_the_rule_or_the_policy_where_no_file_names_one(root: Path) -> None:
    rules = (
        "- {when: {key_alias: svc-triage}, feature: triage, team: ops, owner: ann@example.com}\n"
        "- {when: {key_alias: svc-docs}, feature: summary, team: docs}\n"
    )
    (root / "attribution.yaml").write_text(rules, encoding="utf-8")
    bring(root, a_week())
    with opened(root, owners={"docs": "bo@example.com"}) as hours:
        owners = {one.feature: one.owner for one in hours.spent(WEEK).lines}
    assert owners == {"triage": "ann@example.com", "summary": "bo@example.com"}
    (root / "attribution.yaml").write_text(
        "- {when: {tag: x}, product: p, owner: ann@example.com}\n", encoding="utf-8"
    )
    with pytest.raises(WorkspaceError, match="an owner needs a feature or a team"):
        read_rules(root)


def test_what_is_watched_is_told_and_a_part_of_a_week_ends_where_logs_do(root: Path) -> None:
    bring(root, [c for c in a_week() if c.at < MONDAY + timedelta(days=2, hours=6)])
    until = datetime(2026, 10, 6, tzinfo=UTC)
    with opened(root) as hours:
        whole, part = hours.spent(WEEK), hours.spent(WEEK, until)
        assert hours.watched(MONDAY, MONDAY + timedelta(days=7)) == 54
        assert hours.watched(MONDAY - timedelta(days=7), MONDAY) == 0
    assert part.until == until
    assert 0 < part.used.calls < whole.used.calls


def test_a_damaged_table_is_told_by_one_line(root: Path) -> None:
    bring(root, a_week()[:5])
    (root / "traffic" / "log.hours.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="sums cannot be read"):
        opened(root)
    (root / "traffic" / "log.hours.parquet").unlink()
    with pytest.raises(UsageError, match="no sums of logs by hour"):
        opened(root)
    again = import_traffic(root, root.parent / "log.jsonl", now=NOW)
    assert again.unchanged
    assert opened(root).spent(WEEK).lines


def test_a_days_sum_is_spread_over_its_hours(root: Path) -> None:
    row = {
        "date": "2026-10-05",
        "team_id": "support",
        "model": "gpt-5",
        "spend": 2.4,
        "prompt_tokens": 2400,
        "completion_tokens": 240,
        "api_requests": 48,
        "failed_requests": 0,
    }
    import_traffic(root, jsonl(root.parent / "daily.jsonl", [row]), now=NOW)
    with opened(root) as hours:
        whole = hours.spent(WEEK)
        half = hours.spent(WEEK, MONDAY + timedelta(hours=12))
    assert (whole.usd, half.usd) == (Decimal("2.40"), Decimal("1.20"))
    assert (whole.used.requests, half.used.requests) == (48, 24)
