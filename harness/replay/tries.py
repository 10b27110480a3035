"""Prompts tried on the tune cases: each stands in the journal, so that a record can count them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.replay.rows import TRY

if TYPE_CHECKING:
    from harness.replay.journal import Journal


def note_try(journal: Journal, feature: str, option: str, *, prompt_sha256: str, now: str) -> None:
    """Write down that a prompt was tried for an option, before its first call; one prompt a run."""
    name = _name(feature, option)
    text = json.dumps({"prompt": prompt_sha256}, sort_keys=True)
    journal.write_plan(journal.run_id, name, text, prompt_sha256, now)


def prompts_tried(journal: Journal, feature: str, option: str) -> int:
    """How many prompts were ever tried for an option."""
    return len({row.sha256 for row in journal.all_plans(_name(feature, option))})


def _name(feature: str, option: str) -> str:
    return f"{TRY}{feature} {option}"
