"""One review that was really run and has a page of every kind, over local servers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from harness.cli.main import run
from harness.record.base import Reason, Verdict
from harness.record.model import seal
from harness.record.stored import read_records, write_records
from harness.tell.pages import publish, publish_month, to_sheets
from harness.tell.portfolio.monthly import month_of
from tests.recompute.company import said
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
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.record.model import DecisionRecord

_ONLY_GOOD = ("[bad, good]", "[good]")
_FEATURES: dict[str, tuple[tuple[str, str], ...]] = {
    "tickets": (("risk: medium", "risk: medium\nerror_cost_usd: 0.002\nmigration_usd: 600"),),
    "mails": (("[bad, good]", "[bad]"),),
    "faxes": (_ONLY_GOOD, ("risk: medium", "risk: medium\nmargin: 1.2")),
    "calls": ((("traffic: {requests_per_month: 1000000, input_tokens: 80, output_tokens: 2, "
               "source: logs}\n"), ""),),
    "chats": (("[bad, good]", ("[good]\ncascades: [{first: good, accept_when: not-unsure, "
               "unsure: not sure}]")),),
    "own": (("[bad, good]", "[own, good]"),
            ("risk: medium", "risk: medium\nlatency: {p95_s: 30}")),
    "waits": (_ONLY_GOOD, ("risk: medium", "risk: medium\nmargin: 2")),
}  # fmt: skip
"""A switch, a stay, one undecided, one blocked, a pair, own hardware, labels that are missing."""
_OWN = """\
own:
  provider: openai-compatible
  may_see: [public, internal, customer]
  gpu: l4
  serve: {engine: command, command: [any, "{port}"], gpus: 0, ttl_s: 120}
"""
_GPUS = "gpus: {l4: {on_demand: 0.30, committed_1y: 0.04, as_of: 2026-10-01, source: quote}}\n"
LATER = NOW + timedelta(days=90)


def run_every_kind(root: Path) -> Path:
    """Review and publish; the folder of the review, with `meeting.html` and a month's page."""
    with OpenAIServer(said) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(features=tuple(_FEATURES)))
        for feature, changes in _FEATURES.items():
            path = root / "features" / f"{feature}.yaml"
            edit(path, "name: Ticket topic", f"name: Topic of {feature}")
            for old, new in changes:
                edit(path, old, new)
        (root / "models" / "own.yaml").write_text(_OWN, encoding="utf-8")
        policy = root / "policy.yaml"
        policy.write_text(policy.read_text(encoding="utf-8") + _GPUS, encoding="utf-8")
        _without_targets(root / "evalsets" / "waits" / "cases.jsonl")
        _probed(root)
        records = run_review(root, cluster, served={"own": f"http://127.0.0.1:{server.port}/v1"})
    assert {record.verdict for record in records} == set(Verdict)
    folder = root / "reviews" / CYCLE
    write_records(records, folder)
    publish(records, folder, now=NOW)
    (folder / "meeting.html").write_text(to_sheets(records, NOW), encoding="utf-8")
    month = month_of(NOW.date().replace(day=1), NOW.date())
    publish_month(records, month, root / "reviews", now=NOW)
    return folder


def _without_targets(path: Path) -> None:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [json.dumps({k: row[k] for k in ("id", "input", "metadata")}) for row in rows]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _probed(root: Path) -> None:
    """Runs at 1, 2 and 4 requests a second: all, all and three quarters within 30 seconds."""
    rows = [
        {
            "request_rate": rate, "max_concurrency": None, "errors": [""] * 8,
            "start_times": list(range(8)), "itls": [[]] * 8, "ttfts": [1.0] * 6 + [last] * 2,
            "input_lens": [80] * 8, "output_lens": [2] * 8,
        }
        for rate, last in ((1.0, 2.0), (2.0, 2.0), (4.0, 90.0))
    ]  # fmt: skip
    file = root / "bench.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    command = ["probe", "own", "-f", "own", "-w", str(root), "--load-s", "40"]
    assert run([*command, "--import", "vllm-bench", str(file)]) == 0


def run_spent(root: Path) -> Path:
    """The third review of an eval set that two tests are planned for; the folder of its page."""
    shape = Shape(cases=120, candidates="good")
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        for number, cycle in enumerate((CYCLE, "2027-Q1", "2027-Q2")):
            write_review_workspace(root, server.port, replace(shape, cases=120 + 30 * number))
            edit(root / "policy.yaml", "max_spend_usd", "reviews_per_year: 2\nmax_spend_usd")
            when = LATER if number else NOW
            run_id = f"run-{number}"
            (record,) = run_review(root, cluster, run_id=run_id, cycle=cycle, now=when)
    assert record.reason_codes == (Reason.EVALSET_SPENT,)
    folder = root / "reviews" / record.cycle
    write_records([record], folder)
    publish(read_records(folder), folder, now=LATER)
    return folder


def forty_of(records: Sequence[DecisionRecord]) -> list[DecisionRecord]:
    """The same findings under forty names, owners and teams: a portfolio of a company's size."""
    found: list[DecisionRecord] = []
    for at in range(40):
        record = records[at % len(records)]
        named = {
            "id": f"{record.feature.id}-{at:02}",
            "name": f"{record.feature.name} in department {at:02}",
            "owner": f"owner.{chr(97 + at % 26)}@example.com",
            "team": f"team {chr(97 + at % 6)}",
        }
        feature = record.feature.model_copy(update=named)
        changed = {"feature": feature, "decision_id": f"{record.cycle}-{feature.id}"}
        found.append(seal(record.model_copy(update=changed)))
    return found
