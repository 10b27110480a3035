"""What the runs of a program took: what is not known is None, never zero."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from harness.conduct.finding.option_costs import _facts
from harness.conduct.finding.scores import Scored
from harness.journal.trials import UNUSED, Attempt
from providers.completion import TokenUsage

CALL = Attempt(
    number=1,
    started_at="2026-11-29T10:00:00Z",
    reserve_usd=Decimal(1),
    cost_usd=Decimal("0.5"),
    usage=TokenUsage(input_tokens=30, output_tokens=4),
    total_s=1.0,
    first_token_s=None,
    inter_token_s=None,
    error=None,
    status=200,
    request_id=None,
    served_model=None,
)


def run(score: float | None, call: Attempt = CALL) -> Scored:
    return Scored(
        scores=(score,),
        kind="answered",
        reason=None,
        unlabelled=score is None,
        answer="a",
        attempts=(call,),
    )


def test_sums_are_told_where_every_run_has_its_part() -> None:
    facts = _facts("m", [run(1.0), run(0.0)])
    assert facts is not None
    assert (facts.input_tokens, facts.output_tokens, facts.usd) == (60, 8, Decimal("1.0"))
    assert facts.successes == 1


def test_a_part_that_is_not_known_makes_no_zero() -> None:
    silent = Attempt(**{name: getattr(CALL, name) for name in Attempt.__slots__} | {"usage": None})
    facts = _facts("m", [run(1.0), run(None, silent)])
    assert facts is not None
    assert facts.input_tokens is facts.output_tokens is facts.successes is None


def test_calls_that_no_run_used_have_no_cost_where_that_of_one_is_not_known() -> None:
    made = (replace(CALL, number=2, role=UNUSED), replace(CALL, number=3, role=UNUSED))
    of_unknown = (made[0], replace(made[1], cost_usd=None))
    known, unknown = (
        _facts("m", [replace(run(1.0), attempts=(CALL, *unused))]) for unused in (made, of_unknown)
    )
    assert known is not None
    assert unknown is not None
    assert (known.unused_calls, known.unused_usd) == (2, Decimal("1.0"))
    assert (unknown.unused_calls, unknown.unused_usd) == (2, None)
    assert known.usd == unknown.usd == Decimal("0.5")
