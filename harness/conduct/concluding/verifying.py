"""`verify`: findings made again from the journal, and forecasts held against a bill."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, cast

from harness.ask.replay.retry import RetryPolicy
from harness.bring.logs.attributing import read_rules
from harness.conduct.concluding.billing import LEFT_OUT, BillsRead, counted, read_bills
from harness.conduct.concluding.deciding import change_on_disk
from harness.conduct.concluding.past import PastReview
from harness.conduct.listening import nobody
from harness.conduct.opening import utc_now
from harness.conduct.reviewing.progress import Silent
from harness.conduct.reviewing.review import review
from harness.conduct.reviewing.session import NotInJournalError, Runtime
from harness.errors import CannotTellError, UsageError
from harness.journal.journal import Journal
from harness.money.bill import Invoice
from harness.money.prices.logged_prices import LoggedPrices
from harness.money.realised import Realised, realised, verified
from harness.money.reconciling import PerRequest, Reconciled, reconcile
from harness.plan.planning import Selection, plan_review
from harness.record.base import State
from harness.record.lifecycle import implemented
from harness.record.model import DecisionRecord, seal
from harness.record.stored import read_records
from harness.tell.pages import publish
from harness.tell.reconciliation import write_reconciled
from harness.workspace.state import journal_file
from harness.workspace.workspace import Workspace, load_workspace

_NOT_FOUND = frozenset({"generated_at", "state", "history", "exception", "finding_sha256", "etag"})
_MOST_LINES = 20
_DESCRIPTIVE = (
    *("name", "owner", "team", "product", "environment", "cost_center", "tags"),
    *("used_in", "rollback"),
)
"""Facts of a feature that say whose it is and where: another finding does not follow from them."""
_AT_LIST = ("at_estimate", "at_worst", "net_saving_estimate", "net_saving_worst")
_ACCEPTED = frozenset({State.ACCEPTED, State.IMPLEMENTED, State.VERIFIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Recomputed:
    """Whether the finding is the same, and where it is not."""

    same: bool
    differences: tuple[str, ...]
    """`options.0.quality.worst: -2.1 in the record, -2.4 recomputed`, at most 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A feature's finding, made again."""

    feature: str
    found: Recomputed
    replaced: int
    """Answers that it rests on and that were replaced since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastHeld:
    """A feature's forecast, held against a bill."""

    feature: str
    found: Realised
    basis: str = ""
    """Where the number of requests comes from."""
    left_out: tuple[str, ...] = ()
    """Months that the bill has a part of only, each with the seller that lacks days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillHeld:
    """A bill, held against the forecasts and the prices of its days."""

    features: tuple[ForecastHeld, ...]
    not_held: tuple[str, ...]
    """Why a feature that the bill has could not be verified."""
    bill: Invoice
    reconciled: Reconciled
    table: Path
    """Where estimate and bill stand row by row."""


def verify(
    past: PastReview,
    *,
    told: Callable[[Verified], None] = nobody,
    now: datetime | None = None,
) -> tuple[Verified, ...]:
    """Make a review's findings again from the journal, without a call.

    Args:
        past: the review.
        told: told of each finding as it is made.
        now: the moment; the clock's without.

    Raises:
        WorkspaceError: a fault of the workspace.
        UsageError: no such record.
        CannotTellError: there is no journal, or it lacks what a record rests on.
    """
    records = past.records((now or utc_now()).date())
    workspace = load_workspace(past.root)
    found: list[Verified] = []
    for record in records:
        one = _recompute(workspace, record)
        told(one)
        found.append(one)
    return tuple(found)


def hold_against_bill(
    past: PastReview,
    bills: Path | Sequence[Path],
    *,
    told: Callable[[ForecastHeld], None] = nobody,
    now: datetime | None = None,
) -> BillHeld:
    """Write into a review's accepted records what was saved by a bill, and its documents again.

    A bill that was read before changes nothing.

    Args:
        past: the review.
        bills: FOCUS, OpenAI's or Anthropic's pages, or month,feature,model,requests,cost_usd.
        told: told of each feature that the bill has, once its record is written.
        now: the moment; the clock's without.

    Raises:
        WorkspaceError: a fault of the workspace, or a row of a bill that cannot be read.
        UsageError: no such record, or a bill that cannot be read; or no record could be verified.
        CannotTellError: no record could be verified, as the bill does not say enough.
    """
    moment = now or utc_now()
    records, folder = past.records(moment.date()), past.folder(moment.date())
    workspace = load_workspace(past.root)
    paths = (bills,) if isinstance(bills, Path) else tuple(bills)
    read = read_bills(paths, read_rules(past.root), past.root / "traffic")
    found: list[ForecastHeld] = []
    faults: list[UsageError | CannotTellError] = []
    for record in _due(records, read):
        name = record.feature.id
        production = workspace.features[name].incumbent if name in workspace.features else ""
        try:
            one = _hold(record, read, (production, ", ".join(path.name for path in paths)), moment)
            change_on_disk(folder, name, one.step)
        except (UsageError, CannotTellError) as error:
            faults.append(error)
        else:
            told(one.held)
            found.append(one.held)
    if faults and not found:
        raise faults[0]
    prices = LoggedPrices(models=workspace.models, policy=workspace.policy)
    rows = reconcile(read.bill.used(), prices.rates, _per_request(records))
    table = write_reconciled(rows, folder)
    publish(read_records(folder), folder, now=moment)
    whys = tuple(map(str, faults))
    return BillHeld(
        features=tuple(found), not_held=whys, bill=read.bill, reconciled=rows, table=table
    )


def _due(records: Sequence[DecisionRecord], read: BillsRead) -> list[DecisionRecord]:
    """Accepted swaps that anything was charged to."""
    return [
        record
        for record in records
        if record.state in _ACCEPTED
        and record.savings is not None
        and record.feature.id in read.features
    ]


@dataclass(frozen=True, slots=True)
class _Held:
    held: ForecastHeld
    step: Callable[[DecisionRecord], DecisionRecord]


def _hold(
    record: DecisionRecord, read: BillsRead, known: tuple[str, str], moment: datetime
) -> _Held:
    production, source = known
    bill = counted(read, record)
    if bill.left_out and not bill.rows:
        raise UsageError(
            f"{record.feature.id}: no month of the bill has requests of {record.chosen} in whole; "
            f"{LEFT_OUT}: {', '.join(bill.left_out)}"
        )
    one = ForecastHeld(
        feature=record.feature.id,
        found=realised(record, bill.rows),
        basis=bill.basis,
        left_out=bill.left_out,
    )

    def step(current: DecisionRecord) -> DecisionRecord:
        running = implemented(current, production, moment)
        return verified(running, realised(running, bill.rows), source=source, now=moment)

    return _Held(one, step)


def _per_request(records: Sequence[DecisionRecord]) -> PerRequest:
    """USD of a request as a record has it, of its chosen option and of today's model."""
    known: dict[tuple[str, str], Decimal | None] = {}
    for record in records:
        options = [(record.current, record.current_cost)]
        options += [(each.target, each.cost) for each in record.options]
        for target, cost in options:
            for name in (target.option, target.model_id, target.version):
                known.setdefault((record.feature.id, name), cost.request_after_discounts)

    def per_request(feature: str, model: str) -> Decimal | None:
        return known.get((feature, model))

    return per_request


