from __future__ import annotations

import multiprocessing
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from harness.conduct.concluding.deciding import (
    Signing,
    SigningRules,
    change_on_disk,
    decide_on_disk,
    signed,
)
from harness.errors import UsageError
from harness.record.base import Reason, State
from harness.record.lifecycle import Actor, Move, move
from harness.record.stored import all_versions, read_record, read_records, write_records
from tests.support.record_parts import an_evidence
from tests.support.records import NOW, decided, downgrade_record, justify_record, undecided_record

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord

RULES = SigningRules(require_link=False, longest_days=100)
FEATURE = "invoice-extraction"
MARCH = date(2027, 3, 1)


def sign(action: str = "accept", **over: object) -> Signing:
    return Signing(
        **{
            "action": action,
            "by": "dana.ruiz@example.com",
            "by_source": "git identity",
            "reason": "discussed",
            **over,
        }
    )


def test_accepting_a_downgrade() -> None:
    made = signed(downgrade_record(), sign(reason="", link="https://a.b/1"), rules=RULES, now=NOW)
    assert made.state is State.ACCEPTED
    assert made.history[-1].by == "dana.ruiz@example.com"
    assert made.history[-1].link == "https://a.b/1"
    assert made.exception is None
    assert made.finding_sha256 == downgrade_record().finding_sha256


def test_signing_a_reason_to_stay() -> None:
    made = signed(justify_record(), sign(expires=MARCH), rules=RULES, now=NOW)
    assert made.exception is not None
    assert made.exception.reason_code is Reason.QUALITY_INFERIOR
    assert made.exception.expires_at == MARCH
    assert made.exception.would_change == "Permission for gpt-5-nano to see customer data."


def test_rejecting_takes_the_exception_back() -> None:
    stays = signed(justify_record(), sign(expires=MARCH), rules=RULES, now=NOW)
    assert signed(stays, sign("reject"), rules=RULES, now=NOW).exception is None


def test_a_deferral_has_its_day() -> None:
    made = signed(undecided_record(), sign("defer", expires=MARCH), rules=RULES, now=NOW)
    assert made.state is State.DEFERRED
    assert made.history[-1].until == MARCH


