"""Where production reads its model: every kind of file, and what cannot be told."""

from __future__ import annotations

import pytest

from harness.gate.production import PlaceError, added_lines, added_uses, model_at, place_in

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


DIFF = """\
diff --git a/app.py b/app.py
--- a/app.py
+++ b/app.py
@@ -1 +1 @@
-MODEL = "claude-opus-4-5"
+MODEL = "gpt-5"
@@ -9,0 +10,2 @@ def f():
+++ not a file
+x
diff --git a/gone.py b/gone.py
--- a/gone.py
+++ /dev/null
@@ -1,2 +0,0 @@
-a
-b
"""


def test_the_lines_that_a_diff_adds() -> None:
    assert added_lines(DIFF) == {"app.py": frozenset({1, 10, 11})}


def test_only_added_lines_count() -> None:
    text = 'MODEL = "gpt-5"\nOTHER = "gpt-4o"\n'
    (use,) = added_uses(DIFF, {"app.py": text}.get, {"gpt-5", "gpt-4o"})
    assert (use.path, use.line, use.model_id) == ("app.py", 1, "gpt-5")
    assert added_uses(DIFF, {}.get, {"gpt-5"}) == ()


@pytest.mark.parametrize("path", [".github/a.yaml", "node_modules/a.js", "poetry.lock", "a.bin"])
def test_files_that_a_scan_skips_are_skipped_here(path: str) -> None:
    diff = f"+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
    assert added_uses(diff, {path: 'model: "gpt-5"\n'}.get, {"gpt-5"}) == ()


def test_a_place_is_named_as_it_was_written() -> None:
    assert place_in("s:a.toml#llm.model").shown == "a.toml#llm.model"
    assert place_in("s:a.rs:/gpt-[0-9]/").shown == "a.rs#/gpt-[0-9]/"


def test_text_that_looks_like_a_file_or_a_hunk_inside_a_hunk_is_neither() -> None:
    """Of three added lines, one begins with `++` and one names another place."""
    diff = "+++ b/a.py\n@@ -0,0 +1,3 @@\n+++ b/b.py\n+@@ -0,0 +7 @@\n+x\n@@ -1,0 +9 @@\n+y\n"
    assert added_lines(diff) == {"a.py": frozenset({1, 2, 3, 9})}


def test_a_file_that_only_loses_lines_adds_none() -> None:
    assert added_lines("+++ b/a.py\n@@ -3,2 +2,0 @@\n-x\n-y\n") == {}


def test_each_file_of_a_diff_has_its_own_lines() -> None:
    first = "+++ b/a.py\n@@ -0,0 +1,2 @@\n+x\n+++ b/none.py\n@@ -7,0 +9 @@\n+z\n"
    assert added_lines(first + "+++ b/b.py\n@@ -0,0 +5 @@\n+y\n") == {
        "a.py": frozenset({1, 2, 9}),
        "b.py": frozenset({5}),
    }


def test_what_a_parser_objects_to_is_passed_on() -> None:
    with pytest.raises(PlaceError, match="as JSON: Expecting property name"):
        model_at(place_in("s:a.json#llm.model"), "{")
