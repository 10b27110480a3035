from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.conduct import review
from harness.conduct.running import RunSettings
from harness.conduct.tuning.worth import worth_lines, worth_tuning
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.reviews import CYCLE, NOW, Shape, answers, right_answer, run_review
from tests.support.tuning import write_tune_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body


def near(body: Body) -> Reply:
    """`good` loses 8 points, `bad` a third."""
    reply = answers(body)
    number = int(str(body["messages"]).partition("Ticket number ")[2].partition("'")[0])
    if body["model"] == "good" and number % 12 == 5:
        return Reply(text=right_answer(number + 1), usage=reply.usage)
    return reply


def test_tuning_is_offered_where_the_gap_is_small_and_passing_saves_enough(tmp_path: Path) -> None:
    with OpenAIServer(near) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path, server.port, Shape(cases=300, candidates="bad, good"))
        run_review(root, cluster)
    review(root, settings=RunSettings(clock=lambda: NOW))
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    (worth,) = worth_tuning(plan, root / "reviews")
    assert (worth.feature, worth.option, worth.limit) == ("tickets", "good", 5)
    assert 7 < worth.gap < 10
    assert worth.chance == pytest.approx(0.29, abs=0.1)
    assert worth.saved_usd == Decimal(287)
    assert worth.longer_usd == Decimal(40)
    assert worth.gain_usd < worth.saved_usd
    head, line = worth_lines(plan, root / "reviews")
    assert head.startswith("A prompt of its own may pay on 1 feature, cheapest first")
    assert line.startswith("    rightsize tune tickets --model good: about USD 0.0")
    (root / "prompts" / "tickets" / "good~tuned.j2").write_text("{{ input }}", encoding="utf-8")
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    assert worth_tuning(plan, root / "reviews") == ()
