"""`decide` and `lock`: a signature on a workspace's record, and what the gate reads of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.conduct.concluding.deciding import (
    Signing,
    SigningRules,
    change_on_disk,
    decide_on_disk,
)
from harness.conduct.concluding.past import PastReview
from harness.conduct.listening import Listener, Quiet
from harness.conduct.opening import utc_now
from harness.errors import UsageError
from harness.record.base import State, Verdict
from harness.record.lifecycle import ends_on, implemented
from harness.record.lock import (
    IN_FORCE,
    LOCK_FILE,
    CascadePlaces,
    LockEntry,
    entry_of,
    lock_of,
    write_lock,
)
from harness.record.model import DecisionRecord
from harness.record.stored import (
    Stored,
    all_versions,
    newest_versions,
    read_record,
    read_records,
    replace_text,
)
from harness.tell.pages import publish
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.workspace import Workspace, load_workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class LockWritten:
    """What the lock says now."""

    path: Path
    entries: tuple[LockEntry, ...]
    without: int
    """Features of the workspace without a decision in force."""


def decide(
    past: PastReview, feature: str, signature: Signing, *, now: datetime | None = None
) -> Stored:
    """Accept, reject or defer what a review found for a feature, and write its documents again.

    Raises:
        WorkspaceError: a fault of the workspace or of this feature.
        UsageError: no such record, an illegal move, something is missing, or the record changed
            since it was read.
    """
    moment = now or utc_now()
    loaded = load_workspace(past.root, features=(feature,))
    policy, own = loaded.policy, loaded.features.get(feature)
    folder, days = past.folder(moment.date()), policy.expires_days
    rules = SigningRules(
        require_link=policy.require_link,
        longest_days=max(days.justify, days.evidence),
        require_signature=policy.require_signature,
        deciders=frozenset((own.deciders if own else ()) or policy.deciders),
    )
    stored = decide_on_disk(folder, feature, signature, rules=rules, now=moment)
    publish(read_records(folder), folder, now=moment)
    return stored


def git_identity(folder: Path) -> str:
    """The e-mail that git would sign a commit with.

    Raises:
        UsageError: git is absent or has no identity.
    """
    email = _git_config(folder, "user.email")
    if not email:
        raise UsageError("git knows no user.email here; set it, or say who decides with --by")
    return email


def git_signing_key(folder: Path) -> str:
    """The key that git would sign a commit with: a file, or a public key that the agent holds.

    Raises:
        UsageError: git is absent, signs otherwise than with SSH, or knows no key.
    """
    if (kind := _git_config(folder, "gpg.format")) != "ssh":
        raise UsageError(
            f"--sign: git signs with {kind or 'openpgp'} here; a decision is signed with an SSH "
            "key: git config gpg.format ssh"
        )
    key = _git_config(folder, "--type=path", "user.signingKey")
    if not key:
        raise UsageError("--sign: git knows no user.signingKey here; set it")
    return key.removeprefix("key::")


def _git_config(folder: Path, *name: str) -> str:
    command = ["git", "-C", str(folder), "config", *name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        raise UsageError("git is not installed; say who decides with --by") from None
    return done.stdout.strip()


def lock(
    root: Path,
    *,
    only_check: bool = False,
    now: datetime | None = None,
    listener: Listener | None = None,
) -> LockWritten:
    """Write rightsizing.lock from the decisions in force.

    Args:
        root: folder of the workspace.
        only_check: write nothing, and fail where something would change.
        now: the moment; the clock's without.
        listener: told what is in production by now, and what the gate cannot see.

    Raises:
        WorkspaceError: a fault of the workspace.
        UsageError: a record cannot be read, or `only_check` and the lock is another one.
    """
    told, loaded = listener or Quiet(), load_workspace(root)
    if not only_check:
        _mark_implemented(loaded, root / "reviews", now or utc_now(), told)
    found = in_force(root / "reviews")
    entries = tuple(
        entry_of(record, ends_on=ends_on(record), places=_places(loaded.features[name]))
        for name, record in sorted(found.items())
        if name in loaded.features
    )
    for line in _unseen(entries):
        told.note(line)
    text = write_lock(lock_of(entries, loaded.policy.gate.model_dump(mode="json")))
    path = root / LOCK_FILE
    same = path.is_file() and path.read_text(encoding="utf-8") == text
    if only_check and not same:
        raise UsageError(f"{path.name} is not what the decisions say; run `rightsize lock`")
    if not same:
        replace_text(path, text)
    return LockWritten(path=path, entries=entries, without=len(loaded.features) - len(entries))


def _places(feature: FeatureConfig) -> dict[str, CascadePlaces]:
    return {
        one.name: CascadePlaces(escalates_in=one.escalates_in, accepts_in=one.accepts_in)
        for one in feature.cascades
    }


def _unseen(entries: Iterable[LockEntry]) -> Iterator[str]:
    """Accepted cascades of which the gate would see the first model only."""
    for entry in entries:
        rule = entry.accepted.cascade
        if rule is not None and entry.used_in is not None and rule.escalates_in is None:
            yield (
                f"{entry.feature}: nobody says where production reads what "
                f"{entry.accepted.option} escalates to, so the gate cannot tell; state "
                "`escalates_in` of the cascade"
            )


def _mark_implemented(
    workspace: Workspace, reviews: Path, now: datetime, listener: Listener
) -> None:
    """Accepted downgrades whose choice the workspace names as the incumbent are IMPLEMENTED."""
    changed: set[Path] = set()
    for name, record in in_force(reviews).items():
        folder = reviews / record.cycle
        feature = workspace.features.get(name)
        newest = newest_versions(folder / "records").get(name)
        if feature is None or newest is None or read_record(newest).etag != record.etag:
            continue
        if implemented(record, feature.incumbent, now) == record:
            if record.state is State.ACCEPTED and record.verdict is Verdict.DOWNGRADE:
                listener.note(
                    f"{name}: accepted and not yet in production: features/{name}.yaml names "
                    f"{feature.incumbent} as the incumbent, the decision {record.chosen}"
                )
            continue
        running = feature.incumbent
        change_on_disk(folder, name, lambda one, running=running: implemented(one, running, now))
        listener.note(f"{name}: IMPLEMENTED, {running} is in production")
        changed.add(folder)
    for folder in sorted(changed):
        publish(read_records(folder), folder, now=now)


def in_force(reviews: Path) -> dict[str, DecisionRecord]:
    """The newest decision of each feature that a human stands behind, over all cycles."""
    found: dict[str, DecisionRecord] = {}
    for folder in sorted(reviews.iterdir()) if reviews.is_dir() else ():
        for paths in all_versions(folder / "records").values():
            for record in map(read_record, paths):
                known = found.get(record.feature.id)
                newer = known is None or record.generated_at >= known.generated_at
                if record.state in IN_FORCE and not record.evidence.exploratory and newer:
                    found[record.feature.id] = record
    return found
