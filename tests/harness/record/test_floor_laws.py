"""No finding of a record rests on an eval set that cannot tell models apart."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from harness.record.base import Reason
from tests.support.floors import UNKNOWN, a_floor, a_low_floor
from tests.support.record_parts import an_evidence
from tests.support.records import downgrade_record, justify_record, record_for


@pytest.mark.parametrize("floor", [a_floor(), a_floor(**UNKNOWN), None])
def test_a_downgrade_stands_where_the_floor_is_cleared_or_not_known(floor: object) -> None:
    assert downgrade_record(laws=1, evidence=an_evidence(floor=floor))


def test_a_record_that_cannot_tell_has_its_figures() -> None:
    assert record_for(Reason.EVALSET_CANNOT_TELL, laws=1)
    with pytest.raises(ValidationError, match="no figures that say so"):
        record_for(Reason.EVALSET_CANNOT_TELL, laws=1, evidence=an_evidence())


def test_nothing_else_stands_where_it_is_not() -> None:
    low = an_evidence(floor=a_low_floor())
    with pytest.raises(ValidationError, match="a downgrade on 120 cases that cannot tell"):
        downgrade_record(laws=1, evidence=low)
    with pytest.raises(ValidationError, match="FAIL on cases that cannot tell"):
        justify_record(laws=1, evidence=low)
    with pytest.raises(ValidationError, match="undecided, and not for cases that cannot tell"):
        record_for(Reason.QUALITY_UNDECIDED, laws=1, evidence=low)


def test_the_margin_is_the_feature_s() -> None:
    floor = a_floor(margin=4.0)
    with pytest.raises(ValidationError, match="the floor's margin is 4, the feature's 3"):
        downgrade_record(laws=1, evidence=an_evidence(floor=floor))
