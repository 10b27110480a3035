"""Promptfoo's configurations: what is converted, and that the rest is told with its line."""

import json

import pytest

from evalsets.prompts import render_prompt
from harness.bring.intake.promptfoo_config import read_config
from harness.bring.intake.values import ImportedSet
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from tests.support.foreign import CONFIG

BARE = "none of its own assertions is converted; only defaultTest's judge it"
MEAN = "its threshold is of a mean that lacks the assertions not converted"
SETTINGS = (
    "settings are not taken over; features/NAME.yaml says it: "
    "`request: {temperature: 0, max_output_tokens: 64}`"
)


def config(text: str, **files: str) -> ImportedSet:
    by_name = {name.replace("_", "."): content for name, content in files.items()}
    return read_config(text, file="c.yaml", read=by_name.get)


def test_a_common_configuration_is_converted_whole() -> None:
    found = config(CONFIG)
    assert [(case.id, case.input, case.target) for case in found.cases] == [
        (
            "test-0",
            "My card was charged twice",
            '[{"type": "icontains", "value": "billing"}]',
        ),
        ("test-1", "The app crashed", '[{"type": "icontains", "value": "technical"}]'),
    ]
    assert dict(found.cases[0].metadata) == {"channel": "mail"}
    assert found.primary.scorer == "assertions"
    assert found.models == ("large-1", "openai:chat:small-1")
    (prompt,) = found.prompts
    (turn,) = render_prompt(prompt.text, found.cases[0])
    assert turn.content == "Answer with one word.\nTicket: My card was charged twice"
    assert [str(problem) for problem in found.problems] == [
        (
            "c.yaml:15: javascript: assertion not converted: `require` is not available here -> "
            "write it as module:function"
        )
    ]


MIXED = """\
prompts: ["Q: {{question}} in {{place}}", file://chat.json, file://make.py]
tests:
  - vars: {question: a, place: x}
    assert:
      - {type: equals, value: b}
      - {type: not-contains, value: c}
      - {type: llm-rubric, value: polite}
      - {type: contains-any, value: [b, d]}
      - {type: is-json, value: {type: string, example: b}, threshold: 0.5}
      - {type: contains, value: "{% if x %}"}
  - vars: {question: [e, f], place: y}
    assert: [{type: regex, value: "^[ef]"}]
  - vars: {question: g}
    options: {transform: output.trim()}
    threshold: 0.5
  - file://more.csv
  - file://gone.yaml
"""
CHAT = json.dumps(
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{ question }}?"}]
)
MORE = "question,place,__expected,__expected2,__metric\nh,z,icontains: i,contains-any: j;k,m\n"


def test_mixed_assertions_hold_together_and_the_rest_is_told_by_line() -> None:
    found = config(MIXED, chat_json=CHAT, more_csv=MORE)
    assert found.primary.scorer == "assertions"
    assert [case.id for case in found.cases] == [f"test-{number}" for number in range(5)]
    assert [case.input for case in found.cases] == ["a", "e", "f", "g", "h"]
    (guardrail,) = found.guardrails
    assert (guardrail.scorer.scorer, guardrail.margin) == ("judge", 5)
    assert [case.meta("rubric") for case in found.cases] == ["polite", None, None, None, None]
    scorer = find_scorer(found.primary)
    assert scorer.score(found.cases[0], "b") == 1
    assert scorer.score(found.cases[0], "bc") == 0
    assert scorer.score(found.cases[2], "fine") == 1
    assert found.cases[3].target is None
    assert scorer.score(found.cases[4], "with I and j;k") == 1
    assert scorer.score(found.cases[4], "with I alone") == 0
    told = "\n".join(str(problem) for problem in found.problems)
    for expected in (
        "llm-rubric: no grading model is named: write it in place of 'fill-in-the-judge'",
        "c.yaml:9: is-json: assertion not converted: promptfoo itself refuses the key 'example'",
        "c.yaml:10: contains: assertion not converted: its template: Unexpected end of template",
        "c.yaml:14: options.transform: option is not read",
        "tests: no such file: gone.yaml",
        "prompt not converted: make.py is a program",
        "prompts[1]: written as prompt-2.j2",
        "to be labelled",
    ):
        assert expected in told
    assert all("\n" not in str(problem) for problem in found.problems)


def test_a_chat_prompt_becomes_role_lines_and_other_variables_metadata() -> None:
    found = config(MIXED, chat_json=CHAT, more_csv=MORE)
    turns = render_prompt(found.prompts[1].text, found.cases[0])
    assert [(turn.role, turn.content) for turn in turns] == [
        ("system", "Be brief."),
        ("user", "a?"),
    ]
    (turn,) = render_prompt(found.prompts[0].text, found.cases[0])
    assert turn.content == "Q: a in x"
    (turn,) = render_prompt(found.prompts[0].text, found.cases[3])
    assert turn.content == "Q: g in "


