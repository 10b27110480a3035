"""An option that was asked every case is never given up; one that was says why, and what it saved.

Reviews of scripted models: which tickets each gets wrong decides how the test goes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from harness.record.base import Reason, Result, Verdict
from harness.record.model import DecisionRecord, dump, load
from harness.tell.pages import publish, to_document
from harness.wording import usd
from providers.completion import TokenUsage
from reports.render import render
from tests.support.reviews import (
    NOW,
    Shape,
    inline_cluster,
    right_answer,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

pytestmark = pytest.mark.slow

Wrong = Mapping[str, tuple[int, int]]
"""By model (m, r): it is wrong on the tickets whose number leaves r when divided by m."""
EQUAL: Wrong = {"big": (14, 5), "good": (14, 12)}
"""Each wrong on one ticket in 14, never on the same one: as good as each other."""
VARIED: Wrong = {"big": (10, 3), "good": (10, 8)}
"""The same of one ticket in ten."""


@dataclass(frozen=True)
class Script:
    """Answers as `wrong` says."""

    wrong: Wrong

    def __call__(self, body: dict[str, object]) -> Reply:
        found = re.search(r"Ticket number (\d+)", json.dumps(body.get("messages")))
        assert found is not None
        number = int(found[1])
        every, rest = self.wrong[str(body["model"])]
        answer = right_answer(number + (number % every == rest))
        return Reply(text=answer, usage=TokenUsage(input_tokens=80, output_tokens=2))


def reviewed(root: Path, wrong: Wrong, cases: int, kind: str = "ladder") -> DecisionRecord:
    names = ", ".join(name for name in wrong if name != "big")
    with OpenAIServer(Script(wrong)) as server, inline_cluster() as cluster:
        shape = Shape(cases=cases, candidates=names, kind=kind)
        write_review_workspace(root, server.port, shape)
        (record,) = run_review(root, cluster)
    return record


def page_of(record: DecisionRecord) -> str:
    return render(to_document(record, NOW), to="md")


@pytest.mark.parametrize(
    ("kind", "wrong"), [("ladder", EQUAL), ("holm", VARIED), ("fixed-sequence", VARIED)]
)
def test_an_equal_candidate_on_too_few_cases_is_undecided_with_an_offer(
    tmp_path: Path, kind: str, wrong: Wrong
) -> None:
    record = reviewed(tmp_path, wrong, 150, kind)
    (good,) = record.options
    assert good.quality is not None
    assert good.quality.n == record.evidence.eval_set.deciding
    assert (record.verdict, record.reason_codes) == (
        Verdict.UNDECIDED,
        (Reason.QUALITY_UNDECIDED,),
    )
    assert (good.result, good.stopped) == (Result.UNDECIDED, None)
    needed = record.still_needed
    assert needed is not None
    assert needed.option == "good"
    # At the level of a second test, which is a twelfth of the first one's.
    assert 500 < (needed.cases or 0) < 1000
    assert needed.cost_usd == (needed.cases or 0) * Decimal(82) * Decimal("4.50") / 1_000_000
    assert good.cost.monthly_after_discounts is not None
    assert record.current_cost.monthly_after_discounts is not None
    saving = record.current_cost.monthly_after_discounts - good.cost.monthly_after_discounts
    assert needed.worth_monthly_usd == saving
    page = page_of(record)
    assert f"{needed.cases} more cases would probably decide" in page
    assert f"{needed.cases} more cases, for USD" in page
    assert "given up" not in page
    publish([record], tmp_path / "out", now=NOW)
    row = (tmp_path / "out" / "portfolio.csv").read_text(encoding="utf-8").splitlines()[1]
    assert "QUALITY_UNDECIDED" in row
    assert f",{needed.cases},,{needed.worth_monthly_usd}," in row


def test_one_that_lies_beyond_the_limit_at_the_end_is_not_sold_more_cases(tmp_path: Path) -> None:
    record = reviewed(tmp_path, {"big": (40, 3), "good": (12, 7)}, 150, "holm")
    (good,) = record.options
    assert good.quality is not None
    assert good.quality.difference < -5 < good.quality.best
    assert record.verdict is Verdict.UNDECIDED
    needed = record.still_needed
    assert needed is not None
    assert (needed.cases, needed.cost_usd, needed.option) == (None, None, None)
    assert "no number of cases is likely to show it within the limit" in page_of(record)


def test_one_stopped_half_way_says_what_was_seen_and_the_chance_that_was_left(
    tmp_path: Path,
) -> None:
    record = reviewed(tmp_path, EQUAL, 200)
    (good,) = record.options
    assert record.verdict is Verdict.JUSTIFY
    assert good.reason_codes == (Reason.UNLIKELY_TO_PASS,)
    stop = good.stopped
    assert stop is not None
    assert 0 < stop.seen < stop.cases == 200
    assert stop.chance < stop.threshold
    unasked = stop.cases - stop.seen
    assert stop.saved_usd == unasked * Decimal(82) * Decimal("0.50") / 1_000_000
    assert stop.saved_usd <= record.evidence.spend.saved_by_stopping_usd
    page = page_of(record)
    assert f"It was given up after {stop.seen} of 200 tickets: the chance that the rest" in page
    assert (
        f"was {100 * stop.chance:.1f} % (it is given up below {100 * stop.threshold:.1f} %)" in page
    )
    assert f"; stopping saved {usd(stop.saved_usd)}." in page
    assert f"given up after {stop.seen} of 200 cases, at a chance of" in page
    assert load(dump(record)) == record


def test_cases_come_first_in_what_would_change_the_decision(tmp_path: Path) -> None:
    record = reviewed(tmp_path, {"big": (6, 1), "good": (6, 4)}, 150)
    (good,) = record.options
    stop = good.stopped
    assert stop is not None
    assert stop.cases_to_decide is not None
    assert stop.cost_to_decide_usd is not None
    page = page_of(record)
    change = page.partition("**What would change the decision")[2].partition("**Exception")[0]
    first, *rest = [line for line in change.splitlines() if line.startswith("- ")]
    more = stop.cases_to_decide - stop.cases
    assert first.startswith(f"- {more:,} more tickets ({stop.cases_to_decide:,} in all): ")
    assert "would decide on good, for USD " in first
    assert ", worth up to USD " in first
    assert any("A better prompt for good" in line for line in rest)


def test_a_prompt_is_named_only_where_the_gap_is_within_twice_the_limit(tmp_path: Path) -> None:
    record = reviewed(tmp_path, {"big": (40, 3), "bad": (3, 0)}, 200)
    (bad,) = record.options
    assert bad.quality is not None
    assert bad.quality.difference < -2 * bad.quality.margin
    assert record.verdict is Verdict.JUSTIFY
    assert "A better prompt" not in page_of(record)
