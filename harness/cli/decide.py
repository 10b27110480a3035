"""`rightsize decide`."""

from __future__ import annotations

import subprocess
from datetime import date
from typing import TYPE_CHECKING, cast

import click

from harness.cli import options
from harness.config.workspace import load_workspace
from harness.errors import UsageError
from harness.publish.deciding import Signature, SigningRules, decide_on_disk
from harness.publish.pages import publish
from harness.publish.store import read_records

if TYPE_CHECKING:
    from pathlib import Path

    from harness.publish.deciding import Action


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
    root = options.find_workspace(workspace)
    policy = load_workspace(root, features=(feature,)).policy
    folder = (out or root / "reviews") / options.cycle_of(cycle, now.date())
    signature = Signature(
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
