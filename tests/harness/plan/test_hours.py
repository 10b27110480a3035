from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.journal.earlier import Pace, read_paces
from harness.journal.journal import Journal
from harness.journal.trials import Lane, LaneHistory
from harness.plan.model import Plan
from harness.plan.planning import Selection, plan_review
from harness.plan.pricing import forecast
from harness.workspace.workspace import load_workspace
from tests.support.judged import write_judged_workspace
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

PACE = Pace(call_s=2.0, tokens=100.0, tries=1.0, requests_per_minute=None, tokens_per_minute=None)


def planned(root: Path, extra: str = "", features: tuple[str, ...] = ("tickets",)) -> Plan:
    """A plan that is sure to ask 120 cases of two models."""
    shape = Shape(cases=120, candidates="good", extra=extra, features=features)
    write_review_workspace(root, 9, shape)
    return plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())


def lane(model: str) -> Lane:
    return Lane("http://127.0.0.1:9/v1", "", model)


def seconds(plan: Plan, share: float = 0.5, **changes: object) -> float:
    pace = replace(PACE, **changes)  # type: ignore[arg-type]
    paces = {lane("big"): pace}
    return forecast(plan.features, paces, share_of_rate_limit=share).hours * 3600


def test_a_lane_takes_as_long_as_its_slowest_limit(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    places = plan.features[0].incumbent.config.max_concurrency  # type: ignore[union-attr]
    assert seconds(plan) == pytest.approx(120 * 2 / places)
    assert seconds(plan, requests_per_minute=60) == pytest.approx(240)
    assert seconds(plan, share=1.0, requests_per_minute=60) == pytest.approx(120)
    assert seconds(plan, tokens_per_minute=1000) == pytest.approx(120 * 100 * 60 / 500)
    assert seconds(plan, requests_per_minute=60, tries=1.5) == pytest.approx(360)


def test_features_on_one_lane_add_up(tmp_path: Path) -> None:
    both = planned(tmp_path, features=("tickets", "mails"))
    assert seconds(both, requests_per_minute=60) == pytest.approx(480)


def test_latency_passes_come_on_top_one_model_after_the_other(tmp_path: Path) -> None:
    plan = planned(tmp_path, extra="latency: {p95_s: 5, concurrency: 2}")
    quick = forecast(
        plan.features, {lane(m): PACE for m in ("big", "good")}, share_of_rate_limit=0.5
    )
    places = plan.features[0].incumbent.config.max_concurrency  # type: ignore[union-attr]
    power = plan.features[0].power
    assert power is not None
    # Only of an option that passes on quality are times measured.
    passes = power.shares["good"].passes
    assert 0 < passes < 1
    assert quick.hours * 3600 == pytest.approx(120 * 2 / places + (1 + passes) * 60 * 2 / 2)


def test_it_says_how_many_lanes_are_known(tmp_path: Path) -> None:
    seen = forecast(planned(tmp_path).features, {lane("big"): PACE}, share_of_rate_limit=0.5)
    assert (seen.known, seen.lanes) == (1, 2)


def test_a_review_teaches_the_next_plan(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        run_review(tmp_path, cluster)
    plan = plan_review(load_workspace(tmp_path), cycle="2027-Q1", on=NOW.date(), wanted=Selection())
    journal = tmp_path / ".rightsize" / "journal.sqlite"
    paces = read_paces(journal)
    first = forecast(plan.features, paces, share_of_rate_limit=0.5)
    assert (first.known, first.lanes) == (2, 2)
    (big,) = (name for name in paces if name.model == "big")
    told = LaneHistory(
        lane=big, calls=1, answered=1, rate_limited=0, overloaded=0, cuts=0, most_in_flight=1,
        tokens=82, active_s=1.0, requests_per_minute=30, tokens_per_minute=None,
    )  # fmt: skip
    with Journal.open(journal, run_id="z", cycle=CYCLE, now="2027-01-02T00:00:00+00:00") as opened:
        opened.add_lanes([told])
    later = forecast(plan.features, read_paces(journal), share_of_rate_limit=0.5)
    assert later.hours == pytest.approx(120 / 15 / 60, rel=0.01)


def test_a_judge_is_a_lane_of_its_own_with_a_ruling_on_each_answer(tmp_path: Path) -> None:
    write_judged_workspace(tmp_path, 9, Shape(cases=120, candidates="good"))
    plan = plan_review(load_workspace(tmp_path), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    slow = {lane("referee"): replace(PACE, requests_per_minute=60)}
    seen = forecast(plan.features, slow, share_of_rate_limit=1.0)
    assert seen.lanes == 3
    power = plan.features[0].power
    assert power is not None
    assert seen.hours * 60 == pytest.approx(2 * 120 / 60 * power.expected_share_of_calls)


def test_what_goes_by_batch_takes_no_lanes_time(tmp_path: Path) -> None:
    (feature,) = planned(tmp_path).features
    assert feature.incumbent is not None
    batched = feature.incumbent.config.model_copy(update={"batch": True})
    by_batch = replace(feature, incumbent=replace(feature.incumbent, config=batched))
    assert forecast([by_batch], {}, share_of_rate_limit=0.5).lanes == 1
