"""`rightsize probe`."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import click

from harness.ask.probe.foreign import Tool
from harness.ask.probe.probing import Probing
from harness.ask.probe.probing import probe as over_the_wire
from harness.ask.probe.search import SearchPlan
from harness.cli import options
from harness.cli.listening import Terminal
from harness.cli.say import say
from harness.conduct.opening import find_workspace
from harness.conduct.preparing.importing_probe import import_probe
from harness.conduct.preparing.probing_replica import (
    Probed,
    ProbeSettings,
    ReplicaToProbe,
)
from harness.conduct.preparing.probing_replica import probe as measure
from harness.wording import percent

POSITIVE = click.FloatRange(0, min_open=True)
TOOLS = ("guidellm", "vllm-bench", "aiperf")


_REPORT = options.InputFile(exists=False)


@click.command()
@click.argument("model")
@click.option("--feature", "-f", required=True, help="Feature whose prompts and SLOs count.")
@options.workspace
@click.option(
    "--seconds",
    type=POSITIVE,
    default=None,
    help="Length of one run.  [default: 60, or 12 times the slowest limit, or 30 answers]",
)
@click.option(
    "--requests",
    type=click.IntRange(10),
    default=400,
    show_default=True,
    help="Fewest requests of one run.",
)
@click.option(
    "--repeats", type=click.IntRange(1), default=5, show_default=True, help="Independent searches."
)
@click.option(
    "--first", type=POSITIVE, default=1.0, show_default=True, help="First rate, requests a second."
)
@click.option("--seed", default=1, show_default=True, help="Of arrivals and prompts.")
@click.option(
    "--import", "imported", type=(click.Choice(TOOLS), _REPORT), default=None,
    help="Take a result file of another tool instead of measuring.", metavar="TOOL FILE",
)  # fmt: skip
@click.option(
    "--load-s", type=POSITIVE, default=None, help="Start to first answer, where not measured."
)
@click.pass_obj
def probe(  # noqa: PLR0913  # one argument per option of the command
    by: Probing | None,
    /,
    *,
    model: str,
    feature: str,
    workspace: Path,
    seconds: float | None,
    requests: int,
    repeats: int,
    first: float,
    seed: int,
    imported: tuple[str, Path] | None,
    load_s: float | None,
) -> None:
    """Measure how many requests a second one replica of MODEL serves within a feature's SLOs."""
    root = find_workspace(workspace)
    asked = ReplicaToProbe(root=root, model=model, feature=feature, load_s=load_s)
    search = SearchPlan(first_per_s=first, repeats=repeats)
    if imported is not None:
        tool, path = imported
        _show(import_probe(asked, cast("Tool", tool), path, now=options.now()))
        return
    how = ProbeSettings(search=search, seed=seed, seconds=seconds, least_requests=requests)
    by = by or over_the_wire
    _show(measure(asked, how, listener=Terminal(), clock=options.now, measure=by))


def _show(probed: Probed) -> None:
    result, path = probed.result, probed.path
    goodput = result.goodput
    span = (
        f" ({goodput.lower_per_s:.3g} to {goodput.upper_per_s:.3g})"
        if goodput.lower_per_s is not None and goodput.upper_per_s is not None
        else ""
    )
    say(
        f"{result.model}: {goodput.per_s:.3g} requests a second and replica{span} with "
        f"{percent(goodput.good_share)} good; written to {path}, sha256 {result.sha256[:12]}"
    )
    for note in result.notes:
        say(f"  {note}")
