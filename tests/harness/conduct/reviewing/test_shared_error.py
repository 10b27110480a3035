"""One error for all tests of a pair on the same cases, also of one review, and for each pair alone.

Two features of one review ask the same cases with prompts of their own; a second review was planned
before the first one ended; an option with little left takes nothing from the others.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from evalsets.splits import order_seed
from harness.conduct.concluding.past import PastReview
from harness.conduct.concluding.proving import prove
from harness.conduct.concluding.verifying import verify
from harness.conduct.planning import planned_in
from harness.conduct.running import RunSettings, run
from harness.errors import UsageError
from harness.plan.planning import Selection
from harness.record.base import Reason, Verdict
from harness.record.stored import write_records
from harness.tell.pages import to_document
from harness.workspace.workspace import load_workspace
from reports.render import render
from tests.prove.verifier import check
from tests.recompute.figures import Truth
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

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

LATER = NOW + timedelta(days=90)
BOTH = ("tickets", "mails")


def on_the_same_cases(root: Path, port: int, cases: int) -> None:
    """Two features with prompts of their own and one set of cases."""
    shape = Shape(cases=cases, candidates="good", features=BOTH)
    write_review_workspace(root, port, shape)
    same = (root / "evalsets/tickets/cases.jsonl").read_text("utf-8")
    (root / "evalsets/mails/cases.jsonl").write_text(same, "utf-8")


def reviewed(
    root: Path, run_id: str, cycle: str = CYCLE, wanted: Selection | None = None
) -> dict[str, DecisionRecord]:
    now = NOW if cycle == CYCLE else LATER
    with inline_cluster() as cluster:
        found = run_review(root, cluster, run_id=run_id, cycle=cycle, now=now, wanted=wanted)
    return {one.feature.id: one for one in found}


def taken(record: DecisionRecord) -> tuple[int, float, float]:
    life = record.evidence.eval_set.life
    assert life is not None
    return life.test, life.level, life.left


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_two_features_of_one_review_share_one_error(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        on_the_same_cases(tmp_path, server.port, 150)
        first = reviewed(tmp_path, "run-1")
        again = reviewed(tmp_path, "run-2")
    assert taken(first["mails"]) == (1, 4.0, 1.0)
    assert taken(first["tickets"]) == (2, 0.333333, 0.666667)
    for name, record in first.items():
        assert record.evidence.exploratory == ()
        assert again[name].finding_sha256 == record.finding_sha256
        assert check(json.loads(record.model_dump_json())) == []
    write_records(tuple(first.values()), tmp_path / "reviews" / CYCLE)
    found = verify(PastReview(root=tmp_path, cycle=CYCLE), now=NOW)
    assert [(one.feature, one.found.differences) for one in found] == [
        ("mails", ()), ("tickets", ()),
    ]  # fmt: skip


def test_nothing_is_left_for_the_second_feature(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        on_the_same_cases(tmp_path, server.port, 120)
        edit(tmp_path / "policy.yaml", "max_spend_usd", "reviews_per_year: 1\nmax_spend_usd")
        found = reviewed(tmp_path, "run-1")
        assert len(server.log.calls) <= 240
        alone = reviewed(tmp_path, "run-2", wanted=Selection(features=("tickets",)))
    assert taken(found["mails"]) == (1, 5.0, 0.0)
    for one in (found["tickets"], alone["tickets"]):
        assert one.verdict is Verdict.UNDECIDED
        assert one.reason_codes == (Reason.EVALSET_SPENT,)
        assert one.options[0].note.startswith(
            "1 test of it on these cases, those of mails too, have spent the 5 % that they share"
        )


def test_limits_that_differ_from_the_start_are_no_change(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        on_the_same_cases(tmp_path, server.port, 150)
        edit(tmp_path / "features/tickets.yaml", "risk: medium", "risk: low")
        reviewed(tmp_path, "run-1")
        again = reviewed(tmp_path, "run-2")
    assert again["tickets"].evidence.exploratory == ()
    assert again["tickets"].margin.fixed_at == 10


def test_a_review_that_another_one_overtook_is_refused(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        shape = Shape(cases=120, candidates="good")
        write_review_workspace(tmp_path, server.port, shape)
        workspace = load_workspace(tmp_path)
        second = planned_in(workspace, Selection(), cycle="2027-Q1", now=LATER)
        reviewed(tmp_path, "run-1")
        asked = len(server.log.calls)
        with pytest.raises(UsageError, match=rf"tickets was reviewed as {CYCLE} after this review"):
            run(second, RunSettings())
        assert len(server.log.calls) == asked


def test_an_option_with_little_left_takes_nothing_from_the_others(tmp_path: Path) -> None:
    def shape(cases: int, candidates: str) -> Shape:
        return Shape(cases=cases, candidates=candidates, kind="ladder")

    with OpenAIServer(answers) as server:
        write_review_workspace(tmp_path, server.port, shape(120, "bad"))
        reviewed(tmp_path, "run-1")
        write_review_workspace(tmp_path, server.port, shape(300, "bad, good"))
        (both,) = reviewed(tmp_path, "run-2", "2027-Q1").values()
        write_review_workspace(tmp_path, server.port, shape(310, "bad, good"))
        edit(tmp_path / "policy.yaml", "max_spend_usd", "reviews_per_year: 2\nmax_spend_usd")
        (spent,) = reviewed(tmp_path, "run-3", "2027-Q2").values()
    assert taken(both) == (1, 4.0, 1.0)
    design, lives = both.evidence.design, both.evidence.eval_set.lives
    assert design is not None
    assert lives is not None
    assert (design.alpha, design.at_most) == (0.04, (0.003333333, None))
    assert [(one.option, one.life.test, one.life.level) for one in lives] == [("bad", 2, 0.333333)]
    assert both.chosen == "good"
    assert both.options[1].proof is not None
    assert (both.options[1].proof.local or 0) > 0.035
    assert check(json.loads(both.model_dump_json())) == []
    (stored, *_) = write_records((both,), tmp_path / "reviews" / "2027-Q1")
    assert prove(stored.path).faults == ()
    assert Truth(both.model_dump(mode="json")).faults == []
    page = render(to_document(both, LATER), to="md")
    assert "first test on this set; of the 5 % risk" in page
    assert "all tests on it share, 1 % is left, of bad the second test on this set" in page
    bad, good = spent.options
    assert bad.reason_codes == (Reason.EVALSET_SPENT,)
    assert bad.note.startswith("2 tests of it on these cases have spent the 5 %")
    assert good.quality is not None
    assert taken(spent)[0] == 2


def looked(root: Path, *cycles: str) -> None:
    """Quick looks under these names."""
    for cycle in cycles:
        with inline_cluster() as cluster:
            run_review(
                root, cluster, run_id=f"run-{cycle}", wanted=Selection(quick=True), cycle=cycle
            )


LOOKS = ("2026-Q4-a-quick", "2026-Q4-b-quick")


def test_what_was_changed_after_quick_looks_decides_nothing(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        looked(tmp_path, *LOOKS)
        edit(tmp_path / "policy.yaml", "medium: {margin: 5}", "medium: {margin: 20}")
        # Of the last look alone: each asks sixteen cases in an order of its own.
        (last, *_) = server.log.calls[-1].body["messages"][-1:]
        case = json.dumps(str(last["content"]).rpartition(": ")[2].strip())
        cases = tmp_path / "evalsets/tickets/cases.jsonl"
        (line,) = [one for one in cases.read_text("utf-8").splitlines() if case in one]
        edit(cases, line, json.dumps({**json.loads(line), "target": "another"}))
        found = reviewed(tmp_path, "run-2")["tickets"]
    assert taken(found) == (1, 4.0, 1.0)
    assert (found.margin.fixed_on, found.margin.fixed_at) == (NOW.date(), 5)
    (said,) = found.evidence.exploratory
    assert said.startswith(
        "changed after answers existed: the margin (5 points, now 20 points) and the labels of 1 "
        "case."
    )


def test_who_has_looked_cannot_choose_the_order_by_a_name(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        looked(tmp_path, *LOOKS)
        found = reviewed(tmp_path, "run-2")["tickets"]
    assert found.evidence.exploratory == ()
    assert taken(found) == (1, 4.0, 1.0)
    inputs = found.evidence.eval_set.inputs_sha256
    assert found.evidence.seed == order_seed("tickets", inputs_sha256=inputs, cycle="2026-Q4-a")
    write_records((found,), tmp_path / "reviews" / CYCLE)
    (again,) = verify(PastReview(root=tmp_path, cycle=CYCLE), now=NOW)
    assert again.found.differences == ()
