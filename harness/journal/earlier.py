"""What earlier runs left in the journal for the next plan: the pace of each lane, prompts tried.

The pace predicts a review's hours. Each prompt tried on the tune cases is kept, so that a record
can count them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from harness.journal.journal import Journal, SpentOrReserved
from harness.journal.rows import TRY
from harness.journal.trials import Lane
from harness.journal.upkeep import reading


def note_try(journal: Journal, feature: str, option: str, *, prompt_sha256: str, now: str) -> None:
    """Write down that a prompt was tried for an option, before its first call; one prompt a run."""
    name = _name(feature, option)
    text = json.dumps({"prompt": prompt_sha256}, sort_keys=True)
    journal.write_plan(journal.run_id, name, text, prompt_sha256, now)


def note_tuning(
    journal: Journal, feature: str, option: str, *, prompt_sha256: str, now: str
) -> None:
    """Write down that a run which tries many prompts tries this one, before its first call."""
    name = f"{_name(feature, option)} # {prompt_sha256}"
    text = json.dumps({"prompt": prompt_sha256}, sort_keys=True)
    journal.write_plan(journal.run_id, name, text, prompt_sha256, now)


def note_tuned_with(
    journal: Journal, feature: str, option: str, *, prompt_sha256: str, now: str
) -> None:
    """Write down that a tuning of another option tried this prompt for this one, too.

    Its calls are counted where they belong, to the other option.
    """
    name = f"{_name(feature, option)}{_WITH}{prompt_sha256}"
    text = json.dumps({"prompt": prompt_sha256}, sort_keys=True)
    journal.write_plan(journal.run_id, name, text, prompt_sha256, now)


_WITH = " # with another # "
TUNED_IN = """
SELECT reserve_usd, cost_usd FROM attempts JOIN runs USING (run_id)
WHERE cycle = ?1 AND run_id IN (
    SELECT run_id FROM plans WHERE instr(feature, ?2) = 1 AND instr(feature, ?3) = 0)
"""


def tuning_spend(journal: Path, feature: str, option: str, *, cycle: str) -> SpentOrReserved:
    """What tuning an option cost in a cycle, all runs together."""
    known = unknown = Decimal(0)
    if journal.is_file():
        with reading(journal) as connection:
            wanted = (cycle, f"{_name(feature, option)} # ", _WITH)
            for reserve, cost in connection.execute(TUNED_IN, wanted):
                known += Decimal(cost or 0)
                unknown += Decimal(0) if cost is not None else Decimal(reserve)
    return SpentOrReserved(known_usd=known, possibly_billed_usd=unknown)


def prompts_of_run(journal: Journal, feature: str, option: str) -> Sequence[str]:
    """The prompts that this run tried for an option."""
    rows = journal.all_plans(_name(feature, option))
    return [row.sha256 for row in rows if row.run_id == journal.run_id]


def prompts_tried(journal: Journal, feature: str, option: str) -> int:
    """How many prompts were ever tried for an option."""
    return len({row.sha256 for row in journal.all_plans(_name(feature, option))})


def _name(feature: str, option: str) -> str:
    return f"{TRY}{feature} {option}"


PACES = """
SELECT provider, key, model, sum(calls), sum(answered), sum(tokens), (
    SELECT avg(total_s) FROM attempts JOIN trials USING (fingerprint)
    WHERE trials.model = lanes.model AND ended = 1 AND error IS NULL AND total_s > 0)
FROM lanes GROUP BY provider, key, model HAVING sum(answered) > 0
"""
GRANTS = """
SELECT provider, key, model, requests_per_minute, tokens_per_minute FROM lanes
JOIN runs USING (run_id) ORDER BY runs.started_at, run_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What earlier runs tell of one lane."""

    call_s: float
    """Mean seconds of a call that brought an answer."""
    tokens: float
    """Mean tokens of such a call, in and out."""
    tries: float
    """Calls that an answer took, 1 or more."""
    requests_per_minute: int | None
    tokens_per_minute: int | None
    """What the newest run was granted; None if it is not known."""


def read_paces(journal: Path) -> Mapping[Lane, Pace]:
    """The pace of every lane that ever answered; empty without a journal."""
    if not journal.is_file():
        return {}
    with reading(journal) as connection:
        grants = {Lane(*row[:3]): row[3:] for row in connection.execute(GRANTS)}
        rows = connection.execute(PACES).fetchall()
    return {
        Lane(*names): Pace(
            call_s=call_s,
            tokens=tokens / answered,
            tries=max(1.0, calls / answered),
            requests_per_minute=grants[Lane(*names)][0],
            tokens_per_minute=grants[Lane(*names)][1],
        )
        for *names, calls, answered, tokens, call_s in rows
        if call_s is not None
    }
