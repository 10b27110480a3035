"""A wrong answer that is wrong in its form alone is told apart from one that is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.form import WrongForm, form_fault
from tests.recompute.review import recompute
from tests.support.imports import outcome_workspace, reviewed
from tests.support.scoring import case, spec
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

OTHER, UNREAD = WrongForm.OTHER, WrongForm.UNREAD
LABELS: dict[str, Any] = {"scorer": "label", "labels": ["account_access", "darkBlue", "blue"]}
EXACT: dict[str, Any] = {"scorer": "exact"}
NUMBER: dict[str, Any] = {"scorer": "number"}
FIELDS: dict[str, Any] = {"scorer": "json-fields"}
TOTAL = '{"total": 12.5}'
CLAIMS = json.dumps([{"type": "equals", "value": "Paris"}])
LENGTH = json.dumps([{"type": "word-count", "value": 3}])
CASES = [
    (LABELS, "account_access", "Account access", OTHER),
    (LABELS, "account_access", "It is account-access.", OTHER),
    (LABELS, "darkBlue", "dark blue", OTHER),
    (LABELS, "account_access", "not account access", UNREAD),
    (LABELS, "blue", "dark-blue", UNREAD),
    (LABELS, "blue", "blue or account_access", UNREAD),
    (LABELS, "blue", "I cannot say.", UNREAD),
    (LABELS, "blue", "", UNREAD),
    (LABELS, "blue", "<think>blue, surely", UNREAD),
    (LABELS, "blue", "account_access", None),
    (EXACT, "Paris", "The capital is Paris.", OTHER),
    (EXACT, "Paris", "PARIS", OTHER),
    (EXACT, "Paris", "It is not Paris.", None),
    (EXACT, "Paris", "Paris-Nord", None),
    (EXACT, "Paris", "Lyon", None),
    (EXACT, "B", "Answer: B", OTHER),
    (EXACT, "B", "**B**", OTHER),
    (EXACT, "B", "A or B", None),
    (EXACT, "no", "no idea", None),
    (NUMBER, "12.5", "Es sind 12,50 Euro", OTHER),
    (NUMBER, "1234", "1.234", OTHER),
    (NUMBER, "12.5", "99,50", UNREAD),
    (NUMBER, "12.5", "twelve and a half", UNREAD),
    (NUMBER, "12.5", "99.5", None),
    (FIELDS, TOTAL, f"Here it is: {TOTAL} Regards", OTHER),
    (FIELDS, TOTAL, f'{{"result": {TOTAL}}}', OTHER),
    (FIELDS, TOTAL, '{"Total": 12.50}', OTHER),
    (FIELDS, TOTAL, 'Here: {"total": 13}', UNREAD),
    (FIELDS, TOTAL, '{"total": 13}', None),
    (FIELDS, TOTAL, '{"total": 12.5', UNREAD),
    ({"scorer": "json-schema"}, None, f"Sure! {TOTAL}", OTHER),
    ({"scorer": "json-schema"}, None, "Sure!", UNREAD),
    ({"scorer": "regex", "pattern": "Answer: (\\w+)"}, "Paris", "It is Paris", OTHER),
    ({"scorer": "contains"}, "Paris", "paris", OTHER),
    ({"scorer": "assertions"}, CLAIMS, "It is Paris", OTHER),
    ({"scorer": "assertions"}, LENGTH, "It is Paris, I think", None),
    ({"scorer": "regex"}, "^x$", "y", None),
]


@pytest.mark.parametrize(("options", "target", "answer", "wanted"), CASES)
def test_form_and_content_are_told_apart(
    options: dict[str, Any], target: str | None, answer: str, wanted: WrongForm | None
) -> None:
    scorer = find_scorer(
        spec(options["scorer"], **{k: v for k, v in options.items() if k != "scorer"})
    )
    one = case(target)
    assert scorer.score(one, answer) < 1
    assert form_fault(scorer, one, answer) is wanted


def test_the_page_says_which_losses_are_form(tmp_path: Path) -> None:
    """Ten answers with a decimal comma, two without a number, and one that is wrong."""
    rows = ["case,model,target,answer"]
    for number in range(120):
        right = f"{number}.5"
        bad = {0: f"{number},5 Euro", 1: "I cannot tell", 2: "7.25"}
        which = 0 if number < 20 else 1 if number < 24 else 2 if number < 26 else None
        answer = right if which is None else bad[which]
        rows += [f"c{number},gpt-5.4,{right},{right}", f'c{number},gpt-5.4-mini,{right},"{answer}"']
    table = tmp_path / "answers.csv"
    table.write_text("\n".join(rows), encoding="utf-8")
    root = tmp_path / "rightsizing"
    outcome_workspace(root, table)
    edit(root / "evalsets" / "routing" / "evalset.yaml", '"exact"', '"number"')
    record = reviewed(root)
    (option,) = record.options
    assert option.audit is not None
    found = option.audit.form_losses
    assert found is not None
    assert found.other > found.unread > 0
    assert found.other + found.unread < len(option.audit.losses)
    assert option.audit.form_gains is None
    (folder,) = root.glob("reviews/*")
    page = (folder / "documents" / "routing.md").read_text(encoding="utf-8")
    assert (
        f"**Form or content?** gpt-5.4-mini did worse on {len(option.audit.losses)} cases: "
        f"{found.other} by form, not content (the right answer stands in the reply, written "
        f"otherwise than the scorer takes it); {found.unread} by a reply that holds no answer that "
        "the scorer can read."
    ) in page
    assert recompute(folder, record.generated_at.date()).findings == []
    wrong = page.replace(f"{found.other} by form", f"{found.other + 1} by form")
    (folder / "documents" / "routing.md").write_text(wrong, encoding="utf-8")
    assert recompute(folder, record.generated_at.date()).findings != []
