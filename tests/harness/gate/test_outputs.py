"""The report as JSON, Markdown and JUnit XML: complete, bounded, harmless."""

from __future__ import annotations

import json
from dataclasses import replace
from xml.etree.ElementTree import fromstring

import pytest

from harness.gate.findings import Change, Code, Finding, GateReport, Outcome
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
        f"{TAG}\n## Right-sizing gate: pass\n\n1 features match the lock.\n"
    )
    assert as_text(judge(given())) == "gate: 1 features match the lock.  pass\n"


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