@pytest.mark.parametrize(
    ("record", "signature", "rules", "message"),
    [
        pytest.param(downgrade_record(), sign(by=" "), RULES, "nobody signs", id="nobody"),
        pytest.param(undecided_record(), sign(), RULES, "nothing to accept", id="undecided"),
        pytest.param(
            downgrade_record(evidence=an_evidence(exploratory=("--quick",))),
            sign(),
            RULES,
            "exploratory record cannot be accepted .--quick.",
            id="exploratory",
        ),
        pytest.param(downgrade_record(), sign("reject", reason=""), RULES, "--reason", id="no why"),
        pytest.param(
            justify_record(), sign(reason="", expires=MARCH), RULES, "--reason", id="stay, no why"
        ),
        pytest.param(justify_record(), sign(), RULES, "--expires, at most 2027-03-04", id="no end"),
        pytest.param(downgrade_record(), sign("defer"), RULES, "--expires", id="defer for ever"),
        pytest.param(
            justify_record(), sign(expires=NOW.date()), RULES, "must lie after today", id="today"
        ),
        pytest.param(
            justify_record(),
            sign(expires=NOW.date() + timedelta(days=101)),
            RULES,
            "not after 2027-03-04",
            id="too long",
        ),
        pytest.param(
            downgrade_record(),
            sign(),
            SigningRules(require_link=True, longest_days=100),
            "--link",
            id="link required",
        ),
        pytest.param(
            downgrade_record(), sign(link="javascript:alert(1)"), RULES, "http", id="odd link"
        ),
        pytest.param(
            downgrade_record(), sign(link="https://a.b/ c"), RULES, "one http", id="blank in link"
        ),
        pytest.param(
            downgrade_record(), sign(reason="x" * 1001), RULES, "1000 characters", id="a novel"
        ),
        pytest.param(
            downgrade_record(), sign(etag="0" * 12), RULES, "changed since you read", id="stale"
        ),
    ],
)
def test_what_is_refused(
    record: DecisionRecord, signature: Signing, rules: SigningRules, message: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        signed(record, signature, rules=rules, now=NOW)
    assert "\n" not in str(caught.value)


def test_the_last_day_is_allowed() -> None:
    last = NOW.date() + timedelta(days=100)
    decided = signed(justify_record(expires_at=last), sign(expires=last), rules=RULES, now=NOW)
    assert decided.exception is not None
    assert decided.exception.expires_at == last


def test_a_short_etag_will_do() -> None:
    record = downgrade_record()
    decided = signed(record, sign(etag=record.etag[:8]), rules=RULES, now=NOW)
    assert decided.etag != record.etag


def test_deciding_on_disk(tmp_path: Path) -> None:
    write_records([downgrade_record()], tmp_path)
    stored = decide_on_disk(tmp_path, FEATURE, sign(), rules=RULES, now=NOW)
    assert read_records(tmp_path) == (stored.record,)
    assert stored.record.state is State.ACCEPTED


def test_who_decided_in_between_is_named(tmp_path: Path) -> None:
    write_records([downgrade_record()], tmp_path)
    seen = read_records(tmp_path)[0].etag
    decide_on_disk(tmp_path, FEATURE, sign("reject", by="kim"), rules=RULES, now=NOW)
    with pytest.raises(UsageError, match=r"changed by kim \(REJECTED, 2026-11-24 09:00\)"):
        decide_on_disk(tmp_path, FEATURE, sign(etag=seen), rules=RULES, now=NOW)


def test_an_unknown_feature(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no record"):
        decide_on_disk(tmp_path, "nobody", sign(), rules=RULES, now=NOW)


def test_a_new_version_supersedes_when_it_is_decided(tmp_path: Path) -> None:
    write_records([decided(downgrade_record())], tmp_path)
    write_records([justify_record()], tmp_path)
    old, new = all_versions(tmp_path / "records")[FEATURE]
    assert read_record(old).state is State.ACCEPTED
    decide_on_disk(tmp_path, FEATURE, sign(expires=MARCH), rules=RULES, now=NOW)
    assert read_record(old).state is State.SUPERSEDED
    assert read_record(new).state is State.ACCEPTED
    decide_on_disk(tmp_path, FEATURE, sign("reject"), rules=RULES, now=NOW)
    assert len(read_record(old).history) == 2


def test_a_machine_may_move_a_record_on_disk(tmp_path: Path) -> None:
    write_records([decided(downgrade_record())], tmp_path)
    step = Move(
        to=State.IMPLEMENTED,
        actor=Actor.LOCK,
        by="rightsize lock",
        by_source="machine",
        at=NOW + timedelta(days=2),
        reason="production reads it",
    )
    stored = change_on_disk(tmp_path, FEATURE, lambda record: move(record, step))
    assert read_records(tmp_path) == (stored.record,)
    assert stored.record.state is State.IMPLEMENTED


def race(folder: Path, name: str, etag: str, start: object, answers: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    try:
        decide_on_disk(folder, FEATURE, sign(by=name, etag=etag), rules=RULES, now=NOW)
    except UsageError as error:
        answers.put((name, str(error)))  # type: ignore[attr-defined]
    else:
        answers.put((name, "won"))  # type: ignore[attr-defined]


def test_of_many_who_decide_at_once_one_wins_and_nothing_is_lost(tmp_path: Path) -> None:
    write_records([downgrade_record()], tmp_path)
    etag = read_records(tmp_path)[0].etag
    context = multiprocessing.get_context("spawn")
    start, answers = context.Barrier(3), context.Queue()
    racers = [
        context.Process(target=race, args=(tmp_path, f"owner{at}", etag, start, answers))
        for at in range(3)
    ]
    for racer in racers:
        racer.start()
    said = dict(answers.get(timeout=60) for _ in racers)
    for racer in racers:
        racer.join()
    winners = [name for name, answer in said.items() if answer == "won"]
    assert len(winners) == 1
    assert all("changed by " + winners[0] in said[name] for name in said if name not in winners)
    (record,) = read_records(tmp_path)
    assert [entry.by for entry in record.history] == winners
    assert sorted(path.name for path in (tmp_path / "records").iterdir()) == [f"{FEATURE}.json"]
