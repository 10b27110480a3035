"""Where production reads its model: every kind of file, and what cannot be told."""

from __future__ import annotations

from itertools import pairwise

import pytest

from harness.gate.production import PlaceError, added_uses, model_at, place_in

YAML = """\
llm:
  invoice: {model: claude-haiku-4-5}
env:
  - {name: MODEL, value: gpt-5}
limit: 3
"""


BOTH = """\
env:
  - {name: OTHER, value: gpt-4o}
  - {id: b, value: claude-haiku-4-5}
  - gpt-5
"""


@pytest.mark.parametrize(
    ("used_in", "text", "model"),
    [
        ("s:a.toml#llm.invoice.model", '[llm.invoice]\nmodel = "gpt-5"\n', "gpt-5"),
        ("s:a.yaml#llm.invoice.model", YAML, "claude-haiku-4-5"),
        ("s:a.yml#env[MODEL].value", YAML, "gpt-5"),
        ("s:a.yml#env[0].value", YAML, "gpt-5"),
        ("s:a.yml#env[OTHER].value", BOTH, "gpt-4o"),
        ("s:a.yml#env[b].value", BOTH, "claude-haiku-4-5"),
        ("s:a.yml#env[2]", BOTH, "gpt-5"),
        ("s:a.py#L1", 'ask("gpt-5")\nask("gpt-4o")\n', "gpt-5"),
        ("s:a.json#llm.model", '{"llm": {"model": "gpt-5"}}', "gpt-5"),
        ("s:.env#LLM_MODEL", "# a\nLLM_MODEL=gpt-5\n", "gpt-5"),
        ("s:a.py#MODEL", 'MODEL = "gpt-5"\n', "gpt-5"),
        ("s:a.py#L2", '\nask("gpt-5")\n', "gpt-5"),
        (r's:a.rs:/model:\s*"([^"]+)"/', 'x { model: "gpt-5" }', "gpt-5"),
        ("s:a.rs:/gpt-[0-9]/", "ask gpt-5 now, gpt-5 again", "gpt-5"),
        ("s:k.yaml#spec.model", "a: 1\n---\nspec: {model: gpt-5}\n", "gpt-5"),
    ],
)
def test_a_place_is_read(used_in: str, text: str, model: str) -> None:
    place = place_in(used_in)
    assert place.repository == "s"
    assert model_at(place, text) == model


@pytest.mark.parametrize(
    ("used_in", "text", "message"),
    [
        ("s:a.toml#llm.model", 'x = "gpt-5"\n', "nothing is there"),
        ("s:a.toml#llm.model", "x = \n", "cannot be read as TOML"),
        ("s:a.json#llm.model", "{", "cannot be read as JSON"),
        ("s:a.yaml#limit", YAML, "is no text but 3"),
        ("s:a.yaml#env[9].value", YAML, "nothing is there"),
        ("s:a.yaml#env[1]", YAML, "nothing is there"),
        ("s:a.yaml#env[no].value", YAML, "nothing is there"),
        ("s:a.yaml#limit.deeper", YAML, "nothing is there"),
        ("s:a.rs:/gpt-[0-9]/", "gpt-4 gpt-5", "more than one thing: gpt-4, gpt-5"),
        ("s:a.rs:/(/", "gpt", "is no regular expression"),
        ("s:a.toml", "", "not of the form"),
        (":a.toml#x", "", "not of the form"),
        ("s:../a.toml#x", "", "leads out of the repository"),
        ("s:/etc/a.toml#x", "", "leads out of the repository"),
    ],
)
def test_what_cannot_be_told(used_in: str, text: str, message: str) -> None:
    with pytest.raises(PlaceError, match=message):
        model_at(place_in(used_in), text)


IDS = {"gpt-5", "gpt-4o"}


def added(path: str, before: str | None, after: str) -> list[tuple[int, str]]:
    return [(use.line, use.model_id) for use in added_uses(path, before, after, IDS)]


def test_only_what_is_new_counts() -> None:
    both = 'MODEL = "gpt-5"\nOTHER = "gpt-4o"\n'
    assert added("app.py", None, both) == [(1, "gpt-5"), (2, "gpt-4o")]
    assert added("app.py", 'OTHER = "gpt-4o"\n', both) == [(1, "gpt-5")]
    assert added("app.py", both, 'OTHER = "gpt-4o"\nMODEL = "gpt-5"\n') == []
    assert added("app.py", both, both + 'def f():\n    MODEL = "gpt-5"\n') == [(4, "gpt-5")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".github/workflows/ci.yml", "jobs: {a: {steps: [{run: serve --model gpt-5}]}}\n"),
        (".github/workflows/ci.yml", "env:\n  MODEL: gpt-5\n"),
        ("Makefile", "MODEL ?= gpt-5\n"),
        ("Makefile", "run:\n\tserve --model=gpt-5\n"),
        ("bin/serve", "#!/bin/sh\nexec serve --llm gpt-5\n"),
        ("bin/serve.sh", 'curl -d \'{"model": "gpt-5"}\' https://example.com\n'),
        ("package.json", '{"scripts": {"start": "serve --model gpt-5"}}\n'),
        ("vendor/a.js", 'const model = "gpt-5"\n'),
        ("model-lock.py", 'MODEL = "gpt-5"\n'),
        ("a.bin", 'model: "gpt-5"\n'),
        ("app.py", 'MODEL = "gpt\0-5"\n'),
        ("app.py", '# a comment\rMODEL = "gpt-5"\r'),
        ("app.txt", "model = gpt-5\n"),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": ["x = \\"gpt-5\\""]}]}'),
        ("a.ipynb", '{"cells": [{"cell_type": "code", "source": ["!serve --model gpt-5"]}]}'),
    ],
)
def test_no_text_file_is_passed_over(path: str, text: str) -> None:
    assert [(use.model_id, use.kind) for use in added_uses(path, None, text, IDS)] == [
        ("gpt-5", "production")
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("poetry.lock", 'model = "gpt-5"\n'),
        ("app.py", "# the model gpt-5 was too dear\n"),
        ("Makefile", "# MODEL = gpt-5\n"),
        ("app.py", 'WHY = "we left gpt-5 for a smaller one"\n'),
    ],
)
def test_what_chooses_no_model_is_passed_over(path: str, text: str) -> None:
    assert added(path, None, text) == []


def test_aliases_that_multiply_are_no_yaml() -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
        for old, new in pairwise("abcdefghijk")
    )
    assert added("a.yaml", None, bomb + "model: gpt-5\n") == [(12, "gpt-5")]
    for text in (bomb, "a: &a [*a]\n"):
        with pytest.raises(PlaceError, match="aliases"):
            model_at(place_in("s:a.yaml#llm.model"), text)


def test_a_place_is_named_as_it_was_written() -> None:
    assert place_in("s:a.toml#llm.model").shown == "a.toml#llm.model"
    assert place_in("s:a.rs:/gpt-[0-9]/").shown == "a.rs#/gpt-[0-9]/"


def test_what_a_parser_objects_to_is_passed_on() -> None:
    with pytest.raises(PlaceError, match="as JSON: Expecting property name"):
        model_at(place_in("s:a.json#llm.model"), "{")
