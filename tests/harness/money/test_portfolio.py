from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.money.portfolio.overview import (
    Counted,
    Overview,
    Sums,
    decided_without_a_call,
    growing,
    lever_saving,
    overview,
    saving_at_most,
    total_of,
)
from harness.record.base import Finding, Reason, State, Verdict
from harness.record.model import DecisionRecord
from harness.record.money import Lever, Savings
from harness.record.parts import HistoryEntry
from tests.support.record_parts import a_cost, a_feature, a_rate, a_spend, an_evidence, an_option
from tests.support.records import NOW, a_record

TODAY = NOW.date()
CENT = Decimal("0.01")
VALUES = ("", " ", "a", "b ", "b")


def a_lever(kind: str, usd: str, *, possible: bool = True) -> Lever:
    return Lever(
        kind=kind, saving_monthly=Decimal(usd), monthly=Decimal(1), possible=possible, needs=""
    )


def saved(usd: str, realised: str | None = None) -> Savings:
    return Savings(
        monthly=Decimal(usd) * 2,
        monthly_lower=None,
        monthly_upper=None,
        percentage=1.0,
        after_discounts=Decimal(usd),
        one_off_cost=Decimal(0),
        payback_months=None,
        realised=None if realised is None else Decimal(realised),
    )


def a_feature_that(name: str, **over: Any) -> DecisionRecord:
    """A record of one feature; `spend` is after discounts."""
    spend = over.pop("spend", "100")
    facts = {key: over.pop(key) for key in ("team", "product", "cost_center") if key in over}
    cost = a_cost(
        monthly=None if spend is None else Decimal(spend) * 3,
        monthly_after_discounts=None if spend is None else Decimal(spend),
        rates=a_rate(discount=Decimal(0)),
    )
    return a_record(feature=a_feature(id=name, **facts), **{"current_cost": cost, **over})


def staying(name: str, **over: Any) -> DecisionRecord:
    return a_feature_that(
        name, **{"savings": None, "verdict": Verdict.JUSTIFY, "chosen": None, **over}
    )


def in_state(record: DecisionRecord, state: State, until: date | None = None) -> DecisionRecord:
    entry = HistoryEntry(
        state=state, by="x", by_source="--by", at=NOW, reason="r", link=None, until=until
    )
    return record.model_copy(update={"state": state, "history": (entry,)})


SWAP = a_feature_that("swap", savings=saved("287"), levers=())


@pytest.mark.parametrize(
    ("record", "figure"),
    [
        pytest.param(SWAP, Counted.PROPOSED, id="a proposal"),
        pytest.param(in_state(SWAP, State.ACCEPTED), Counted.PROPOSED, id="an accepted one"),
        pytest.param(
            in_state(SWAP, State.DEFERRED, TODAY), Counted.PROPOSED, id="a deferred one can be had"
        ),
        pytest.param(in_state(SWAP, State.IMPLEMENTED), Counted.PRODUCTION, id="in production"),
        pytest.param(in_state(SWAP, State.VERIFIED), Counted.PRODUCTION, id="verified"),
        pytest.param(in_state(SWAP, State.REJECTED), Counted.NOTHING, id="a rejected one"),
        pytest.param(in_state(SWAP, State.SUPERSEDED), Counted.NOTHING, id="a superseded one"),
        pytest.param(
            SWAP.model_copy(update={"expires_at": TODAY - timedelta(days=1)}),
            Counted.NOTHING,
            id="an expired one",
        ),
        pytest.param(
            in_state(SWAP, State.VERIFIED).model_copy(
                update={"expires_at": TODAY - timedelta(days=1)}
            ),
            Counted.NOTHING,
            id="an expired one that was verified",
        ),
    ],
)
def test_a_saving_counts_in_one_figure_by_its_state_today(
    record: DecisionRecord, figure: Counted
) -> None:
    total = overview([record], TODAY).total
    wanted = {place: Decimal(0) for place in Counted} | {figure: Decimal(287)}
    assert (total.proposed, total.production, total.same_model) == (
        wanted[Counted.PROPOSED],
        wanted[Counted.PRODUCTION],
        Decimal(0),
    )
    assert total.spend == 100


def test_a_proposal_ends_with_its_last_day() -> None:
    last = SWAP.expires_at
    assert overview([SWAP], last).total.proposed == 287
    after = overview([SWAP], last + timedelta(days=1))
    assert after.total.proposed == 0
    assert [one.record.feature.id for one in after.standing_at(State.EXPIRED)] == ["swap"]
    assert next(s for s in after.stages if s.state is State.EXPIRED).forecast == 287


def test_a_deferral_that_is_over_is_a_proposal_again() -> None:
    record = in_state(SWAP, State.DEFERRED, TODAY - timedelta(days=1))
    assert [one.record.feature.id for one in overview([record], TODAY).standing_at(State.PROPOSED)]


