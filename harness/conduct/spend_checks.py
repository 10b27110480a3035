"""What is wrong with `policy.yaml: spend`: limits that guard nothing, waivers that are over."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from evalsets.validation import suggestion
from harness.bring.logs.attributing import read_rules
from harness.errors import Problem, WorkspaceError
from harness.money.measured import measured_of
from harness.workspace.policy_file import LimitName, PolicyConfig, SpendScope
from harness.workspace.reading import ParsedFile, Reading

_OF_PARTS: tuple[LimitName, ...] = ("budget_usd", "gpu_quota", "idle_hours")
"""Limits on what a part has no more of than its whole."""


def spend_problems(reading: Reading, on: date | None) -> Iterator[Problem]:
    """Everything that is wrong with the limits on spend; warnings, as no review needs them.

    `on` is the day that waivers are held against; None: none is.
    """
    entry = reading.policy
    if entry is None:
        return
    spend = entry.config.spend
    yield from _unknown_names(reading, entry)
    for scope in spend.scopes:
        limits = scope.limits
        if limits.stated and not spend.owner_of(scope):
            yield _told(entry, scope, "owner", "nobody answers for these limits: state an e-mail")
        if limits.untagged_share == 1:
            yield _told(entry, scope, "untagged_share", "can never fire: no share is above 1")
        for name, waiver in limits.waive.items():
            if on is not None and waiver.until < on:
                message = f"the waiver ended on {waiver.until}; the limit is in force: take it out"
                yield _told(entry, scope, f"waive.{name}", message)
        yield from _never_first(entry, scope, spend.scopes)


def _told(entry: ParsedFile[PolicyConfig], scope: SpendScope, name: str, message: str) -> Problem:
    return entry.problem((*scope.key, *name.split(".")), message, severity="warning")


def _never_first(
    entry: ParsedFile[PolicyConfig], scope: SpendScope, scopes: tuple[SpendScope, ...]
) -> Iterator[Problem]:
    """Limits of a part that allow at least what its whole may have: the whole's fires before."""
    for name in _OF_PARTS:
        limit = scope.limits.stated.get(name)
        for whole in scopes if limit is not None else ():
            wider = whole.limits.stated.get(name)
            if not _is_around(whole, scope) or wider is None or name in whole.limits.waive:
                continue
            if limit is not None and limit >= wider:
                message = f"{limit:f} can never fire before the {wider:f} of {whole}"
                yield _told(entry, scope, name, message)
                break


def _is_around(whole: SpendScope, part: SpendScope) -> bool:
    """Whether all that is in a scope is in another one, too."""
    wide, narrow = (whole.team, whole.environment), (part.team, part.environment)
    pairs = zip(wide, narrow, strict=True)
    return wide != narrow and all(outer in {None, inner} for outer, inner in pairs)


def _unknown_names(reading: Reading, entry: ParsedFile[PolicyConfig]) -> Iterator[Problem]:
    scopes = entry.config.spend.scopes[1:]
    if not scopes:
        return
    try:
        known = _known_names(reading, entry.config)
    except WorkspaceError as error:
        yield from error.problems
        return
    for scope in scopes:
        for kind, name in (("team", scope.team), ("environment", scope.environment)):
            if name and name not in known[kind]:
                more = suggestion(name, known[kind])
                message = f"no feature, attribution or log names the {kind} {name!r}{more}"
                yield entry.problem(scope.key, message, severity="warning")


def _known_names(reading: Reading, policy: PolicyConfig) -> dict[str, set[str]]:
    """Teams and environments that a feature, a rule of attribution, a quota or a log names."""
    features = [each.config for each in reading.features.values()]
    placing = read_rules(reading.root).rules
    teams = {one.team for one in (*features, *placing) if one.team} | set(policy.gpu_quota)
    environments = {one.environment for one in (*features, *placing) if one.environment}
    for path in _measured(reading.root):
        spending = measured_of(path).spending
        if spending is not None:
            teams |= {share.name for share in spending.teams}
            environments |= {share.name for share in spending.environments}
    return {"team": teams - {""}, "environment": environments - {""}}


def _measured(root: Path) -> Iterator[Path]:
    folder = root / "traffic"
    yield from sorted(folder.glob("*.measured.json")) if folder.is_dir() else ()
