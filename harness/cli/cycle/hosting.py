"""`rightsize hosting`: what to commit to over all features, what is bought, what stands idle."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.hosting_everything import hosting as work_out
from harness.money.owned.capacity import OwnedCapacity
from harness.money.owned.paid import cost_of, paid_hours
from harness.tell.portfolio.owned_section import owned_lines


@click.command()
@options.workspace
@options.as_json
@click.argument("metrics", nargs=-1, type=options.InputFile())
def hosting(*, workspace: Path, as_json: bool, metrics: tuple[Path, ...]) -> None:
    """Say what to commit to over all features, what is bought, and what of it stands idle.

    METRICS are files with hours of endpoints and GPUs: samples of Prometheus with their times
    (vLLM, OpenCost, DCGM; as /federate or the API writes them), OpenCost's CSV, FOCUS.
    """
    found = work_out(find_workspace(workspace), on=options.now().date(), metrics=metrics)
    if as_json:
        say_block(json.dumps(_json(found), indent=2))
        return
    for line in owned_lines(found):
        say(line)


def _json(found: OwnedCapacity) -> dict[str, object]:
    endpoints = [
        {
            "name": one.name,
            "team": one.team,
            "environment": one.environment,
            "hours": {
                "paid": str(paid_hours(one.hours)),
                **{kind: str(paid_hours(one.of(kind))) for kind in ("used", "idle", "unwatched")},
            },
            "requests": one.requests,
            "tokens": one.tokens,
            "busy": _text(one.busy),
            "usd": _text(one.usd),
            "usd_since_last_request": _text(cost_of(one.since_last)),
            "usd_per_million_tokens": _text(one.usd_per_million_tokens),
            "source": one.source,
        }
        for one in found.idlest
    ]
    pools = [
        {
            **{key: value for key, value in asdict(pool).items() if key != "parts"},
            "monthly_usd": pool.monthly,
            "parts": [asdict(part) for part in pool.parts],
        }
        for pool in found.pools
    ]
    bought = [
        {**asdict(one), "unused": one.unused, "unused_usd": one.unused_usd} for one in found.bought
    ]
    whole: dict[str, object] = {
        "pools": pools,
        "bought": bought,
        "endpoints": endpoints if found.endpoints is not None else None,
        "left_out": dict(found.left_out),
    }
    return json.loads(json.dumps(whole, default=str))


def _text(amount: object) -> str | None:
    return None if amount is None else str(amount)