def test_realised_stands_beside_the_forecast_of_the_same_features() -> None:
    billed = a_feature_that("a", savings=saved("287", "38"))
    records = [
        in_state(billed, State.VERIFIED),
        in_state(a_feature_that("b", savings=saved("100")), State.IMPLEMENTED),
    ]
    total = overview(records, TODAY).total
    assert (total.production, total.production_on) == (387, 2)
    assert (total.realised, total.verified_forecast, total.verified_on) == (38, 287, 1)


def test_net_of_mistakes_is_of_the_features_that_price_them() -> None:
    def proposing(name: str, net: str | None) -> DecisionRecord:
        worth = None if net is None else Decimal(net)
        return a_feature_that(name, savings=saved("100").model_copy(update={"net_monthly": worth}))

    records = [
        proposing("a", "40.004"),
        proposing("b", None),
        in_state(proposing("c", "9"), State.REJECTED),
        in_state(proposing("d", "9"), State.IMPLEMENTED),
        in_state(proposing("e", "-7"), State.ACCEPTED),
    ]
    total = overview(records, TODAY).total
    assert (total.net, total.net_gross, total.net_on) == (33, 200, 2)
    assert total.proposed_on == 3


def test_a_swap_and_a_lever_on_one_feature_are_not_counted_twice() -> None:
    levers = (a_lever("batch", "50"),)
    swap = a_feature_that("a", savings=saved("287"), levers=levers)
    (one,) = overview([swap], TODAY).features
    assert (one.counted, one.saving, one.lever) == (Counted.PROPOSED, 287, "model-swap")
    (one,) = overview([in_state(swap, State.REJECTED)], TODAY).features
    assert (one.counted, one.saving, one.lever) == (Counted.SAME_MODEL, 50, "batch")


def test_levers_exclude_each_other_and_need_no_test() -> None:
    levers = (
        a_lever("effort", "500"),
        a_lever("batch", "300", possible=False),
        a_lever("caching", "200"),
        a_lever("batch", "100"),
    )
    cost = a_cost(rates=a_rate(discount=Decimal("0.1")))
    record = staying("a", current_cost=cost, levers=levers)
    assert lever_saving(record) == Decimal(180)
    (one,) = overview([record], TODAY).features
    assert (one.saving, one.lever) == (180, "caching")
    assert lever_saving(staying("a", levers=())) == 0
    assert lever_saving(staying("a", levers=(a_lever("batch", "0"),))) == 0
    bare = record.model_copy(update={"current_cost": a_cost(rates=None)})
    assert lever_saving(bare) == Decimal(200)


def test_the_feature_of_unknown_spend_is_counted_and_adds_nothing() -> None:
    total = overview([staying("a", spend="10"), staying("b", spend=None)], TODAY).total
    assert (total.spend, total.spend_known, total.features) == (10, 1, 2)


def test_a_proposal_of_unknown_saving_is_counted_as_such() -> None:
    total = overview([a_feature_that("a", savings=None)], TODAY).total
    assert (total.proposed, total.proposed_on, total.saving_unknown) == (0, 1, 1)


def test_untagged_features_are_one_group() -> None:
    records = [
        staying("a", spend="10", cost_center="c1"),
        staying("b", spend="30", cost_center=None),
        staying("c", spend="5", cost_center=" c1"),
        staying("d", spend=None, cost_center=" "),
    ]
    (found,) = (b for b in overview(records, TODAY).breakdowns if b.tag == "cost_center")
    shown = [(g.value, g.sums.features, g.sums.spend_known, g.sums.spend) for g in found.groups]
    assert shown == [("", 2, 1, 30), ("c1", 2, 2, 15)]


def test_the_record_that_replaced_another_stands_for_the_feature() -> None:
    old = in_state(a_feature_that("a", savings=saved("9")), State.SUPERSEDED)
    new = a_feature_that("a", savings=saved("7"))
    for records in ([old, new], [new, old]):
        found = overview(records, TODAY)
        assert (found.total.features, found.total.spend, found.total.proposed) == (1, 100, 7)
    with pytest.raises(ValueError, match="two records of a stand"):
        overview([new, new], TODAY)


def test_a_total_that_is_not_the_sum_of_its_parts_is_refused() -> None:
    found = overview([SWAP], TODAY)
    with pytest.raises(ValueError, match="not the sum of the features"):
        replace(found, total=found.total + Sums(spend=CENT))
    one = found.breakdowns[0]
    with pytest.raises(ValueError, match="the groups by team do not add up"):
        replace(found, breakdowns=(replace(one, groups=()),))
    with pytest.raises(ValueError, match="the states do not add up"):
        replace(found, stages=())


def test_what_the_evaluation_cost_counts_whatever_was_decided() -> None:
    evidence = an_evidence(spend=a_spend(total_usd=Decimal("50.5")))
    free = an_evidence(spend=a_spend(trials=0, total_usd=Decimal(0)))
    records = [
        in_state(a_feature_that("a", evidence=evidence), State.REJECTED),
        staying("b", evidence=evidence),
        staying("c", evidence=free, options=()),
        staying("d", evidence=free, verdict=Verdict.UNDECIDED, finding=Finding.UNAVAILABLE),
    ]
    found = overview(records, TODAY).evaluation
    assert (found.spent, found.free, found.tested) == (Decimal(101), 1, 3)
    assert found.wrong_at_most == pytest.approx(0.15)
    assert [decided_without_a_call(one) for one in records] == [False, False, True, False]


