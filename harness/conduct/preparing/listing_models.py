"""`models`: what a workspace's models cost, may see and can take; and whether they answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from evalsets.validation import suggestion
from harness.conduct.listening import nobody
from harness.conduct.opening import utc_now
from harness.errors import UsageError
from harness.money.prices.model_catalogue import (
    ModelFacts,
    current_models,
    facts,
    price_of,
    replaced_by,
)
from harness.money.prices.rate_tables import Rates
from harness.money.prices.rates import PriceMissingError, find_rates, vendor_of
from harness.workspace.endpoints import endpoint_of
from harness.workspace.model_file import ModelConfig, known_to_refuse
from harness.workspace.policy_file import PolicyConfig
from harness.workspace.workspace import Workspace, load_workspace
from providers.errors import ProviderError
from providers.opening import open_provider
from providers.opening import ping as ping_model
from providers.provider import DECISION_APIS

Answer: TypeAlias = (
    "Literal['answers', 'not asked', 'served when needed', 'started when needed'] | Silence"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Why a model does not answer."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """One model of a workspace."""

    name: str
    config: ModelConfig
    facts: ModelFacts
    rates: Rates | None
    """None: it has no price on this day."""
    answer: Answer


def models(
    root: Path,
    names: tuple[str, ...] = (),
    *,
    ping: bool = False,
    told: Callable[[ListedModel], None] = nobody,
    now: datetime | None = None,
) -> tuple[ListedModel, ...]:
    """List a workspace's models.

    Args:
        root: folder of the workspace.
        names: which; all of them without.
        ping: ask each one tiny question, which is billed.
        told: told of each as it is found.
        now: the moment whose prices count; the clock's without.

    Raises:
        WorkspaceError: a fault of the workspace.
        UsageError: a model that there is not.
    """
    found, on = load_workspace(root), (now or utc_now()).date()
    known = sorted(found.models)
    for name in names:
        if name not in known:
            raise UsageError(f"--model {name}: not in the workspace{suggestion(name, known)}")
    listed: list[ListedModel] = []
    for name, config in sorted(found.models.items()):
        if names and name not in names:
            continue
        one = ListedModel(
            name=name,
            config=config,
            facts=facts(name, config),
            rates=_rates(name, config, found.policy, on=on),
            answer=_answer(name, config, found, os.environ) if ping else "not asked",
        )
        told(one)
        listed.append(one)
    return tuple(listed)


def refresh_lines(found: Sequence[ListedModel], on: date) -> Iterator[str]:
    """For each model that a newer version has replaced, that version and its list price."""
    told = False
    for one in found:
        vendor = vendor_of(one.config)
        newer = replaced_by(vendor, one.config.version or one.name, on) if vendor else None
        if newer is None:
            continue
        told = True
        rates = one.rates
        today = "no price" if rates is None else price_of(rates.input, rates.output)
        yield f"{one.name} ({today}): the current one is {newer.name} ({newer.price})"
    listed = {one.config.version or one.name for one in found}
    vendors = {vendor for one in found if (vendor := vendor_of(one.config))}
    for vendor in sorted(vendors):
        rest = [each for each in current_models(vendor, on) if each.name not in listed]
        if rest:
            told = True
            names = ", ".join(f"{each.name} ({each.price})" for each in rest)
            yield f"{vendor} sells as well: {names}"
    if told:
        yield "USD per million tokens at list price; test a model before it takes another's place"
    else:
        yield "every model is the newest of its family"


def _rates(name: str, config: ModelConfig, policy: PolicyConfig, *, on: date) -> Rates | None:
    try:
        return find_rates(name, config, policy, on=on)
    except PriceMissingError:
        return None


def _answer(
    name: str, config: ModelConfig, workspace: Workspace, environ: Mapping[str, str]
) -> Answer:
    if config.serve is not None and config.base_url is None:
        return "served when needed"
    if config.provider == "command":
        return "started when needed"
    why = asyncio.run(_asked(name, config, _temperature(name, config, workspace), environ))
    if isinstance(why, ProviderError) and why.said:
        return Silence(why=f"{why}: {why.said}")
    return "answers" if why is None else Silence(why=str(why))


def _temperature(name: str, config: ModelConfig, workspace: Workspace) -> float | None:
    """What the features would send it: some models refuse any."""
    refused = {*config.omit, *known_to_refuse(config.provider, config.version or name)}
    sent = [one.request.temperature for one in workspace.features.values()]
    known = [one for one in sent if one is not None]
    return known[0] if known and "temperature" not in refused else None


async def _asked(
    name: str, config: ModelConfig, temperature: float | None, environ: Mapping[str, str]
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
    return await ping_model(
        provider,
        asked,
        effort=config.effort,
        temperature=temperature,
        decides=config.api in DECISION_APIS,
    )
