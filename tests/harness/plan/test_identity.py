"""What a journal of an earlier version knows a test by: it must find it again under these names."""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from evalsets.cases import Case, FoundText, Turn
from harness.plan.lives.identity import digests, page_of
from harness.plan.planning import Selection, plan_review
from harness.workspace.fingerprints import fingerprint
from harness.workspace.workspace import load_workspace
from tests.support.reviews import CYCLE, NOW, Shape, write_review_workspace

if TYPE_CHECKING:
    from pathlib import Path

PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)
CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOLS = [
    {"role": "assistant", "content": "", "tool_calls": [CALL]},
    {"role": "tool", "content": "x", "tool_call_id": "a"},
]
IMAGE = [{"type": "text", "text": "See."}, {"type": "image", "image": "a.png"}]
CHECKED = "cascades: [{first: good, accept_when: format}]"


def said(kind: str, text: str) -> object:
    user = {"role": "user", "content": text}
    return {
        "text": text,
        "metadata": "Which one?",
        "turns": [user],
        "tools": [user, *TOOLS],
        "image": [user, {"role": "user", "content": IMAGE}],
    }[kind]


@pytest.mark.parametrize(
    ("kind", "plan", "cases"),
    [
        ("text", "08684ea94a88", "4671634c39d7"),
        ("metadata", "8ab776722531", "693801208325"),
        ("turns", "72571be489f8", "c8ce40d5f89c"),
        ("tools", "c8e5983ce8a9", "a693a12425eb"),
        ("image", "0880df64c27b", "1b81c7955661"),
    ],
)
def test_tests_of_earlier_versions_are_found_again(
    tmp_path: Path, kind: str, plan: str, cases: str
) -> None:
    """Written down by the version before cases had documents and context."""
    write_review_workspace(tmp_path, 9, Shape(cases=120, extra=CHECKED))
    folder = tmp_path / "evalsets" / "tickets"
    (folder / "a.png").write_bytes(b64decode(PNG))
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text("utf-8").splitlines()]
    for number, row in enumerate(rows):
        row["metadata"] = {**row.get("metadata", {}), "number": str(number)}
        row["input"] = said(kind, row["input"])
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "cases.jsonl").write_text(text, "utf-8")
    prompt = "=== user ===\n{{ input }} {{ metadata.number }}\n"
    if kind in {"turns", "tools", "image"}:
        prompt = "=== turns ===\n"
    (tmp_path / "prompts" / "tickets" / "default.j2").write_text(prompt, "utf-8")
    (planned,) = plan_review(
        load_workspace(tmp_path), cycle=CYCLE, on=NOW.date(), wanted=Selection()
    ).features
    assert planned.plan_sha256[:12] == plan
    assert fingerprint(page_of(planned)["cases"])[:12] == cases


def test_documents_and_context_tell_cases_apart() -> None:
    bare = Turn(role="user", content="Read this.")
    turns = (bare, replace(bare, documents=("a.pdf",)), replace(bare, images=("a.pdf",)))
    asked = [Case(id=str(n), input=(t,), target=None, metadata=()) for n, t in enumerate(turns)]
    assert len(set(digests(asked))) == len(asked)
    found = (None, (), (FoundText(text="one"),), (FoundText(text="two"),))
    cases = [
        Case(id=str(n), input="Which?", target=None, metadata=(), context=each)
        for n, each in enumerate(found)
    ]
    assert len(set(digests(cases))) == len(cases)
