from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from harness.errors import UsageError
from harness.record.base import State
from harness.record.model import dump
from harness.record.stored import all_versions, read_records, write_records
from tests.support.records import (
    a_feature,
    decided,
    downgrade_record,
    justify_record,
    undecided_record,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.record.model import DecisionRecord


def write(path: Path, *records: DecisionRecord) -> list[str]:
    return [stored.change for stored in write_records(records, path)]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    records = (downgrade_record(), justify_record(feature=a_feature(id="other")))
    assert write(tmp_path, *records) == ["new", "new"]
    assert read_records(tmp_path) == records


def test_an_unchanged_finding_keeps_the_bytes(tmp_path: Path) -> None:
    write(tmp_path, downgrade_record())
    path = tmp_path / "records" / "invoice-extraction.json"
    before = path.read_bytes()
    later = downgrade_record().model_copy(
        update={"generated_at": datetime(2026, 12, 1, tzinfo=UTC)}
    )
    assert write(tmp_path, later) == ["unchanged"]
    assert path.read_bytes() == before


def test_a_proposal_is_replaced_by_a_new_finding(tmp_path: Path) -> None:
    write(tmp_path, downgrade_record())
    assert write(tmp_path, undecided_record()) == ["changed"]
    assert read_records(tmp_path) == (undecided_record(),)


@pytest.mark.parametrize("state", [State.ACCEPTED, State.REJECTED, State.DEFERRED])
def test_a_human_decision_is_never_overwritten(tmp_path: Path, state: State) -> None:
    signed = decided(downgrade_record(), state)
    write(tmp_path, signed)
    path = tmp_path / "records" / "invoice-extraction.json"
    before = path.read_bytes()
    assert write(tmp_path, undecided_record()) == ["next version"]
    assert path.read_bytes() == before
    assert read_records(tmp_path) == (undecided_record(),)
    assert write(tmp_path, justify_record()) == ["changed"]
    names = [path.name for path in all_versions(tmp_path / "records")["invoice-extraction"]]
    assert names == ["invoice-extraction.json", "invoice-extraction.v2.json"]


def test_an_id_that_ends_like_a_version_is_no_version(tmp_path: Path) -> None:
    topic = {"feature": a_feature(id="topic")}
    other = decided(justify_record(feature=a_feature(id="topic.v2")), State.ACCEPTED)
    write(tmp_path, decided(downgrade_record(**topic), State.ACCEPTED), other)
    assert write(tmp_path, undecided_record(**topic), other) == ["next version", "unchanged"]
    folder = tmp_path / "records"
    assert {path.name for path in folder.iterdir()} == {
        "topic.json",
        "topic.v2.json",
        "topic.v2.v1.json",
    }
    found = {record.feature.id: record for record in read_records(tmp_path)}
    assert found == {"topic": undecided_record(**topic), "topic.v2": other}
    write(tmp_path, undecided_record(feature=a_feature(id="topic.v2")))
    assert [path.name for path in all_versions(folder)["topic.v2"]] == [
        "topic.v2.v1.json",
        "topic.v2.v2.json",
    ]


def test_the_tenth_version_comes_after_the_ninth(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    for name in ("a.v10.json", "a.json", "a.v9.json"):
        (folder / name).write_text(dump(downgrade_record()))
    assert [path.name for path in all_versions(folder)["a"]] == [
        "a.json",
        "a.v9.json",
        "a.v10.json",
    ]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda text: text[:100], "no valid JSON|Invalid JSON", id="cut off"),
        pytest.param(lambda text: text.replace('"cycle"', '"cicle"'), "not a record", id="typo"),
        pytest.param(
            lambda text: text.replace("2759.00", "9999.00"), "changed by hand", id="a number edited"
        ),
        pytest.param(lambda _: "[]", "not a record", id="another shape"),
    ],
)
def test_a_damaged_record_gives_one_line(
    tmp_path: Path, damage: Callable[[str], str], message: str
) -> None:
    write(tmp_path, downgrade_record())
    path = tmp_path / "records" / "invoice-extraction.json"
    path.write_text(damage(path.read_text()))
    with pytest.raises(UsageError, match=message) as caught:
        read_records(tmp_path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_every_damaged_record_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.json").write_text("{")
    with pytest.raises(UsageError) as caught:
        read_records(tmp_path)
    assert len(str(caught.value).split("\n")) == 2


def test_a_record_of_an_older_shape_is_still_whole(tmp_path: Path) -> None:
    write(tmp_path, downgrade_record())
    path = tmp_path / "records" / "invoice-extraction.json"
    raw = json.loads(path.read_text())
    assert raw["etag"] == downgrade_record().etag


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 121, "a\nb", "a\n"])
def test_an_id_that_cannot_name_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a file"):
        write(tmp_path, downgrade_record(feature=a_feature(id=name)))


def test_no_records_is_no_error(tmp_path: Path) -> None:
    assert read_records(tmp_path) == ()
