"""A file of tools is read in the form of any vendor; anything else is one line."""

from __future__ import annotations

import json

import pytest

from harness.judge.scoring.tools.schemas import ToolsError, read_tools
from providers.request import Tool

PARAMETERS = {"type": "object", "properties": {"order": {"type": "string"}}}
LOOKUP = {"name": "lookup", "description": "Find an order"}
EXPECTED = Tool(
    name="lookup",
    description="Find an order",
    parameters=json.dumps(PARAMETERS, sort_keys=True),
)


@pytest.mark.parametrize(
    "written",
    [
        {**LOOKUP, "parameters": PARAMETERS},
        {"type": "function", "function": {**LOOKUP, "parameters": PARAMETERS, "strict": True}},
        {"type": "function", **LOOKUP, "parameters": PARAMETERS, "strict": None},
        {**LOOKUP, "input_schema": PARAMETERS},
        {"type": "custom", **LOOKUP, "input_schema": PARAMETERS},
    ],
    ids=["plain", "chat completions", "responses", "messages", "messages with a type"],
)
def test_every_form_is_the_same_tool(written: object) -> None:
    assert read_tools(json.dumps([written])) == (EXPECTED,)


def test_a_name_is_enough() -> None:
    (tool,) = read_tools('[{"name": "f", "description": null}]')
    assert (tool.name, tool.description, tool.parameters) == ("f", "", "{}")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{", "no JSON"),
        ("[" * 5000, "no JSON"),
        ("{}", "must be a list of tools, got keys with values"),
        ('["lookup"]', "tool 1 is 'lookup'; known forms: "),
        ('[{"name": "a"}, {"function": "f"}]', "tool 2 has no name; known forms: "),
        ('[{"type": "function", "function": {}}]', "tool 1 has no name; known forms: "),
        ('[{"name": 5}]', "tool 1 has no name; known forms: "),
        ('[{"name": "a", "description": [1]}]', "tool 1 has no name; known forms: "),
        ('[{"type": "web_search"}]', "tool 1 is the vendor's own 'web_search', which "),
        ('[{"name": "a"}, {"name": "a"}]', "two tools are called 'a'"),
        ('[{"name": "a", "parameters": []}]', "tool 1 (a): no JSON Schema as parameters: "),
        ('[{"name": "a", "parameters": {"$ref": "#"}}]', "tool 1 (a): no JSON Schema as "),
    ],
)
def test_anything_else_is_one_line(written: str, said: str) -> None:
    with pytest.raises(ToolsError) as caught:
        read_tools(written)
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
