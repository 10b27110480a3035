"""What logs show that costs money, and sums that are the total to the cent."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.bring.logs.attributing import Attribution, AttributionRule, AttributionWhen
from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.formats import FORMATS
from harness.bring.logs.measuring import LogTraffic, measure
from harness.errors import UsageError
from harness.money.measured import BREAKDOWNS
from harness.money.prices.logged_prices import LoggedPrices
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import PolicyConfig
from tests.support.call_logs import MONDAY, NOW, LoggedCall, jsonl, litellm

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.bring.logs.pricing_calls import RatesOn
    from harness.money.measured import TrafficFinding

OWN = ModelConfig.model_validate(
    {
        "provider": "openai",
        "may_see": ["internal"],
        "price": [
            {"from": date(2026, 1, 1), "input": 2, "output": 10, "cache_read": 1, "source": "x"}
        ],
    }
)
PRICES = LoggedPrices(
    models={"gpt-5": OWN},
    policy=PolicyConfig.model_validate({"max_spend_usd": 1, "risk": {"low": {"margin": 10}}}),
)
DAYS = 12


def measured(
    path: Path,
    rows: Iterable[dict[str, Any]],
    *,
    rates: RatesOn = PRICES.rates,
    rules: Attribution | None = None,
) -> LogTraffic:
    log_file = jsonl(path / "log.jsonl", list(rows))
    intake = LogIntake(now=NOW, threads=1, rules=rules or Attribution())
    with CallLog(intake) as log:
        log.add(log_file, FORMATS["litellm"])
        found = measure(log, rates)
        assert found is not None
        return found


def calls(**by_day: Any) -> list[dict[str, Any]]:
    """Twelve calls on each of twelve days; a value may be a function of the day."""
    found: list[dict[str, Any]] = []
    for number in range(DAYS * 12):
        day = number // 12
        changes = {name: value(day) if callable(value) else value for name, value in by_day.items()}
        call = LoggedCall(at=MONDAY + timedelta(hours=2 * number), id=f"c{number}")
        found.append(dict(litellm(replace(call, **changes))))
    return found


def only(found: LogTraffic) -> TrafficFinding:
    (one,) = found.findings
    return one


@pytest.mark.parametrize(
    ("changes", "kind", "usd"),
    [
        pytest.param(
            {"input": lambda day: 1000 if day < 6 else 3000, "cached": 0},
            "context-growth",
            Decimal("1.46"),
            id="context",
        ),
        pytest.param(
            {"output": lambda day: 100 if day < 6 else 200},
            "output-growth",
            Decimal("0.37"),
            id="output",
        ),
        pytest.param(
            {"cached": lambda day: 800 if day < 6 else 0},
            "cache-broken",
            Decimal("0.29"),
            id="cache",
        ),
        pytest.param(
            {
                "model": lambda day: "gpt-5" if day < 6 else "gpt-5-mini",
                "cost": lambda day: "0.004" if day < 6 else "0.001",
            },
            "model-changed",
            Decimal("-1.10"),
            id="model",
        ),
    ],
)
def test_a_change_has_its_day_its_caller_and_its_price(
    tmp_path: Path, changes: dict[str, Any], kind: str, usd: Decimal
) -> None:
    """12 calls a day are 365.25 a month: 2,000 tokens more at USD 2 a million are USD 1.46."""
    found = only(measured(tmp_path, calls(**changes)))
    assert (found.kind, found.feature, found.who) == (kind, "triage", "svc-triage")
    assert found.since == date(2026, 10, 11)
    assert found.usd_a_month == usd


def test_what_no_price_and_no_cost_is_known_of(tmp_path: Path) -> None:
    rows = [{**row, "spend": None} for row in calls(model="own-7b")]
    found = only(measured(tmp_path, rows))
    assert (found.kind, found.usd_a_month) == ("cost-without-price", None)
    assert found.says == "144 calls of a model that nobody lists a price for"


def test_repeated_calls_cost_what_the_log_says(tmp_path: Path) -> None:
    """Every fourth call is asked again after its answer, 36 in twelve days at USD 0.0025."""
    rows = calls()
    again = [
        {
            **row,
            "request_id": f"{row['request_id']}-2",
            "startTime": row["startTime"].replace(":00:00Z", ":00:30Z"),
            "endTime": None,
            "completionStartTime": None,
        }
        for row in rows[::4]
    ]
    both = [{**row, "messages": row["startTime"][:13]} for row in [*rows, *again]]
    found = only(measured(tmp_path, both))
    assert found.kind == "silent-duplicates"
    assert found.usd_a_month == Decimal("0.23")
    assert found.says == "36 of 180 calls repeat an answered call within a minute"
    failed = [{**row, "status": "failure"} for row in both[: len(rows)]]
    assert only(measured(tmp_path, [*failed, *both[len(rows) :]])).kind == "retry-storm"


def test_a_new_caller_of_no_feature(tmp_path: Path) -> None:
    rows = calls()
    for row in rows[-36:]:
        row["request_tags"] = []
        row["metadata"] = {**row["metadata"], "user_api_key_alias": "batch-job"}
    found = only(measured(tmp_path, rows))
    assert (found.kind, found.who, found.since) == (
        "new-untagged-caller",
        "batch-job",
        date(2026, 10, 14),
    )
    assert found.usd_a_month == Decimal("0.93")  # USD 0.09 in the 71 hours that are left


def test_cost_at_list_prices_stands_beside_the_logged(tmp_path: Path) -> None:
    """600 fresh tokens at 2, 400 read at 1 and 120 out at 10 are USD 0.0028 a call."""
    (triage,) = measured(tmp_path, calls()).features
    assert triage.at_rates_usd == Decimal("0.0028") * 144
    assert triage.logged_usd == Decimal("0.0025") * 144


def test_the_catalogue_prices_what_the_workspace_lacks() -> None:
    assert PRICES.rates("openai/gpt-5-mini", date(2026, 10, 5)) is not None
    assert PRICES.rates("own-7b", date(2026, 10, 5)) is None
    assert PRICES.rates("", date(2026, 10, 5)) is None


CENTS = st.integers(0, 10**6).map(lambda n: Decimal(n) / 10**6)
ROWS = st.lists(
    st.tuples(CENTS, st.sampled_from("abc"), st.sampled_from(["", "feature:x", "app:1", "app:2"])),
    min_size=1,
    max_size=30,
)


@settings(max_examples=8, deadline=None)
@given(ROWS)
def test_every_sum_of_attribution_is_the_total(rows: list[tuple[Decimal, str, str]]) -> None:
    rules = Attribution(
        (
            AttributionRule(when=AttributionWhen(tag="app:*", key_alias="a"), feature="y"),
            AttributionRule(when=AttributionWhen(tag="app:*"), feature="z", cohort="eu"),
            AttributionRule(when=AttributionWhen(key_alias="b"), team="ml"),
        )
    )
    written = [
        {
            **litellm(LoggedCall(at=MONDAY + timedelta(hours=at), id=f"c{at}", caller=caller)),
            "spend": str(cost),
            "request_tags": [tag] if tag else [],
        }
        for at, (cost, caller, tag) in enumerate(rows)
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder), written, rules=rules)
    total = sum((cost for cost, _, _ in rows), Decimal(0))
    parts = [each.logged_usd for each in found.features]
    assert sum((part for part in parts if part is not None), Decimal(0)) == total
    for by in ("models", "callers"):
        counted = [each for one in found.features for each in getattr(one, by)]
        assert sum((each.logged_usd for each in counted), Decimal(0)) == total
        assert sum(each.calls for each in counted) == len(rows)
    spent = found.spending
    assert spent.total_usd == total
    for name in BREAKDOWNS:
        assert sum((each.usd for each in getattr(spent, name)), Decimal(0)) == total
    assert sum(each.calls for each in spent.teams) == len(rows)
    y = sum(
        (cost for cost, caller, tag in rows if tag.startswith("app") and caller == "a"), Decimal(0)
    )
    assert next((each.logged_usd for each in found.features if each.feature == "y"), 0) == y


def test_calls_without_a_logged_cost_are_spent_at_the_prices_of_their_day(tmp_path: Path) -> None:
    rows = [
        {**litellm(LoggedCall(at=MONDAY, id=f"c{at}", model=model)), "spend": cost}
        for at, (cost, model) in enumerate([("0.5", "gpt-5"), (None, "gpt-5"), (None, "nobodys")])
    ]
    spent = measured(tmp_path, rows).spending
    # 600 tokens at 2, 400 cached at 1 and 120 out at 10 USD a million.
    assert spent.at_list_usd == Decimal("0.0028")
    assert (spent.total_usd, spent.unknown_calls) == (Decimal("0.5028"), 1)


def test_callers_of_no_feature_are_told_dearest_first(tmp_path: Path) -> None:
    rows = [
        {
            **litellm(LoggedCall(at=MONDAY, id=f"{caller}{at}", caller=caller)),
            "request_tags": ["team:ml"],
            "spend": cost,
        }
        for caller, cost, often in (("often", "0.01", 5), ("dear", "2", 1))
        for at in range(often)
    ]
    spent = measured(tmp_path, rows).spending
    assert [(each.name, each.calls, each.usd) for each in spent.untagged] == [
        ("dear", 1, Decimal(2)),
        ("often", 5, Decimal("0.05")),
    ]
    assert (spent.placed("features"), spent.placed("teams")) == (0, 1)


def test_growth_is_told_from_four_weeks_on(tmp_path: Path) -> None:
    def calls(weeks: int) -> list[dict[str, Any]]:
        """Each week has a tenth of the first one's calls more."""
        return [
            {
                **litellm(
                    LoggedCall(
                        at=MONDAY
                        - timedelta(weeks=9 - week, minutes=-at * 10_000 // (100 + 10 * week)),
                        id=f"{week}-{at}",
                        input=1000 + at,
                    )
                ),
                "messages": f"{week} {at}",
            }
            for week in range(weeks)
            for at in range(100 + 10 * week)
        ]

    (grown,) = measured(tmp_path, calls(9)).features
    assert grown.growth_per_month is not None
    # 330 calls in the first three weeks, 510 in the last three, six weeks later.
    assert abs(grown.growth_per_month - ((510 / 330) ** (30.4375 / 42) - 1)) < 1e-4
    (short,) = measured(tmp_path, calls(3)).features
    assert short.growth_per_month is None


def daily(**changes: object) -> dict[str, Any]:
    row = {
        "date": "2026-10-05",
        "api_requests": 10,
        "failed_requests": 0,
        "prompt_tokens": 1000,
        "completion_tokens": 50,
        "spend": 1.5,
        "model": "gpt-5",
    }
    return {**row, **changes}


def read_daily(path: Path, *rows: dict[str, Any], rules: Attribution | None = None) -> LogTraffic:
    with CallLog(LogIntake(now=NOW, threads=1, rules=rules or Attribution())) as log:
        log.add(jsonl(path / "daily.jsonl", rows), FORMATS["litellm-daily"])
        found = measure(log)
        assert found is not None
        assert log.files[0].passed_over == len(rows) - 1
        return found


def test_a_days_sums_by_tag_count_a_call_by_the_one_tag_that_places_it(tmp_path: Path) -> None:
    """Each of its tags has a row with the same calls."""
    tags = ["feature:triage", "User-Agent: client", "team:support", "app:mail"]
    found = read_daily(tmp_path, *(daily(tag=tag) for tag in tags))
    assert [(each.feature, each.requests) for each in found.features] == [("triage", 10)]
    assert found.spending.total_usd == Decimal("1.5")


@pytest.mark.parametrize(
    "rows",
    [
        [daily(tag="feature:triage"), daily(tag="app:mail")],
        [daily(team_id="t"), daily(user_id="u")],
        [daily(tag="feature:triage"), daily(user_id="u")],
    ],
)
def test_sums_that_count_a_call_twice_are_refused(
    tmp_path: Path, rows: list[dict[str, Any]]
) -> None:
    rules = Attribution((AttributionRule(when=AttributionWhen(tag="app:*"), feature="z"),))
    with pytest.raises(UsageError, match="a call stands in sums of"):
        read_daily(tmp_path, *rows, rules=rules)
