from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from harness.conduct.concluding.past import PastReview
from harness.errors import UsageError
from harness.record.stored import write_records
from tests.support.record_parts import a_feature
from tests.support.records import downgrade_record

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 11, 29)


def past(root: Path, *features: str) -> PastReview:
    return PastReview(root=root, features=features)


def test_all_records_or_those_that_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "reviews" / "2026-Q4"
    write_records([downgrade_record(feature=a_feature(id=name)) for name in "ab"], folder)
    assert [one.feature.id for one in past(tmp_path).records(DAY)] == ["a", "b"]
    assert [one.feature.id for one in past(tmp_path, "b").records(DAY)] == ["b"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no records here; `rightsize review` writes them"):
        past(tmp_path).records(DAY)
    elsewhere = PastReview(root=tmp_path, cycle="2025-Q1", out=tmp_path / "out", features=("typo",))
    write_records([downgrade_record()], tmp_path / "out" / "2025-Q1")
    with pytest.raises(UsageError, match="--feature typo: no record in"):
        elsewhere.records(DAY)
