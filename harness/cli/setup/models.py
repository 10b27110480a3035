"""`rightsize models`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.listening import nobody
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.listing_models import ListedModel, Silence, refresh_lines
from harness.conduct.preparing.listing_models import models as list_models
from harness.errors import ExitCode


@click.command()
@options.workspace
@options.model
@click.option(
    "--refresh", is_flag=True, help="Propose what is current in their place; writes nothing."
)
@click.option("--ping", is_flag=True, help="Ask each model one tiny question, which is billed.")
@options.as_json
def models(  # one argument per option of the command
    *, workspace: Path, models: tuple[str, ...], refresh: bool, ping: bool, as_json: bool
) -> int:
    """List a workspace's models: tier, price, window, region, retirement, what they may see."""
    root = find_workspace(workspace)
    told = nobody if as_json else _show
    found = list_models(root, models, ping=ping, told=told, now=options.now())
    proposals = list(refresh_lines(found, options.now().date())) if refresh else []
    if as_json:
        listed = [_json(one) for one in found]
        whole = {"models": listed, "proposals": proposals} if refresh else listed
        say_block(json.dumps(whole, indent=2, default=str))
    for line in () if as_json else proposals:
        say(line)
    silent = any(isinstance(one.answer, Silence) for one in found)
    return ExitCode.USAGE_ERROR if silent else ExitCode.OK


def _show(one: ListedModel) -> None:
    for line in _described(one):
        say(line)
    match one.answer:
        case Silence(why=why):
            say(f"    does not answer: {why}")
        case "answers":
            say("    answers")
        case "served when needed":
            say("    served here when it is needed; `rightsize serving` starts it")
        case "started when needed":
            say("    a program of yours, started when it is needed")
        case "not asked":
            pass


def _json(one: ListedModel) -> dict[str, Any]:
    """One model; a number that is not known is null."""
    rates = one.rates
    return {
        "model": one.name,
        "provider": one.config.platform or one.config.provider,
        "tier": one.config.tier,
        "region": one.config.region,
        "may_see": list(one.config.may_see),
        "window_tokens": one.facts.window_tokens,
        "retires_on": one.facts.retires_on,
        "input_usd_per_million": None if rates is None else rates.input,
        "output_usd_per_million": None if rates is None else rates.output,
        "answer": f"silent: {one.answer.why}" if isinstance(one.answer, Silence) else one.answer,
    }


def _described(one: ListedModel) -> tuple[str, str]:
    """One model in two lines."""
    config, known = one.config, one.facts
    window = (
        "window not known" if known.window_tokens is None else f"{known.window_tokens:,} tokens"
    )
    retired = known.retires_on
    retires = ", retirement not known" if retired is None else f", retires on {retired.isoformat()}"
    sees = ", ".join(config.may_see) or "nothing"
    where = config.platform or config.provider
    return (
        f"{one.name}: {config.tier or 'no tier'}, {where}, {config.region or 'no region stated'}",
        f"    {_price(one)}; {window}{retires}; may see {sees}",
    )


def _price(one: ListedModel) -> str:
    rates = one.rates
    if rates is None:
        return "no price"
    live = f"USD {rates.input.normalize():f} in, {rates.output.normalize():f} out per million"
    if not one.config.batch:
        return live
    base = rates.batches[0]
    return f"{live} (in batches {base.input.normalize():f} and {base.output.normalize():f})"
