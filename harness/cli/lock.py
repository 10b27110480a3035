"""`rightsize lock`: what was decided, for the gate; what production runs of it is implemented."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli import options
from harness.config.workspace import load_workspace
from harness.errors import UsageError
from harness.lifecycle import ends_on, implemented
from harness.lock import IN_FORCE, LOCK_FILE, CascadePlaces, entry_of, lock_of, write_lock
from harness.publish.deciding import change_on_disk
from harness.publish.pages import publish
from harness.publish.store import (
    all_versions,
    newest_versions,
    read_record,
    read_records,
    replace_text,
)
from harness.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from harness.config.files import FeatureConfig
    from harness.config.workspace import Workspace
    from harness.lock import LockEntry
    from harness.record.model import DecisionRecord


@click.command()
@options.workspace
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail if it would change.")
def lock(*, workspace: Path, only_check: bool) -> int:
    """Write rightsizing.lock from the accepted decisions; commit it."""
    root = options.find_workspace(workspace)
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
