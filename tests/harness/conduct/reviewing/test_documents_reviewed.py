"""A feature whose cases are PDFs, from the file to the record, over each vendor's own wire."""

from __future__ import annotations

import json
import re
import sqlite3
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.conduct.checking import check_workspace, priced_on
from harness.money.prices.document_rates import document_bound
from harness.plan.planning import Selection, plan_review
from harness.workspace.fingerprints import inputs_sha256
from harness.workspace.model_file import ModelConfig
from harness.workspace.workspace import load_workspace
from providers.request import DocumentPart, Message, ModelRequest
from tests.support.pdfs import encrypted, pdf
from tests.support.reviews import NOW, Shape, inline_cluster, run_review, write
from tests.support.reviews import write_review_workspace as written
from tests.support.wire.anthropic_server import AnthropicServer
from tests.support.wire.google_server import GoogleServer
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply, WireUsage
from tests.support.wire.server import WireServer

CASES = 60
MODEL = """\
{name}:
  provider: {provider}
  version: {version}
  base_url: {origin}
  key: DOCUMENT_KEY
{api}  may_see: [public, internal, customer]
  price: [{{from: 2026-09-01, input: {price}, output: {price}, source: quote}}]
"""


def _blocks(body: Body, part: str) -> Iterator[dict[str, Any]]:
    """Every part of a kind in a request, however deep."""
    waiting: list[Any] = [body]
    while waiting:
        each = waiting.pop(0)
        if isinstance(each, dict):
            if each.get("type") == part or part in each:
                yield each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)


def _of_messages(body: Body) -> list[str]:
    return [each["source"]["data"] for each in _blocks(body, "document")]


def _of_responses(body: Body) -> list[str]:
    return [each["file_data"].partition("base64,")[2] for each in _blocks(body, "input_file")]


def _of_chat(body: Body) -> list[str]:
    files = (each["file"]["file_data"] for each in _blocks(body, "file") if each.get("type"))
    return [file.partition("base64,")[2] for file in files]


def _of_google(body: Body) -> list[str]:
    return [each["inlineData"]["data"] for each in _blocks(body, "inlineData")]


WIRES: dict[str, tuple[type[WireServer], str, str, str, Callable[[Body], list[str]], int]] = {
    # What the vendor's page says of one page: its picture, and the most of its text.
    "messages": (AnthropicServer, "anthropic", "", "claude-opus-4-5", _of_messages, 4784 + 3000),
    "responses": (OpenAIServer, "openai", "", "gpt-5.6", _of_responses, 12_000 + 3000),
    "chat": (OpenAIServer, "openai", "  api: chat\n", "gpt-4o-mini", _of_chat, 48_169 + 3000),
    "generate-content": (GoogleServer, "google", "", "gemini-3-pro", _of_google, 1120),
}


