"""A program by OpenAI's SDK, reviewed with candidates of Anthropic and Google."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.conduct.checking import check_workspace, priced_on
from harness.conduct.concluding.proving import prove
from harness.errors import Faults
from harness.record.stored import write_records
from harness.tell.pages import publish
from providers.completion import TokenUsage
from tests.recompute import review as recomputed
from tests.support.program_reviews import write_program_workspace
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    inline_cluster,
    is_wrong,
    right_answer,
    run_review,
)
from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply, WireToolCall
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord
    from tests.support.wire.reply import Body, Script

pytestmark = [pytest.mark.slow]

MILLION = Decimal(1_000_000)
PRICES = {"big": Decimal("4.00"), "good": Decimal("0.50"), "bad": Decimal("0.25")}
LOOKS = TokenUsage(input_tokens=70, output_tokens=11)
SAYS = TokenUsage(input_tokens=95, output_tokens=2)
CASES = 40


def agent(model: str) -> Script:
    """First the tool, then, with its result in whatever wire, the answer."""

    def said(body: Body) -> Reply:
        text = json.dumps(body.get("messages") or body["contents"])
        number = int(re.findall(r"Ticket number (\d+)", text)[0])
        if "tool_result" in text or '"role": "tool"' in text or "functionResponse" in text:
            assert text.count(f'"{number}"') == 1  # The tool's own result came back.
            return Reply(text=right_answer(number + is_wrong(model, number)), usage=SAYS)
        call = WireToolCall(
            name="number_of", arguments=json.dumps({"text": f"Ticket number {number}"}), id="t1"
        )
        return Reply(finish="tool_calls", tool_calls=(call,), usage=LOOKS)

    return said


def test_candidates_of_two_other_vendors_are_decided_and_paid_to_the_digit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC_EVAL", "GOOGLE_EVAL"):
        monkeypatch.setenv(name, f"real-{name}")
    shape = Shape(cases=CASES, candidates="bad, good", extra="margin: 25")
    with (
        OpenAIServer(agent("big")) as ours,
        AnthropicServer(agent("good")) as theirs,
        GoogleServer(agent("bad")) as others,
    ):
        root = write_program_workspace(tmp_path, ours.port, script="looking.py", shape=shape)
        for name, vendor, server in (("good", "anthropic", theirs), ("bad", "google", others)):
            own = f"{name}:\n  provider: openai-compatible\n  base_url: {ours.base_url}"
            key = f"{vendor.upper()}_EVAL"
            entry = f"{name}:\n  provider: {vendor}\n  key: {key}\n  base_url: {server.origin}"
            edit(root / "models" / "all.yaml", own, entry)
        edit(root / "features" / "tickets.yaml", "{draft: big, check: checker}", "{agent: big}")
        assert check_workspace(root, has_price=priced_on(NOW.date())).errors == ()
        with inline_cluster() as cluster:
            (record,) = run_review(root, cluster)
        servers = {"big": ours, "good": theirs, "bad": others}
        asked = {name: len(server.calls) for name, server in servers.items()}
        (again,) = run_review(root, None, run_id="run-2")
        assert asked == {name: len(server.calls) for name, server in servers.items()}
    found = {one.option: one for one in record.evidence.program or ()}
    for option, one in found.items():
        assert (one.calls, one.most_calls, one.beside) == (2 * one.runs, 2, 0)
        assert (one.input_tokens, one.output_tokens) == (165 * one.runs, 13 * one.runs)
        assert one.usd == one.runs * PRICES[option] * 178 / MILLION
        assert asked[option] == one.calls
    assert record.evidence.spend.total_usd == sum(one.usd or 0 for one in found.values())
    assert record.verdict.value == "downgrade"
    assert record.chosen == "good"
    assert again.finding_sha256 == record.finding_sha256
    assert_pages_follow(root, record)


def assert_pages_follow(root: Path, record: DecisionRecord) -> None:
    folder = root / "reviews" / CYCLE
    write_records([record], folder, Faults())
    publish([record], folder, now=NOW)
    assert prove(folder / "records" / "tickets.json").faults == ()
    page = (folder / "documents" / "tickets.md").read_text(encoding="utf-8")
    assert "how bad and good will be asked in production: here the program's calls were" in page
    report = recomputed.recompute(folder, NOW.date())
    assert [f"{one.where}: {one.why}: {one.text}" for one in report.findings] == []
