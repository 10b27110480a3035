"""`rightsize probe`."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC
from pathlib import Path
from typing import cast

import click

from harness.ask.probe.foreign import Tool, decided, doubts, goodput_of_rates, read_runs
from harness.ask.probe.probing import ALONE, ProbePlan
from harness.ask.probe.probing import probe as measure
from harness.ask.probe.samples import RateRun, good_share
from harness.ask.probe.search import SearchPlan
from harness.ask.serving.gpus import Need, check_team_quotas
from harness.ask.serving.lifecycle import serve_models
from harness.cli import options
from harness.conduct.hosting import Local
from harness.conduct.loads import free_here, room_of
from harness.conduct.opening import find_workspace
from harness.conduct.probing import (
    Address,
    Subject,
    engine_of,
    slo_of,
    target_of,
    to_result,
    unseen_gpus,
)
from harness.errors import UsageError
from harness.wording import percent
from harness.workspace.probe_file import EngineEntry, ProbeResult, probe_path, write_probe
from harness.workspace.state import logs_folder
from harness.workspace.workspace import Workspace, load_workspace

POSITIVE = click.FloatRange(0, min_open=True)
TOOLS = ("guidellm", "vllm-bench", "aiperf")


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
    "--import", "imported", type=(click.Choice(TOOLS), click.Path(path_type=Path)), default=None,
    help="Take a result file of another tool instead of measuring.", metavar="TOOL FILE",
)  # fmt: skip
@click.option(
    "--load-s", type=POSITIVE, default=None, help="Start to first answer, where not measured."
)
def probe(  # noqa: PLR0913  # one argument per option of the command
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
    found = load_workspace(find_workspace(workspace))
    _check_names(found, model, feature)
    search = SearchPlan(first_per_s=first, repeats=repeats)
    if imported is not None:
        result = _imported(found, model, feature, imported, search)
    else:
        plan = ProbePlan(
            slo=slo_of(found, feature), search=search, seed=seed, seconds=seconds,
            least_requests=requests,
        )  # fmt: skip
        result = _measured(found, model, feature, plan)
    if load_s is not None:
        result = result.model_copy(update={"load_s": load_s})
    path = probe_path(found.root, model, feature)
    write_probe(result, path)
    _show(result, path)


def _measured(found: Workspace, model: str, feature: str, plan: ProbePlan) -> ProbeResult:
    now = options.now()
    config = found.models[model]
    key = os.environ.get(config.key) if config.key else None
    with ExitStack() as stack:
        base_url, load_s, gpus = config.base_url, None, ()
        if config.serve is not None:
            team = found.features[feature].team
            check_team_quotas(
                Need(model=model, gpus=config.serve.gpus, teams=frozenset({team})),
                room_of(found, (), now),
            )
            served = stack.enter_context(
                serve_models(
                    Local(
                        workspace=found,
                        models={model: config},
                        say=click.echo,
                        clock=options.now,
                    ).specs(),
                    logs=logs_folder(found.root),
                    environ=os.environ,
                    teams={model: (team,)},
                    gpus=lambda _: free_here(found.root, options.now()),
                )
            )[model]
            base_url, load_s, gpus = served.base_url, served.load_s, served.gpus
        if base_url is None:
            raise UsageError(
                f"{model}: neither `serve` nor `base_url`: a vendor's API is not probed"
            )
        target = target_of(
            found, feature, model, Address(base_url=base_url, key=key, gpus=gpus), on=now.date()
        )
        unseen = unseen_gpus(config, target)
        ready = "" if load_s is None else f", ready after {load_s:.1f} s"
        first = f"{ALONE} requests one by one, then a line after each run"
        for line in (*unseen, f"{model} at {base_url}{ready}; {first}"):
            click.echo(line)
        subject = Subject(
            model=model, feature=feature, source="probe", measured_at=now, notes=unseen,
            engine=engine_of(found, model, base_url), load_s=load_s,
        )  # fmt: skip
        return to_result(found, subject, measure(target, plan, _progress(plan)), plan.search)


def _imported(
    found: Workspace, model: str, feature: str, imported: tuple[str, Path], search: SearchPlan
) -> ProbeResult:
    tool, path = imported
    slo = slo_of(found, feature)
    runs = tuple(decided(run, slo) for run in read_runs(cast("Tool", tool), path))
    goodput = goodput_of_rates([(run.rate_per_s, good_share(run, slo)) for run in runs], search)
    subject = Subject(
        model=model, feature=feature, source=tool, load_s=None, engine=EngineEntry(name="unknown"),
        measured_at=options.now().astimezone(UTC),
        notes=(
            f"imported from {path.name}: no interval, since nothing was repeated",
            *doubts(runs, slo),
        ),
    )  # fmt: skip
    return to_result(found, subject, (goodput, runs), replace(search, repeats=1))


def _check_names(found: Workspace, model: str, feature: str) -> None:
    for option, name, known in (
        ("MODEL", model, found.models),
        ("--feature", feature, found.features),
    ):
        if name not in known:
            raise UsageError(f"{option} {name}: not in the workspace; known: {', '.join(known)}")


def _progress(plan: ProbePlan) -> Callable[[RateRun, float], None]:
    def say(run: RateRun, share: float) -> None:
        cut = ", ended early" if run.cut else ""
        rough = run.repeat == plan.search.rough_repeat
        click.echo(
            f"{'search' if rough else f'repeat {run.repeat + 1}'}: {run.rate_per_s:.3g}/s, "
            f"{len(run.samples)} requests, {percent(share, 1)} good{cut}"
        )

    return say


def _show(result: ProbeResult, path: Path) -> None:
    goodput = result.goodput
    span = (
        f" ({goodput.lower_per_s:.3g} to {goodput.upper_per_s:.3g})"
        if goodput.lower_per_s is not None and goodput.upper_per_s is not None
        else ""
    )
    click.echo(
        f"{result.model}: {goodput.per_s:.3g} requests a second and replica{span} with "
        f"{percent(goodput.good_share)} good; written to {path}, sha256 {result.sha256[:12]}"
    )
    for note in result.notes:
        click.echo(f"  {note}")
