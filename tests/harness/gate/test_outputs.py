"""The report as JSON, Markdown and JUnit XML: complete, bounded, harmless."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import fromstring

import pytest

from harness.gate.findings import (
    Cause,
    Change,
    GateReport,
    Outcome,
    Priced,
    QualityEvidence,
    Violation,
)
from harness.gate.judging import judge
from harness.gate.outputs import LONGEST, TAG, WRITERS, as_json, as_junit, as_markdown, as_text
from harness.workspace.policy_file import GateRule
from tests.support.gates import a_use, given

FINDING = Violation(
    feature="invoice-extraction",
    rule=GateRule.MODEL,
    code=Cause.EVIDENCE_MISSING,
    outcome=Outcome.FAIL,
    message="no record | [x](http://a) @team <b>\x07",
    advice="review it",
)
SHOWN = FINDING.message.replace("\x07", "\\x07")
WARNING = replace(FINDING, rule=GateRule.PROMPT, code=Cause.PROVISIONAL, outcome=Outcome.WARN)
UNKNOWN = replace(FINDING, feature="other", code=Cause.UNREADABLE, outcome=Outcome.CANNOT_TELL)
REPORT = GateReport(
    findings=(WARNING, UNKNOWN, FINDING), changes=(Change(feature="a|b", what="x -> y"),)
)


def test_json_says_everything() -> None:
    value = json.loads(as_json(REPORT))
    assert (value["outcome"], value["exit_code"]) == ("fail", 3)
    assert [one["code"] for one in value["findings"]] == [
        "PROVISIONAL",
        "UNREADABLE",
        "EVIDENCE_MISSING",
    ]
    assert value["changes"][0]["cost"] is None


def test_a_comment_carries_its_tag_and_no_live_text() -> None:
    text = as_markdown(REPORT)
    assert text.startswith(TAG)
    assert text.index("**fail**") < text.index("**cannot tell**") < text.index("**warn**")
    for live in ("[x](", " @team", "<b>"):
        assert live not in text
    rows = [line for line in text.splitlines() if line.startswith("| a")]
    assert rows == [
        "| a\\|b | model | x | y | evidence: none |",
        "| a\\|b | USD a request | unknown | unknown | unknown |",
        "| a\\|b | USD a month | unknown | unknown | unknown |",
        "| a\\|b | quality |  |  | not known |",
    ]


def test_a_comment_is_short_and_folds_the_rest() -> None:
    """What fails stands in the open; figures and warnings are one click away."""
    many = tuple(replace(WARNING, feature=f"feature-{n}") for n in range(30))
    text = as_markdown(GateReport(findings=(*many, FINDING), changes=(WHOLE,), matching=7))
    opened, _, folded = text.partition("<details>")
    assert len(opened.splitlines()) <= 8
    assert opened.count("- **fail**") == 1
    assert "**warn**" not in opened
    assert "1 change: USD 3,115.71 -\\> 632.61 a month (-2,483.10). 1 fail, 30 warn; " in opened
    assert folded.count("**warn**") == 30
    assert text.count("<details>") == text.count("</details>") == 2


def test_a_long_comment_is_cut_and_says_so() -> None:
    many = tuple(replace(FINDING, feature=f"feature-{n}") for n in range(2000))
    text = as_markdown(GateReport(findings=many))
    assert len(text) <= LONGEST + 100
    assert "more lines are in the other outputs" in text
    assert text.count("<details>") == text.count("</details>") == 1


def test_a_clean_comment() -> None:
    assert as_markdown(judge(given())) == (
        f"{TAG}\n## Right-sizing gate: pass\n\n1 feature matches the lock.\n"
    )
    assert as_text(judge(given())) == "gate: 1 feature matches the lock.  pass\n"


def test_junit_counts_what_it_holds() -> None:
    root = fromstring(as_junit(REPORT).partition("\n")[2])  # noqa: S314  # our own text
    suite = root[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    kinds = {(case.get("classname"), case.get("name")): case[0].tag for case in suite}
    assert kinds == {
        ("invoice-extraction", "model"): "failure",
        ("invoice-extraction", "prompt"): "system-out",
        ("other", "model"): "error",
    }
    assert suite[2][0].get("type") == "EVIDENCE_MISSING" or suite[0][0].tag == "system-out"


@pytest.mark.parametrize("write", [as_json, as_markdown, as_junit, as_text])
def test_equal_reports_give_equal_bytes(write: object) -> None:
    assert callable(write)
    report = judge(given(added=(a_use(),)))
    assert write(report) == write(report)


WHOLE = Change(
    feature="invoices",
    what="a -> b",
    decision_id="2026-Q4-invoices",
    evidence_day=date(2026, 11, 23),
    evidence_age_days=1,
    shown=QualityEvidence(metric="label", n=560, difference=-0.36, worst=-2.1, margin=3.0),
    priced=Priced(
        before_request=Decimal("0.03606"),
        after_request=Decimal("0.00732"),
        before_month=Decimal("3115.71"),
        after_month=Decimal("632.61"),
    ),
    evaluation_usd=Decimal("38.20"),
)


def test_a_priced_change_reads_like_a_cost_bot() -> None:
    report = GateReport(findings=(), changes=(WHOLE,))
    rows = [line for line in as_markdown(report).splitlines() if line.startswith("| invoices")]
    evidence = "evidence: 2026-Q4-invoices of 2026-11-23, 1 day old, cost USD 38.20"
    assert rows == [
        f"| invoices | model | a | b | {evidence} |",
        "| invoices | USD a request | 0.0361 | 0.0073 | -0.0287 |",
        "| invoices | USD a month | 3,115.71 | 632.61 | -2,483.10 |",
        "| invoices | quality |  |  | -0.4 points, at worst -2.1 (limit -3 points) on 560 cases |",
    ]
    value = json.loads(as_json(report))["changes"][0]
    assert value["cost"]["month_increase"] == "-2483.10"
    assert value["quality"]["worst"] == -2.1


def test_an_unknown_cost_is_never_zero() -> None:
    priced = Priced(before_request=None, after_request=None, before_month=None, after_month=None)
    change = Change(feature="a", what="b", priced=priced)
    text = as_markdown(GateReport(findings=(), changes=(change,)))
    assert "| USD a month | unknown | unknown | unknown |" in text
    assert "0.00" not in text


def test_a_request_that_costs_next_to_nothing_is_not_rounded_up() -> None:
    priced = Priced(
        before_request=Decimal("0.001245"),
        after_request=Decimal("0.0000507"),
        before_month=Decimal(498),
        after_month=Decimal(0),
    )
    change = Change(feature="f", what="a -> b", decision_id=None, evidence_day=None, priced=priced)
    text = as_markdown(GateReport(findings=(), changes=(change,)))
    assert "| USD a request | 0.0012 | 0.000051 | -0.0012 |" in text
    assert "| USD a month | 498.00 | 0.00 | -498.00 |" in text


def test_a_program_reads_every_fact_under_its_own_name() -> None:
    asked = (("invoice-extraction", GateRule.MODEL), ("invoice-extraction", GateRule.BUDGET))
    text = as_json(
        GateReport(findings=(FINDING, WARNING), changes=(WHOLE,), matching=2, asked=asked)
    )
    assert text.startswith('{\n  "changes": [\n')
    words = f"fail: invoice-extraction: model: {SHOWN} (EVIDENCE_MISSING) -> review it"
    assert json.loads(text) == {
        "schema_version": "rightsizing-gate/v1",
        "outcome": "fail",
        "exit_code": 3,
        "matching": 2,
        "checks": [
            {"feature": "invoice-extraction", "rule": "model", "outcome": "fail", "words": words},
            {"feature": "invoice-extraction", "rule": "budget", "outcome": "pass", "words": ""},
            {
                "feature": "invoice-extraction",
                "rule": "prompt",
                "outcome": "warn",
                "words": f"warn: invoice-extraction: prompt: {SHOWN} (PROVISIONAL) -> review it",
            },
        ],
        "findings": [
            {
                "feature": "invoice-extraction",
                "rule": rule,
                "code": code,
                "outcome": outcome,
                "message": SHOWN,
                "advice": "review it",
            }
            for rule, code, outcome in (
                ("model", "EVIDENCE_MISSING", "fail"),
                ("prompt", "PROVISIONAL", "warn"),
            )
        ],
        "changes": [
            {
                "feature": "invoices",
                "what": "a -> b",
                "decision_id": "2026-Q4-invoices",
                "evidence_day": "2026-11-23",
                "evidence_age_days": 1,
                "evaluation_usd": "38.20",
                "quality": {
                    "metric": "label",
                    "n": 560,
                    "difference": -0.36,
                    "worst": -2.1,
                    "margin": 3.0,
                },
                "cost": {
                    "request_before": "0.03606",
                    "request_after": "0.00732",
                    "month_before": "3115.71",
                    "month_after": "632.61",
                    "month_increase": "-2483.10",
                },
            }
        ],
    }


@pytest.mark.parametrize("known", ["before_month", "after_month"])
def test_what_a_month_costs_more_is_unknown_where_one_of_the_two_is(known: str) -> None:
    none = {
        "before_request": None,
        "after_request": None,
        "before_month": None,
        "after_month": None,
    }
    assert Priced(**{**none, known: Decimal(1)}).monthly_increase is None


def test_a_terminal_is_told_what_to_do_about_it() -> None:
    passed = replace(FINDING, code=Cause.EVIDENCE_FITS, outcome=Outcome.PASS)
    silent = replace(WARNING, advice="")
    text = as_text(GateReport(findings=(passed, silent, FINDING), matching=1))
    assert text == (
        f"fail: invoice-extraction: model: {SHOWN} (EVIDENCE_MISSING) -> review it\n"
        f"warn: invoice-extraction: prompt: {SHOWN} (PROVISIONAL)\n"
        "gate: 1 feature matches the lock.  fail\n"
    )


def test_a_file_is_written_as_its_extension_says() -> None:
    report = GateReport(findings=(FINDING,))
    starts = {name: write(report)[:5] for name, write in WRITERS.items()}
    assert starts == {".json": '{\n  "', ".md": TAG[:5], ".xml": "<?xml", ".txt": "fail:"}


def test_a_case_of_junit_carries_the_worst_of_its_findings_and_all_their_words() -> None:
    passed = replace(FINDING, code=Cause.EVIDENCE_FITS, outcome=Outcome.PASS, message="fits")
    text = as_junit(GateReport(findings=(passed, FINDING)))
    assert '\n  <testsuite name="rightsize gate" tests="1" failures="1" errors="0">\n' in text
    (case,) = fromstring(text.partition("\n")[2])[0]  # noqa: S314  # our own text
    (failure,) = case
    assert failure.get("type") == "EVIDENCE_MISSING"
    assert failure.get("message") == SHOWN
    assert failure.text is not None
    assert [line.partition(":")[0] for line in failure.text.splitlines()] == ["pass", "fail"]
    warned = fromstring(as_junit(GateReport(findings=(WARNING,))).partition("\n")[2])  # noqa: S314
    (said,) = warned[0][0]
    assert (said.tag, (said.text or "")[:5]) == ("system-out", "warn:")


def test_backticks_are_code_and_the_words_around_them_are_not() -> None:
    found = replace(FINDING, message="run `a_b` and *c* or `d_e`", advice="")
    line = as_markdown(GateReport(findings=(found,))).splitlines()[-1]
    assert "run `a_b` and \\*c\\* or `d_e`" in line


@pytest.mark.parametrize("link", [None, "https://ci.example.com/1"])
def test_a_cut_comment_counts_what_it_leaves_out(link: str | None) -> None:
    many = tuple(replace(FINDING, feature=f"feature-{n:04}") for n in range(2000))
    text = as_markdown(GateReport(findings=many), link)
    kept = text.count("\n- **fail**")
    assert 0 < kept < 2000
    rest = "the other outputs of this run"
    where = f"[{rest}]({link})" if link else rest
    found = re.search(rf"\n\n(\d+) more lines are in {re.escape(where)}\.\n$", text)
    # A finding is a line, and a few more belong to the fold.
    assert found is not None
    assert 2000 - kept <= int(found[1]) <= 2000 - kept + 3


def test_a_comment_that_just_fits_is_whole() -> None:
    short = as_markdown(GateReport(findings=(replace(FINDING, message="x", advice=""),)))
    room = LONGEST - len(short) + 1
    for size, whole in ((room, True), (room + 1, False)):
        found = replace(FINDING, message="x" * size, advice="")
        text = as_markdown(GateReport(findings=(found,)))
        assert ("more line" not in text) == whole
