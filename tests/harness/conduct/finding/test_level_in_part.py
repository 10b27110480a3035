"""Cases of which some lack a target or a label: what holds whatever those would say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from harness.plan.expecting import LEVEL_CASES, expected_level_labels
from harness.plan.model import Status
from harness.plan.planning import Selection, plan_review
from harness.plan.sampling import floor_note
from harness.record.base import Reason, Verdict
from harness.record.stored import read_records, write_records
from harness.tell.pages import publish, to_document
from harness.workspace.workspace import load_workspace
from providers.completion import TokenUsage
from reports.render import render
from tests.recompute.review import recompute_feature
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    inline_cluster,
    right_answer,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from tests.support.wire.reply import Body

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

CASES = 90


def script(body: Body) -> Reply:
    """Today's model is wrong on every twentieth ticket, the other one on the seventh too."""
    found = re.search(r"Ticket number (\d+)", json.dumps(body.get("messages")))
    number = int(found[1]) if found else 0
    wrong = number % 20 == 0 or (body["model"] == "good" and number == 7)
    return Reply(
        text=right_answer(number + wrong), usage=TokenUsage(input_tokens=80, output_tokens=2)
    )


def written(
    root: Path, port: int, bare: Collection[int], target: Callable[[int], str] = right_answer
) -> None:
    write_review_workspace(root, port, Shape(cases=CASES, candidates="good"))
    path = root / "evalsets" / "tickets" / "cases.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for number, row in enumerate(rows, start=1):
        row["target"] = target(number)
        if number in bare:
            del row["target"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def nearly_all_alike(number: int) -> str:
    return "billing" if number % 5 else right_answer(number)


RIGHT = 86
"""Of today's model on all 90."""


@pytest.mark.parametrize(
    ("bare", "target", "told"),
    [
        # Neither two targets, nor one that a disagreement lacks, nor fifteen change it.
        ((3, 50), right_answer, (True, RIGHT - 2, 2, None)),
        ((3, 7), right_answer, (True, RIGHT - 2, 2, None)),
        (range(61, 76), right_answer, (True, RIGHT - 15, 15, None)),
        # The same targets nearly everywhere: no label would help.
        ((3, 51), nearly_all_alike, (False, 50, 2, None)),
        # With 29 it depends: 58 + 8 right of 90 clear 31 + 21 of the constant by 5 points.
        (range(31, 60), right_answer, (None, None, 29, 8)),
        # Without most labels random cases tell.
        (range(1, 86), right_answer, (None, None, 85, 38)),
    ],
)
def test_the_level_is_asked_for_only_where_it_depends_on_what_lacks(
    tmp_path: Path,
    bare: Collection[int],
    target: Callable[[int], str],
    told: tuple[bool | None, int | None, int, int | None],
) -> None:
    with OpenAIServer(script) as server, inline_cluster() as cluster:
        written(tmp_path, server.port, bare, target)
        (record,) = run_review(tmp_path, cluster)
    floor = record.evidence.floor
    assert floor is not None
    assert (floor.clears, floor.right, floor.unlabelled, floor.fewest_labels) == told
    page = render(to_document(record, NOW), to="md")
    folder = tmp_path / "published"
    write_records([record], folder)
    publish(read_records(folder), folder, now=NOW)
    assert recompute_feature(folder, "tickets").findings == []
    asks = "rightsize label tickets)" in page
    assert asks is (floor.clears is None)
    assert ("random cases would tell: rightsize label" in page) is (len(bare) > LEVEL_CASES)
    if floor.clears is not None:
        assert f"how good either model is on the {len(bare)} cases without a label" in page
        ours, other = ("wrong", "right") if floor.clears else ("right", "wrong")
        assert (
            f"{len(bare)} of the cases have no label: they count as {ours} for today's model and "
            f"as {other} for the answer that never changes."
        ) in page
        assert (Reason.EVALSET_CANNOT_TELL in record.reason_codes) is not floor.clears
        at_stake = "At stake: up to USD 287 a month on the bill." in page
        assert at_stake is not floor.clears
    elif len(bare) <= LEVEL_CASES:
        assert "29 cases without a label, and it depends on them" in page
        assert "those labels would tell; as few as 8 may: rightsize label tickets" in page


def test_a_few_labels_are_asked_themselves_and_no_random_ones(tmp_path: Path) -> None:
    written(tmp_path, 9, (3, 50))
    workspace = load_workspace(tmp_path)
    (plan,) = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features
    assert expected_level_labels(plan) == 2


def test_a_constant_that_is_right_on_all_that_have_a_target_is_seen_before_a_call(
    tmp_path: Path,
) -> None:
    written(tmp_path, 9, (3, 50), lambda _: "billing")
    workspace = load_workspace(tmp_path)
    (plan,) = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features
    assert (plan.status, plan.reasons) == (Status.TOO_SMALL, (Reason.EVALSET_CANNOT_TELL,))
    assert plan.floor is not None
    assert (plan.floor.constant_right, plan.floor.cases) == (88, 90)
    assert "scores at least 97.8 of 100 on 90 tickets by itself" in floor_note(
        plan.floor, "tickets"
    )
    (record,) = run_review(tmp_path, None)
    assert record.verdict is Verdict.UNDECIDED
    page = render(to_document(record, NOW), to="md")
    assert (
        'answering "billing" would be right on at least 88 of 90 tickets (2 without a label), '
        "at least 97.8 of 100. A model that is right on all of them"
    ) in page
    folder = tmp_path / "published"
    write_records([record], folder)
    publish(read_records(folder), folder, now=NOW)
    assert recompute_feature(folder, "tickets").findings == []