def _script(documents_of: Callable[[Body], list[str]], page_tokens: int) -> Callable[..., Reply]:
    """Reads the number from the PDF itself, and counts what the vendor's page says at most."""

    def script(body: Body) -> Reply:
        found = [b64decode(data) for data in documents_of(body)]
        assert len(found) == 1, "one document a case"
        assert found[0].startswith(b"%PDF-")
        number = int(re.search(rb"Invoice (\d+)", found[0])[1])  # type: ignore[index]
        pages = len(re.findall(rb"/Type /Page\b", found[0]))
        shown = json.dumps(body).replace(json.dumps(documents_of(body)[0])[1:-1], "")
        usage = WireUsage(input_tokens=pages * page_tokens + len(shown) // 8, output_tokens=2)
        return Reply(text="billing" if number % 2 else "technical", usage=usage)

    return script


def _documents(root: Path, *, data: Callable[[int], bytes] | None = None) -> None:
    """Give each case a PDF of one to three pages in place of its text."""
    folder = root / "evalsets" / "tickets"
    made = data or (lambda n: pdf([f"Invoice {n}", *["More"] * (n % 3)], squeezed=False))
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
    for at, row in enumerate(rows, start=1):
        (folder / f"{at}.pdf").write_bytes(made(at))
        part = {"type": "document", "document": f"{at}.pdf"}
        row["input"] = [{"role": "user", "content": [{"type": "text", "text": "Topic?"}, part]}]
    write(folder / "cases.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write(root / "prompts" / "tickets" / "default.j2", "=== turns ===\n")


def _workspace(root: Path, wire: str, origin: str) -> Path:
    written(root, 1, Shape(cases=CASES, candidates="good", cap="400", extra="margin: 20"))
    _, provider, api, version, _, _ = WIRES[wire]
    prices = {"big": "4.00", "good": "0.50", "bad": "0.25"}
    models = (
        MODEL.format(name=n, provider=provider, version=version, origin=origin, api=api, price=p)
        for n, p in prices.items()
    )
    write(root / "models" / "all.yaml", "".join(models))
    _documents(root)
    return root


@pytest.mark.parametrize("wire", sorted(WIRES))
def test_a_feature_of_pdfs_is_reviewed_and_no_reserve_is_below_what_the_server_counts(
    wire: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCUMENT_KEY", "sk-documents")
    kind, _, _, _, documents_of, page_tokens = WIRES[wire]
    with kind(_script(documents_of, page_tokens)) as server, inline_cluster() as cluster:
        path = "/v1" if kind is OpenAIServer else ""
        root = _workspace(tmp_path, wire, f"{server.origin}{path}")
        (record,) = run_review(root, cluster)
    (option,) = record.options
    assert option.quality is not None, option
    with sqlite3.connect(root / ".rightsize" / "journal.sqlite") as journal:
        rows = journal.execute("SELECT reserve_usd, cost_usd FROM attempts").fetchall()
    assert len(rows) >= CASES
    assert all(0 < float(cost) <= float(reserve) for reserve, cost in rows)


def _problems(root: Path) -> list[str]:
    report = check_workspace(root, has_price=priced_on(NOW.date()), on=NOW.date())
    return [str(each) for each in report.errors]


def test_a_server_that_takes_no_pdf_is_refused_before_a_call(tmp_path: Path) -> None:
    root = written(tmp_path, 1, Shape(cases=CASES, candidates="good"))
    _documents(root)
    (told,) = _problems(root)
    assert "features/tickets.yaml" in told
    assert "incumbent: big takes no PDF (state `capabilities: [documents]`" in told
    models = root / "models" / "all.yaml"
    text = models.read_text().replace("good:\n", "good:\n  capabilities: [images]\n")
    models.write_text(text.replace("big:\n", "big:\n  capabilities: [images, documents]\n"))
    assert not _problems(root)
    plan = plan_review(
        load_workspace(root), cycle="2026-Q4", on=NOW.date(), wanted=Selection()
    ).features[0]
    assert plan.options[0].note == "takes no PDF, and case t-0001 has one"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (encrypted(), "is encrypted"),
        (pdf([]), "has no page"),
        (b"", "is empty"),
        (pdf(["cut off"])[:200], "is broken"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n",
            "only a pointer of Git LFS",
        ),
    ],
)
def test_a_pdf_that_nobody_can_read_is_one_line_of_check(
    data: bytes, why: str, tmp_path: Path
) -> None:
    root = _workspace(tmp_path, "messages", "http://127.0.0.1:1")
    (root / "evalsets" / "tickets" / "7.pdf").write_bytes(data)
    (told,) = _problems(root)
    assert why in told
    assert "7.pdf" in told
    assert told.startswith("evalsets/tickets/")


def test_more_pages_than_a_vendor_takes_are_told_with_its_limit(tmp_path: Path) -> None:
    root = _workspace(tmp_path, "messages", "http://127.0.0.1:1")
    (root / "evalsets" / "tickets" / "3.pdf").write_bytes(pdf(["Invoice 3"] * 101))
    (told,) = _problems(root)
    assert "big takes 100 pages a request, not 101, and case t-0003 has so much" in told


def test_a_changed_pdf_is_another_eval_set_and_another_trial(tmp_path: Path) -> None:
    root = _workspace(tmp_path, "messages", "http://127.0.0.1:1")

    def hashes() -> tuple[str, str]:
        workspace = load_workspace(root)
        plan = plan_review(workspace, cycle="2026-Q4", on=NOW.date(), wanted=Selection())
        evalset, (planned,) = workspace.evalsets["tickets"], plan.features
        trial = planned.asker.trial(planned.options[0], evalset.cases[4], 0, "quality")
        return inputs_sha256(evalset), trial.fingerprint

    report = check_workspace(root, has_price=priced_on(NOW.date()), on=NOW.date())
    assert not report.problems, "cases that differ by their files alone are no near copies"
    before = hashes()
    assert hashes() == before
    (root / "evalsets" / "tickets" / "5.pdf").write_bytes(pdf(["Invoice 5", "More", "Even more"]))
    assert not set(hashes()) & set(before)


@pytest.mark.parametrize("platform", [None, "azure"])
def test_a_model_under_a_name_of_the_teams_is_reserved_as_its_vendors_dearest(
    platform: str | None,
) -> None:
    config = ModelConfig.model_validate({"provider": "openai", "platform": platform})
    data = b64encode(pdf(["one", "two"])).decode()
    part = DocumentPart(data=data)
    request = ModelRequest(
        model="ours",
        messages=(Message(role="user", text="", documents=(part,)),),
        max_output_tokens=8,
    )
    assert document_bound(config, request) == 2 * (48_169 + 3000)
