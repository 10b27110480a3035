"""A review over one model of each vendor, each through its own SDK on its own wire."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.record.base import Result, Verdict
from harness.record.stored import write_records
from harness.tell.pages import publish
from harness.workspace.workspace import load_workspace
from tests.support.reviews import (
    CYCLE,
    EVALSET,
    FEATURE,
    NOW,
    POLICY,
    inline_cluster,
    right_answer,
    run_review,
    write,
)
from tests.support.wire.reply import Body, Reply, WireUsage
from tests.support.wire.vendors import start_all

KEY = "sk-never-to-be-seen-4711"
SECRET_WORD = "zanzibar"
CASES = 120
MODELS = (
    ("opus", "anthropic", "messages", "4.00"),
    ("gpt", "openai", "responses", "2.00"),
    ("gpt-chat", "openai", "chat", "1.50"),
    ("gemini", "google", "generate-content", "1.00"),
    ("llama", "openai-compatible", "chat", "0.50"),
)
pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.slow]


def script(body: Body) -> Reply:
    found = re.search(r"Ticket number (\d+)", json.dumps(body))
    usage = WireUsage(input_tokens=80, output_tokens=2)
    return Reply(text=right_answer(int(found[1]) if found else 0), usage=usage)


def write_vendors(root: Path, origins: dict[str, str]) -> None:
    entries = []
    for name, vendor, api, price in MODELS:
        path = "/v1" if vendor.startswith("openai") else ""
        entries.append(
            f"{name}:\n"
            f"  provider: {vendor}\n  api: {api}\n  base_url: {origins[vendor]}{path}\n"
            f"  key: KEY_OF_{vendor.replace('-', '_').upper()}\n"
            "  may_see: [public, internal, customer]\n"
            f"  price: [{{from: 2026-09-01, input: {price}, output: {price}, source: quote}}]\n"
        )
    write(root / "policy.yaml", POLICY.format(cap="10", kind="holm"))
    write(root / "models" / "all.yaml", "".join(entries))
    names = ", ".join(name for name, *_ in MODELS[1:])
    text = FEATURE.format(candidates=names, extra="latency: {p95_s: 20}")
    write(root / "features" / "tickets.yaml", text.replace("incumbent: big", "incumbent: opus"))
    prompt = f"=== system ===\nSay {SECRET_WORD} to nobody.\n=== user ===\n{{{{ input }}}}\n"
    write(root / "prompts" / "tickets" / "default.j2", prompt)
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
        for number in range(1, CASES + 1)
    )
    write(root / "evalsets" / "tickets" / "cases.jsonl", "\n".join(lines) + "\n")


def test_one_model_of_each_vendor_ends_in_documents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ANTHROPIC", "OPENAI", "GOOGLE", "OPENAI_COMPATIBLE"):
        monkeypatch.setenv(f"KEY_OF_{name}", KEY)
    with start_all(script) as servers, inline_cluster() as cluster:
        write_vendors(tmp_path, {vendor: server.origin for vendor, server in servers.items()})
        records = run_review(tmp_path, cluster)
        asked = {vendor: len(server.log.calls) for vendor, server in servers.items()}
        sent = [call for server in servers.values() for call in server.log.calls]
    assert all(KEY in json.dumps(dict(call.headers)) for call in sent)
    assert asked["anthropic"] >= CASES + 60
    assert asked["openai"] >= 2 * CASES
    (record,) = records
    assert record.verdict is Verdict.DOWNGRADE
    assert record.chosen == "llama"
    assert {option.target.option for option in record.options} == {n for n, *_ in MODELS[1:]}
    assert record.options[0].result is Result.PASS
    out = tmp_path / "reviews" / CYCLE
    write_records(records, out)
    publish(records, out, now=NOW)
    assert load_workspace(tmp_path).features
    artefacts = [path for path in out.rglob("*") if path.is_file()]
    assert len(artefacts) >= 5
    for path in artefacts:
        text = path.read_text(encoding="utf-8")
        assert KEY not in text, path.name
        assert SECRET_WORD not in text, path.name
        assert "Ticket number" not in text, path.name
        assert "Bearer" not in text, path.name
    journal = (tmp_path / ".rightsize" / "journal.sqlite").read_bytes()
    assert KEY.encode() not in journal
