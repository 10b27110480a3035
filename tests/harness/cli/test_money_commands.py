"""`reprice` and `export` end to end, on records of a workspace on disk."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from harness.money.prices.rates import PriceMissingError
from harness.record.model import load
from harness.record.stored import write_records
from harness.tell.repricing import rates_on, reprice
from harness.workspace.workspace import load_workspace
from tests.support.money import pair, some_traffic
from tests.support.priced_records import a_priced_record
from tests.support.record_parts import a_feature, a_not_run_option, a_target
from tests.support.workspaces import edit, write_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

CYCLE = "2026-Q4"
CASES = [pair((5200, 399), (5200, 380)), pair((5300, 300), (5200, 380))]
ON = date(2026, 11, 20)


def a_swap() -> DecisionRecord:
    """The reference swap, on the workspace's models at the workspace's rates."""
    record = a_priced_record(some_traffic(), CASES)
    chosen, other = record.options
    return record.model_copy(
        update={
            "current": a_target("big", model_id="big"),
            "chosen": "small",
            "options": (
                chosen.model_copy(update={"target": a_target("small", model_id="small")}),
                other.model_copy(update={"target": a_target("gone", model_id="gone")}),
            ),
        }
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    workspace = write_workspace(tmp_path / "w")
    found = load_workspace(workspace)
    record = a_swap()
    rates = rates_on(record, found.models, found.policy, on=ON)
    whole = reprice(record, rates, as_of=ON)
    write_records([whole], workspace / "reviews" / CYCLE)
    return workspace


def rightsize(root: Path, *words: str) -> int:
    return run([words[0], "--workspace", str(root), "--cycle", CYCLE, *words[1:]])


def test_nothing_changes_at_the_same_prices(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert rightsize(root, "reprice", "--on", "2026-11-20", "--out", str(tmp_path / "o")) == 0
    assert "no price changed" in capsys.readouterr().out
    (record,) = (root / "reviews" / CYCLE / "records").glob("*.json")
    assert (tmp_path / "o" / record.name).read_text() == record.read_text()


def test_a_new_price_is_shown_and_written_beside(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before = {path: path.read_bytes() for path in root.rglob("*.json")}
    entry = "- {from: 2026-09-01, input: 4.00"
    edit(
        root / "models" / "all.yaml",
        entry,
        f"- {{from: 2027-01-01, input: 2.00, output: 10.00, source: list}}\n    {entry}",
    )
    out = tmp_path / "o"
    assert rightsize(root, "reprice", "--on", "2027-01-10", "--out", str(out)) == 0
    text = capsys.readouterr().out
    assert "USD 2,770 -> USD 1,385 a month" in text
    (written,) = out.glob("*.json")
    record = load(written.read_text())
    assert record.evidence.exploratory[-1] == "re-priced at rates of 2027-01-10"
    assert all(path.read_bytes() == content for path, content in before.items())
    assert rightsize(root, "reprice", "--on", "2027-01-10", "--out", str(out)) == 2
    assert "is there already" in capsys.readouterr().err


def test_a_model_without_a_price_on_that_day_is_an_error(root: Path) -> None:
    found = load_workspace(root)
    with pytest.raises(PriceMissingError, match="2026-Q4-invoice-extraction: big: "):
        rates_on(a_swap(), found.models, found.policy, on=date(2020, 1, 1))


def test_an_option_whose_model_is_gone_or_unpriced_keeps_what_it_has(root: Path) -> None:
    found = load_workspace(root)
    record = a_swap()
    assert set(rates_on(record, found.models, found.policy, on=ON)) == {"big", "small"}
    hosted = {
        **found.models,
        "small": found.models["small"].model_copy(update={"price": (), "gpu": "x"}),
    }
    assert set(rates_on(record, hosted, found.policy, on=ON)) == {"big"}
    bare = a_not_run_option("small", target=a_target("small", model_id="small"))
    unknown = bare.cost.model_copy(update={"rates": None})
    bare = bare.model_copy(update={"cost": unknown})
    changed = record.model_copy(update={"options": (bare,)})
    assert set(rates_on(changed, found.models, found.policy, on=ON)) == {"big"}


def test_export_writes_the_month(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert rightsize(root, "export", "--month", "2026-11", "--out", str(tmp_path / "o")) == 0
    said = capsys.readouterr().out
    assert said.endswith("60 rows, an estimate of USD 2,770 after discounts\n")
    with (tmp_path / "o" / "focus-estimate.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    total = sum((Decimal(row["ListCost"]) for row in rows), Decimal(0))
    assert total == 97_536 * (5200 * Decimal(4) + 380 * 20) / 1_000_000


def test_export_says_how_many_features_are_known(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    unmetered = a_swap().model_copy(
        update={"feature": a_feature(id="unmetered"), "traffic": None, "history": ()}
    )
    write_records([unmetered], root / "reviews" / CYCLE)
    assert rightsize(root, "export", "--month", "2026-11", "--out", str(tmp_path / "o")) == 0
    said = capsys.readouterr().out
    assert said.endswith("USD 2,770 after discounts, 1 of 2 features known\n")


def test_export_prices_an_option_in_place_of_today_s_model(
    root: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (path,) = (root / "reviews" / CYCLE / "records").glob("*.json")
    monthly = load(path.read_text(encoding="utf-8")).options[0].cost.monthly
    assert rightsize(root, "export", "--option", "small", "--out", str(tmp_path / "o")) == 0
    with (tmp_path / "o" / "focus-estimate.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["x_ModelId"] for row in rows} == {"small"}
    total = sum((Decimal(row["ListCost"]) for row in rows), Decimal(0))
    assert total == pytest.approx(monthly, abs=Decimal("0.00001"))
    assert rightsize(root, "export", "--option", "smal") == ExitCode.USAGE_ERROR
    assert "--option smal: no record has it; known: gone, small" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["reprice", "export"])
def test_no_record_is_a_usage_error(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run([command, "--workspace", str(root), "--cycle", "2020-Q1"])
    assert code == ExitCode.USAGE_ERROR
    assert "no records here" in capsys.readouterr().err
