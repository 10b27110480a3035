"""A feature that answers with tool calls: its workspace, and models scripted on a local server."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from providers.completion import TokenUsage
from providers.request import ToolCall
from tests.support.reviews import Shape, write, write_review_workspace
from tests.support.wire.reply import Reply
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body

CASES = 120
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "refund",
            "description": "Pay a customer back.",
            "parameters": {
                "type": "object",
                "properties": {
                    "order": {"type": "string"},
                    "amount": {"type": "number"},
                    "currency": {"type": "string", "default": "EUR"},
                },
                "required": ["order", "amount"],
            },
        },
    },
    {
        "name": "notify",
        "description": "Write to the customer.",
        "input_schema": {
            "type": "object",
            "properties": {"order": {"type": "string"}, "urgent": {"type": "boolean"}},
            "required": ["order"],
        },
    },
]
EVALSET = """\
cases: cases.jsonl
unit: orders
source: {kind: written, targets: human}
primary: {scorer: tool-calls}
"""


def right_calls(number: int) -> list[dict[str, object]]:
    """What an order asks for: on every fourth nothing, on every third two calls."""
    refund = {"name": "refund", "arguments": {"order": f"o-{number}", "amount": number}}
    notify = {"name": "notify", "arguments": {"order": f"o-{number}"}}
    if number % 4 == 0:
        return []
    return [refund, notify] if number % 3 == 0 else [refund]


def made_calls(model: str, number: int) -> list[dict[str, object]]:
    """`big` writes them as they are declared, `good` in other words; `bad` errs on a third."""
    calls = json.loads(json.dumps(right_calls(number)))
    if model == "good":
        for call in calls:
            arguments = call["arguments"]
            if "amount" in arguments:
                arguments |= {"amount": float(number), "currency": "EUR"}
            call["arguments"] = dict(reversed(arguments.items()))
        return calls[::-1]
    if model == "bad" and number % 3 == 1:
        wrong = {"name": "refund", "arguments": {"order": f"o-{number}", "amount": number + 1}}
        return [wrong]
    return calls


def tool_answers(body: Body) -> Reply:
    """The script: an order's number is read from the prompt, calls are made of its tools."""
    assert [tool["function"]["name"] for tool in body["tools"]] == ["refund", "notify"]
    found = re.search(r"Ticket number (\d+)", json.dumps(body["messages"]))
    number = int(found[1]) if found else 0
    calls = made_calls(str(body["model"]), number)
    usage = TokenUsage(input_tokens=80, output_tokens=20)
    if not calls:
        return Reply(text="Nothing to do.", usage=usage)
    listed = tuple(
        ToolCall(
            id=f"{body['model']}-{number}-{at}",
            name=str(call["name"]),
            arguments=json.dumps(call["arguments"]),
        )
        for at, call in enumerate(calls)
    )
    return Reply(text="", finish="tool_calls", tool_calls=listed, usage=usage)


def write_tool_workspace(
    root: Path, port: int, *, candidates: str = "bad", labelled: bool = True
) -> Path:
    """A workspace whose one feature answers with tool calls."""
    write_review_workspace(root, port, Shape(cases=CASES, candidates=candidates))
    edit(root / "features" / "tickets.yaml", "max_output_tokens: 8", REQUEST)
    edit(root / "features" / "tickets.yaml", "risk: medium", "risk: low")
    folder = root / "evalsets" / "tickets"
    write(folder / "evalset.yaml", EVALSET)
    write(folder / "tools.json", json.dumps(TOOLS))
    lines = [
        {"id": f"t-{number:04}", "input": f"Ticket number {number}"}
        | ({"target": json.dumps(right_calls(number))} if labelled else {})
        for number in range(1, CASES + 1)
    ]
    write(folder / "cases.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    return root


REQUEST = "max_output_tokens: 60, tools: tools.json"
