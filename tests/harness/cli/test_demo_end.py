"""What the demo ends with: the documents to open, and the browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.cycle.review import open_page, to_show
from harness.record.model import DecisionRecord
from tests.support.records import downgrade_record, justify_record, undecided_record

INDEX, FOLDER = Path("/r/index.html"), Path("/r/documents")


def named(record: DecisionRecord, feature: str) -> DecisionRecord:
    facts = record.feature.model_copy(update={"id": feature, "name": feature.title()})
    return record.model_copy(update={"feature": facts})


STAY, LARGE_STAY = named(justify_record(), "stay"), named(justify_record(), "large")
LARGE_STAY = LARGE_STAY.model_copy(
    update={
        "current_cost": LARGE_STAY.current_cost.model_copy(
            update={"monthly_after_discounts": 2 * (STAY.current_cost.monthly_after_discounts or 0)}
        )
    }
)
SWAP, OPEN = named(downgrade_record(), "swap"), named(undecided_record(), "open")


@pytest.mark.parametrize(
    ("records", "shown"),
    [
        ((STAY, LARGE_STAY, SWAP, OPEN), ["swap", "large"]),
        ((OPEN, STAY), ["stay", "open"]),
        ((OPEN,), ["open"]),
        ((), []),
    ],
)
def test_a_demonstration_shows_the_index_then_a_swap_then_a_stay(
    records: tuple[DecisionRecord, ...], shown: list[str]
) -> None:
    pages = to_show(Path("/r"), records)
    assert [page for page, _ in pages] == [INDEX, *(FOLDER / f"{name}.html" for name in shown)]
    assert [what.partition(":")[0] for _, what in pages[1:]] == [name.title() for name in shown]


@pytest.mark.parametrize("starts", [True, False])
def test_open_gives_the_browser_the_index_or_says_which_page_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, starts: bool
) -> None:
    asked: list[str] = []

    def browser(address: str) -> bool:
        asked.append(address)
        return starts

    open_page(tmp_path / "index.html", browser)
    assert asked == [(tmp_path / "index.html").as_uri()]
    told = capsys.readouterr().err
    assert starts == (told == "")
    assert starts or f"open {tmp_path}" in told
