"""Files that nobody looked into: of the change, and of the base branch. None is passed over."""

from __future__ import annotations

from collections.abc import Iterator

from harness.gate.findings import ALL, Cause, Outcome, Violation
from harness.gate.inputs import GateInput
from harness.workspace.policy_file import GateRule


def unread_files(given: GateInput) -> Iterator[Violation]:
    """A finding for each; one that may name a model leaves the gate unable to tell."""
    for one in given.unread:
        yield _found(
            GateRule.UNCLAIMED_MODEL,
            Outcome.CANNOT_TELL,
            f"{one.path}: was not looked into for models: {one.reason}",
            "make it a plain file of at most 50 MB, or take the model's name out of it",
        )
    for one in given.told:
        yield _found(
            GateRule.UNCLAIMED_MODEL,
            Outcome.WARN,
            f"{one.path}: was not looked into for models: {one.reason}",
            "",
        )
    for one in given.unread_before:
        yield _found(
            GateRule.WEAKENED,
            Outcome.WARN,
            f"{one.path} of the base branch cannot be read, and binds nobody here: {one.reason}",
            "mend it on the base branch",
        )


def _found(rule: GateRule, outcome: Outcome, message: str, advice: str) -> Violation:
    return Violation(
        feature=ALL,
        rule=rule,
        code=Cause.UNREADABLE,
        outcome=outcome,
        message=message,
        advice=advice,
    )
