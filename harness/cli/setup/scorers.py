"""`rightsize scorers`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from evalsets.cases import ScorerSpec
from evalsets.validation import suggestion
from harness.cli.say import say
from harness.errors import UsageError
from harness.judge.scoring.catalogue import (
    OPTIONS,
    SCORERS,
    SEES,
    WHAT,
    is_binary,
    is_closed,
    needs_target,
)
from harness.judge.scoring.scorer import Options


@click.command()
@click.argument("name", required=False)
def scorers(name: str | None) -> None:
    """List the scorers; of NAME, all that its options say."""
    if name is None:
        for each in SCORERS:
            say(f"{each:<13} {WHAT[each]}")
        say("module:function  your own, beside the eval set: harness/judge/README.md")
        return
    if name not in SCORERS:
        raise UsageError(f"no scorer {name!r}{suggestion(name, list(SCORERS))}")
    for line in _described(name):
        say(line)


def _described(name: str) -> Iterator[str]:
    spec = ScorerSpec(scorer=name)
    yield f"{name}: {WHAT[name]}"
    yield f"  sees {SEES.get(name, 'the text of the reply, without reasoning before it')}"
    by_grades = name in {"judge", "graded"}
    binary = not by_grades and is_binary(spec)
    yield "  scores by its grades" if by_grades else f"  scores {'0 or 1' if binary else '0 to 1'}"
    yield "  needs a target or a label" if needs_target(spec) else "  needs no target"
    if is_closed(spec):
        yield "  equal answers have equal scores, so only disagreements need labels"
    yield from _options(OPTIONS[name])


def _options(model: type[Options]) -> Iterator[str]:
    if not model.model_fields:
        yield "  has no options"
    described = model.key_descriptions()
    for name, field in model.model_fields.items():
        given: object = None if field.is_required() else field.get_default()
        if field.default_factory is not None:
            given = "as its description says"
        default = "required" if field.is_required() else f"default {given}"
        told = " ".join(described.get(name, "").split())
        yield f"  {field.alias or name} ({default}): {told}"
