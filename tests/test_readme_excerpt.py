"""What the README shows of a document is what the committed demo's record renders to."""

from __future__ import annotations

import pytest

from tests.support.readme_excerpt import BEGIN, END, README, demo_records, excerpt, with_excerpt


def test_the_excerpt_is_cut_from_the_committed_demo() -> None:
    """Red after the demo was made again: `python -m tests.support.readme_excerpt` writes it."""
    shown = README.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == excerpt(demo_records()).strip()


def test_the_excerpt_tells_the_title_and_the_verdicts() -> None:
    made = excerpt(demo_records())
    first, _, quoted = made.partition("\n\n")
    assert first.startswith("Of its 6 features: ")
    assert quoted.startswith("> ### ")
    assert "product named" in quoted.splitlines()[0]
    assert "Not known" not in made


def test_another_record_gives_another_excerpt() -> None:
    records = demo_records()
    renamed = [
        record.model_copy(update={"feature": record.feature.model_copy(update={"unit": "notes"})})
        for record in records
    ]
    assert excerpt(renamed) != excerpt(records)


def test_the_rest_of_the_readme_stays() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_excerpt(text, excerpt(demo_records())) == text
    with pytest.raises(ValueError, match="no marks"):
        with_excerpt(text.replace(END, ""), "x")
