"""The figures of a record fit together, or it is not made; one of old is read, and says so."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from harness.errors import UsageError
from harness.publish.documents import to_document
from harness.publish.store import read_records
from harness.publish.titles import MIXED
from harness.record.model import DecisionRecord, canonical, dump, seal, sha256
from harness.record.stored import read_record
from tests.support.document_text import texts
from tests.support.records import NOW, downgrade_record, justify_record, undecided_record

if TYPE_CHECKING:
    from pathlib import Path

LAWFUL = {
    "downgrade": downgrade_record(laws=1),
    "justify": justify_record(laws=1),
    "undecided": undecided_record(laws=1),
}
CHOSEN = 2
"""Place of the option that passes among those of the downgrade."""
BROKEN: dict[str, tuple[dict[str, object], str]] = {
    "table": ({"both_right": 510}, "510 both, 16 and 14 alone, 15 neither right are not 560 cases"),
    "difference of the counts": (
        {"both_right": None, "neither_right": None, "only_current_right": 20},
        "14 won and 20 lost of 560 cases are not -0.357143 points",
    ),
    "level of the counts": (
        {"current": 95.0, "candidate": 94.642857},
        "531 right of 560 cases are not 95 of 100",
    ),
    "difference of the levels": (
        {"both_right": None, "only_current_right": None, "current": 96.0},
        "94.4643 less 96 is not -0.357143 points",
    ),
    "one level": ({"current": None}, "one model's level is known and the other's is not"),
    "level without labels": (
        {"both_right": None, "only_current_right": None, "agreed_without_label": 3},
        "levels are told, but 3 cases have no label",
    ),
    "agreed": (
        {"both_right": None, "current": None, "candidate": None, "agreed_without_label": 531},
        "16 + 14 differ, 531 agree, of 560 cases",
    ),
    "lower bound": ({"worst": 0.1}, "-0.357143 points do not lie between +0.1 and +1.2"),
    "upper bound": ({"best": -0.5}, "-0.357143 points do not lie between -2.1 and -0.5"),
    "nothing missing": (
        {"worst_missing_as_zero": -2.4},
        "nothing is missing, but at worst is -2.1 and, so counted, -2.4",
    ),
    "nothing missing, not known": (
        {"worst_missing_as_zero": None, "missing_cases": 0},
        "nothing is missing, but at worst is -2.1 and, so counted, not known",
    ),
    "missing cases": ({"missing_cases": 2}, "2 cases lack an answer, but no trial does"),
    "clusters": ({"clusters": 561}, "561 clusters of 560 cases"),
    "pilot": (
        {"pilot_cases": 60, "deciding_cases": 560},
        "60 cases of the pilot and 560 that decide are not 560",
    ),
    "look of looks": ({"looks_planned": 2}, "look 3 of 2"),
}


def with_quality(over: dict[str, object]) -> dict[str, Any]:
    """A lawful record as JSON, with figures of the chosen option's quality changed."""
    raw = json.loads(dump(LAWFUL["downgrade"]))
    raw["options"][CHOSEN]["quality"] |= over
    return raw


def with_looks(change: dict[int, dict[str, object]]) -> dict[str, Any]:
    raw = json.loads(dump(LAWFUL["downgrade"]))
    for place, over in change.items():
        raw["options"][CHOSEN]["quality"]["looks"][place] |= over
    return raw


BY_LAW = {
    **{name: (with_quality(over), line) for name, (over, line) in BROKEN.items()},
    "order of looks": (with_looks({1: {"number": 4}}), "looks are numbered 1, 4, 3"),
    "growth of looks": (
        with_looks({1: {"n": 400}}),
        "look 3 rests on 336 cases, the one before it on 400",
    ),
    "bound of a look": (with_looks({0: {"worst": 0.5}}), "look 1: -0.6 lies under +0.5"),
}


def stored(raw: dict[str, Any], folder: Path) -> Path:
    """A file as somebody would leave it who also makes the etag anew."""
    raw["etag"] = sha256({key: value for key, value in raw.items() if key != "etag"})
    path = folder / "records" / "invoice-extraction.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(canonical(raw))
    return path


@pytest.mark.parametrize("name", LAWFUL)
def test_a_lawful_record_is_made_and_read(name: str, tmp_path: Path) -> None:
    record = LAWFUL[name]
    assert record.laws == 1
    assert read_record(stored(json.loads(dump(record)), tmp_path)) == record
    assert MIXED not in texts(to_document(record, NOW))


@pytest.mark.parametrize("law", BY_LAW)
def test_a_broken_law_is_refused_in_one_line(law: str, tmp_path: Path) -> None:
    raw, line = BY_LAW[law]
    path = stored(raw, tmp_path)
    with pytest.raises(UsageError) as refused:
        read_record(path)
    said = str(refused.value)
    assert said.startswith(f"{path}: its figures do not fit together: claude-haiku-4-5: {line}; ")
    assert "\n" not in said


@pytest.mark.parametrize("law", BY_LAW)
def test_the_same_figures_made_before_the_laws_are_read_and_say_so(
    law: str, tmp_path: Path
) -> None:
    raw = dict(BY_LAW[law][0])
    del raw["laws"]
    stored(raw, tmp_path)
    (record,) = read_records(tmp_path)
    assert texts(to_document(record, NOW)).count(MIXED) == 1


@pytest.mark.parametrize("law", BY_LAW)
def test_nobody_can_seal_a_broken_record(law: str) -> None:
    raw = dict(BY_LAW[law][0])
    del raw["laws"]
    old = DecisionRecord.model_validate_json(json.dumps(raw))
    assert seal(old).options == old.options
    with pytest.raises(ValidationError, match="1 validation error"):
        seal(old.model_copy(update={"laws": 1}))
