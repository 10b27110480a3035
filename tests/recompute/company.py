"""A company's review on scripted models: one feature for each way in which a page can read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from harness.cli.main import run
from harness.errors import ExitCode
from harness.record.stored import write_records
from harness.tell.pages import publish
from providers.completion import TokenUsage
from tests.support.cascades import unsure_answers
from tests.support.outcomes_table import outcomes_table
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    is_wrong,
    right_answer,
    run_review,
    write,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body

FEATURES: dict[str, tuple[tuple[str, str], ...]] = {
    "tickets": (),
    "mails": (("[bad, good]", "[bad]"),),
    "faxes": (("[bad, good]", "[good]"), ("risk: medium", "risk: medium\nmargin: 1.2")),
    "calls": ((("traffic: {requests_per_month: 1000000, input_tokens: 80, output_tokens: 2, "
               "source: logs}\n"), ""),),
    "priced": (("risk: medium", "risk: medium\nerror_cost_usd: 0.002\nmigration_usd: 600"),),
    "losing": (("risk: medium", "risk: medium\nerror_cost_usd: 0.9"), ("[bad, good]", "[good]")),
    "letters": (("[bad, good]", "[good]"), ("risk: medium", "risk: medium\nmode: deferrable")),
    "chats": (("[bad, good]", ("[good]\ncascades: [{first: good, accept_when: not-unsure, "
               "unsure: not sure}]")),),
    "prompt": (("[bad, good]", "[good]"), ("risk: medium", "risk: medium\nlatency: {p95_s: 30}")),
}  # fmt: skip
"""Feature -> what its file says otherwise than the first one's."""


SALES = {"mails", "letters", "priced"}
"""Features of another team than the rest."""


def said(body: Body) -> Reply:
    """As the scripts of the reviews under test; `chats` hears when a model is unsure."""
    text = json.dumps(body.get("messages") or body.get("prompt"))
    if "Topic for chats" in text:
        return unsure_answers(body)
    if "Topic for letters" in text:
        found = re.search(r"Ticket number (\d+)", text)
        number = int(found[1]) if found else 0
        wrong = is_wrong(str(body["model"]), number) or (
            body["model"] == "good" and number % 9 == 0
        )
        answer = right_answer(number + 1 if wrong else number)
        if wrong and number % 2:
            answer = f"{answer}, or {right_answer(number)}"
        return Reply(text=answer, usage=TokenUsage(input_tokens=80, output_tokens=2))
    return answers(body)


POLICY = """\
max_spend_usd: 25
risk: {medium: {margin: 5}}
minimum_saving_usd: 50
expires_days: {prices: 36500}
discounts: {openai: 0.40}
"""
BOUGHT = """\
name: Ticket topic
owner: chen.moreau@example.com
team: support-tools
product: helpdesk
data: internal
risk: medium
agreed: {by: chen.moreau, on: 2026-09-14}
incumbent: gpt-5.4
candidates: [gpt-5.4-mini]
answers: imported
migration_usd: 120
error_cost_usd: 0.01
traffic: {requests_per_month: 400000, input_tokens: 900, output_tokens: 3, source: invoices}
"""


def run_bought(root: Path) -> Path:
    """Review answers that a team paid for elsewhere, at catalogue prices less 40 %."""
    write(root / "policy.yaml", POLICY)
    write(root / "answers.csv", outcomes_table())
    words = ["import", "outcomes", str(root / "answers.csv"), "-f", "topic", "-w", str(root)]
    assert run([*words, "--incumbent", "gpt-5.4"]) == ExitCode.USAGE_ERROR
    write(root / "features" / "topic.yaml", BOUGHT)
    models = "gpt-5.4: {provider: openai, may_see: [internal]}\n"
    models += "gpt-5.4-mini: {provider: openai, may_see: [internal]}\n"
    write(root / "models" / "topic.yaml", models)
    assert run(words) == ExitCode.OK
    assert run(["review", "-w", str(root), "--cycle", CYCLE, "--yes"]) == ExitCode.OK
    return root / "reviews" / CYCLE


def run_company(root: Path, kind: str = "ladder") -> Path:
    """Review every feature and publish; the folder of the review."""
    with OpenAIServer(said) as server, inline_cluster() as cluster:
        shape = Shape(features=tuple(FEATURES), kind=kind, cap="100")
        write_review_workspace(root, server.port, shape)
        for feature, changes in FEATURES.items():
            path = root / "features" / f"{feature}.yaml"
            edit(path, "name: Ticket topic", f"name: Topic of {feature}")
            if feature in SALES:
                edit(path, "team: support", "team: sales")
            for old, new in changes:
                edit(path, old, new)
        records = run_review(root, cluster)
    folder = root / "reviews" / CYCLE
    write_records(records, folder)
    publish(records, folder, now=NOW)
    return folder
