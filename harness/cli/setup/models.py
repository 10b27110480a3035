"""`rightsize models`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.listing_models import ListedModel, Silence
from harness.conduct.preparing.listing_models import models as list_models
from harness.errors import ExitCode


@click.command()
@options.workspace
@options.model
@click.option("--ping", is_flag=True, help="Ask each model one tiny question, which is billed.")
def models(*, workspace: Path, models: tuple[str, ...], ping: bool) -> int:
    """List a workspace's models: tier, price, window, region, retirement, what they may see."""
    root = find_workspace(workspace)
    found = list_models(root, models, ping=ping, told=_show, now=options.now())
    silent = any(isinstance(one.answer, Silence) for one in found)
    return ExitCode.USAGE_ERROR if silent else ExitCode.OK


def _show(one: ListedModel) -> None:
    click.echo(_described(one))
    match one.answer:
        case Silence(why=why):
            click.echo(f"    does not answer: {why}")
        case "answers":
            click.echo("    answers")
        case "served when needed":
            click.echo("    served here when it is needed; `rightsize serving` starts it")
        case "not asked":
            pass


def _described(one: ListedModel) -> str:
    """One model in two lines."""
    config, known = one.config, one.facts
    window = (
        "window not known" if known.window_tokens is None else f"{known.window_tokens:,} tokens"
    )
    retires = "" if known.retires_on is None else f", retires on {known.retires_on.isoformat()}"
    sees = ", ".join(config.may_see) or "nothing"
    where = config.platform or config.provider
    return (
        f"{one.name}: {config.tier or 'no tier'}, {where}, {config.region or 'no region stated'}\n"
        f"    {_price(one)}; {window}{retires}; may see {sees}"
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
