from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError, WorkspaceError
from harness.money.realised import BilledRow, read_bill

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "month,feature,model,requests,cost_usd\n"


def bill(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "bill.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_bill_is_read(tmp_path: Path) -> None:
    path = bill(
        tmp_path, "\ufeffcost_usd,note,month,feature,model,requests\n702.90,x,2027-01,a,m,9\n"
    )
    assert read_bill(path) == (
        BilledRow(month="2027-01", feature="a", model="m", requests=9, cost_usd=Decimal("702.90")),
    )


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("2027-13,a,m,1,1", "month: '2027-13' is no month"),
        ("2027-01,,m,1,1", "feature: is empty"),
        ("2027-01,a,,1,1", "model: is empty"),
        ("2027-01,a,m,1.5,1", "requests: '1.5' is no whole number"),
        ("2027-01,a,m,1,-1", "cost_usd: '-1' is no amount"),
        ("2027-01,a,m,1,NaN", "cost_usd: 'NaN' is no amount"),
        ("2027-01,a,m,1,x", "cost_usd: 'x' is no amount"),
        ("2027-01,a,m", "requests: '' is no whole number"),
        ("2027-01,a,m,1,1\n2027-01,a,m,1,1", "stand twice"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(WorkspaceError, match=message) as caught:
        read_bill(bill(tmp_path, HEAD + row + "\n"))
    assert "bill.csv:" in str(caught.value)
    assert len(caught.value.problems) == 1


def test_every_wrong_row_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError) as caught:
        read_bill(bill(tmp_path, HEAD + "x,a,m,1,1\ny,a,m,1,1\n"))
    assert [problem.line for problem in caught.value.problems] == [2, 3]


@pytest.mark.parametrize("text", ["", "month,feature\n"])
def test_a_missing_column_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"no column .*cost_usd"):
        read_bill(bill(tmp_path, text))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_bill(tmp_path / "absent.csv")
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="UTF-8"):
        read_bill(tmp_path / "odd.csv")