def test_an_option_that_may_not_be_used_bounds_no_saving() -> None:
    def option(usd: str, reason: Reason) -> Any:
        return an_option(saving_at_most=Decimal(usd), reason_codes=(reason,))

    record = staying(
        "a",
        options=(
            option("900", Reason.DATA_NOT_PERMITTED),
            option("5.006", Reason.QUALITY_INFERIOR),
            option("4", Reason.QUALITY_INFERIOR),
        ),
    )
    assert saving_at_most(record) == Decimal("5.006")
    found = overview([record, staying("b", options=())], TODAY).evaluation
    assert (found.bound, found.bound_on) == (Decimal("5.01"), 1)


amounts = st.decimals(-50, 5000, places=4)


@st.composite
def records_of(draw: st.DrawFn, name: str) -> DecisionRecord:
    """Any feature: state, verdict, levers, unknown spend or saving, discount, tags."""
    verdict, state = draw(st.sampled_from(Verdict)), draw(st.sampled_from(State))
    spend = draw(st.none() | st.decimals(0, 9000, places=4))
    discount = draw(st.decimals(0, 1, places=2))
    kinds = st.sampled_from(("batch", "caching", "effort"))
    levers = draw(st.lists(st.tuples(kinds, amounts, st.booleans()), max_size=3))
    swap = draw(st.none() | amounts) if verdict is Verdict.DOWNGRADE else None
    realised = draw(st.none() | amounts) if state is State.VERIFIED else None
    tags = {key: draw(st.sampled_from(VALUES)) for key in ("team", "product", "owner")}
    record = a_record(
        feature=a_feature(
            id=name,
            environment=draw(st.sampled_from(VALUES)),
            cost_center=draw(st.none() | st.sampled_from(VALUES)),
            **tags,
        ),
        verdict=verdict,
        savings=None
        if swap is None
        else saved(str(swap), None if realised is None else str(realised)),
        levers=tuple(a_lever(kind, str(usd), possible=may) for kind, usd, may in levers),
        current_cost=a_cost(
            monthly=spend, monthly_after_discounts=spend, rates=a_rate(discount=discount)
        ),
        expires_at=TODAY + timedelta(days=draw(st.integers(-2, 2))),
    )
    return in_state(record, state, TODAY + timedelta(days=draw(st.integers(-1, 1))))


portfolios = st.integers(0, 5).flatmap(
    lambda count: st.tuples(*(records_of(f"f{at}") for at in range(count)))
)


@settings(max_examples=80, deadline=None)
@given(portfolios)
def test_every_breakdown_of_every_figure_adds_up_to_the_cent(
    records: tuple[DecisionRecord, ...],
) -> None:
    """Added here from the features alone; `Overview` refuses any other sum."""
    found = overview(records, TODAY)
    for breakdown in found.breakdowns:
        assert total_of(group.sums for group in breakdown.groups) == found.total
        assert len({group.value for group in breakdown.groups}) == len(breakdown.groups)
    for place, figure in (
        (Counted.PROPOSED, found.total.proposed),
        (Counted.PRODUCTION, found.total.production),
        (Counted.SAME_MODEL, found.total.same_model),
    ):
        assert figure == sum((one.saving or Decimal(0) for one in found.counted(place)), Decimal(0))
        assert figure == figure.quantize(CENT)
        assert all(bool(one.lever) for one in found.counted(place))
    assert sum(len(found.counted(place)) for place in Counted) == found.total.features
    known = [r.current_cost.monthly_after_discounts for r in records]
    exact = sum((usd for usd in known if usd is not None), Decimal(0))
    assert abs(found.total.spend - exact) <= CENT * len(records)
    assert found.total.spend_known == sum(usd is not None for usd in known)


@settings(max_examples=60, deadline=None)
@given(portfolios)
def test_no_ended_proposal_is_in_any_saving(records: tuple[DecisionRecord, ...]) -> None:
    ended = {State.REJECTED, State.EXPIRED, State.SUPERSEDED}
    found: Overview = overview(records, TODAY)
    for one in (*found.counted(Counted.PROPOSED), *found.counted(Counted.PRODUCTION)):
        assert one.state not in ended
        assert one.record.expires_at >= TODAY
    alive = [one for one in found.features if one.state not in ended]
    again = overview([one.record for one in alive], TODAY)
    assert (again.total.proposed, again.total.production) == (
        found.total.proposed,
        found.total.production,
    )


def test_growth_compounds() -> None:
    assert growing(Decimal(100), per_month=Decimal("0.1"), months=3) == Decimal(331)
    assert growing(Decimal(100), per_month=Decimal(0), months=12) == 1200