def _recompute(workspace: Workspace, record: DecisionRecord) -> Verified:
    name, moment = record.feature.id, record.generated_at
    quick = any("--quick" in reason for reason in record.evidence.exploratory)
    wanted = Selection(features=(name,), models=(), quick=quick, max_spend_usd=None)
    plan = plan_review(workspace, cycle=record.cycle, on=moment.date(), wanted=wanted)
    state = journal_file(workspace.root)
    if not state.is_file():
        raise CannotTellError(f"{name}: no journal at {state}; the record rests on one")
    with Journal.read(state) as journal:
        journal.as_of = moment.astimezone(UTC).isoformat()
        engine = Runtime(
            cluster=None,
            journal=journal,
            retry=RetryPolicy(rng=Random(0)),  # noqa: S311  # nothing is asked
            progress=Silent(),
            now=moment,
            share_of_rate_limit=workspace.policy.share_of_rate_limit,
        )
        try:
            (again,), _ = review(workspace, plan, {}, engine)
        except NotInJournalError as error:
            raise CannotTellError(f"{name}: {error}; the journal lacks what it rests on") from None
    return Verified(
        feature=name, found=compare_findings(record, again), replaced=len(journal.replaced)
    )


def compare_findings(record: DecisionRecord, again: DecisionRecord) -> Recomputed:
    """Hold a record against the one that was made again without a call.

    The hash of the record as it is written counts, not the one that it claims.
    """
    left, right = _facts(record), _facts(again)
    _on_one_basis(left, right)
    lines = list(_differences(left, right, ""))
    claimed = seal(record).finding_sha256
    if claimed != record.finding_sha256:
        lines.insert(0, f"finding_sha256: {record.finding_sha256[:12]} stands in the record, "
                        f"{claimed[:12]} fits its text")  # fmt: skip
    return Recomputed(same=not lines, differences=tuple(lines[:_MOST_LINES]))


