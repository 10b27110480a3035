"""`rightsize models`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import click

from evalsets.validation import suggestion
from harness.cli import options
from harness.conduct.opening import find_workspace
from harness.errors import ExitCode, UsageError
from harness.money.prices.catalogue import facts
from harness.money.prices.rates import PriceMissingError, find_rates
from harness.workspace.endpoints import endpoint_of
from harness.workspace.model_file import ModelConfig
from harness.workspace.policy_file import PolicyConfig
from harness.workspace.workspace import load_workspace
from providers.errors import ProviderError
from providers.opening import open_provider
from providers.opening import ping as ping_model


@click.command()
@options.workspace
@options.model
@click.option("--ping", is_flag=True, help="Ask each model one tiny question, which is billed.")
def models(*, workspace: Path, models: tuple[str, ...], ping: bool) -> int:
    """List a workspace's models: tier, price, window, region, retirement, what they may see."""
    found = load_workspace(find_workspace(workspace))
    known = sorted(found.models)
    for name in models:
        if name not in known:
            raise UsageError(f"--model {name}: not in the workspace{suggestion(name, known)}")
    today = options.now().date()
    failed = False
    for name, config in sorted(found.models.items()):
        if models and name not in models:
            continue
        click.echo(describe(name, config, found.policy, on=today))
        if ping and config.serve is not None and config.base_url is None:
            click.echo("    served here when it is needed; `rightsize serving` starts it")
        elif ping:
            answer = asyncio.run(answers(name, config, os.environ))
            failed = failed or answer is not None
            click.echo(f"    {'answers' if answer is None else f'does not answer: {answer}'}")
    return ExitCode.USAGE_ERROR if failed else ExitCode.OK


def describe(name: str, config: ModelConfig, policy: PolicyConfig, *, on: date) -> str:
    """One model in two lines."""
    known = facts(name, config)
    window = (
        "window not known" if known.window_tokens is None else f"{known.window_tokens:,} tokens"
    )
    retires = "" if known.retires_on is None else f", retires on {known.retires_on.isoformat()}"
    sees = ", ".join(config.may_see) or "nothing"
    where = config.platform or config.provider
    return (
        f"{name}: {config.tier or 'no tier'}, {where}, {config.region or 'no region stated'}\n"
        f"    {_price(name, config, policy, on=on)}; {window}{retires}; may see {sees}"
    )


async def answers(
    name: str, config: ModelConfig, environ: Mapping[str, str]
) -> ProviderError | str | None:
    """None when key and endpoint answer, else why not."""
    key = None if config.key is None else environ.get(config.key)
    if config.key is not None and not key:
        return f"no environment variable {config.key}"
    try:
        provider = open_provider(endpoint_of(config), key=key)
    except ProviderError as error:
        return error
    asked = config.version or name.partition("@")[0]
    return await ping_model(provider, asked, effort=config.effort)


def _price(name: str, config: ModelConfig, policy: PolicyConfig, *, on: date) -> str:
    try:
        rates = find_rates(name, config, policy, on=on)
    except PriceMissingError:
        return "no price"
    live = f"USD {rates.input.normalize():f} in, {rates.output.normalize():f} out per million"
    if not config.batch:
        return live
    base = rates.batches[0]
    return f"{live} (in batches {base.input.normalize():f} and {base.output.normalize():f})"
