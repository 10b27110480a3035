"""What a named human does with a finding: accept, reject or defer, on the record and on disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeAlias

from filelock import lock_descriptor

from harness.errors import UsageError
from harness.record.base import State, Verdict
from harness.record.lifecycle import Actor, Move, move
from harness.record.model import DecisionRecord, dump, seal
from harness.record.parts import HistoryEntry, SignedException
from harness.record.signatures import sign, statement
from harness.record.stored import (
    Stored,
    all_versions,
    carries_decision,
    file_name,
    read_record,
    replace_text,
)
from harness.tell.page.page_stay import changes
from harness.wording import one_line, plain

Action: TypeAlias = Literal["accept", "reject", "defer"]

_TO: dict[Action, State] = {
    "accept": State.ACCEPTED,
    "reject": State.REJECTED,
    "defer": State.DEFERRED,
}
_LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signing:
    """What somebody decides, and who they are.

    `by_source` says how we know: `git identity` or `--by`. `etag` is that of the record that the
    signer read; None takes whatever is there.
    """

    action: Action
    by: str
    by_source: str
    reason: str = ""
    expires: date | None = None
    link: str | None = None
    etag: str | None = None
    key: str | None = None
    """The key that signs it: a file, or a public key that the agent holds; None: unsigned."""
    overturn: bool = False
    """Decide against what another person decided."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningRules:
    """What the policy asks of a signature."""

    require_link: bool
    longest_days: int
    """The longest that a signed reason to stay, or a deferral, may last."""
    require_signature: bool = False
    deciders: frozenset[str] = frozenset()
    """Who may decide; empty: anybody."""


def signed(
    record: DecisionRecord, signature: Signing, *, rules: SigningRules, now: datetime
) -> DecisionRecord:
    """Move a record by its owner's decision.

    Raises:
        UsageError: one line: the move is illegal, something is missing, or the record changed
            since it was read.
    """
    _check_etag(record, signature)
    _check_who(record, signature, rules)
    _check_signature(record, signature, rules)
    _check_expiry(record, signature, rules, now.date())
    moved = move(
        record,
        Move(
            to=_TO[signature.action],
            actor=Actor.OWNER,
            by=signature.by,
            by_source=signature.by_source,
            at=now,
            reason=signature.reason,
            link=signature.link,
            until=signature.expires,
        ),
    )
    made = seal(moved.model_copy(update={"exception": _exception(record, signature)}))
    return made if signature.key is None else _with_key(made, signature.key)


def _with_key(record: DecisionRecord, key: str) -> DecisionRecord:
    """The record with its last decision signed."""
    *before, last = record.history
    armour = sign(statement(record, len(before)), key)
    entry = last.model_copy(update={"signature": armour})
    return seal(record.model_copy(update={"history": (*before, entry)}))


def decide_on_disk(
    review: Path, feature: str, signature: Signing, *, rules: SigningRules, now: datetime
) -> Stored:
    """Decide on the newest record of a feature under `review`/records.

    The signer decides on what they read: without `etag` that is the file as it is on entry. Of two
    that decide at once, one wins and the other is told. An older version that was in force is
    superseded when a newer one is decided.

    Raises:
        UsageError: no such record, an illegal move, something is missing, or the record changed
            since it was read.
    """
    stored, older = _change_newest(
        review,
        feature,
        lambda record: signed(record, signature, rules=rules, now=now),
        etag=signature.etag,
    )
    with _alone(review / "records"):
        _supersede(older, stored.record, now)
    return stored


def change_on_disk(
    review: Path, feature: str, change: Callable[[DecisionRecord], DecisionRecord]
) -> Stored:
    """Move the newest record of a feature by a machine's step, such as a verified bill.

    Raises:
        UsageError: no such record, or it was changed in between.
    """
    stored, _ = _change_newest(review, feature, change, etag=None)
    return stored


def _change_newest(
    review: Path,
    feature: str,
    change: Callable[[DecisionRecord], DecisionRecord],
    *,
    etag: str | None,
) -> tuple[Stored, list[Path]]:
    folder = review / "records"
    versions = all_versions(folder).get(file_name(feature), [])
    if not versions:
        raise UsageError(f"{feature}: no record in {folder}; `rightsize review` writes them")
    path = versions[-1]
    seen = etag or read_record(path).etag
    with _alone(folder):
        current = read_record(path)
        if not current.etag.startswith(seen):
            raise UsageError(_changed(current))
        changed = change(current)
        replace_text(path, dump(changed))
    return Stored(record=changed, path=path, change="changed"), versions[:-1]


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Hold the folder's lock; it ends with this process, whatever happens to it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        lock_descriptor(handle)
        yield
    finally:
        os.close(handle)


