"""Features that are programs, reviewed: a chain and an agent, by the vendors' own SDKs."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.conduct.checking import check_workspace, priced_on
from harness.conduct.concluding.proving import prove
from harness.errors import Faults
from harness.record.stored import write_records
from harness.tell.pages import publish
from providers.completion import TokenUsage
from tests.recompute import review as recomputed
from tests.support.program_reviews import chain_answers, write_program_workspace
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    inline_cluster,
    is_wrong,
    right_answer,
    run_review,
    write,
)
from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply, WireToolCall
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.record.model import DecisionRecord
    from harness.record.trust import ProgramFacts
    from tests.support.wire.reply import Body

pytestmark = [pytest.mark.slow]

MILLION = Decimal(1_000_000)
PRICES = {"big": Decimal("4.00"), "good": Decimal("0.50"), "bad": Decimal("0.25")}
SHAPE = Shape(cases=40, candidates="bad", extra="margin: 25")


def facts(record: DecisionRecord) -> Mapping[str, ProgramFacts]:
    return {one.option: one for one in record.evidence.program or ()}


def test_a_chain_by_openai_s_sdk_is_decided_and_paid_to_the_digit(tmp_path: Path) -> None:
    with OpenAIServer(chain_answers) as server:
        root = write_program_workspace(tmp_path, server.port, shape=SHAPE)
        assert check_workspace(root, has_price=priced_on(NOW.date())).errors == ()
        with inline_cluster() as cluster:
            (record,) = run_review(root, cluster)
        asked = len(server.calls)
        (again,) = run_review(root, None, run_id="run-2")
        assert len(server.calls) == asked
    found = facts(record)
    for option, one in found.items():
        # Each run: 80 and 2 tokens of the option's own call, 20 and 1 of the checker's at 1 USD.
        own = PRICES[option] * 82 / MILLION
        assert (one.calls, one.beside) == (2 * one.runs, one.runs)
        assert (one.input_tokens, one.output_tokens) == (100 * one.runs, 3 * one.runs)
        assert one.usd == one.runs * (own + Decimal(21) / MILLION)
    assert asked == sum(one.calls for one in found.values())
    assert record.evidence.spend.total_usd == sum(one.usd or 0 for one in found.values())
    assert record.current_cost.per_request == PRICES["big"] * 82 / MILLION + Decimal(21) / MILLION
    assert found["big"].successes == found["big"].runs - sum(
        is_wrong("big", number) for number in range(1, 41)
    )
    assert again.finding_sha256 == record.finding_sha256
    assert_pages_follow(root, record)


def assert_pages_follow(root: Path, record: DecisionRecord) -> None:
    folder = root / "reviews" / CYCLE
    write_records([record], folder, Faults())
    publish([record], folder, now=NOW)
    assert prove(folder / "records" / "tickets.json").faults == ()
    page = (folder / "documents" / "tickets.md").read_text(encoding="utf-8")
    assert "What a run of the program took" in page
    report = recomputed.recompute(folder, NOW.date())
    assert [f"{one.where}: {one.why}: {one.text}" for one in report.findings] == []


GUIDE = Path(__file__).parents[4] / "harness" / "ask" / "programs" / "README.md"
OWNER = """\
name: Triage
owner: dana.ruiz@example.com
team: support
product: helpdesk
data: customer
risk: medium
margin: 25
agreed: {by: dana.ruiz, on: 2026-09-14}
"""


def test_the_ten_lines_of_the_guide_are_enough(tmp_path: Path) -> None:
    """A new user's walk: the guide's entry, the guide's program, and the models that it names."""
    guide = GUIDE.read_text(encoding="utf-8")
    entry = guide.partition("```yaml\n")[2].partition("```")[0]
    program = guide.partition("```python\n")[2].partition("```")[0]
    assert len([line for line in entry.splitlines() if not line.startswith("#")]) <= 10
    names = {"big": "gpt-6.1-sol", "good": "gpt-6-luna", "bad": "small", "checker": "other"}

    def script(body: Body) -> Reply:
        known = {theirs: ours for ours, theirs in names.items()}
        return chain_answers({**body, "model": known[body["model"]]})

    with OpenAIServer(script) as server:
        root = write_program_workspace(tmp_path, server.port, shape=SHAPE)
        models = (root / "models" / "all.yaml").read_text(encoding="utf-8")
        for ours, theirs in names.items():
            models = models.replace(f"{ours}:\n", f"{theirs}:\n")
        write(root / "models" / "all.yaml", models)
        python = entry.replace("[python, ", f"[{sys.executable}, ")
        write(root / "features" / "tickets.yaml", OWNER + python)
        write(root / "programs" / "tickets" / "triage.py", program)
        assert check_workspace(root, has_price=priced_on(NOW.date())).errors == ()
        with inline_cluster() as cluster:
            (record,) = run_review(root, cluster)
    found = facts(record)
    assert {one.calls for one in found.values()} == {one.runs for one in found.values()}
    assert found["gpt-6.1-sol"].successes == found["gpt-6.1-sol"].runs - sum(
        is_wrong("big", number) for number in range(1, 41)
    )


STEPS = tuple(
    TokenUsage(input_tokens=read, output_tokens=said)
    for read, said in ((50, 10), (80, 12), (100, 3))
)


def agent_answers(body: Body) -> Reply:
    """First the number, then the team, then the answer; `bad` is wrong on a third."""
    results = [
        block["content"]
        for turn in body["messages"]
        if isinstance(turn["content"], list)
        for block in turn["content"]
        if block["type"] == "tool_result"
    ]
    step = STEPS[len(results)]
    if not results:
        arguments = json.dumps({"text": body["messages"][0]["content"]})
        call = WireToolCall(name="number_of", arguments=arguments, id="t1")
        return Reply(finish="tool_calls", tool_calls=(call,), usage=step)
    if len(results) == 1:
        number = int(results[0]) + is_wrong(str(body["model"]), int(results[0]))
        call = WireToolCall(name="team_of", arguments=json.dumps({"number": number}), id="t2")
        return Reply(finish="tool_calls", tool_calls=(call,), usage=step)
    return Reply(text=results[1], usage=step)


def test_an_agent_with_two_tools_by_anthropic_s_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_KEY", "sk-ant-real")
    with AnthropicServer(agent_answers) as server:
        root = write_program_workspace(tmp_path, server.port, script="agent.py", shape=SHAPE)
        models = root / "models" / "all.yaml"
        own = f"provider: openai-compatible\n  base_url: http://127.0.0.1:{server.port}/v1"
        text = models.read_text(encoding="utf-8")
        theirs = f"provider: anthropic\n  key: AGENT_KEY\n  base_url: {server.origin}"
        models.write_text(text.replace(own, theirs), encoding="utf-8")
        edit(root / "features" / "tickets.yaml", "{draft: big, check: checker}", "{agent: big}")
        assert check_workspace(root, has_price=priced_on(NOW.date())).errors == ()
        with inline_cluster() as cluster:
            (record,) = run_review(root, cluster)
        headers = [str(call.headers) for call in server.calls]
    assert all("sk-ant-real" in one for one in headers)
    found = facts(record)
    for option, one in found.items():
        assert (one.calls, one.most_calls, one.beside) == (3 * one.runs, 3, 0)
        assert (one.input_tokens, one.output_tokens) == (230 * one.runs, 25 * one.runs)
        assert one.usd == one.runs * PRICES[option] * 255 / MILLION
    wrong = sum(is_wrong("bad", number) for number in range(1, 41))
    if found["bad"].runs == 40:
        assert found["bad"].successes == 40 - wrong
    assert right_answer(1) == "billing"
