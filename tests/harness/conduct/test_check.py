"""`check` adds to a workspace's own problems: prices, scorers, and prompts that a case breaks."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from harness.conduct.checking import CheckReport, check_workspace, priced_on
from harness.errors import ExitCode
from tests.support.workspaces import case_line, edit, write_workspace

TODAY = date(2026, 11, 24)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_workspace(tmp_path)


def check(root: Path) -> CheckReport:
    return check_workspace(root, has_price=priced_on(TODAY))


def test_a_sound_workspace_passes(root: Path) -> None:
    report = check(root)
    assert report == CheckReport(features=1, models=2, cases=12, problems=())
    assert report.exit_code == ExitCode.OK


def test_an_incumbent_without_a_price_is_an_error(root: Path) -> None:
    edit(root / "models" / "all.yaml", "2026-09-01, input: 4.00", "2027-01-01, input: 4.00")
    report = check(root)
    (problem,) = report.errors
    assert str(problem).startswith("features/tickets.yaml:8: incumbent: PRICE_MISSING: big: ")
    assert report.exit_code == ExitCode.USAGE_ERROR


def test_a_named_candidate_without_a_price_blocks_its_feature(root: Path) -> None:
    edit(root / "models" / "all.yaml", "2026-09-01, input: 0.50", "2027-01-01, input: 0.50")
    report = check(root)
    (problem,) = report.blocked
    assert str(problem) == (
        "features/tickets.yaml:9: candidates[0]: PRICE_MISSING: small: no `price:` that began by "
        "2026-11-24, and no catalogue has it"
    )
    assert report.exit_code == ExitCode.OK


def test_a_model_that_nobody_names_only_warns(root: Path) -> None:
    edit(root / "models" / "all.yaml", "2026-09-01, input: 0.50", "2027-01-01, input: 0.50")
    edit(root / "features" / "tickets.yaml", "[small]", "auto")
    (problem,) = check(root).warnings
    assert str(problem).startswith("models/all.yaml:7: small: PRICE_MISSING: ")


def test_prices_wait_for_a_policy(root: Path) -> None:
    edit(root / "policy.yaml", "max_spend_usd: 10\n", "")
    edit(root / "models" / "all.yaml", "2026-09-01, input: 4.00", "2027-01-01, input: 4.00")
    assert [str(problem) for problem in check(root).problems] == [
        "policy.yaml: max_spend_usd: is required and missing"
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "{scorer: label, labels",
            "{scorer: lable, labels",
            "evalset.yaml:5: primary: unknown scorer 'lable'; known: ",
            id="unknown scorer",
        ),
        pytest.param(
            "tune: 2",
            "guardrails: [{scorer: json-schema, schema: absent.json, margin: 1}]\ntune: 2",
            "evalset.yaml:7: guardrails[0]: scorer 'json-schema': no such file: ",
            id="schema of a guardrail is missing",
        ),
        pytest.param(
            "tune: 2",
            "guardrails: [{scorer: formt, margin: 1}]\ntune: 2",
            "evalset.yaml:7: guardrails[0]: unknown scorer 'formt'; known: ",
            id="unknown guardrail",
        ),
    ],
)
def test_a_scorer_that_cannot_be_made(root: Path, old: str, new: str, expected: str) -> None:
    edit(root / "evalsets" / "tickets" / "evalset.yaml", old, new)
    (problem,) = check(root).errors
    assert str(problem).startswith(f"evalsets/tickets/{expected}")


def own_scorers(root: Path, primary: str, guardrail: str, code: str) -> None:
    edit(
        root / "evalsets" / "tickets" / "evalset.yaml",
        "primary: {scorer: label, labels: [billing, technical]}",
        f"primary: {{scorer: '{primary}', normalise: plain}}\n"
        f"guardrails: [{{scorer: '{guardrail}', margin: 1}}, {{scorer: format, margin: 1}}]",
    )
    (root / "evalsets" / "tickets" / "ours.py").write_text(code)


def test_a_scorer_of_the_users_is_not_run(root: Path) -> None:
    code = "from os.path import join as other\nplain = str\nraise SystemExit('it was run')\n"
    own_scorers(root, "ours:judge", "ours:other", f"if True:\n    def judge(): ...\n{code}")
    assert check(root).problems == ()


@pytest.mark.parametrize(
    ("primary", "code", "why"),
    [
        (
            "theirs:judge",
            "",
            "no file 'theirs.py' in the eval set's folder, and no module 'theirs'",
        ),
        ("ours:judge", "def plain(): ...\n", "ours.py has no function 'judge'"),
        ("ours:judge", "def judge():\n    plain = 1\n", "ours.py has no function 'plain'"),
        ("ours:judge", "def judge(:\n", "ours.py cannot be read: invalid syntax"),
    ],
)
def test_a_scorer_of_the_users_that_is_not_there_is_told(
    root: Path, primary: str, code: str, why: str
) -> None:
    own_scorers(root, primary, "os.path:join", code)
    (problem,) = check(root).problems
    assert (problem.file, problem.line) == ("evalsets/tickets/evalset.yaml", 5)
    assert f"scorer '{primary}': {why}" in problem.message


@pytest.mark.parametrize("code", ["from glob import *\n", "globals()['judge'] = plain = str\n"])
def test_code_that_binds_names_in_other_ways_is_not_accused(root: Path, code: str) -> None:
    own_scorers(root, "ours:judge", "os.path:join", code)
    assert check(root).problems == ()


@pytest.mark.parametrize(("called", "is_given"), [("send", True), ("close", False)])
def test_a_tool_that_the_scorer_alone_does_not_name_may_be_called(
    root: Path, called: str, *, is_given: bool
) -> None:
    """The scorer's own file says how the arguments of one of the tools are compared."""
    folder = root / "evalsets" / "tickets"
    edit(
        folder / "evalset.yaml",
        "primary: {scorer: label, labels: [billing, technical]}",
        "primary: {scorer: tool-calls, tools: scored.json}",
    )
    edit(root / "features" / "tickets.yaml", "max_output_tokens: 8", "tools: tools.json")
    (folder / "scored.json").write_text(json.dumps([{"name": "look_up"}]))
    (folder / "tools.json").write_text(json.dumps([{"name": "look_up"}, {"name": "send"}]))
    target = [{"name": called}]
    (folder / "cases.jsonl").write_text(
        "".join(case_line(number, target=target) + "\n" for number in range(12))
    )
    told = [one.message for one in check(root).problems if one.key == "primary"]
    assert [why.partition(":")[0] for why in told] == (
        [] if is_given else ["no answer can be right on 12 cases"]
    )


