"""A team's bills as what a forecast is held against: rows by month, feature and model.

A saving needs the number of requests. Where a bill has none, logs that `import traffic` measured in
that month say it; else the billed tokens do, at the record's tokens a request. Each is told.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from harness.bring.bills.reading_bills import is_neutral, read_charges
from harness.bring.logs.attributing import Attribution
from harness.errors import CannotTellError, UsageError
from harness.money.bill import TOKENS, WHOLE_DESPITE_DAYS, BillRead, Invoice, Posting
from harness.money.measured import TrafficMeasured, measured_of
from harness.money.realised import COLUMNS, BilledRow, is_named, read_bill
from harness.record.model import DecisionRecord
from harness.record.parts import Target

LEFT_OUT = f"left out, as the bill lacks over {WHOLE_DESPITE_DAYS} days in a row of it"
_DAY = timedelta(days=1)
_ESCALATED = "calls of other models on days of {} taken as escalations"
_INPUT = frozenset(TOKENS) - {"output"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BillsRead:
    """What some files of bills say."""

    bill: Invoice
    neutral: tuple[BilledRow, ...]
    """Rows that say their requests themselves; charges of them stand in the bill, too."""
    measured: tuple[TrafficMeasured, ...]
    """Logs of the workspace, newest last."""
    whole_months: Mapping[str, frozenset[str]]
    """Months that the charges of a seller cover, by seller."""

    @property
    def features(self) -> frozenset[str]:
        """Features with at least one charge."""
        return frozenset(line.feature for line in self.bill.lines if line.feature)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedBill:
    """A feature's rows, with where their number of requests comes from."""

    rows: tuple[BilledRow, ...]
    basis: str
    left_out: tuple[str, ...]
    """Months that the bill has a part of only, each with the seller that lacks days."""


def read_bills(paths: Sequence[Path], rules: Attribution, folder: Path) -> BillsRead:
    """Read bills of any kind that is known.

    Args:
        paths: the files; one with the same content counts once.
        rules: whose a charge is.
        folder: `traffic/`, for what logs measured.

    Raises:
        UsageError: a file that cannot be read, or two that charge for the same.
        WorkspaceError: one line per row that is wrong.
    """
    unlike = _unlike(paths)
    neutral = [path for path in unlike if is_neutral(path, COLUMNS)]
    bill = read_charges(tuple(path for path in unlike if path not in neutral), rules)
    rows: dict[tuple[str, str, str], BilledRow] = {}
    files = list(bill.files)
    for path in neutral:
        own = read_bill(path)
        files.append(
            BillRead(file=path.name, sha256=_sha256(path), format="neutral", rows=len(own))
        )
        for row in own:
            key = (row.month, row.feature, row.model)
            if rows.setdefault(key, row) is not row:
                raise UsageError(f"{path}: {', '.join(key)} stands in another file, too")
    both = {line.model for line in bill.used()} & {row.model for row in rows.values()}
    if both:
        raise UsageError(f"{min(both)} is charged in two kinds of bills: give one of them")
    lines = (*bill.lines, *map(_line, rows.values()))
    return BillsRead(
        bill=replace(bill, lines=lines, files=tuple(files)),
        neutral=tuple(rows.values()),
        measured=tuple(measured_of(path) for path in sorted(folder.glob("*.measured.json"))),
        whole_months=bill.whole_months,
    )


def _unlike(paths: Sequence[Path]) -> list[Path]:
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(_sha256(path), path)
    return list(found.values())


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from None


def _line(row: BilledRow) -> Posting:
    start = date.fromisoformat(f"{row.month}-01")
    return Posting(
        start=start,
        end=_after(start),
        cost_usd=row.cost_usd,
        billed_usd=row.cost_usd,
        feature=row.feature,
        model=row.model,
        requests=row.requests,
    )


def _after(start: date) -> date:
    return (start + 32 * _DAY).replace(day=1)


def counted(read: BillsRead, record: DecisionRecord) -> CountedBill:
    """A feature's billed rows, each with its number of requests.

    Raises:
        CannotTellError: nothing says how many requests a month had, or what they cost.
    """
    feature = record.feature.id
    own = [row for row in read.neutral if row.feature == feature]
    if own:
        return CountedBill(rows=tuple(own), basis="requests as billed", left_out=())
    lines: dict[str, list[Posting]] = defaultdict(list)
    for line in read.bill.used():
        if line.feature == feature:
            lines[line.month].append(line)
    parts = {month: _lacking(own, month, read.whole_months) for month, own in lines.items()}
    rows: list[BilledRow] = []
    bases: dict[str, None] = {}
    for month in sorted(month for month, lacking in parts.items() if not lacking):
        requests, basis = _requests(lines[month], month, read.measured, record)
        costs = _costs(lines[month], month, feature)
        rows += [
            BilledRow(
                month=month,
                feature=feature,
                model=model,
                requests=requests.get(model, 0),
                cost_usd=cost,
            )
            for model, cost in sorted(costs.items())
        ]
        bases[basis] = None
    left_out = tuple(f"{month} ({parts[month]})" for month in sorted(parts) if parts[month])
    return CountedBill(rows=tuple(rows), basis="; ".join(bases), left_out=left_out)