def _facts(record: DecisionRecord) -> dict[str, Any]:
    facts = cast("dict[str, Any]", json.loads(record.model_dump_json(exclude=set(_NOT_FOUND))))
    if facts["savings"] is not None:
        facts["savings"] |= {"realised": None, "verified_at": None, "realised_months": None}
    # All three grow with every later review or try on the same journal.
    facts["evidence"] |= {"journal_runs": None, "registered": None}
    # Why a record decides nothing is worded for people, by whichever version wrote it.
    facts["evidence"] |= {"exploratory": bool(record.evidence.exploratory)}
    facts["evidence"]["eval_set"] |= {"times_used": None}
    facts["feature"] |= dict.fromkeys(_DESCRIPTIVE)
    for option in facts["options"]:
        option |= {"prompts_tried": None}
    return facts


def _on_one_basis(left: dict[str, Any], right: dict[str, Any]) -> None:
    """Leave out what an older record held at list price and is made after discounts now."""
    for ours, theirs in zip(left["options"], right["options"], strict=False):
        first, second = ours["error_break_even"], theirs["error_break_even"]
        if first and second and "saving_after_discounts" not in first:
            for name in _AT_LIST:
                first[name] = second[name]
    if left["savings"] and right["savings"] and "minimum_usd" not in left["savings"]:
        left["bridge"] = right["bridge"]
        left["savings"]["payback_months"] = right["savings"]["payback_months"]


def _differences(left: Any, right: Any, path: str) -> Iterator[str]:  # noqa: ANN401  # JSON
    if isinstance(left, dict) and isinstance(right, dict):
        ours, theirs = cast("dict[str, Any]", left), cast("dict[str, Any]", right)
        # A key that the record does not have came after it: its writer could not say so much.
        for key in sorted(ours):
            yield from _differences(ours[key], theirs.get(key), f"{path}.{key}".lstrip("."))
    elif isinstance(left, list) and isinstance(right, list):
        first, second = cast("list[Any]", left), cast("list[Any]", right)
        if len(first) != len(second):
            yield f"{path}: {len(first)} entries in the record, {len(second)} recomputed"
        for at, (one, other) in enumerate(zip(first, second, strict=False)):
            yield from _differences(one, other, f"{path}.{at}")
    elif left != right:
        yield f"{path}: {left!r} in the record, {right!r} recomputed"
