"""Rewriting by reflection: a scripted model answers by the prompt, and another rewrites it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.errors import UsageError
from providers.completion import TokenUsage
from tests.support.reviews import right_answer, write
from tests.support.tuning import picky, run_tuning, tune_task, write_tune_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body

BEST = "Odd numbers are billing, even ones technical."


def reflecting(body: Body) -> Reply:
    """Like `picky`; under `BEST` the small model is right, and `big` finds that in two steps."""
    text = json.dumps(body["messages"])
    usage = TokenUsage(input_tokens=len(text) // 4, output_tokens=8)
    if "Write a better template" in text:
        told = "parity" in text.partition("This is what the model answered")[0]
        rule = BEST if told else "Look at the parity of the number."
        return Reply(text=f"Here it is:\n```\n{rule}\nTicket: {{{{ input }}}}\n```", usage=usage)
    if body["model"] == "bad" and (BEST in text or "parity" in text):
        number = int(re.findall(r"Ticket number (\d+)", text)[-1])
        wrong = BEST not in text and number % 10 == 0
        return Reply(text=right_answer(number + wrong), usage=usage)
    return picky(body)


def test_the_known_best_prompt_is_found_within_the_cap_and_found_again(tmp_path: Path) -> None:
    with OpenAIServer(reflecting) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path / "w", server.port)
        found = run_tuning(tune_task(root, rewriter="big"), cluster, root)
        asked = len(server.log.calls)
        again = run_tuning(tune_task(root, rewriter="big"), cluster, root, run_id="tune-2")
        assert len(server.log.calls) == asked
        half = found.spent_usd / 2
        poor = write_tune_workspace(tmp_path / "poor", server.port)
        task = replace(tune_task(poor, rewriter="big"), cap_usd=half)
        capped = run_tuning(task, cluster, poor, cap=f"{half:f}")
    assert found.path is not None
    text = found.path.read_text("utf-8")
    assert BEST in text
    assert found.found.best is not None
    assert "rewritten by big" in found.found.best.one.way.what
    assert found.found.best.choice is not None
    assert found.found.best.choice.mean == 1.0
    assert again.path is not None
    assert again.path.read_text("utf-8") == text
    assert found.spent_usd == again.spent_usd < Decimal(1)
    assert capped.found.out_of_money
    assert capped.spent_usd <= half


def test_who_may_not_see_the_data_rewrites_nothing(tmp_path: Path) -> None:
    root = write_tune_workspace(tmp_path, 9)
    with pytest.raises(UsageError, match="--rewrite-by huge: not in the workspace; known: big"):
        tune_task(root, rewriter="huge")
    path = root / "models" / "all.yaml"
    text = path.read_text("utf-8")
    write(path, text.replace("[public, internal, customer]", "[public]", 1))
    blind = (
        text.replace("big:", "blind:", 1)
        .split("good:")[0]
        .replace("[public, internal, customer]", "[public]")
    )
    write(path, text + blind)
    with pytest.raises(UsageError, match="--rewrite-by blind: DATA_NOT_PERMITTED"):
        tune_task(root, rewriter="blind")
