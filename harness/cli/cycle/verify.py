"""`rightsize verify`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.concluding.past import PastReview
from harness.conduct.concluding.proving import prove
from harness.conduct.concluding.verifying import ForecastHeld, Verified, hold_against_bill
from harness.conduct.concluding.verifying import verify as make_again
from harness.conduct.listening import nobody
from harness.conduct.opening import find_workspace
from harness.errors import ExitCode, UsageError
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
@options.as_json
def verify(  # noqa: PLR0913  # each is an option
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    actual: Path | None,
    records: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Make findings again from the journal; with --actual, hold forecasts against a bill.

    With RECORD, a file of reviews/: work its p-values, bounds and verdict out from it alone,
    without journal or workspace.
    """
    if as_json and actual is not None:
        raise UsageError("--json and --actual: the bill is read as text")
    if records:
        return _prove(records, as_json=as_json)
    root = find_workspace(workspace)
    past = PastReview(root=root, cycle=cycle, out=out, features=features)
    if actual is not None:
        hold_against_bill(past, actual, told=_show_realised, now=options.now())
        return ExitCode.OK
    found = make_again(past, told=nobody if as_json else _show, now=options.now())
    if as_json:
        told = [{"feature": one.feature, "same": one.found.same} for one in found]
        say_block(json.dumps(told, indent=2))
    return ExitCode.OK if all(one.found.same for one in found) else ExitCode.GATE_FAILED


def _prove(records: tuple[Path, ...], *, as_json: bool) -> int:
    sound = True
    proofs = [(path, prove(path).faults) for path in records]
    if as_json:
        told = [
            {"record": str(path), "faults": [str(f) for f in faults]} for path, faults in proofs
        ]
        say_block(json.dumps(told, indent=2))
        return ExitCode.GATE_FAILED if any(faults for _, faults in proofs) else ExitCode.OK
    for path, faults in proofs:
        say(f"{path}: {'proves itself' if not faults else 'DOES NOT FOLLOW'}")
        for line in faults:
            say(f"  {line}")
        sound = sound and not faults
    return ExitCode.OK if sound else ExitCode.GATE_FAILED


def _show_realised(billed: ForecastHeld) -> None:
    found = billed.found
    say(
        f"{billed.feature}: {usd(found.saving)} a month realised, "
        f"{usd(found.forecast_saving)} forecast ({', '.join(found.months)}); "
        f"volume alone {found.volume_effect:+,.2f}"
    )


def _show(made: Verified) -> None:
    found = made.found
    say(f"{made.feature}: {'the same finding' if found.same else 'ANOTHER FINDING'}")
    for line in found.differences:
        say(f"  {line}")
    if made.replaced:
        say(
            f"  {plural(made.replaced, 'answer')} that it rests on were replaced since: "
            "review again for a finding on the new ones"
        )