@pytest.mark.parametrize(
    ("assertion", "scorer", "right", "wrong"),
    [
        ("{type: equals, value: x}", "exact", "x", " x"),
        ("{type: contains, value: x}", "assertions", "a x", "X"),
        ("{type: regex, value: x}", "assertions", "a x", "X"),
        ("{type: is-json}", "assertions", "1", "```\n1\n```"),
        ("{type: starts-with, value: x}", "assertions", "x y", " x"),
    ],
)
def test_one_strictness_holds_alone_and_in_a_mixture(
    assertion: str, scorer: str, right: str, wrong: str
) -> None:
    found = config(f"prompts: ['{{{{q}}}}']\ntests: [{{vars: {{q: a}}, assert: [{assertion}]}}]\n")
    assert found.primary.scorer == scorer
    mixed = assertion + ", {type: not-equals, value: never}"
    both = config(f"prompts: ['{{{{q}}}}']\ntests: [{{vars: {{q: a}}, assert: [{mixed}]}}]\n")
    for each in (found, both):
        assert find_scorer(each.primary).score(each.cases[0], right) == 1
        assert find_scorer(each.primary).score(each.cases[0], wrong) == 0


def test_files_of_variables_tests_and_prompts_are_read() -> None:
    text = "prompts: [p.txt]\ntests: file://t.jsonl\ndefaultTest: {vars: {tone: kind}}\n"
    first = {"vars": {"q": "file://long.txt"}, "assert": [{"type": "equals", "value": "1"}]}
    lines = json.dumps(first) + "\n{broken\n"
    prompts = "A {{q}}\n---\nB {{q}} {{tone}}\n"
    found = config(text, p_txt=prompts, t_jsonl=lines, long_txt="a long text")
    assert found.cases[0].input == "a long text"
    assert [prompt.name for prompt in found.prompts] == ["default", "prompt-1"]
    assert found.cases[0].meta("tone") == "kind"
    assert [(p.file, p.line) for p in found.problems if p.file == "t.jsonl"] == [("t.jsonl", 2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tests: []\n", "no tests to import"),
        ("prompts: [a\n", "broken YAML"),
        ("tests: file://gone.csv\n", "no such file: gone.csv"),
        ("tests: &x [*x]\n", "aliases"),
    ],
)
def test_what_is_no_configuration_is_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        config(text)
    assert "\n" not in str(caught.value)


def test_tests_in_other_files_and_odd_rows_are_read_or_told() -> None:
    text = (
        "prompts: ['{{q}}', {label: only a label}, file://gone.txt, file://bad.json, "
        "file://parts.json, '{{q', file://p.py:make]\n"
        "tests: [file://t.yaml, file://odd.csv, file://t.xlsx, file://broken.yaml]\n"
        "scenarios: []\n"
        "defaultTest: {options: {transform: x}}\n"
        "providers: [{label: a}, b, {config: {}}]\n"
    )
    found = config(
        text,
        t_yaml="- vars: {q: file://none.txt}\n  assert: [{type: equals, value: file://x}]\n",
        odd_csv='q,__expected\na,b,c\nd\ne,"fn:x"\nf,is-json\ng,not-contains: h\n',
        t_xlsx="x",
        broken_yaml="[",
        bad_json="[{",
        parts_json=json.dumps([{"role": "user", "content": [{"type": "text"}]}]),
    )
    told = "\n".join(str(problem) for problem in found.problems)
    for expected in (
        "no such file: none.txt",
        "equals: assertion not converted: no such file: x",
        "odd.csv:2: another number of cells",
        "odd.csv:3: another number of cells",
        "odd.csv:4: javascript: assertion not converted",
        "t.xlsx is a workbook; save it as CSV",
        "broken YAML",
        "scenarios: key is not read",
        "options: key is not read",
        "neither a text nor a file",
        "no such file: gone.txt",
        "chat prompt is not plain JSON",
        "chat prompt has a message that is no text",
        "p.py:make is a program",
    ):
        assert expected in told
    assert found.models == ("a", "b")
    assert [case.input for case in found.cases] == ["file://none.txt", "a", "d", "e", "f", "g"]
    assert find_scorer(found.primary).score(found.cases[5], "x") == 1
    assert find_scorer(found.primary).score(found.cases[4], "{}") == 1


