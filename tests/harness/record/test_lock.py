"""The lock: what it says, that its text is stable, and that damage is one clear line."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest

from harness.errors import UsageError
from harness.record.base import State
from harness.record.lifecycle import ends_on
from harness.record.lock import LockEntry, entry_of, lock_of, read_lock, write_lock
from tests.support.record_parts import an_evidence
from tests.support.records import a_record, downgrade_record, justify_record, undecided_record


def an_entry(**over: object) -> LockEntry:
    record = downgrade_record(**{"state": State.ACCEPTED, **over})
    return entry_of(record, ends_on=ends_on(record))


def text_of(*entries: LockEntry) -> str:
    return write_lock(lock_of(entries, {"model": "fail"}))


def test_a_downgrade_locks_the_choice() -> None:
    entry = an_entry()
    assert entry.accepted.option == "claude-haiku-4-5"
    assert entry.before.option == "claude-opus-4-5"
    assert str(entry.accepted.monthly_usd) == "632.61"
    assert entry.expires_at == date(2027, 3, 3)
    assert entry.finding_sha256 == a_record().finding_sha256


def test_a_reason_to_stay_locks_the_incumbent() -> None:
    record = justify_record(state=State.ACCEPTED)
    entry = entry_of(record, ends_on=ends_on(record))
    assert entry.accepted == entry.before
    assert entry.accepted.option == "claude-opus-4-5"


@pytest.mark.parametrize("state", [State.PROPOSED, State.REJECTED, State.DEFERRED, State.EXPIRED])
def test_only_what_a_human_accepted_is_locked(state: State) -> None:
    with pytest.raises(UsageError, match=f"is {state.value}: only an accepted decision"):
        an_entry(state=state)


def test_what_was_tuned_afterwards_is_not_locked() -> None:
    with pytest.raises(UsageError, match=r"exploratory \(scorer changed\)"):
        an_entry(evidence=an_evidence(exploratory=("scorer changed",)))


def test_what_is_undecided_is_not_locked() -> None:
    record = undecided_record(state=State.ACCEPTED)
    with pytest.raises(UsageError, match="undecided"):
        entry_of(record, ends_on=date(2027, 1, 1))


def test_a_choice_that_is_no_option_is_not_locked() -> None:
    with pytest.raises(UsageError, match="is no option of the record"):
        an_entry(chosen="claude-9")


def test_the_text_reads_back_and_is_stable() -> None:
    text = text_of(an_entry())
    lock = read_lock(text)
    assert lock.features["invoice-extraction"] == an_entry()
    assert write_lock(lock) == text
    later = an_entry(generated_at=datetime(2026, 11, 24, tzinfo=UTC), state=State.IMPLEMENTED)
    assert text_of(later) == text


def test_entries_stand_in_the_order_of_their_names() -> None:
    one = an_entry()
    other = an_entry(feature=one_named("aaa"))
    assert text_of(one, other) == text_of(other, one)


def one_named(name: str) -> object:
    return downgrade_record().feature.model_copy(update={"id": name})


def _edited(path: tuple[str, ...], value: object) -> str:
    data: Any = json.loads(text_of(an_entry()))
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(data, indent=2, sort_keys=True)


ENTRY = ("features", "invoice-extraction")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "rightsizing.lock:1: no valid JSON"),
        ("{", "rightsizing.lock:1: no valid JSON"),
        ("[]", "not a lock"),
        ("{}", "not a lock"),
        ("[" * 100_000, "no valid JSON"),
        (
            text_of(an_entry()).replace("\n}", "\n<<<<<<< ours\n}"),
            "a merge conflict is not resolved",
        ),
        (_edited(("schema_version",), "rightsizing-lock/v2"), "written as rightsizing-lock/v2"),
        (_edited(("schema_version",), 7), "not a lock"),
        (_edited((*ENTRY, "margin"), 30), "invoice-extraction: the entry was changed by hand"),
        (_edited((*ENTRY, "feature"), "other"), "the entry was changed by hand"),
        (_edited((*ENTRY, "expires_at"), "soon"), "features.invoice-extraction.expires_at: "),
        (_edited((*ENTRY, "surprise"), 1), "features.invoice-extraction.surprise: "),
    ],
)
def test_damage_is_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_lock(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
