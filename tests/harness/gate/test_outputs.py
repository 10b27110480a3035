"""The report as JSON, Markdown and JUnit XML: complete, bounded, harmless."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from xml.etree.ElementTree import fromstring

import pytest

from harness.gate.findings import Change, Code, Finding, GateReport, Outcome, Priced, Shown
from harness.gate.judging import judge
from harness.gate.outputs import LONGEST, TAG, as_json, as_junit, as_markdown, as_text
from tests.support.gates import a_use, given

FINDING = Finding(
    feature="invoice-extraction",
    rule="model",
    code=Code.EVIDENCE_MISSING,
    outcome=Outcome.FAIL,
    message="no record | [x](http://a) @team <b>\x07",
    advice="review it",
)
WARNING = replace(FINDING, rule="prompt", code=Code.PROVISIONAL, outcome=Outcome.WARN)
UNKNOWN = replace(FINDING, feature="other", code=Code.UNREADABLE, outcome=Outcome.CANNOT_TELL)
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
    assert rows == ["| a\\|b | x -\\> y | not known | not known | not known | none |"]


def test_a_long_comment_is_cut_and_says_so() -> None:
    many = tuple(replace(FINDING, feature=f"feature-{n}") for n in range(2000))
    text = as_markdown(GateReport(findings=many))
    assert len(text) <= LONGEST + 100
    assert "more lines are in the other outputs" in text


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


def test_a_priced_change_reads_like_a_cost_bot() -> None:
    change = Change(
        feature="invoices",
        what="a -> b",
        decision_id="2026-Q4-invoices",
        evidence_day=date(2026, 11, 23),
        evidence_age_days=1,
        shown=Shown(metric="label", n=560, difference=-0.36, worst=-2.1, margin=3.0),
        priced=Priced(
            before_request=Decimal("0.03606"),
            after_request=Decimal("0.00732"),
            before_month=Decimal("3115.71"),
            after_month=Decimal("632.61"),
        ),
        evaluation_usd=Decimal("38.20"),
    )
    report = GateReport(findings=(), changes=(change,))
    row = as_markdown(report).splitlines()[-3]
    assert row == (
        "| invoices | a -\\> b | -0.4 points, -2.1 (-3) on 560 cases | USD 0.0361 -\\> 0.0073 "
        "| USD 3,115.71 -\\> 632.61 (-2,483.10) "
        "| 2026-Q4-invoices of 2026-11-23, 1 day old, cost USD 38.20 |"
    )
    value = json.loads(as_json(report))["changes"][0]
    assert value["cost"]["month_increase"] == "-2483.10"
    assert value["quality"]["worst"] == -2.1


def test_an_unknown_cost_is_never_zero() -> None:
    priced = Priced(before_request=None, after_request=None, before_month=None, after_month=None)
    change = Change(feature="a", what="b", priced=priced)
    text = as_markdown(GateReport(findings=(), changes=(change,)))
    assert "USD unknown -\\> unknown" in text
    assert "0.00" not in text


def test_a_request_that_costs_next_to_nothing_is_not_rounded_up() -> None:
    priced = Priced(
        before_request=Decimal("0.001245"),
        after_request=Decimal("0.0000507"),
        before_month=Decimal(498),
        after_month=Decimal(0),
    )
    change = Change(feature="f", what="a -> b", decision_id=None, evidence_day=None, priced=priced)
    row = as_markdown(GateReport(findings=(), changes=(change,)))
    assert "USD 0.0012 -\\> 0.000051 | USD 498.00 -\\> 0.00 (-498.00)" in row
