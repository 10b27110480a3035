"""`rightsize verify`."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import click

from harness.cli import options
from harness.cli.say import say, say_block
from harness.conduct.concluding.billing import LEFT_OUT
from harness.conduct.concluding.past import PastReview
from harness.conduct.concluding.proving import Proved, prove
from harness.conduct.concluding.verifying import (
    BillHeld,
    ForecastHeld,
    Verified,
    hold_against_bill,
)
from harness.conduct.concluding.verifying import verify as make_again
from harness.conduct.listening import nobody
from harness.conduct.opening import find_workspace
from harness.errors import ExitCode, UsageError
from harness.wording import percent, plural, usd

_CALLERS = 5


@click.command()
@click.argument(
    "records",
    nargs=-1,
    metavar="[RECORD]...",
    type=options.InputFile(),
)
@options.workspace
@options.cycle
@options.feature
@options.out
@click.option(
    "--actual",
    type=options.InputFile(exists=False),
    multiple=True,
    metavar="FILE",
    help="A bill (FOCUS, OpenAI, Anthropic, CSV): write what was realised; may be repeated.",
)
@options.as_json
def verify(  # noqa: PLR0913  # each is an option
    *,
    workspace: Path,
    cycle: str | None,
    features: tuple[str, ...],
    out: Path | None,
    actual: tuple[Path, ...],
    records: tuple[Path, ...],
    as_json: bool,
) -> int:
    """Make findings again from the journal; with --actual, hold forecasts against a bill.

    A bill is FOCUS 1.2 to 1.4 (CSV, Parquet), the pages of OpenAI's and Anthropic's usage and cost
    interfaces, or a CSV with month,feature,model,requests,cost_usd. Whose a charge is stands in
    attribution.yaml. The same bill again changes nothing.

    With RECORD, a file of reviews/: work its p-values, bounds and verdict out from it alone,
    without journal or workspace.
    """
    if as_json and actual:
        raise UsageError("--json and --actual: the bill is read as text")
    if records:
        return _prove(records, as_json=as_json)
    root = find_workspace(workspace)
    past = PastReview(root=root, cycle=cycle, out=out, features=features)
    if actual:
        held = hold_against_bill(past, actual, told=_show_realised, now=options.now())
        for line in _bill_lines(held):
            say(line)
        return ExitCode.OK
    found = make_again(past, told=nobody if as_json else _show, now=options.now())
    if as_json:
        told = [{"feature": one.feature, "same": one.found.same} for one in found]
        say_block(json.dumps(told, indent=2))
    return ExitCode.OK if all(one.found.same for one in found) else ExitCode.GATE_FAILED


def _prove(records: tuple[Path, ...], *, as_json: bool) -> int:
    proofs = [(path, prove(path)) for path in records]
    if as_json:
        told = [
            {"record": str(path), "faults": [*one.faults], "earlier_formula": [*one.earlier]}
            for path, one in proofs
        ]
        say_block(json.dumps(told, indent=2))
    for path, one in () if as_json else proofs:
        say(f"{path}: {_told(one)}")
        for line in (*one.faults, *one.earlier):
            say(f"  {line}")
    if any(one.faults for _, one in proofs):
        return ExitCode.GATE_FAILED
    return ExitCode.CANNOT_TELL if any(one.earlier for _, one in proofs) else ExitCode.OK


def _told(one: Proved) -> str:
    if one.faults:
        return "DOES NOT FOLLOW"
    if one.earlier:
        return (
            "NOT PROVED: made by an earlier formula, cannot be re-derived by this version; "
            "the version that made it can, and version control tells whether it was changed since"
        )
    return "proves itself"


def _show_realised(billed: ForecastHeld) -> None:
    found = billed.found
    say(
        f"{billed.feature}: {usd(found.saving)} a month realised, "
        f"{usd(found.forecast_saving)} forecast ({', '.join(found.months)}); "
        f"volume alone {found.volume_effect:+,.2f}; {billed.basis}"
    )
    if billed.left_out:
        say(f"  {LEFT_OUT}: {', '.join(billed.left_out)}")


def _bill_lines(held: BillHeld) -> Iterator[str]:
    """What the bill comes to, and what of it the prices do not explain."""
    for file in held.bill.files:
        again = f", {file.told_again:,} of them in an earlier file" if file.told_again else ""
        otherwise = (
            f", {file.told_otherwise:,} of them with another amount than an earlier answer about "
            "the same: the larger counts"
            if file.told_otherwise
            else ""
        )
        yield f"  {file.file}: {file.format}, {plural(file.rows, 'row')}{again}{otherwise}"
    yield from (f"  not verified: {why}" for why in held.not_held)
    found = held.reconciled
    share = found.unexplained_share
    lost = found.unestimated
    without = f" without {plural(lost, 'row')} that could not be estimated" if lost else ""
    known = "nothing billed" if share is None else f"{percent(float(share), 1)} unexplained"
    yield (
        f"  models: {usd(found.billed_usd)} billed, {usd(found.estimate_usd)} at the prices of "
        f"each day{without}; {known}; row by row: {held.table}"
    )
    for kind, amount in sorted(held.bill.beside().items()):
        yield f"  beside it, in no estimate: {kind} {usd(amount)}"
    yield from _of_nobody(held)


def _of_nobody(held: BillHeld) -> Iterator[str]:
    """Charges that no rule places, by whom they were charged to, dearest first."""
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for line in held.bill.lines:
        if not line.feature and line.category == "Usage":
            costs[line.caller] += line.cost_usd or Decimal(0)
    for caller, cost in sorted(costs.items(), key=lambda each: (-each[1], each[0]))[:_CALLERS]:
        if cost:
            alias = f"key_alias: {caller}" if caller else "tag: ..."
            yield f"  of no feature: {usd(cost)}; placed by - {{when: {{{alias}}}, feature: ...}}"


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
