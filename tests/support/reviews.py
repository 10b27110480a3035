"""A workspace whose models are scripted on a local server, and reviews over it."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.retry import RetryPolicy
from harness.conduct.reviewing.progress import Silent
from harness.conduct.reviewing.review import review
from harness.conduct.reviewing.session import Runtime
from harness.journal.journal import Journal
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from providers.completion import TokenUsage
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.ask.cluster.workers import Cluster
    from harness.ask.replay.ledger import Ledger
    from harness.conduct.reviewing.progress import Progress
    from harness.plan.model import Plan
    from harness.record.model import DecisionRecord
    from harness.workspace.workspace import Workspace
    from tests.support.wire.reply import Body

    Reviewer = Callable[
        [Workspace, Plan, Mapping[str, str], Runtime], tuple[tuple[DecisionRecord, ...], Ledger]
    ]

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
CYCLE = "2026-Q4"

POLICY = """\
max_spend_usd: {cap}
risk: {{low: {{margin: 10}}, medium: {{margin: 5}}, high: {{margin: 3}}}}
minimum_saving_usd: 50
expires_days: {{prices: 36500}}
procedure: {{kind: {kind}}}
"""

MODEL = """\
{name}:
  provider: openai-compatible
  base_url: http://127.0.0.1:{port}/v1
  may_see: [public, internal, customer]
  price: [{{from: 2026-09-01, input: {price}, output: {price}, source: quote}}]
"""

FEATURE = """\
name: Ticket topic
owner: dana.ruiz@example.com
team: support
product: helpdesk
data: customer
risk: medium
agreed: {{by: dana.ruiz, on: 2026-09-14}}
incumbent: big
candidates: [{candidates}]
request: {{max_output_tokens: 8}}
traffic: {{requests_per_month: 1000000, input_tokens: 80, output_tokens: 2, source: logs}}
{extra}
"""

EVALSET = """\
cases: cases.jsonl
unit: tickets
source: {kind: written, targets: human}
primary: {scorer: label, labels: [billing, technical]}
guardrails: [{scorer: format, margin: 5}]
slices: {channel: {mail: {margin: 30}}}
"""


def right_answer(number: int) -> str:
    return "billing" if number % 2 else "technical"


def is_wrong(model: str, number: int) -> bool:
    """Which cases a model gets wrong: `good` differs from `big` on 1 %, `bad` on a third."""
    if model == "bad":
        return number % 3 == 0
    return number % 20 == 0 or (model == "good" and number % 100 == 7)


def answers(body: Body) -> Reply:
    """The script: reads the ticket's number from the prompt."""
    text = json.dumps(body.get("messages") or body.get("prompt"))
    found = re.search(r"Ticket number (\d+)", text)
    number = int(found[1]) if found else 0
    wrong = is_wrong(str(body["model"]), number)
    answer = right_answer(number + 1 if wrong else number)
    return Reply(text=answer, usage=TokenUsage(input_tokens=80, output_tokens=2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a workspace is like."""

    cases: int = 300
    candidates: str = "bad, good"
    cap: str = "10"
    extra: str = ""
    kind: str = "holm"
    ray: str = ""
    """`policy.yaml: ray`; not stated without."""
    features: tuple[str, ...] = ("tickets",)


def write_review_workspace(root: Path, port: int, shape: Shape | None = None) -> Path:
    shape = shape or Shape()
    own = f"ray: {shape.ray}\n" if shape.ray else ""
    write(root / "policy.yaml", POLICY.format(cap=shape.cap, kind=shape.kind) + own)
    prices = {"big": "4.00", "good": "0.50", "bad": "0.25"}
    models = (MODEL.format(name=n, port=port, price=p) for n, p in prices.items())
    write(root / "models" / "all.yaml", "".join(models))
    lines = (
        json.dumps(
            {
                "id": f"t-{number:04}",
                "input": f"Ticket number {number}",
                "target": right_answer(number),
                "metadata": {"channel": "mail" if number % 3 else "chat"},
            }
        )
        for number in range(1, shape.cases + 1)
    )
    whole = "\n".join(lines) + "\n"
    for feature in shape.features:
        # Each has cases of its own: the same ones would share one error.
        own = "" if feature == shape.features[0] else f" of {feature}"
        cases = re.sub(r"(Ticket number \d+)", rf"\g<1>{own}", whole)
        text = FEATURE.format(candidates=shape.candidates, extra=shape.extra)
        write(root / "features" / f"{feature}.yaml", text)
        write(
            root / "prompts" / feature / "default.j2", f"Topic for {feature} of: {{{{ input }}}}\n"
        )
        write(root / "evalsets" / feature / "evalset.yaml", EVALSET)
        write(root / "evalsets" / feature / "cases.jsonl", cases)
    return root


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@contextmanager
def inline_cluster() -> Iterator[Cluster]:
    with InlineCluster() as cluster:
        yield cluster


def run_review(  # noqa: PLR0913  # each is what one test varies
    root: Path,
    cluster: Cluster | None,
    *,
    run_id: str = "run-1",
    wanted: Selection | None = None,
    now: datetime = NOW,
    served: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    reviewer: Reviewer = review,
    cycle: str = CYCLE,
) -> tuple[DecisionRecord, ...]:
    """One review of the workspace at `root`; without a cluster from the journal alone.

    `served` are the addresses of models that the caller has started; `reviewer` may replay in
    another order than `review` does.
    """
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle=cycle, on=now.date(), wanted=wanted or Selection())
    with Journal.open(
        root / ".rightsize" / "journal.sqlite", run_id=run_id, cycle=cycle, now=now.isoformat()
    ) as journal:
        engine = Runtime(
            cluster=cluster,
            journal=journal,
            retry=RetryPolicy(rng=Random(1), base_s=0.01, cap_s=0.05),
            progress=progress or Silent(),
            now=now,
            share_of_rate_limit=1.0,
        )
        records, _ = reviewer(workspace, plan, served or {}, engine)
        return records
