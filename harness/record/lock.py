"""`rightsizing.lock`: what was decided, feature by feature, and all that the gate needs of it.

Canonical JSON text that changes only where a decision changes: no clock in it, entries by feature.
An entry carries its own digest, so that a slip of the hand is found in a repository that has
no records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from pydantic import JsonValue, ValidationError

from evalsets.source import NOT_FETCHED, is_pointer
from harness.errors import UsageError
from harness.record.base import LATER, Recorded, State, Verdict
from harness.record.model import DecisionRecord, KeyTwiceError, as_it_stands, sha256
from harness.record.money import OptionCost, RateFacts
from harness.record.parts import OptionRecord, Target

LOCK_FILE = "rightsizing.lock"
LOCK_SCHEMA: Literal["rightsizing-lock/v1"] = "rightsizing-lock/v1"
IN_FORCE = frozenset({State.ACCEPTED, State.IMPLEMENTED, State.VERIFIED})
"""States in which a human stands behind a finding."""

_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7}|\|{7})(?: |$)", re.MULTILINE)
_NAMED_SCHEMA = re.compile(r"^rightsizing-lock/v(\d+)$")
_ADVICE = f"take {LOCK_FILE} back from version control, or write it with `rightsize lock`"


class LockedCascade(Recorded):
    """When a cheap model's answer stands; where it does not, the model from before is asked."""

    first: str
    """The cheap model's option."""
    accept_when: str
    """`schema`, `format`, `not-unsure` or `probability-0.9`."""
    unsure: str | None
    """The text by which it declares itself unsure; None where that is not what counts."""
    escalates_to: str
    escalates_in: str | None
    """Where production reads the model that it escalates to; None: nobody said."""
    accepts_in: str | None
    """Where production reads what an answer must pass; None: nobody said."""
    threshold: Annotated[float | None, LATER] = None
    """Of `probability-0.9`: the least probability that an answer must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadePlaces:
    """Where production reads a cascade's other half."""

    escalates_in: str | None = None
    accepts_in: str | None = None


class LockedModel(Recorded):
    """A model as it is asked."""

    option: str
    provider: str
    model_id: str
    version: str
    effort: str | None
    params_sha256: str
    prompt_sha256: str | None
    prompt_file: str | None
    region: str | None
    retires_on: date | None
    per_request_usd: Decimal | None
    """After discounts; at list price where the record is from before the laws."""
    monthly_usd: Decimal | None
    """After discounts."""
    rates: RateFacts | None
    cascade: Annotated[LockedCascade | None, LATER] = None
    """None: one model alone, or the lock is older than this key."""


class LockEntry(Recorded):
    """One feature: what was accepted, on which evidence, at which cost, until when."""

    feature: str
    owner: str
    team: str
    risk: str
    data: str
    margin: float
    """Points."""
    used_in: str | None
    verdict: Verdict
    accepted: LockedModel
    """The choice of a downgrade; the incumbent where the decision was to stay."""
    before: LockedModel
    """What production asked when the decision was made: going back to it is no change."""
    requests_per_month: int | None
    evalset_id: str
    evalset_sha256: str
    policy_sha256: str
    evaluation_usd: Decimal
    expires_at: date
    cycle: str
    decision_id: str
    finding_sha256: str
    saving_monthly_usd: Annotated[Decimal | None, LATER] = None
    """Saved on the bill a month, after discounts; None: nothing is, or the lock is older."""
    net_saving_monthly_usd: Annotated[Decimal | None, LATER] = None
    """What expected further errors leave of it; None: nobody stated what an error costs."""
    entry_sha256: str = ""
    """Digest of everything above: against slips of the hand, not against forgery."""


class Lock(Recorded):
    """`rightsizing.lock`."""

    schema_version: Literal["rightsizing-lock/v1"] = LOCK_SCHEMA
    gate: dict[str, JsonValue]
    """The policy's rules for the gate, for repositories that hold no policy."""
    features: dict[str, LockEntry]


