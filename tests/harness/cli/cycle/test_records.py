from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cli.cycle.report import wanted_records
from harness.errors import UsageError
from harness.record.stored import write_records
from tests.support.record_parts import a_feature
from tests.support.records import downgrade_record

if TYPE_CHECKING:
    from pathlib import Path


def test_all_records_or_those_that_are_named(tmp_path: Path) -> None:
    write_records([downgrade_record(feature=a_feature(id=name)) for name in "ab"], tmp_path)
    assert [one.feature.id for one in wanted_records(tmp_path, ())] == ["a", "b"]
    assert [one.feature.id for one in wanted_records(tmp_path, ("b",))] == ["b"]


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no records here; `rightsize review` writes them"):
        wanted_records(tmp_path, ())
    write_records([downgrade_record()], tmp_path)
    with pytest.raises(UsageError, match="--feature typo: no record in"):
        wanted_records(tmp_path, ("typo",))
