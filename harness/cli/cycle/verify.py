"""`rightsize verify`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli import options
from harness.conduct.concluding.past import PastReview
from harness.conduct.concluding.proving import prove
from harness.conduct.concluding.verifying import ForecastHeld, Verified, hold_against_bill
from harness.conduct.concluding.verifying import verify as make_again
from harness.conduct.opening import find_workspace
from harness.errors import ExitCode
from harness.wording import plural, usd


@click.command()
@click.argument(
    "records",
    nargs=-1,
    metavar="[RECORD]...",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
)
@options.workspace
@options.cycle
@options.feature
@options.out
@click.option(
    "--actual",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="A bill as CSV (month,feature,model,requests,cost_usd): write what was realised.",
)
def verify(  # noqa: PLR0913  # each is an option
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    actual: Path | None,
    records: tuple[Path, ...],
) -> int:
    """Make findings again from the journal; with --actual, hold forecasts against a bill.

    With RECORD, a file of reviews/: work its p-values, bounds and verdict out from it alone,
    without journal or workspace.
    """
    if records:
        return _prove(records)
    root = find_workspace(workspace)
    past = PastReview(root=root, cycle=cycle, out=out, features=features)
    if actual is not None:
        hold_against_bill(past, actual, told=_show_realised, now=options.now())
        return ExitCode.OK
    found = make_again(past, told=_show, now=options.now())
    return ExitCode.OK if all(one.found.same for one in found) else ExitCode.GATE_FAILED


def _prove(records: tuple[Path, ...]) -> int:
    sound = True
    for path in records:
        faults = prove(path).faults
        click.echo(f"{path}: {'proves itself' if not faults else 'DOES NOT FOLLOW'}")
        for line in faults:
            click.echo(f"  {line}")
        sound = sound and not faults
    return ExitCode.OK if sound else ExitCode.GATE_FAILED


def _show_realised(billed: ForecastHeld) -> None:
    found = billed.found
    click.echo(
        f"{billed.feature}: {usd(found.saving)} a month realised, "
        f"{usd(found.forecast_saving)} forecast ({', '.join(found.months)}); "
        f"volume alone {found.volume_effect:+,.2f}"
    )


def _show(made: Verified) -> None:
    found = made.found
    click.echo(f"{made.feature}: {'the same finding' if found.same else 'ANOTHER FINDING'}")
    for line in found.differences:
        click.echo(f"  {line}")
    if made.replaced:
        click.echo(
            f"  {plural(made.replaced, 'answer')} that it rests on were replaced since: "
            "review again for a finding on the new ones"
        )
