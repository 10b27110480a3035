"""JavaScript and templates of a configuration: read with their own meaning, or told."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from evalsets.prompts import render_prompt
from harness.bring.intake.promptfoo_config import read_config
from harness.bring.intake.promptfoo_templates import filled, object_parts, without_objects
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.javascript import ScriptError, script_fault, script_value
from harness.workspace.patterns import TooLongError

if TYPE_CHECKING:
    from harness.bring.intake.values import ImportedSet


def no_file(_name: str) -> str | None:
    """There is no file beside it."""
    return None


GRADED = {"pass": True, "score": 0.5, "reason": "a"}


def config(*assertions: dict[str, Any], **values: Any) -> ImportedSet:  # what YAML holds
    data = {"prompts": ["{{q}}"], "tests": [{"vars": {"q": "a", **values}, "assert": assertions}]}
    return read_config(json.dumps(data), file="c.json", read=no_file)


def verdict(script: str, answer: str, **values: object) -> object:
    try:
        return script_value(script, answer, values)
    except ScriptError:
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
        "process.exit()", "fetch('http://x')", "require('fs')", "new Date() > 0", "import('x')",
        "context.prompt", "const {vars} = context; vars.x", "Math.random() < 1",
        "/'/.test(output) && process",
        "output =>", "", "`${output", "/(/.test(output)", "'a", "a b", "\u200b1", "#x",
        "output.toLocaleString() === output", "output.localeCompare('b') > 0", "globalThis.x",
        "nobody.knows(output)", "while (true) {}\nreturn 1",
        "'x'.repeat(1 << 29) && new Array(1e8).fill(1)",
    ],
)  # fmt: skip
def test_what_is_not_there_is_told_when_it_is_read(script: str) -> None:
    assert script_fault(script) is not None
    found = config({"type": "javascript", "value": script})
    assert found.converted == 0
    assert "c.json:1: javascript: assertion not converted" in str(found.problems[0])


@pytest.mark.parametrize(
    ("script", "answer", "wanted"),
    [
        ("output.includes('process') && output !== \"import\"", "a process", True),
        ("for (const w of output.split(' ')) {\n if (w === 'b') return true\n}", "a b", True),
        ("Promise.resolve(output === 'a')", "a", True),
        ("new Promise(() => 1)", "a", None),
        ("({pass: true, score: 0.5, reason: output})", "a", dict(GRADED)),
        ("({pass: true, score: '1', reason: ''})", "a", None),
        ("output.constructor === String", "a", True),
        ("this.output === undefined", "a", True),
        ("x = 1", "a", 1),
        ("typeof x === 'undefined'", "a", True),
        ("1n", "a", None),
        ("output.match(/\\p{Lu}/u) !== null", "aÄ", True),
        ("0 / 0", "a", float("nan")),
    ],
)  # fmt: skip
def test_scripts_of_every_shape_are_run(script: str, answer: str, wanted: object) -> None:
    assert script_fault(script) is None
    found = verdict(script, answer)
    assert found == wanted or (found != found and wanted != wanted)  # noqa: PLR0124  # NaN


def test_what_hides_behind_a_name_still_is_not_there() -> None:
    hidden = "/'/.test(output) || process.env.X === 'a'"
    with pytest.raises(UsageError, match="process is not defined"):
        script_value(hidden, "a", {})
    with pytest.raises(UsageError, match="Date is not defined"):
        script_value("eval('new Da' + 'te()')", "a", {})


def test_a_script_that_never_ends_is_stopped() -> None:
    found = config({"type": "javascript", "value": "/^(a+)+$/.test(output)"})
    with pytest.raises(TooLongError, match="takes longer than"):
        find_scorer(found.primary).score(found.cases[0], "a" * 60 + "!")


def test_a_script_that_takes_all_memory_ends_alone() -> None:
    with pytest.raises(UsageError, match="out of memory"):
        script_value("'x'.repeat(1 << 29).length > 0 && new Array(1e8).fill(output)", "a", {})


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


EXPORT = """\
description: exported
prompts:
  - label: triage
    raw: |
      [{"role": "developer", "content": "One word."},
       {"role": "user", "content": "{{ item.ticket }}"}]
providers: [{id: "openai:responses:gpt-5", config: {temperature: 0}}]
defaultTest:
  assert:
    - {type: equals, value: "{{item['label']}}", metric: string_check}
    - {type: javascript, value: "output.length < 20"}
tests:
  - vars: {item: {ticket: My card was charged twice, label: billing, channel: mail}}
  - vars: {item: {ticket: The app crashed, label: technical, channel: chat}}
"""


def test_an_export_of_openai_s_evals_is_read_whole_and_shows_no_label() -> None:
    """Variables are objects there: what only an assertion reads is not shown to a model."""
    found = read_config(EXPORT, file="c.yaml", read=no_file)
    (told,) = found.problems
    assert str(told).startswith("c.yaml:7: providers[0].config: settings are not taken over")
    assert "`request: {temperature: 0}`" in str(told)
    assert [case.input for case in found.cases] == ["My card was charged twice", "The app crashed"]
    assert [dict(case.metadata) for case in found.cases] == [
        {"item_channel": "mail"},
        {"item_channel": "chat"},
    ]
    (prompt,) = found.prompts
    turns = render_prompt(prompt.text, found.cases[0])
    assert [turn.content for turn in turns] == ["One word.", "My card was charged twice"]
    scorer = find_scorer(found.primary)
    assert [scorer.score(case, "billing") for case in found.cases] == [1, 0]
    assert found.models == ("openai:responses:gpt-5",)


def test_jobs_without_end_have_one_limit_together() -> None:
    with pytest.raises(TooLongError, match="takes longer than 1 s"):
        script_value("(async () => { for (;;) await 0 })()", "a", {})


def test_an_object_that_is_used_whole_stays_and_written_text_is_not_rewritten() -> None:
    values = {"item": {"label": "a"}}
    assert without_objects(values, ["item", "item_label"]) == values
    assert without_objects(values, ["item_label"]) == {}
    (part,) = object_parts([{"a(": {"label": 1}}])
    assert re.fullmatch(part, "a(.label")
    assert filled("a === b{% if q === 'x' %}!{% endif %}", {"q": "x"}) == "a === b!"
