"""A conversation that holds tool calls and their results, from its case file to every wire."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.reviews import NOW
from tests.support.tool_features import write_tool_workspace
from tests.support.wire.vendors import WIRES, WireCase, ask, start_all

if TYPE_CHECKING:
    from pathlib import Path

    from providers.request import ModelRequest
    from tests.support.wire.server import WireServer

CALLS = [("c1", "refund", {"order": "o-1", "amount": 2}), ("c2", "notify", {"order": "o-1"})]
RESULTS = [("c2", "refund pending"), ("c1", "paid")]
"""In another order than the calls, as parallel tools end."""
TURNS: list[dict[str, Any]] = [
    {"role": "user", "content": "Pay order 1 back."},
    {
        "role": "assistant",
        "content": "One moment.",
        "tool_calls": [
            {"id": name, "type": "function", "function": {"name": tool, "arguments": given}}
            for name, tool, given in CALLS
        ],
    },
    *({"role": "tool", "tool_call_id": name, "content": said} for name, said in RESULTS),
    {"role": "user", "content": "And now?"},
]


@pytest.fixture(scope="module")
def request_of_the_case(tmp_path_factory: pytest.TempPathFactory) -> ModelRequest:
    root: Path = tmp_path_factory.mktemp("frozen")
    write_tool_workspace(root, 9)
    lines = [{"id": f"t-{n}", "input": [*TURNS[:-1], {"role": "user", "content": f"Now {n}?"}],
              "target": "[]"} for n in range(120)]  # fmt: skip
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (root / "evalsets" / "tickets" / "cases.jsonl").write_text(text)
    (root / "prompts" / "tickets" / "default.j2").write_text("=== turns ===\n")
    plan = plan_review(load_workspace(root), cycle="2026-Q4", on=NOW.date(), wanted=Selection())
    (feature,) = plan.features
    case = next(each for each in feature.evalset.cases if each.id == "t-7")
    assert feature.incumbent is not None
    return feature.asker.request(feature.incumbent, case, "quality")


@pytest.fixture(scope="module")
def servers() -> Iterator[Mapping[str, WireServer]]:
    with start_all() as running:
        yield dict(running)


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of a body, in order."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from _nodes(inner)


def _calls(body: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """The frozen calls of a body, in any vendor's form."""
    found: list[tuple[str, str, Any]] = []
    for node in _nodes(body):
        if node.get("type") == "tool_use":
            found.append((node["id"], node["name"], node["input"]))
        elif node.get("type") == "function_call":
            found.append((node["call_id"], node["name"], json.loads(node["arguments"])))
        elif "arguments" in (inner := node.get("function") or {}):
            found.append((node["id"], inner["name"], json.loads(inner["arguments"])))
        elif inner := node.get("functionCall"):
            found.append((inner["id"], inner["name"], inner["args"]))
    return found


def _results(body: dict[str, Any]) -> list[tuple[str, Any]]:
    """The results of a body, in any vendor's form."""
    found: list[tuple[str, Any]] = []
    for node in _nodes(body):
        if node.get("role") == "tool":
            found.append((node["tool_call_id"], node["content"]))
        elif node.get("type") == "tool_result":
            found.append((node["tool_use_id"], node["content"]))
        elif node.get("type") == "function_call_output":
            found.append((node["call_id"], node["output"]))
        elif inner := node.get("functionResponse"):
            found.append((inner["id"], inner["response"]["output"]))
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    "wire", [wire for wire in WIRES if wire.api != "completions"], ids=lambda wire: wire.name
)
async def test_frozen_calls_and_their_results_go_to_every_wire(
    request_of_the_case: ModelRequest,
    servers: Mapping[str, WireServer],
    wire: WireCase,
    *,
    stream: bool,
) -> None:
    asked = replace(request_of_the_case, stream=stream)
    await ask(wire.endpoint(servers[wire.vendor]), asked)
    body = servers[wire.vendor].calls[-1].body
    text = json.dumps(body)
    assert _calls(body) == CALLS
    assert _results(body) == RESULTS
    places = [text.index(said) for said in ("Pay order 1", "One moment", "paid", "Now 7?")]
    assert places == sorted(places)
    tools = body["tools"]
    assert "refund" in json.dumps(tools)
    assert "notify" in json.dumps(tools)
