from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from harness.ask.cluster.workers import Cluster, InlineCluster
from harness.ask.replay.retry import RetryPolicy
from harness.conduct.preparing.trying import Asking, Tried, rung_with, tried_on
from harness.errors import UsageError
from harness.journal.earlier import prompts_tried
from harness.journal.journal import Journal
from harness.journal.upkeep import check
from harness.plan.model import FeaturePlan
from harness.plan.planned_options import PlannedOption
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.judged import judged_answers, write_judged_workspace
from tests.support.reviews import CYCLE, NOW, Shape, answers, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer


def try_once(
    plan: FeaturePlan, rung: PlannedOption, cluster: Cluster, *, journal: Path, run_id: str
) -> Tried:
    with Journal.open(journal, run_id=run_id, cycle=CYCLE, now=NOW.isoformat()) as opened:
        return tried_on(plan, rung, asking(cluster, opened))


def asking(cluster: Cluster, journal: Journal) -> Asking:
    return Asking(
        cluster=cluster,
        journal=journal,
        retry=RetryPolicy(rng=Random(1), base_s=0.01, cap_s=0.05),
        share_of_rate_limit=1.0,
        cap_usd=Decimal(1),
        now=NOW.isoformat(),
    )


def test_a_try_asks_the_tune_cases_alone_and_is_counted(tmp_path: Path) -> None:
    journal = tmp_path / "j.sqlite"
    with OpenAIServer(answers) as server, InlineCluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=80, candidates="good"))
        path = tmp_path / "evalsets" / "tickets" / "evalset.yaml"
        path.write_text(path.read_text("utf-8") + "tune: 20\n", encoding="utf-8")
        plan = planned(tmp_path)
        first = try_once(plan, rung_with(plan, "good", None), cluster, journal=journal, run_id="1")
        other = rung_with(plan, "good", ("mine.j2", "Which topic? {{ input }}"))
        second = try_once(plan, other, cluster, journal=journal, run_id="2")
        again = try_once(plan, other, cluster, journal=journal, run_id="3")
        asked = len(server.log.calls)
    assert list(check(journal)) == []
    with Journal.read(journal) as opened:
        assert prompts_tried(opened, "tickets", "good") == 2
        assert prompts_tried(opened, "tickets", "big") == 0
    deciding = {case.id for case in plan.sample.deciding}
    assert asked == 40
    assert len(first.cases) == 20
    assert not deciding & {each.case.id for each in first.cases}
    assert first.mean is not None
    assert first.mean > 0.8
    assert [each.score for each in first.cases] == sorted(each.score or 0 for each in first.cases)
    assert second.prompt_sha256 != first.prompt_sha256
    assert first.spent_usd == Decimal(82) * 20 * Decimal("0.50") / 1_000_000
    assert again.spent_usd == 0


def planned(root: Path) -> FeaturePlan:
    workspace = load_workspace(root)
    return plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features[0]


def test_what_cannot_be_tried_is_refused(tmp_path: Path) -> None:
    write_review_workspace(tmp_path, 9, Shape(cases=80, candidates="good"))
    plan = planned(tmp_path)
    with pytest.raises(UsageError, match="--model huge: no option of tickets: good, big"):
        rung_with(plan, "huge", None)
    rung = rung_with(plan, "good", None)
    with InlineCluster() as cluster, pytest.raises(UsageError, match="no tune cases"):
        try_once(plan, rung, cluster, journal=tmp_path / "j.sqlite", run_id="1")


def test_a_judge_grades_what_is_tried_and_is_paid_from_the_same_cap(tmp_path: Path) -> None:
    with OpenAIServer(judged_answers) as server, InlineCluster() as cluster:
        write_judged_workspace(tmp_path, server.port, Shape(cases=80, candidates="good"))
        path = tmp_path / "evalsets" / "tickets" / "evalset.yaml"
        path.write_text(path.read_text("utf-8") + "tune: 20\n", encoding="utf-8")
        plan = planned(tmp_path)
        tried = try_once(
            plan, rung_with(plan, "good", None), cluster, journal=tmp_path / "j", run_id="1"
        )
        assert len(server.log.calls) == 40
    assert {each.score for each in tried.cases} <= {0.0, 1.0}
    assert tried.spent_usd == 20 * (Decimal("0.5") * 82 + 220) / 1_000_000


def test_beside_todays_answer_nothing_can_be_tried(tmp_path: Path) -> None:
    write_judged_workspace(
        tmp_path, 9, Shape(cases=80, candidates="good"), options=", compare: with-incumbent"
    )
    path = tmp_path / "evalsets" / "tickets" / "evalset.yaml"
    path.write_text(path.read_text("utf-8") + "tune: 20\n", encoding="utf-8")
    plan = planned(tmp_path)
    rung = rung_with(plan, "good", None)
    with InlineCluster() as cluster, pytest.raises(UsageError, match="compare: alone"):
        try_once(plan, rung, cluster, journal=tmp_path / "j", run_id="1")
