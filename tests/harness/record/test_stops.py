"""A stop is before the end and for a reason; a record cannot say otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.record.base import Reason
from harness.record.parts import OptionRecord
from tests.support.laws import law
from tests.support.record_parts import a_stop, an_option

shares = st.floats(0, 1)


@law
@given(st.integers(-1, 20), st.integers(0, 20), shares, shares, st.none() | shares)
def test_a_stop_is_before_the_last_case_and_below_a_threshold(
    seen: int, cases: int, chance: float, threshold: float, share: float | None
) -> None:
    least = None if share is None else 0.02
    early = 0 <= seen < cases
    reason = chance < threshold or (share is not None and share < 0.02)
    facts = {
        "seen": seen,
        "cases": cases,
        "chance": chance,
        "threshold": threshold,
        "share": share,
        "least_share": least,
    }
    if early and reason:
        assert a_stop(**facts).by_share is (chance >= threshold)
    else:
        with pytest.raises(ValidationError, match="given up"):
            a_stop(**facts)


def test_an_option_with_a_stop_names_it_among_its_reasons() -> None:
    facts = an_option(reason_codes=(Reason.UNLIKELY_TO_PASS,)).model_dump()
    assert OptionRecord.model_validate({**facts, "stopped": a_stop()}).stopped == a_stop()
    with pytest.raises(ValidationError, match="its reasons do not say so"):
        OptionRecord.model_validate(
            {**facts, "reason_codes": (Reason.QUALITY_UNDECIDED,), "stopped": a_stop()}
        )


def test_a_record_without_a_stop_is_written_as_before() -> None:
    assert "stopped" not in an_option().model_dump(mode="json")