def _costs(lines: Sequence[Posting], month: str, feature: str) -> dict[str, Decimal]:
    """USD by model; a bill that counts a model's use and charges nothing for it tells no cost."""
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.cost_usd is not None:
            costs[line.model] += line.cost_usd
    missing = sorted({line.model for line in lines} - costs.keys())
    if missing:
        raise CannotTellError(
            f"{feature}: the bill counts the use of {missing[0]} in {month} and has no cost of it; "
            "give the vendor's costs with `--actual`, too"
        )
    return costs


def _lacking(lines: Iterable[Posting], month: str, whole: Mapping[str, frozenset[str]]) -> str:
    """Sellers that charge a feature in a month and do not cover it; a part of it tells nothing."""
    sellers = {line.seller for line in lines}
    return ", ".join(sorted(name for name in sellers if month not in whole.get(name, ())))


def _requests(
    lines: Iterable[Posting],
    month: str,
    measured: Sequence[TrafficMeasured],
    record: DecisionRecord,
) -> tuple[dict[str, int], str]:
    """Requests by model, and where they come from."""
    lines, cascade = _first_asked(tuple(lines), record)
    billed: dict[str, int] = defaultdict(int)
    tokens: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        billed[line.model] += line.requests or 0
        if line.tokens is not None and line.token in _INPUT:
            tokens[line.model] += line.tokens
    if billed and all(billed[model] for model in billed):
        return _without_retries(billed, record), f"requests as billed{cascade}"
    logged = _logged(month, measured, record)
    if logged is not None:
        return logged
    facts = record.traffic
    if facts is None or not facts.input_tokens or not all(tokens.get(model) for model in billed):
        raise CannotTellError(
            f"{record.feature.id}: the bill counts no requests in {month}, and no tokens in; "
            "import that month's logs (`rightsize import traffic`), then verify again"
        )
    each = Decimal(str(facts.input_tokens)) * (1 + Decimal(str(facts.retry_rate)))
    found = {model: round(count / each) for model, count in tokens.items()}
    basis = f"requests by billed input tokens, {each:,.0f} a request as the record has it"
    return found, f"{basis}{cascade}"


def _first_asked(
    lines: tuple[Posting, ...], record: DecisionRecord
) -> tuple[tuple[Posting, ...], str]:
    """Lines whose calls begin a request, and what is to be said of the others.

    On days on which a cascade's first model is called, calls of others are taken as escalations.

    Raises:
        CannotTellError: a request takes several calls that a bill or a log does not tell apart.
    """
    first = _first_of_cascade(record)
    alike = first is not None and first.model_id == record.current.model_id
    if alike or any(one.most_calls > 1 for one in record.evidence.program or ()):
        why = "both steps of the cascade ask one model" if alike else "a run takes several calls"
        raise CannotTellError(
            f"{record.feature.id}: {why}, and bills and logs count calls, not requests; give "
            f"a CSV with {','.join(COLUMNS)} instead"
        )
    if first is None:
        return lines, ""
    called = (one for one in lines if is_named(one.model, first) and (one.requests or one.tokens))
    days = {day for line in called for day in _days(line)}
    own = (line for line in lines if is_named(line.model, first) or days.isdisjoint(_days(line)))
    return tuple(own), f", {_ESCALATED.format(first.model_id)}"


def _first_of_cascade(record: DecisionRecord) -> Target | None:
    """The first model of the cascade that was chosen; None: a single model was."""
    chosen = next((one for one in record.options if one.target.option == record.chosen), None)
    return None if chosen is None or chosen.cascade is None else chosen.target


def _days(line: Posting) -> range:
    return range(line.start.toordinal(), line.end.toordinal())


def _without_retries(calls: dict[str, int], record: DecisionRecord) -> dict[str, int]:
    """A bill counts calls; a record counts requests, and its retries beside them."""
    rate = Decimal(str(record.traffic.retry_rate)) if record.traffic else Decimal(0)
    return {model: round(count / (1 + rate)) for model, count in calls.items()}


def _logged(
    month: str, measured: Sequence[TrafficMeasured], record: DecisionRecord
) -> tuple[dict[str, int], str] | None:
    """A month's requests by model, from logs that lie within it, scaled up to its days."""
    start = date.fromisoformat(f"{month}-01")
    end = _after(start)
    first = _first_of_cascade(record)
    for each in reversed(measured):
        inside = start <= each.window.start.date() and (each.window.end - _DAY).date() < end
        own = next((one for one in each.features if one.feature == record.feature.id), None)
        if not inside or own is None or not own.requests:
            continue
        share = Decimal((end - start) / (each.window.end - each.window.start))
        calls = sum(model.calls for model in own.models)
        found = {
            model.name: round(Decimal(own.requests) * model.calls / calls * share)
            for model in own.models
        }
        return _but_escalated(found, f"requests as logged, {each.window}", first)
    return None


def _but_escalated(
    found: dict[str, int], basis: str, first: Target | None
) -> tuple[dict[str, int], str]:
    """A log's requests by model, of a cascade those of its first model where it was called."""
    own = {model: count for model, count in found.items() if first and is_named(model, first)}
    if first is None or not any(own.values()):
        return found, basis
    return own, f"{basis}, {_ESCALATED.format(first.model_id)}"