def entry_of(
    record: DecisionRecord, *, ends_on: date, places: Mapping[str, CascadePlaces] | None = None
) -> LockEntry:
    """Make a feature's entry from the decision that is in force.

    Args:
        record: accepted, implemented or verified, and not exploratory.
        ends_on: last day on which the decision may be relied on.
        places: where production reads the feature's cascades, by option.

    Raises:
        UsageError: nobody stands behind the record, or it is exploratory or undecided.
    """
    _check(record)
    return _entry(record, ends_on, places or {})


def unlike(entry: LockEntry, record: DecisionRecord, *, ends_on: date) -> tuple[str, ...]:
    """Where an entry is not what its record gives: `margin: 90.0, its record says 5.0`.

    Where production reads a cascade's other half is not the record's to say.
    """
    rule = entry.accepted.cascade
    places = {}
    if rule is not None:
        own = CascadePlaces(escalates_in=rule.escalates_in, accepts_in=rule.accepts_in)
        places = {entry.accepted.option: own}
    ours, theirs = (
        one.model_dump(mode="json", exclude={"entry_sha256"})
        for one in (entry, _entry(record, ends_on, places))
    )
    return tuple(
        f"{name}: {_short(ours.get(name))}, its record says {_short(theirs.get(name))}"
        for name in sorted(ours.keys() | theirs.keys())
        if ours.get(name) != theirs.get(name)
    )


def _short(value: object) -> str:
    return str(cast("dict[str, object]", value)["option"] if isinstance(value, dict) else value)


def _entry(record: DecisionRecord, ends_on: date, places: Mapping[str, CascadePlaces]) -> LockEntry:
    incumbent = _locked(record.current, _paid(record, record.current_cost))
    saved = record.savings
    # Older records keep the entry that they were locked with.
    tells = saved is not None and saved.minimum_usd is not None
    entry = LockEntry(
        feature=record.feature.id,
        owner=record.feature.owner,
        team=record.feature.team,
        risk=record.feature.risk,
        data=record.feature.data,
        margin=record.margin.value,
        used_in=record.feature.used_in,
        verdict=record.verdict,
        accepted=_chosen(record, places) if record.verdict is Verdict.DOWNGRADE else incumbent,
        before=incumbent,
        requests_per_month=record.traffic.requests_per_month if record.traffic else None,
        evalset_id=record.evidence.eval_set.id,
        evalset_sha256=record.evidence.eval_set.inputs_sha256,
        policy_sha256=record.evidence.policy_sha256,
        evaluation_usd=record.evidence.spend.total_usd,
        expires_at=ends_on,
        cycle=record.cycle,
        decision_id=record.decision_id,
        finding_sha256=record.finding_sha256,
        saving_monthly_usd=saved.after_discounts if saved is not None and tells else None,
        net_saving_monthly_usd=saved.net_monthly if saved is not None else None,
    )
    return entry.model_copy(update={"entry_sha256": _digest(entry.model_dump(mode="json"))})


def lock_of(entries: Iterable[LockEntry], gate: Mapping[str, JsonValue]) -> Lock:
    """A lock of these entries, with the policy's rules for the gate."""
    return Lock(gate=dict(gate), features={entry.feature: entry for entry in entries})


