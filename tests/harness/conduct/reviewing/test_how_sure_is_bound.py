"""How sure a model must be is fixed once: another number, or other tune labels, is told."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from evalsets.splits import tune_cases
from harness.workspace.workspace import load_workspace
from tests.support.deciders import Decider, write_decider_workspace
from tests.support.reviews import CYCLE, NOW, Shape, inline_cluster, run_review
from tests.support.wire.decision_server import DecisionServer

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

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
