"""`rightsize decide` and `rightsize lock`: a signature, and what the gate reads of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import cast

import click

from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.say import say
from harness.conduct.concluding.deciding import Action, Signing
from harness.conduct.concluding.past import PastReview
from harness.conduct.concluding.signing import decide as sign
from harness.conduct.concluding.signing import git_identity, git_signing_key
from harness.conduct.concluding.signing import lock as write_lock
from harness.conduct.opening import find_workspace
from harness.errors import UsageError
from harness.wording import plural


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
@click.option("--sign", "to_sign", is_flag=True, help="Sign it with git's SSH signing key.")
@click.option("--overturn", is_flag=True, help="Decide against what another person decided.")
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
    to_sign: bool,
    overturn: bool,
) -> None:
    """Accept, reject or defer what the machine found for FEATURE."""
    root = find_workspace(workspace)
    signature = Signing(
        action=cast("Action", action),
        by=by or git_identity(root),
        by_source="--by" if by else "git identity",
        reason=reason,
        expires=_day(expires),
        link=link,
        etag=etag,
        key=git_signing_key(root) if to_sign else None,
        overturn=overturn,
    )
    past = PastReview(root=root, cycle=cycle, out=out)
    record = sign(past, feature, signature, now=options.now()).record
    by_people = [one for one in record.history if one.by_source != "machine"]
    if len(by_people) > 1 and by_people[-2].by != signature.by:
        say(f"before: {by_people[-2].state.value} by {by_people[-2].by}")
    how = f"{signature.by_source}, signed" if to_sign else signature.by_source
    say(f"{record.state.value} by {signature.by} ({how}), etag {record.etag[:6]}")


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
    found = write_lock(root, only_check=only_check, now=options.now(), listener=Terminal())
    say(
        f"{found.path.name}: {plural(len(found.entries), 'feature')} locked, "
        f"{found.without} without a decision"
    )
    return 0
