"""Promptfoo as it behaves: its own verdicts on many answers, and configurations of the wild."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from evalsets.prompts import render_prompt
from harness.bring.intake.promptfoo_config import read_config
from harness.bring.intake.values import ImportedSet
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.js_regex import UntranslatableError, to_python
from tests.benchmarks.intake.promptfoo_table import TABLE, differing, ours

SAMPLE = 60


def config(text: str, **files: str) -> ImportedSet:
    by_name = {name.replace("_", "."): content for name, content in files.items()}
    return read_config(
        text,
        file="c.yaml",
        read=by_name.get,
        names=lambda pattern: [name for name in by_name if Path(name).match(pattern)],
    )


def told(found: ImportedSet) -> str:
    return "\n".join(map(str, found.problems))


def test_every_verdict_of_promptfoo_is_ours_or_the_assertion_is_told() -> None:
    rows = [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()]
    for row in random.Random(21).sample(rows, SAMPLE):
        assert list(differing(row["assertion"], row["verdicts"])) == []
        mine, lines = ours(row["assertion"])
        assert mine is not None or "to be labelled" in lines
        # What promptfoo refuses is never scored.
        assert mine is None or set(row["verdicts"]) != {"!"}


def test_a_date_is_the_text_that_it_is() -> None:
    found = config(
        "prompts: ['{{q}} on {{day}}']\n"
        "tests: [{vars: {q: report, day: 2024-01-15}, assert: [{type: contains, value: report}]}]\n"
    )
    (turn,) = render_prompt(found.prompts[0].text, found.cases[0])
    assert turn.content == "report on 2024-01-15"


A_ITSELF = "{$ref: '#/assertionTemplates/a'}"


@pytest.mark.parametrize(
    ("templates", "named"),
    [
        ("a: {$ref: '#/assertionTemplates/a'}", "a"),
        ("a: {$ref: '#/assertionTemplates/b'}\n  b: {$ref: '#/assertionTemplates/a'}", "b"),
        (f"a: {{type: assert-set, assert: [{A_ITSELF}, {A_ITSELF}]}}", "a"),
        ("a: {$ref: '#/assertionTemplates'}", ""),
    ],
)
def test_a_reference_that_leads_back_to_itself_is_refused_in_one_line(
    templates: str, named: str
) -> None:
    """Two of them in each other would double at every step: none is followed a second time."""
    text = (
        f"prompts: ['{{{{q}}}}']\nassertionTemplates:\n  {templates}\ntests: [{{vars: {{q: a}}}}]\n"
    )
    with pytest.raises(UsageError) as found:
        config(text)
    told = "/".join(filter(None, ("#/assertionTemplates", named)))
    assert str(found.value) == (
        f"c.yaml: `$ref: {told}` leads back to itself; write out what it stands for"
    )


def test_a_reference_that_stands_twice_is_no_cycle() -> None:
    short = "{$ref: '#/assertionTemplates/short'}"
    found = config(
        "prompts: ['{{q}}']\n"
        "assertionTemplates:\n"
        "  short: {type: contains, value: x}\n"
        f"  both: {{type: assert-set, assert: [{short}, {short}]}}\n"
        "tests: [{vars: {q: a}, assert: [{$ref: '#/assertionTemplates/both'}]}]\n"
    )
    assert find_scorer(found.primary).score(found.cases[0], "x") == 1


def test_what_weighs_nothing_decides_nothing() -> None:
    found = config(
        "prompts: ['{{q}}']\n"
        "tests:\n"
        "  - vars: {q: a}\n"
        "    assert: [{type: contains, value: x}, {type: contains, value: no, weight: 0}]\n"
        "  - vars: {q: b}\n"
        "    assert: [{type: contains-any, value: 'nowhere,report'}]\n"
    )
    scorer = find_scorer(found.primary)
    assert scorer.score(found.cases[0], "x") == 1
    assert scorer.score(found.cases[1], "the report") == 1
    assert scorer.score(found.cases[1], "nothing") == 0


def test_a_threshold_is_reached_by_the_weighted_mean() -> None:
    found = config(
        "prompts: ['{{q}}']\n"
        "tests:\n"
        "  - vars: {q: a}\n"
        "    threshold: 0.6\n"
        "    assert: [{type: contains, value: x, weight: 3}, {type: contains, value: y}]\n"
    )
    scorer = find_scorer(found.primary)
    assert [scorer.score(found.cases[0], text) for text in ("x", "y", "xy")] == [1, 0, 1]


CELLS = """\
q,__expected,__config:__expected:threshold
one,"contains-json: {""type"":""object""}",
two,levenshtein(2): Hello,
three,is-sql,
four,latency(5000),
five,factuality: Paris is in France,
six,levenshtein: Hello,1
seven,note: keep calm,
eight,contains:calm,
"""


def test_an_assertion_of_a_table_is_converted_or_told_and_never_its_own_text() -> None:
    found = config(
        "prompts: ['{{q}}']\ntests: file://t.csv\n",
        t_csv=CELLS,
    )
    scorer = find_scorer(found.primary)
    lines = told(found)
    for kind, line in (("is-sql", 4), ("latency", 5), ("factuality", 6)):
        assert f"t.csv:{line}: {kind}: assertion not converted" in lines
    for at, right, wrong in ((0, 'so {"a": 1}', "none"), (1, "Helpo", "other"), (5, "Hell", "Hel")):
        assert scorer.score(found.cases[at], right) == 1
        assert scorer.score(found.cases[at], wrong) == 0
    assert scorer.score(found.cases[6], "note: keep calm") == 1
    assert scorer.score(found.cases[7], "keep calm") == 1
    assert [found.cases[at].target for at in (2, 3, 4)] == [None, None, None]


def test_aliases_merged_keys_globs_references_and_harmless_keys_are_read() -> None:
    found = config(
        "prompts: '{{q}}'\n"
        "providers: echo\n"
        "assertionTemplates: {short: {type: levenshtein, value: abc, threshold: 1}}\n"
        "tests:\n"
        "  - vars: {q: a}\n"
        "    assert: &common [{type: icontains, value: a, description: names the letter}]\n"
        "  - vars: {q: ab}\n"
        "    assert: *common\n"
        "  - <<: {vars: {q: c}}\n"
        "    assert: [{$ref: '#/assertionTemplates/short'}]\n"
        "  - file://more*.yaml\n",
        more1_yaml="- {vars: {q: d}, assert: [{type: equals, value: 5}]}\n",
        more2_yaml="{vars: vars.yaml, assert: [{type: equals, value: file://right.json}]}\n",
        vars_yaml="q: e\n",
        right_json='{"a": 1}',
    )
    assert [case.input for case in found.cases] == ["a", "ab", "c", "d", "e"]
    assert found.models == ("echo",)
    scorer = find_scorer(found.primary)
    answers = ("A", "a", "ab", "5", '{"a": 1.0}')
    assert [scorer.score(c, a) for c, a in zip(found.cases, answers, strict=True)] == [1] * 5
    assert "assertion not converted" not in told(found)


def test_programs_that_make_tests_are_told_with_their_line() -> None:
    with pytest.raises(UsageError, match=r"c\.yaml:1: tests: make\.py:cases is a program"):
        config("tests: file://make.py:cases\n")
    with pytest.raises(UsageError, match=r"no such file: cases/.*yaml"):
        config("tests: file://cases/*.yaml\n")
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
    )
    with pytest.raises(UsageError, match="aliases mean too many values"):
        config(bomb)


@pytest.mark.parametrize(
    ("pattern", "holds", "fails"),
    [
        (r"^(?<year>\d{4})$", "2024", "2024\n"),
        (r"(?<q>['\"])x\k<q>", "'x'", "'x\""),
        (r"^[\w-.]+$", "a-b.c", "a b"),
        (r"a{,3}", "a{,3}", "aaa"),
        (r"^.$", "x", "\N{GRINNING FACE}"),
        (r"[^]x", "\nx", "x"),
    ],
)
def test_a_pattern_of_javascript_means_the_same(pattern: str, holds: str, fails: str) -> None:
    quoted = json.dumps(pattern)
    found = config(f"tests: [{{vars: {{q: a}}, assert: [{{type: regex, value: {quoted}}}]}}]\n")
    scorer = find_scorer(found.primary)
    assert scorer.score(found.cases[0], holds) == 1
    assert scorer.score(found.cases[0], fails) == 0


@pytest.mark.parametrize(
    "pattern", ["(?i)a", "a++", "(?P<x>a)", "(?<=a+)b", "[", "\\", "(a", "\\2"]
)
def test_a_pattern_without_a_counterpart_is_refused(pattern: str) -> None:
    with pytest.raises(UntranslatableError):
        to_python(pattern)
