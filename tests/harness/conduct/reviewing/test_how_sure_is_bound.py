"""How sure a model must be is fixed once: another number, or other tune labels, is told."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from evalsets.splits import tune_cases
from harness.conduct.reviewing.prefetch import answer_ahead
from harness.conduct.reviewing.review import review
from harness.record.base import Reason
from harness.record.stored import write_records
from harness.workspace.workspace import load_workspace
from tests.support.deciders import Decider, write_decider_workspace
from tests.support.reviews import CYCLE, NOW, Shape, inline_cluster, run_review
from tests.support.wire.decision_server import DecisionServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from harness.ask.replay.ledger import Ledger
    from harness.conduct.reviewing.session import Runtime
    from harness.plan.model import Plan
    from harness.record.model import DecisionRecord
    from harness.workspace.workspace import Workspace
    from tests.support.wire.reply import Body

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

SURE = "cascades: [{first: luna, accept_when: {probability: 0.9}}]"
SHAPE = Shape(cases=130, candidates="", extra=SURE)
TUNE = 40
NEXT = "2027-Q1"


def reviewed(root: Path, server: DecisionServer, run_id: str, cycle: str) -> DecisionRecord:
    """The review; of all but the first that it asks nobody anything."""
    before = len(server.calls)
    now = NOW if cycle == CYCLE else NOW + timedelta(days=90)
    with inline_cluster() as cluster:
        (record,) = run_review(root, cluster, run_id=run_id, cycle=cycle, now=now)
    assert (len(server.calls) == before) is (before > 0)
    return record


def stated(root: Path, number: str) -> None:
    path = root / "features" / "tickets.yaml"
    extra = SURE.replace("0.9}", f"{number}}}")
    lines = [
        extra if line.startswith("cascades:") else line
        for line in path.read_text("utf-8").splitlines()
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def relabelled(root: Path) -> int:
    """Turn the labels of the tune cases round; how many there are."""
    tune = {case.id for case in tune_cases(load_workspace(root).evalsets["tickets"])}
    path = root / "evalsets" / "tickets" / "cases.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    other = {"billing": "technical", "technical": "billing"}
    for row in rows:
        row["target"] = other[row["target"]] if row["id"] in tune else row["target"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return len(tune)


def test_every_number_is_the_same_pair_and_the_first_one_binds(tmp_path: Path) -> None:
    with DecisionServer(Decider().script) as server:
        write_decider_workspace(tmp_path, server.port, SHAPE, tune=TUNE)
        first = reviewed(tmp_path, server, "run-1", CYCLE)
        again = reviewed(tmp_path, server, "run-2", NEXT)
        stated(tmp_path, "0.95")
        look = reviewed(tmp_path, server, "run-3", CYCLE)
        other = reviewed(tmp_path, server, "run-4", "2027-Q2")
    life, same = first.evidence.eval_set.life, again.evidence.eval_set.life
    assert life is not None
    assert (life.test, life.level, life.left) == (1, 4.0, 1.0)
    assert same == life.model_copy(update={"again": True})
    assert again.evidence.exploratory == ()
    assert again.options[0].cascade == first.options[0].cascade
    assert look.evidence.exploratory[0].startswith("changed after answers existed: the options (")
    assert other.evidence.exploratory[0].startswith(
        "changed after answers existed: how sure luna must be (0.9, now 0.95). These cases were"
    )
    assert other.evidence.confidence == pytest.approx(0.996667, abs=1e-6)


def test_records_tell_the_pair_whatever_its_number(tmp_path: Path) -> None:
    """The journal was deleted, and another number is stated."""
    with DecisionServer(Decider().script) as server, inline_cluster() as cluster:
        write_decider_workspace(tmp_path, server.port, replace(SHAPE, cases=250), tune=TUNE)
        first = reviewed(tmp_path, server, "run-1", CYCLE)
        write_records((first,), tmp_path / "reviews" / CYCLE)
        shutil.rmtree(tmp_path / ".rightsize")
        stated(tmp_path, "0.95")
        later = NOW + timedelta(days=90)
        (second,) = run_review(tmp_path, cluster, run_id="run-2", cycle=NEXT, now=later)
    life = second.evidence.eval_set.life
    assert life is not None
    assert (life.test, life.level) == (2, 0.333333)


def test_labels_of_tune_cases_are_bound_as_those_that_decide(tmp_path: Path) -> None:
    with DecisionServer(Decider().script) as server:
        write_decider_workspace(tmp_path, server.port, SHAPE, tune=TUNE)
        first = reviewed(tmp_path, server, "run-1", CYCLE)
        count = relabelled(tmp_path)
        moved = reviewed(tmp_path, server, "run-2", CYCLE)
        later = reviewed(tmp_path, server, "run-3", NEXT)
        relabelled(tmp_path)
        back = reviewed(tmp_path, server, "run-4", CYCLE)
    said = f"changed after answers existed: the labels of {count} tune cases. "
    assert moved.evidence.exploratory[0].startswith(f"{said}To decide 2026-Q4, put that back")
    assert later.evidence.exploratory[0].startswith(f"{said}These cases were first asked on 2026")
    assert back.evidence.exploratory == ()
    assert back.options[0].cascade == first.options[0].cascade


@pytest.mark.parametrize("answers", [True, False])
def test_a_model_that_answers_ahead_answers_the_tune_cases_first(
    tmp_path: Path, *, answers: bool
) -> None:
    """What a loaded model is asked before the review has all that the review will want."""
    tune = set[int]()

    def number_of(body: Body) -> int:
        found = re.search(r"Ticket number (\d+)", json.dumps(body))
        return int(found[1]) if found else 0

    def script(body: Body) -> Reply:
        lost = not answers and "input" in body and number_of(body) in tune
        return Reply(status=503) if lost else Decider().script(body)

    def ahead(
        workspace: Workspace, plan: Plan, served: Mapping[str, str], engine: Runtime
    ) -> tuple[tuple[DecisionRecord, ...], Ledger]:
        answer_ahead(plan, served, engine)
        return review(workspace, plan, {}, replace(engine, cluster=None) if answers else engine)

    with DecisionServer(script) as server, inline_cluster() as cluster:
        write_decider_workspace(tmp_path, server.port, SHAPE, tune=TUNE)
        cases = tune_cases(load_workspace(tmp_path).evalsets["tickets"])
        tune |= {number_of({"input": case.input}) for case in cases}
        served = {"luna": f"http://127.0.0.1:{server.port}/v1"}
        served["big"] = served["luna"]
        (record,) = run_review(tmp_path, cluster, served=served, reviewer=ahead)
    asked = [number_of(call.body) for call in server.calls if "input" in call.body]
    assert set(list(dict.fromkeys(asked))[:TUNE]) == tune
    assert len(asked) == 130 if answers else set(asked) == tune
    facts = record.options[0].cascade
    assert facts is not None
    assert facts.threshold_cases == (TUNE if answers else None)


def test_today_s_times_are_measured_in_order_too_where_tune_answers_are_missing(
    tmp_path: Path,
) -> None:
    def script(body: Body) -> Reply:
        return Decider().script(body) if "messages" in body else Reply(status=503)

    def in_order(
        workspace: Workspace, plan: Plan, served: Mapping[str, str], engine: Runtime
    ) -> tuple[tuple[DecisionRecord, ...], Ledger]:
        return review(workspace, plan, served, replace(engine, in_order=True))

    shape = replace(SHAPE, extra=f"{SURE}\nlatency: {{p95_s: 60}}")
    with DecisionServer(script) as server, inline_cluster() as cluster:
        write_decider_workspace(tmp_path, server.port, shape, tune=TUNE)
        (record,) = run_review(tmp_path, cluster, reviewer=in_order)
    assert record.reason_codes == (Reason.RUN_INCOMPLETE,)
    assert record.current_latency is not None
    assert record.current_latency.n == 60
