"""Answers that say that the context has no answer."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.judge.scoring.grounded.figures import folded
from harness.judge.scoring.grounded.wording import tables

_LONGEST = 600
"""Letters of a sentence that are looked at."""
_END = re.compile(r"(?<=[.!?\u3002])\s+|\n+")
_OPENING = re.compile(
    r"^(?:i'?m (?:sorry|afraid)|sorry|unfortunately|leider|tut mir leid|desole|malheureusement"
    r"|lo siento|lamentablemente|mi dispiace|purtroppo|helaas|het spijt me|infelizmente"
    r"|lamento)[,.!:]?\s*"
)


def is_refusal(answer: str, phrases: Sequence[str] = ()) -> bool:
    """Whether an answer's first sentence says that there is no answer.

    `phrases` are a team's own, compared without accents and capitals. What is said first counts:
    an answer that goes on to say what else is missing is none.
    """
    text = folded(answer).strip(" *_`\"'")
    own = [folded(phrase).strip() for phrase in phrases]
    said = _OPENING.sub("", text)
    first = next((part for part in _END.split(said) if part.strip()), "")[:_LONGEST]
    if not first:
        return said != text
    if any(phrase and phrase in first for phrase in own):
        return True
    return tables().refusal.search(first) is not None