def write_lock(lock: Lock) -> str:
    """The lock's text: sorted keys, two spaces, a final newline; equal locks give equal bytes."""
    return json.dumps(lock.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"


def read_lock(text: str, *, shown: str = LOCK_FILE) -> Lock:
    """Read a lock.

    Raises:
        UsageError: one line: damaged, half merged, edited by hand, or of a newer version.
    """
    if is_pointer(text):
        raise UsageError(f"{shown}: {NOT_FETCHED}")
    conflict = _CONFLICT.search(text)
    if conflict is not None:
        line = text.count("\n", 0, conflict.start()) + 1
        raise UsageError(f"{shown}:{line}: a merge conflict is not resolved; {_ADVICE}")
    try:
        raw = as_it_stands(text)
    except KeyTwiceError as error:
        raise UsageError(f"{shown}: {error}; {_ADVICE}") from None
    except (ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise UsageError(f"{shown}:{line}: no valid JSON; {_ADVICE}") from None
    _check_schema(raw, shown)
    lock = _validated(text, shown)
    raw_entries = cast("dict[str, dict[str, Any]]", cast("dict[str, Any]", raw)["features"])
    for name, entry in lock.features.items():
        if entry.feature != name or entry.entry_sha256 != _digest(raw_entries[name]):
            raise UsageError(f"{shown}: {name}: the entry was changed by hand; {_ADVICE}")
    return lock


def _check(record: DecisionRecord) -> None:
    feature = record.feature.id
    if record.state not in IN_FORCE:
        raise UsageError(
            f"{feature} is {record.state.value}: only an accepted decision is locked; "
            f"`rightsize decide {feature} accept`"
        )
    if record.evidence.exploratory:
        why = "; ".join(record.evidence.exploratory)
        raise UsageError(f"{feature} is exploratory ({why}) and cannot be locked; review it again")
    if record.verdict is Verdict.UNDECIDED:
        raise UsageError(f"{feature} is undecided and cannot be locked; review it again")


def _chosen(record: DecisionRecord, places: Mapping[str, CascadePlaces]) -> LockedModel:
    option = next((one for one in record.options if one.target.option == record.chosen), None)
    if option is not None:
        rule = _rule(option, places.get(option.target.option, CascadePlaces()))
        return _locked(option.target, _paid(record, option.cost)).model_copy(
            update={"cascade": rule}
        )
    raise UsageError(
        f"{record.feature.id}: the choice {record.chosen} is no option of the record and cannot be "
        "locked"
    )


def _rule(option: OptionRecord, places: CascadePlaces) -> LockedCascade | None:
    facts = option.cascade
    if facts is None:
        return None
    return LockedCascade(
        first=facts.first,
        accept_when=facts.accept_when,
        unsure=facts.unsure,
        escalates_to=facts.escalates_to,
        escalates_in=places.escalates_in,
        accepts_in=places.accepts_in,
        threshold=facts.threshold,
    )


def _paid(record: DecisionRecord, cost: OptionCost) -> OptionCost:
    """The cost with its price of a request after discounts; older records keep their entry."""
    if record.laws is None:
        return cost
    return cost.model_copy(update={"per_request": cost.request_after_discounts})


def _locked(target: Target, cost: OptionCost) -> LockedModel:
    return LockedModel(
        option=target.option,
        provider=target.provider,
        model_id=target.model_id,
        version=target.version,
        effort=target.effort,
        params_sha256=target.params_sha256,
        prompt_sha256=target.prompt_sha256,
        prompt_file=target.prompt_file,
        region=target.region,
        retires_on=target.retires_on,
        per_request_usd=cost.per_request,
        monthly_usd=cost.monthly_after_discounts,
        rates=cost.rates,
    )


def _digest(facts: Mapping[str, Any]) -> str:
    """Of an entry's JSON as it stands."""
    return sha256({name: value for name, value in facts.items() if name != "entry_sha256"})


def _check_schema(raw: object, shown: str) -> None:
    found = cast("dict[str, Any]", raw).get("schema_version") if isinstance(raw, dict) else None
    named = _NAMED_SCHEMA.match(found) if isinstance(found, str) else None
    if named is None:
        raise UsageError(f"{shown}: not a lock (no schema_version {LOCK_SCHEMA}); {_ADVICE}")
    if found != LOCK_SCHEMA:
        raise UsageError(
            f"{shown}: written as {found}, this version reads {LOCK_SCHEMA}; "
            "use the version of rightsize that wrote it"
        )


def _validated(text: str, shown: str) -> Lock:
    try:
        return Lock.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UsageError(f"{shown}: {where}: {first['msg']}; {_ADVICE}") from None