def _supersede(older: list[Path], newer: DecisionRecord, now: datetime) -> None:
    for path in older:
        before = read_record(path)
        if not carries_decision(before) or before.state is State.SUPERSEDED:
            continue
        step = Move(
            to=State.SUPERSEDED,
            actor=Actor.REVIEW,
            by="rightsize",
            by_source="machine",
            at=now,
            reason=f"decided anew: {newer.state.value}, finding {newer.finding_sha256[:12]}",
        )
        replace_text(path, dump(move(before, step)))


def _check_etag(record: DecisionRecord, signature: Signing) -> None:
    if signature.etag is not None and not record.etag.startswith(signature.etag):
        raise UsageError(_changed(record))


def _changed(record: DecisionRecord) -> str:
    last = record.history[-1] if record.history else None
    who = "" if last is None else f" by {last.by} ({last.state.value}, {last.at:%Y-%m-%d %H:%M})"
    return (
        f"{record.feature.id}: the record was changed{who} since you read it; read it again and "
        f"decide with --etag {record.etag[:12]}"
    )


_FINAL = frozenset({State.ACCEPTED, State.REJECTED, State.IMPLEMENTED, State.VERIFIED})


def overturned(record: DecisionRecord, by: str) -> HistoryEntry | None:
    """The decision of another person that a further one would overturn."""
    by_people = [one for one in record.history if one.by_source != "machine"]
    last = by_people[-1] if by_people else None
    return last if last and last.by != by and record.state in _FINAL else None


def _check_who(record: DecisionRecord, signature: Signing, rules: SigningRules) -> None:
    feature, by = record.feature.id, signature.by
    if rules.deciders and by not in rules.deciders:
        who = ", ".join(sorted(rules.deciders))
        raise UsageError(f"{feature}: {by} may not decide it; `deciders:` names {who}")
    if rules.require_signature and signature.key is None:
        raise UsageError(f"{feature}: the policy asks for a signature: --sign")
    last = overturned(record, by)
    if last is not None and not signature.overturn:
        raise UsageError(
            f"{feature}: {last.by} decided {last.state.value} on {last.at:%Y-%m-%d}; --overturn "
            "decides against it"
        )


def _check_signature(record: DecisionRecord, signature: Signing, rules: SigningRules) -> None:
    feature, action = record.feature.id, signature.action
    _check_texts(feature, signature)
    if action == "accept" and record.evidence.exploratory:
        why = "; ".join(record.evidence.exploratory)
        raise UsageError(f"{feature}: an exploratory record cannot be accepted ({why})")
    if action == "accept" and record.verdict is Verdict.UNDECIDED:
        raise UsageError(f"{feature}: undecided, so there is nothing to accept; defer it instead")
    if _needs_reason(record, action) and not signature.reason.strip():
        raise UsageError(f"{feature}: say why: --reason")
    if len(signature.reason) > _LONGEST_REASON:
        raise UsageError(f"{feature}: a reason of more than {_LONGEST_REASON} characters")
    _check_link(feature, signature, rules)


def _check_texts(feature: str, signature: Signing) -> None:
    if not signature.by.strip():
        raise UsageError(f"{feature}: nobody signs; set git's user.email or give --by")
    for name, text in (("--by", signature.by), ("--link", signature.link or "")):
        if one_line(text) != text:
            raise UsageError(f"{feature}: {name} holds what is no plain text: {one_line(text)}")
    if plain(signature.reason) != signature.reason:
        raise UsageError(f"{feature}: --reason holds what is no plain text")


def _needs_reason(record: DecisionRecord, action: Action) -> bool:
    return action != "accept" or record.verdict is Verdict.JUSTIFY


def _check_link(feature: str, signature: Signing, rules: SigningRules) -> None:
    link = signature.link
    if link is None:
        if rules.require_link:
            raise UsageError(f"{feature}: the policy asks for the approval's address: --link")
        return
    if not link.startswith(("https://", "http://")) or any(c.isspace() for c in link):
        raise UsageError(f"{feature}: --link must be one http(s) address")


def _check_expiry(
    record: DecisionRecord, signature: Signing, rules: SigningRules, today: date
) -> None:
    feature, expires = record.feature.id, signature.expires
    latest = today + timedelta(days=rules.longest_days)
    needed = signature.action == "defer" or (
        signature.action == "accept" and record.verdict is Verdict.JUSTIFY
    )
    if expires is None:
        if needed:
            raise UsageError(f"{feature}: say until when: --expires, at most {latest}")
        return
    if not today < expires <= latest:
        raise UsageError(f"{feature}: --expires must lie after today and not after {latest}")


def _exception(record: DecisionRecord, signature: Signing) -> SignedException | None:
    if signature.action != "accept" or record.verdict is not Verdict.JUSTIFY:
        return None
    if signature.expires is None:
        raise UsageError(f"{record.feature.id}: a signed reason to stay needs --expires")
    return SignedException(
        reason_code=record.reason_codes[0],
        approver=signature.by,
        expires_at=signature.expires,
        would_change=changes(record)[0],
    )