def test_a_prompt_that_some_case_cannot_fill_in(root: Path) -> None:
    prompt = root / "prompts" / "tickets" / "default.j2"
    prompt.write_text("{{ input }} {{ metadata.region }}")
    (problem,) = check(root).errors
    assert str(problem).startswith("prompts/tickets/default.j2: case 't-0': ")
    assert "region" in str(problem)


def test_all_is_found_at_once_and_sorted(root: Path) -> None:
    edit(root / "features" / "tickets.yaml", "incumbent: big", "incumbent: bgi")
    edit(root / "evalsets" / "tickets" / "evalset.yaml", "{scorer: label, ", "{scorer: lable, ")
    (root / "prompts" / "tickets" / "default.j2").write_text("{{ input }} {{ metadata.region }}")
    files = [problem.file for problem in check(root).problems]
    assert files == [
        "evalsets/tickets/evalset.yaml",
        "features/tickets.yaml",
        "prompts/tickets/default.j2",
    ]


SERVED = """\
own:
  provider: openai-compatible
  may_see: [public]
  serve: {engine: llama-cpp, weights: smol}
  price: [{from: 2026-09-01, input: 1, output: 1, source: q}]
"""


def test_weights_that_are_not_here_are_a_warning_with_their_line(root: Path) -> None:
    (root / "models" / "own.yaml").write_text(SERVED)
    (problem,) = check(root).warnings
    assert str(problem).startswith(
        "models/own.yaml:4: own.serve.weights: 'smol' is neither a name in weights.yaml nor a file"
    )
    (root / "smol").mkdir()
    assert check(root).problems == ()


def test_a_broken_list_of_weights_is_an_error(root: Path) -> None:
    (root / "weights.yaml").write_text("- a")
    (problem,) = check(root).errors
    assert problem.file == "weights.yaml"


def test_a_margin_agreed_on_a_day_to_come_is_an_error(root: Path) -> None:
    edit(root / "features" / "tickets.yaml", "on: 2026-09-14", "on: 2027-09-14")
    (problem,) = check_workspace(root, has_price=priced_on(TODAY), on=TODAY).errors
    assert str(problem) == (
        "features/tickets.yaml:7: agreed.on: 2027-09-14 is to come; "
        "state the day on which the margin was agreed"
    )
    edit(root / "features" / "tickets.yaml", "on: 2027-09-14", f"on: {TODAY}")
    assert check_workspace(root, has_price=priced_on(TODAY), on=TODAY).problems == ()


def test_targets_that_are_no_label_are_an_error(root: Path) -> None:
    edit(root / "evalsets" / "tickets" / "evalset.yaml", "[billing, technical]", "[biling, tech]")
    (problem,) = check(root).errors
    assert str(problem) == (
        "evalsets/tickets/evalset.yaml:5: primary: no answer can be right on 12 cases, for the "
        "target itself scores as wrong; the first is 't-0', its target 'technical'"
    )


def test_a_prompt_that_asks_every_case_the_same_is_an_error(root: Path) -> None:
    (root / "prompts" / "tickets" / "default.j2").write_text("Topic?\n", encoding="utf-8")
    (problem,) = check(root).errors
    assert str(problem) == (
        "prompts/tickets/default.j2: every case is asked the same: "
        "the prompt needs {{ input }} or {{ metadata.KEY }}"
    )


def test_a_discount_of_a_vendor_that_there_is_not_is_an_error(root: Path) -> None:
    path = root / "policy.yaml"
    path.write_text(path.read_text("utf-8") + "discounts: {opnai: 0.1}\n", encoding="utf-8")
    assert [str(problem) for problem in check(root).errors] == [
        (
            "policy.yaml:5: discounts.opnai: must be 'anthropic', 'openai', 'google' or "
            "'openai-compatible', got 'opnai'"
        )
    ]


def test_cases_on_which_no_model_could_be_told_from_a_constant_block_their_feature(
    root: Path,
) -> None:
    path = root / "evalsets" / "tickets" / "cases.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    same = [{**line, "target": lines[0]["target"]} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in same), encoding="utf-8")
    report = check(root)
    (problem,) = report.blocked
    assert str(problem).startswith(
        "evalsets/tickets/evalset.yaml:1: cases: EVALSET_CANNOT_TELL: always answering "
    )
    assert "scores 100.0 of 100 on 10" in str(problem)
    assert report.exit_code == ExitCode.OK
