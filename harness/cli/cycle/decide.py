"""`rightsize decide` and `rightsize lock`: a signature, and what the gate reads of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import cast

import click

from harness.cli import options
from harness.conduct.deciding import Action, Signing, SigningRules, change_on_disk, decide_on_disk
from harness.conduct.opening import cycle_of, find_workspace
from harness.errors import UsageError
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
    all_versions,
    newest_versions,
    read_record,
    read_records,
    replace_text,
)
from harness.tell.pages import publish
from harness.wording import plural
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.workspace import Workspace, load_workspace


@click.command()
@click.argument("feature")
@click.argument("action", type=click.Choice(["accept", "reject", "defer"]))
@options.workspace
@options.cycle
@options.out
@click.option("--reason", default="", help="Why; required to reject or to defer.")
@click.option("--expires", default=None, metavar="YYYY-MM-DD", help="Until when it holds.")
@click.option("--link", default=None, help="Where the approval is: a pull request, a ticket.")
@click.option("--by", default=None, help="Who decides (default: the git identity).")
@click.option("--etag", default=None, help="The record as you read it; refused if it changed.")
def decide(  # noqa: PLR0913  # one argument per option of the command
    *,
    feature: str,
    action: str,
    workspace: Path,
    cycle: str | None,
    out: Path | None,
    reason: str,
    expires: str | None,
    link: str | None,
    by: str | None,
    etag: str | None,
) -> None:
    """Accept, reject or defer what the machine found for FEATURE."""
    now = options.now()
    root = find_workspace(workspace)
    policy = load_workspace(root, features=(feature,)).policy
    folder = (out or root / "reviews") / cycle_of(cycle, now.date())
    signature = Signing(
        action=cast("Action", action),
        by=by or git_identity(root),
        by_source="--by" if by else "git identity",
        reason=reason,
        expires=_day(expires),
        link=link,
        etag=etag,
    )
    days = policy.expires_days
    rules = SigningRules(
        require_link=policy.require_link, longest_days=max(days.justify, days.evidence)
    )
    stored = decide_on_disk(folder, feature, signature, rules=rules, now=now)
    publish(read_records(folder), folder, now=now)
    record = stored.record
    click.echo(
        f"{record.state.value} by {signature.by} ({signature.by_source}), etag {record.etag[:6]}"
    )


def git_identity(folder: Path) -> str:
    """The e-mail that git would sign a commit with.

    Raises:
        UsageError: git is absent or has no identity.
    """
    command = ["git", "-C", str(folder), "config", "user.email"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        raise UsageError("git is not installed; say who decides with --by") from None
    email = done.stdout.strip()
    if not email:
        raise UsageError("git knows no user.email here; set it, or say who decides with --by")
    return email


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--expires {text}: no day, as 2027-03-03 is one") from None


@click.command()
@options.workspace
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail if it would change.")
def lock(*, workspace: Path, only_check: bool) -> int:
    """Write rightsizing.lock from the accepted decisions; commit it."""
    root = find_workspace(workspace)
    loaded = load_workspace(root)
    if not only_check:
        _mark_implemented(loaded, root / "reviews")
    found = in_force(root / "reviews")
    entries = [
        entry_of(record, ends_on=ends_on(record), places=_places(loaded.features[name]))
        for name, record in sorted(found.items())
        if name in loaded.features
    ]
    for line in _unseen(entries):
        click.echo(line)
    text = write_lock(lock_of(entries, loaded.policy.gate.model_dump(mode="json")))
    path = root / LOCK_FILE
    same = path.is_file() and path.read_text(encoding="utf-8") == text
    if only_check and not same:
        raise UsageError(f"{path.name} is not what the decisions say; run `rightsize lock`")
    if not same:
        replace_text(path, text)
    without = len(loaded.features) - len(entries)
    click.echo(
        f"{LOCK_FILE}: {plural(len(entries), 'feature')} locked, {without} without a decision"
    )
    return 0


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


def _mark_implemented(workspace: Workspace, reviews: Path) -> None:
    """Accepted downgrades whose choice the workspace names as the incumbent are IMPLEMENTED."""
    now = options.now()
    changed: set[Path] = set()
    for name, record in in_force(reviews).items():
        folder = reviews / record.cycle
        feature = workspace.features.get(name)
        newest = newest_versions(folder / "records").get(name)
        if feature is None or newest is None or read_record(newest).etag != record.etag:
            continue
        if implemented(record, feature.incumbent, now) == record:
            continue
        running = feature.incumbent
        change_on_disk(folder, name, lambda one, running=running: implemented(one, running, now))
        click.echo(f"{name}: IMPLEMENTED, {running} is in production")
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
