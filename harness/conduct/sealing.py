"""A plan that is sealed before the first call, so that anybody can see that nothing moved since.

`plan --seal` writes each feature's plan with its hash and today's prices under
`reviews/<cycle>/plans/`. Commit it, or post the hashes, before the review: the record and its page
then name the commit and its day. A review by another plan than the sealed one decides nothing.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.plan.model import FeaturePlan, Plan
from harness.record.parts import Registered
from harness.record.stored import replace_text
from harness.workspace.fingerprints import fingerprint

SCHEMA = "rightsizing-plan/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """A plan as it was sealed, and its file."""

    path: Path
    plan_json: str
    sha256: str


def seal_plan(plan: Plan, root: Path, now: datetime) -> tuple[Seal, ...]:
    """Write the plan of each feature that will be asked; one that is sealed already stays.

    Raises:
        UsageError: another plan of the feature and cycle is sealed.
    """
    return tuple(_sealed(one, root, now) for one in plan.to_ask)


def _sealed(plan: FeaturePlan, root: Path, now: datetime) -> Seal:
    path, known = _path(root, plan), sealed_of(root, plan)
    if known is not None and known.sha256 != plan.plan_sha256:
        raise UsageError(
            f"{path}: another plan of {plan.feature} is sealed for {plan.cycle}; put back what it "
            "says, or seal a plan of another cycle"
        )
    if known is not None:
        return known
    text = {
        "schema_version": SCHEMA,
        "feature": plan.feature,
        "cycle": plan.cycle,
        "sealed_at": now.isoformat(),
        "sha256": plan.plan_sha256,
        "plan": json.loads(plan.plan_json),
        "monthly_usd": {one.name: _usd(one.monthly_usd) for one in plan.asked},
        "today_usd": _usd(plan.monthly_usd),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_text(path, json.dumps(text, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return Seal(path=path, plan_json=plan.plan_json, sha256=plan.plan_sha256)


def _usd(amount: object) -> str | None:
    return None if amount is None else str(amount)


def _path(root: Path, plan: FeaturePlan) -> Path:
    return root / "reviews" / plan.cycle / "plans" / f"{plan.feature}.json"


def sealed_of(root: Path, plan: FeaturePlan) -> Seal | None:
    """The sealed plan of a feature and cycle; None where there is none.

    Raises:
        UsageError: the file is no sealed plan, or its hash does not fit.
    """
    path = _path(root, plan)
    if not path.is_file():
        return None
    advice = "take it back from version control"
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        fixed, sha256 = told["plan"], str(told["sha256"])
    except (ValueError, KeyError, TypeError, OSError):
        raise UsageError(f"{path}: not a sealed plan; {advice}") from None
    if fingerprint(fixed) != sha256:
        raise UsageError(f"{path}: was changed by hand (its hash does not fit); {advice}")
    text = json.dumps(fixed, sort_keys=True, ensure_ascii=False)
    return Seal(path=path, plan_json=text, sha256=sha256)


def registered(sealed: Seal | None, first_asked: date) -> Registered | None:
    """Where and when a sealed plan was committed; None: nothing is sealed."""
    if sealed is None:
        return None
    commit, on = _commit(sealed.path) or (None, None)
    return Registered(
        plan_sha256=sealed.sha256, commit=commit, committed_on=on, first_asked_on=first_asked
    )


def _commit(path: Path) -> tuple[str, date] | None:
    """The commit that brought the file as it stands, and its day; None where git knows none."""
    logged = _git(path, "log", "-1", "--format=%H %cI")
    commit, _, moment = (logged or "").strip().partition(" ")
    if not moment or _git(path, "diff", "--quiet", "HEAD") is None:
        return None
    return commit, datetime.fromisoformat(moment).date()


def _git(path: Path, *words: str) -> str | None:
    """What git says of one file; None where it fails, or is not there."""
    command = ["git", "-C", str(path.parent), *words, "--", path.name]
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603
    except OSError:
        return None
    return None if done.returncode else done.stdout


def sealed_lines(sealed: tuple[Seal, ...]) -> Iterator[str]:
    """What was sealed, for people."""
    for one in sealed:
        yield f"sealed {one.path.stem}: {one.sha256}"
    if sealed:
        yield f"commit {sealed[0].path.parent}, or post these hashes, before the first call"
