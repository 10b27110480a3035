from __future__ import annotations

from decimal import Decimal
from typing import Any

from harness.economics.portfolio import (
    drivers,
    evaluation_return,
    growing,
    known_spend,
    lever_saving,
    saving,
    spend_by,
    untagged,
)
from harness.record.codes import Verdict
from harness.record.model import DecisionRecord
from harness.record.parts import Lever
from tests.support.record_parts import a_cost, a_feature, a_rate, a_spend, an_evidence
from tests.support.records import a_record


def spending(name: str, usd: str | None, **over: Any) -> DecisionRecord:
    monthly = None if usd is None else Decimal(usd)
    facts = {key: over.pop(key) for key in ("team", "product", "cost_center") if key in over}
    return a_record(
        feature=a_feature(id=name, **facts), current_cost=a_cost(monthly=monthly), **over
    )


def a_lever(kind: str, usd: str, *, possible: bool = True) -> Lever:
    return Lever(
        kind=kind, saving_monthly=Decimal(usd), monthly=Decimal(1), possible=possible, needs=""
    )


def test_the_ten_dearest_features_with_their_owners() -> None:
    records = [spending(f"f{index:02}", str(index)) for index in range(15)]
    found = drivers([*records, spending("unknown", None)])
    assert [one.feature for one in found] == [f"f{index:02}" for index in range(14, 4, -1)]
    assert found[0].owner == a_feature().owner
    assert found[0].share == Decimal(14) / 105
    assert known_spend(records) == 105


def test_nothing_spent_has_no_share() -> None:
    assert drivers([spending("a", "0")])[0].share == 0


def test_spend_by_tag_calls_out_what_is_untagged() -> None:
    records = [
        spending("a", "10", cost_center="c1"),
        spending("b", "30", cost_center=None),
        spending("c", "5", cost_center="c1"),
        spending("d", None, cost_center=" "),
    ]
    found = {one.value: (one.features, one.monthly) for one in spend_by(records, "cost_center")}
    assert found == {"": (2, Decimal(30)), "c1": (2, Decimal(15))}
    nobody = untagged(records, "cost_center")
    assert nobody is not None
    assert nobody.monthly == 30
    assert untagged(records[:1], "cost_center") is None
    assert [one.value for one in spend_by(records, "team")] == [a_feature().team]


def test_a_swap_and_a_lever_on_one_feature_are_not_counted_twice() -> None:
    levers = (a_lever("batch", "100"),)
    swap = a_record(levers=levers)
    assert swap.savings is not None
    assert saving(swap) == swap.savings.after_discounts
    stay = a_record(levers=levers, savings=None, verdict=Verdict.JUSTIFY, chosen=None)
    assert saving(stay) == lever_saving(stay) > 0


def test_levers_exclude_each_other_and_need_no_test() -> None:
    rates = a_rate(discount=Decimal("0.1"))
    record = a_record(
        savings=None,
        verdict=Verdict.JUSTIFY,
        current_cost=a_cost(rates=rates),
        levers=(
            a_lever("effort", "500"),
            a_lever("batch", "300", possible=False),
            a_lever("caching", "200"),
            a_lever("batch", "100"),
        ),
    )
    assert lever_saving(record) == Decimal(180)
    assert lever_saving(a_record(levers=())) == 0
    bare = record.model_copy(update={"current_cost": a_cost(rates=None)})
    assert lever_saving(bare) == Decimal(200)


def test_what_is_still_to_be_decided_saves_nothing_yet() -> None:
    record = a_record(savings=None, verdict=Verdict.UNDECIDED, levers=(a_lever("batch", "9"),))
    assert saving(record) == 0


def test_what_the_evaluation_cost_and_brings() -> None:
    evidence = an_evidence(spend=a_spend(total_usd=Decimal(50)))
    records = [a_record(evidence=evidence), a_record(evidence=evidence, verdict=Verdict.JUSTIFY)]
    assert records[0].savings is not None
    found = evaluation_return(records)
    assert found.spent == 100
    assert found.saving_monthly == records[0].savings.after_discounts
    assert found.payback_months == float(Decimal(100) / found.saving_monthly)
    assert evaluation_return(records[1:]).payback_months is None


def test_growth_compounds() -> None:
    assert growing(Decimal(100), per_month=Decimal("0.1"), months=3) == Decimal(331)
    assert growing(Decimal(100), per_month=Decimal(0), months=12) == 1200
