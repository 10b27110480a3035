"""JavaScript and templates of a configuration: read with their own meaning, or told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.bring.intake.promptfoo_config import read_config
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.javascript.meaning import script_value
from harness.judge.scoring.javascript.patterns import UntranslatableError
from harness.judge.scoring.javascript.syntax import parsed_script
from harness.judge.scoring.javascript.values import JsError

if TYPE_CHECKING:
    from harness.bring.intake.values import ImportedSet


def no_file(_name: str) -> str | None:
    """There is no file beside it."""
    return None


DEEP = "(" * 500 + "1" + ")" * 500


def config(*assertions: dict[str, Any], **values: Any) -> ImportedSet:  # what YAML holds
    data = {"prompts": ["{{q}}"], "tests": [{"vars": {"q": "a", **values}, "assert": assertions}]}
    return read_config(json.dumps(data), file="c.json", read=no_file)


def verdict(script: str, answer: str, **values: object) -> object:
    try:
        return script_value(script, answer, values)
    except JsError:
        return None


@pytest.mark.parametrize(
    ("script", "answer", "wanted"),
    [
        ("output.length", "\U0001f600", 2),
        ("output[0] === '\\ud83d'", "\U0001f600", True),
        ("JSON.parse(output).field === 'x'", '{"field": "x"}', True),
        ("JSON.parse(output).field === 'x'", "no JSON", None),
        ("output.includes('X') || /x{2}/.test(output)", "axx", True),
        ("!(output.length < 3 && output)", "abc", True),
        ("output && true", "", None),
        ("/^k$/i.test(output)", "\u212a", False),
        ("output.split(/\\s+/).length <= context.vars.most", "a b c", True),
        ("output.split(/\\s+/).length <= context.vars.most", "a b c d", False),
        ("if (output > '5') {\n  return 1;\n}\nreturn 0;", "6", 1),
        ("const n = Number(output); Number.isInteger(n) && n > 2", "3.0", True),
    ],
)
def test_a_script_says_what_javascript_says(script: str, answer: str, wanted: object) -> None:
    found = verdict(script, answer, most=3)
    assert found == wanted
    assert isinstance(found, bool) == isinstance(wanted, bool)


@pytest.mark.parametrize(
    "script",
    [
        "process.exit()", "fetch('http://x')", "require('fs')", "output.constructor", "eval(1)",
        "while (true) {}\nreturn 1", "x = 1", "output.__proto__", "new Date()", "async () => 1",
        "output =>", "", "`${output", "/(/.test(output)", "output.match(output)", "'a", DEEP,
        "output?.(1)", "import('x')", "context.prompt", "this", "1n", "a..b", "\u200b1", "#x",
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused_when_it_is_read(script: str) -> None:
    with pytest.raises(UntranslatableError):
        parsed_script(script)
    found = config({"type": "javascript", "value": script})
    assert found.converted == 0
    assert "c.json:1: javascript: assertion not converted" in str(found.problems[0])


def test_a_pattern_that_never_ends_is_stopped_with_its_case() -> None:
    found = config({"type": "javascript", "value": "/^(a+)+$/.test(output)"})
    with pytest.raises(Exception, match="case 'test-0': its assertions on an answer: takes longer"):
        find_scorer(found.primary).score(found.cases[0], "a" * 60 + "!")


def test_a_number_is_held_against_the_threshold_and_counts_in_a_set() -> None:
    half = {"type": "javascript", "value": "output.length / 10"}
    inside = [half, {"type": "contains", "value": "z"}]
    found = config({"type": "assert-set", "threshold": 0.3, "assert": inside})
    scorer, case = find_scorer(found.primary), found.cases[0]
    assert [scorer.score(case, "x" * length) for length in (5, 6)] == [0, 1]
    found = config(
        {**half, "threshold": 0.5}, {"type": "not-javascript", "value": "output === 'x'"}
    )
    assert [find_scorer(found.primary).score(found.cases[0], x) for x in ("x" * 5, "x")] == [1, 0]


@pytest.mark.parametrize(
    ("template", "wanted"),
    [
        ("{% if lang == 'de' %}Hallo{% else %}Hello{% endif %} {{ name | upper }}", "Hallo ADA"),
        ("{{ gone | default('none') }}{# a comment #}", "none"),
        ("{{ name | replace('A', 'E') }}{{ n }}", None),
        ("{% set x = 1 %}{{ x }}", None),
        ("{{ name.length }}", None),
        ("{% for w in name %}{{ w }}{% endfor %}", None),
        ("{% if n %}x{% endif %}", None),
        ("{% if name %}", None),
    ],
)
def test_a_template_means_the_same_or_is_told(template: str, wanted: str | None) -> None:
    found = config({"type": "equals", "value": template}, lang="de", name="Ada", n=5)
    if wanted is None:
        assert "its template" in str(found.problems[0])
    else:
        assert [case.target for case in found.cases] == [wanted]
