"""A workspace whose small model answers well under one kind of prompt, and tunings over it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from harness.ask.replay.retry import RetryPolicy
from harness.conduct.preparing.trying import Asking
from harness.conduct.tuning.tuning import PromptToTune, TunedPrompt, task_of, tuned_on
from harness.journal.journal import Journal
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from providers.completion import TokenUsage
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    is_wrong,
    right_answer,
    write_review_workspace,
)
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from harness.ask.cluster.workers import Cluster
    from harness.conduct.tuning.searching import TuneTask
    from tests.support.wire.reply import Body

TUNE = 36


def picky(body: Body) -> Reply:
    """Like `reviews.answers`; `bad` is as good as `good` where two examples stand before the case.

    Under the labels alone it gets every fourth case wrong, else every third. A token is four
    letters.
    """
    text = json.dumps(body["messages"])
    number = int(re.findall(r"Ticket number (\d+)", text)[-1])
    model = str(body["model"])
    wrong = is_wrong(model, number)
    if model == "bad" and text.count('"assistant"') >= 2:
        wrong = is_wrong("good", number)
    elif model == "bad" and "Answer only with one of these" in text:
        wrong = number % 4 == 0
    answer = right_answer(number + 1 if wrong else number)
    return Reply(text=answer, usage=TokenUsage(input_tokens=len(text) // 4, output_tokens=2))


LINES = ("You are a kind helper of our shop.", "Answer in one word.", "Take your time.")


def heeding(body: Body) -> Reply:
    """Today's model needs one line of its prompt, the small one needs examples."""
    if body["model"] == "bad":
        return picky(body)
    text = json.dumps(body["messages"])
    number = int(re.findall(r"Ticket number (\d+)", text)[-1])
    wrong = number % 4 == 0 and "one word" not in text
    answer = right_answer(number + 1 if wrong else number)
    return Reply(text=answer, usage=TokenUsage(input_tokens=len(text) // 4, output_tokens=2))


def write_tune_workspace(root: Path, port: int, shape: Shape | None = None) -> Path:
    """A workspace with tune cases."""
    shape = shape or Shape(cases=120, candidates="bad")
    write_review_workspace(root, port, shape)
    for feature in shape.features:
        path = root / "evalsets" / feature / "evalset.yaml"
        path.write_text(f"{path.read_text('utf-8')}tune: {TUNE}\n", encoding="utf-8")
    return root


def tune_task(root: Path, *, model: str = "bad", **asked: Any) -> TuneTask:
    """What a command would tune."""
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features[0]
    wanted = PromptToTune(root=root, feature=plan.feature, model=model, **asked)
    return task_of(plan, wanted, workspace, on=NOW.date())


def run_tuning(
    task: TuneTask, cluster: Cluster, root: Path, *, run_id: str = "tune-1", cap: str | None = None
) -> TunedPrompt:
    """One run of a tuning."""
    path = root / ".rightsize" / "journal.sqlite"
    with Journal.open(path, run_id=run_id, cycle=CYCLE, now=NOW.isoformat()) as journal:
        asking = Asking(
            cluster=cluster,
            journal=journal,
            retry=RetryPolicy(rng=Random(1), base_s=0.01, cap_s=0.05),
            share_of_rate_limit=1.0,
            cap_usd=task.cap_usd if cap is None else Decimal(cap),
            now=NOW.isoformat(),
        )
        return tuned_on(task, asking, root=root, cycle=CYCLE)
