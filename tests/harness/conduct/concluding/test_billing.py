"""Requests of a bill or a log that counts calls, where a request takes more than one of them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.bring.logs.attributing import Attribution, AttributionRule, AttributionWhen
from harness.conduct.concluding.billing import counted, read_bills
from harness.errors import CannotTellError
from harness.money.measured import CallsBy, FeatureMeasured, TrafficMeasured, Window
from harness.money.realised import realised
from harness.record.trust import ProgramFacts
from tests.support.bills import bucket, openai_cost, openai_page, openai_usage
from tests.support.money import pair, some_traffic
from tests.support.priced_records import CHOSEN, TODAY, a_cascade_record
from tests.support.record_parts import a_target, an_evidence
from tests.support.records import downgrade_record

if TYPE_CHECKING:
    from pathlib import Path

    from harness.conduct.concluding.billing import BillsRead
    from harness.record.model import DecisionRecord

JANUARY = [date(2027, 1, 1) + timedelta(days=each) for each in range(31)]
Calls = tuple[date, str, int]


def a_cascade() -> DecisionRecord:
    """A request has 1,000 tokens in; two of five go on to today's model."""
    traffic = some_traffic(requests_per_month=100_000, input_tokens=1000, retry_rate=0)
    asked = [pair((1000, 100), (1000, 100))] * 5
    return a_cascade_record(traffic, asked, [True, False, True, False, True])


def billed(tmp_path: Path, *calls: Calls, counts: bool = True) -> BillsRead:
    """Calls a day of 1,000 tokens in each, as a vendor counts them."""
    page = openai_page(
        *(
            bucket(day, openai_usage(name, n if counts else 0, (n * 1000, 0, 0)))
            for day, name, n in calls
        )
    )
    costs = openai_page(
        *(bucket(day, openai_cost("0.01", f"{name}, input", "proj_1")) for day, name, _ in calls)
    )
    path = tmp_path / "pages.jsonl"
    path.write_text(f"{json.dumps(page)}\n{json.dumps(costs)}\n", encoding="utf-8")
    when = AttributionWhen(key_alias="proj_*")
    rules = Attribution((AttributionRule(when=when, feature="invoice-extraction"),))
    return read_bills([path], rules, tmp_path)


def with_log(read: BillsRead, *calls: tuple[str, int]) -> BillsRead:
    """The same, with a log of the month."""
    models = tuple(CallsBy(name=name, calls=n, logged_usd=Decimal(0)) for name, n in calls)
    own = dict.fromkeys(FeatureMeasured.__dataclass_fields__)
    feature = FeatureMeasured(
        **{  # type: ignore[arg-type]
            **own,
            "feature": "invoice-extraction",
            "requests": sum(n for _, n in calls),
            "models": models,
        }
    )
    log = TrafficMeasured(
        window=Window(start=datetime(2027, 1, 1), end=datetime(2027, 2, 1)),  # noqa: DTZ001  # UTC
        sources=(),
        joined=0,
        quiet_days=0,
        features=(feature,),
        findings=(),
    )
    return replace(read, measured=(log,))


@pytest.mark.parametrize("counts", [True, False], ids=["calls", "input tokens"])
def test_what_a_cascade_asks_again_is_no_request(tmp_path: Path, *, counts: bool) -> None:
    """100 requests a day, 30 of them asked again: 3,100 requests of 4,030 calls."""
    both = [(day, name, n) for day in JANUARY for name, n in ((CHOSEN, 100), (TODAY, 30))]
    record = a_cascade()
    bill = counted(billed(tmp_path, *both, counts=counts), record)
    assert {row.model: row.requests for row in bill.rows} == {CHOSEN: 3_100, TODAY: 0}
    assert f"calls of other models on days of {CHOSEN} taken as escalations" in bill.basis
    found = realised(record, bill.rows)
    assert (found.requests, found.share_on_chosen) == (3_100, 1)


def test_days_before_a_cascade_have_requests_of_todays_model(tmp_path: Path) -> None:
    before = [(day, TODAY, 80) for day in JANUARY[:10]]
    since = [(day, name, n) for day in JANUARY[10:] for name, n in ((CHOSEN, 100), (TODAY, 30))]
    bill = counted(billed(tmp_path, *before, *since), a_cascade())
    assert {row.model: row.requests for row in bill.rows} == {CHOSEN: 2_100, TODAY: 800}


def test_a_log_counts_what_a_cascade_asks_again_too(tmp_path: Path) -> None:
    both = [(day, name, n) for day in JANUARY for name, n in ((CHOSEN, 100), (TODAY, 30))]
    read = billed(tmp_path, *both, counts=False)
    bill = counted(with_log(read, (CHOSEN, 3_000), (TODAY, 900)), a_cascade())
    assert {row.model: row.requests for row in bill.rows} == {CHOSEN: 3_000, TODAY: 0}
    assert "as logged" in bill.basis
    assert "taken as escalations" in bill.basis


def test_a_cascade_of_one_model_cannot_be_told_apart(tmp_path: Path) -> None:
    record = a_cascade().model_copy(update={"current": a_target(TODAY, model_id=CHOSEN)})
    read = billed(tmp_path, *((day, CHOSEN, 100) for day in JANUARY))
    with pytest.raises(CannotTellError, match="both steps of the cascade ask one model"):
        counted(read, record)


def a_program(most_calls: int) -> DecisionRecord:
    facts = ProgramFacts(
        option=CHOSEN,
        runs=100,
        calls=100 * most_calls,
        most_calls=most_calls,
        beside=0,
        input_tokens=None,
        output_tokens=None,
        usd=None,
        successes=None,
    )
    return downgrade_record(evidence=an_evidence(program=(facts,)))


@pytest.mark.parametrize("counts", [True, False], ids=["calls", "input tokens"])
def test_calls_of_a_programs_runs_are_no_requests(tmp_path: Path, *, counts: bool) -> None:
    read = billed(tmp_path, *((day, CHOSEN, 400) for day in JANUARY), counts=counts)
    with pytest.raises(CannotTellError, match=r"a run takes several calls.* give a CSV with month"):
        counted(read, a_program(4))
    assert sum(row.requests for row in counted(read, a_program(1)).rows) > 0


def test_a_bill_that_states_the_requests_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "bill.csv"
    head = "month,feature,model,requests,cost_usd"
    row = f"2027-01,invoice-extraction,{CHOSEN},96000,632.61"
    path.write_text(f"{head}\n{row}\n", encoding="utf-8")
    read = read_bills([path], Attribution(()), tmp_path)
    for record in (a_program(4), a_cascade()):
        assert [row.requests for row in counted(read, record).rows] == [96_000]