def test_defaults_can_be_left_out_and_names_in_quotes_stay() -> None:
    text = (
        "prompts: ['{% if q == \"q\" %}{{q}}{% endif %} {{ other.q }}{{ topic }}']\n"
        "defaultTest: {assert: [{type: contains, value: a}], vars: {topic: t}}\n"
        "tests: [{vars: {q: b}, options: {disableDefaultAsserts: true}}, {vars: {q: c}}]\n"
    )
    found = config(text)
    assert [case.target for case in found.cases] == [None, found.cases[1].target]
    assert found.prompts == ()
    assert "unknown variable 'other'" in "\n".join(map(str, found.problems))


def test_without_a_prompt_the_variable_that_no_assertion_reads_is_the_input() -> None:
    text = "tests: [{vars: {want: x, ask: what}, assert: [{type: contains, value: '{{want}}'}]}]\n"
    (case,) = config(text).cases
    assert (case.input, case.metadata) == ("what", ())
    assert case.target == '[{"type": "contains", "value": "x"}]'


RUBRICS = """\
prompts: ["Reply to: {{ticket}}"]
defaultTest:
  assert:
    - {type: llm-rubric, value: "Is polite to {{name}}", provider: openai:gpt-5}
tests:
  - vars: {ticket: lost parcel, name: Ada}
    assert: [{type: llm-rubric, value: Offers a refund}]
  - vars: {ticket: late parcel, name: Bo}
  - vars: {ticket: no parcel, name: Cy}
    assert: [{type: llm-rubric, value: Is sorry, threshold: 0.7}]
"""


def test_rubrics_alone_become_a_judge_with_what_each_case_wants() -> None:
    found = config(RUBRICS)
    assert found.primary.scorer == "judge"
    assert json.loads(found.primary.options) == {"model": "gpt-5", "requirement": "rubric"}
    assert found.guardrails == ()
    assert [case.meta("rubric") for case in found.cases] == [
        "All of these: (1) Is polite to Ada (2) Offers a refund",
        "Is polite to Bo",
        "Is polite to Cy",
    ]
    assert found.converted == 4
    assert [str(problem) for problem in found.problems] == [
        "c.yaml:10: llm-rubric: assertion not converted: its key 'threshold' is not read",
        f"c.yaml: tests: 1 test (c.yaml:9): {BARE}",
    ]


@pytest.mark.parametrize("name", ["scan.pdf", "scan.PDF", "photo.png", "photo.jpeg"])
def test_a_file_that_is_no_text_is_told_and_not_read_as_one(name: str) -> None:
    text = f"tests: [{{vars: {{q: file://{name}}}, assert: [{{type: equals, value: a}}]}}]\n"
    found = config(text, scan_pdf="%PDF-1.4", scan_PDF="%PDF-1.4", photo_png="x", photo_jpeg="x")
    assert found.cases[0].input == f"file://{name}"
    (told,) = [str(problem) for problem in found.problems]
    kind = "image" if name.startswith("photo") else "document"
    assert (
        f'{name} is no text: make the case\'s input messages with a part {{"type": "{kind}"' in told
    )


LOSSES = """\
prompts: ['{{q}}']
providers:
  - openai:gpt-4.1
  - id: openai:gpt-4.1-mini
    config: {temperature: 0, max_tokens: 64, top_p: 1, apiKeyEnvar: KEY}
defaultTest:
  metadata: {team: desk}
  assert:
    - {type: not-contains, value: As an AI}
tests:
  - description: close to x
    vars: {q: a}
    metadata: {team: shop, tier: 2, q: other}
    assert:
      - {type: similar, value: x}
  - vars: {q: 'file://long.txt'}
    threshold: 0.5
    assert: [{type: equals, value: x}, {type: similar, value: y}]
"""


def test_metadata_comes_over_and_what_does_not_is_told_by_name() -> None:
    found = config(LOSSES, long_txt="  several\nlines \n\n")
    assert [(case.input, dict(case.metadata)) for case in found.cases] == [
        ("a", {"team": "shop", "tier": "2"}),
        ("several\nlines", {"team": "desk"}),
    ]
    graded = "import its graded results (`rightsize import outcomes`), or label the answers"
    assert [str(problem) for problem in found.problems] == [
        f"c.yaml:15: similar: assertion not converted -> {graded}",
        f"c.yaml:18: similar: assertion not converted -> {graded}",
        f"c.yaml: tests: 1 test ('close to x'): {BARE}",
        f"c.yaml: tests: 1 test (c.yaml:16): {MEAN}",
        "c.yaml: tests: 1 test ('close to x'): descriptions are not taken over",
        f"c.yaml:5: providers[1].config: {SETTINGS}; not read: top_p",
    ]
