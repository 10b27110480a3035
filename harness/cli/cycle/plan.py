"""`rightsize plan`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import click

from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.plan_text import plan_lines
from harness.cli.say import say
from harness.conduct.access import access_lines
from harness.conduct.listening import Planned
from harness.conduct.loads import asked_models, check_quotas, hosting_lines
from harness.conduct.opening import find_workspace
from harness.conduct.planning import (
    fixing_lines,
    not_tried,
    not_tried_lines,
    seal,
    with_counted_labels,
)
from harness.conduct.planning import plan as make_plan
from harness.conduct.preparing.showing_prompts import prompt_lines, prompts_for
from harness.conduct.sealing import sealed_lines
from harness.conduct.since import cannot_tell_lines, since_lines
from harness.conduct.tuning.worth import untuned_lines, worth_lines
from harness.errors import UsageError
from harness.money.owned.bought import bought_units
from harness.plan.planning import Selection


@click.command()
@options.workspace
@options.cycle
@options.feature
@options.model
@options.max_spend
@click.option(
    "--seal",
    "sealed",
    is_flag=True,
    help="Write the plans with their hashes, to be committed or posted before the first call.",
)
@click.option("--details", is_flag=True, help="Say for each feature what will be asked and why.")
@click.option(
    "--show-prompt",
    "case_id",
    default=None,
    metavar="CASE",
    help="Show only what the models would be sent for this case.",
)
@options.as_json
def plan(  # noqa: PLR0913  # one argument per option of the command
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    models: tuple[str, ...],
    max_spend: Decimal | None,
    sealed: bool,
    details: bool,
    case_id: str | None,
    as_json: bool,
) -> int:
    """Show what is decided without a call, what is asked, and what it costs. Spends nothing."""
    lines = partial(_lines, details=details) if case_id is None else partial(_prompts, case_id)
    if as_json:
        lines = _json_lines
    if sealed and (as_json or case_id is not None):
        raise UsageError("--seal writes plans; leave --json and --show-prompt out")
    planned = make_plan(
        find_workspace(workspace),
        Selection(features=features, models=models, max_spend_usd=max_spend),
        cycle=cycle,
        now=options.now(),
        listener=Terminal(lines=lines),
    )
    if case_id is not None or as_json:
        return planned.exit_code
    for line in access_lines(planned.workspace, asked_models(planned.plan), os.environ):
        say(f"warning: {line}", err=True)
    check_quotas(planned.workspace, planned.plan, planned.now)
    for line in sealed_lines(seal(planned)) if sealed else ():
        say(line)
    return planned.exit_code


def _json_lines(planned: Planned) -> Iterator[str]:
    """What is decided without a call, what is asked, and of whom; money as texts."""
    found = with_counted_labels(planned)
    features = [
        {
            "feature": each.feature,
            "status": each.status,
            "reasons": list(each.reasons),
            "note": each.note or None,
            "cases": len(each.evalset.cases),
            "margin_points": each.margin,
            "monthly_usd": each.monthly_usd,
            "incumbent": each.incumbent.name if each.incumbent else None,
            "options": [
                {
                    "option": rung.name,
                    "asked": rung.asked,
                    "excluded": rung.excluded,
                    "monthly_usd": rung.monthly_usd,
                }
                for rung in each.options
            ],
            "labels": each.labels,
            "test": None if each.life is None else each.life.model_dump(mode="json"),
            "cases_missing": each.cases_missing,
            "new_cases": each.new_cases,
        }
        for each in found.features
    ]
    whole = {
        "cycle": found.cycle,
        "features": features,
        "cheaper_and_not_tried": [each.name for each in not_tried(planned)],
        "exit_code": int(planned.exit_code),
    }
    yield from json.dumps(whole, indent=2, default=str).splitlines()


def _prompts(case_id: str, planned: Planned) -> Iterator[str]:
    if len(planned.plan.features) > 1:
        raise UsageError("--show-prompt needs one feature: --feature NAME")
    for each in planned.plan.features:
        for filled in prompts_for(each, case_id):
            for text in prompt_lines(filled):
                yield from text.split("\n")


def _lines(planned: Planned, *, details: bool) -> Iterator[str]:
    loaded, found, now = planned.workspace, planned.plan, planned.now
    yield from plan_lines(with_counted_labels(planned), details=details)
    yield from fixing_lines(found, loaded.root)
    yield from not_tried_lines(planned)
    yield from hosting_lines(loaded, found)
    yield from (f"bought: {one.says}" for one in bought_units(loaded.models, now.date()))
    yield from cannot_tell_lines(found, loaded.root / "reviews")
    yield from since_lines(loaded, found, loaded.root / "reviews", now)
    yield from untuned_lines(found, loaded.root)
    yield from worth_lines(found, loaded.root / "reviews")
