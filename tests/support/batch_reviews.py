"""A workspace with a model of each vendor that has batches, asked in batches on local servers."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import ExitStack, contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

from harness.ask.replay.batches import BackOff
from harness.ask.replay.retry import RetryPolicy
from harness.conduct.reviewing.review import review
from harness.conduct.reviewing.session import Runtime
from harness.journal.journal import Journal
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.reviews import CYCLE, EVALSET, FEATURE, NOW, POLICY, right_answer, write
from tests.support.wire.batch_servers import (
    AnthropicBatchServer,
    GoogleBatchServer,
    OpenAIBatchServer,
)
from tests.support.wire.reply import Reply, WireUsage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from harness.ask.cluster.workers import Cluster
    from harness.ask.replay.ledger import Ledger
    from harness.record.model import DecisionRecord
    from tests.support.wire.reply import Body, Script

KEY = "sk-batch-never-to-be-seen"
CASES = 120
IN, OUT = 80, 2
MODELS = (
    ("opus", "anthropic", "messages", "4.00"),
    ("gpt", "openai", "responses", "2.00"),
    ("gpt-chat", "openai", "chat", "1.50"),
    ("gemini", "google", "generate-content", "1.00"),
)
SERVERS = {
    "anthropic": AnthropicBatchServer,
    "openai": OpenAIBatchServer,
    "google": GoogleBatchServer,
}


def number_of(body: Body) -> int:
    found = re.search(r"Ticket number (\d+)", json.dumps(body))
    return int(found[1]) if found else 0


def right(body: Body) -> Reply:
    usage = WireUsage(input_tokens=IN, output_tokens=OUT)
    return Reply(text=right_answer(number_of(body)), usage=usage)


@contextmanager
def batch_servers(script: Script = right) -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        yield {vendor: stack.enter_context(kind(script)) for vendor, kind in SERVERS.items()}


def write_batch_workspace(  # noqa: PLR0913  # each is what one test varies
    root: Path,
    servers: Mapping[str, Any],
    *,
    cap: str = "10",
    extra: str = "",
    kind: str = "holm",
    batch: str = "true",
    candidates: Sequence[str] = ("gpt", "gpt-chat", "gemini"),
    cases: int = CASES,
) -> Path:
    entries = []
    for name, vendor, api, price in MODELS:
        path = "/v1" if vendor == "openai" else ""
        entries.append(
            f"{name}:\n"
            f"  provider: {vendor}\n  api: {api}\n  base_url: {servers[vendor].origin}{path}\n"
            f"  key: BATCH_KEY\n  batch: {batch}\n"
            "  may_see: [public, internal, customer]\n"
            f"  price: [{{from: 2026-09-01, input: {price}, output: {price}, batch: 0.5,"
            " source: quote}]\n"
        )
    write(root / "policy.yaml", POLICY.format(cap=cap, kind=kind))
    write(root / "models" / "all.yaml", "".join(entries))
    text = FEATURE.format(candidates=", ".join(candidates), extra=extra)
    write(root / "features" / "tickets.yaml", text.replace("incumbent: big", "incumbent: opus"))
    write(root / "prompts" / "tickets" / "default.j2", "Topic of: {{ input }}\n")
    write(root / "evalsets" / "tickets" / "evalset.yaml", EVALSET)
    lines = (
        json.dumps(
            {
                "id": f"t-{number:04}",
                "input": f"Ticket number {number}",
                "target": right_answer(number),
                "metadata": {"channel": "mail" if number % 3 else "chat"},
            }
        )
        for number in range(1, cases + 1)
    )
    write(root / "evalsets" / "tickets" / "cases.jsonl", "\n".join(lines) + "\n")
    return root


class Notes:
    """A `Progress` that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.ended = 0
        self.stored = 0
        self.expected_usd = Counter[object]()
        """What the answers were expected to cost, each price with its count."""

    def note(self, text: str) -> None:
        self.lines.append(text)

    def spared(self, less: object) -> None:
        del less

    def settled(
        self,
        *,
        spent_usd: object,
        answered: bool = True,
        usd: object = None,
        stored: bool = False,
    ) -> None:
        del spent_usd, answered
        self.ended += 1
        self.stored += stored
        self.expected_usd[usd] += 1

    def stood(self, standing: object) -> None:
        pass


def run_batch_review(  # noqa: PLR0913  # each is what one test varies
    root: Path,
    cluster: Cluster | None,
    *,
    run_id: str = "run-1",
    notes: Notes | None = None,
    pause: Any = lambda _seconds: None,
    back_off: BackOff | None = None,
    max_attempts: int = 5,
) -> tuple[tuple[DecisionRecord, ...], Ledger]:
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection())
    with Journal.open(
        root / ".rightsize" / "journal.sqlite", run_id=run_id, cycle=CYCLE, now=NOW.isoformat()
    ) as journal:
        engine = Runtime(
            cluster=cluster,
            journal=journal,
            retry=RetryPolicy(rng=Random(1), base_s=0.01, cap_s=0.05, max_attempts=max_attempts),
            progress=notes or Notes(),
            now=NOW,
            share_of_rate_limit=1.0,
            back_off=back_off or BackOff(),
            pause=pause,
        )
        return review(workspace, plan, {}, engine)
