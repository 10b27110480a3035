"""What the journal knows of a trial that ended for good, whoever asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.trials import Answered, Failed

if TYPE_CHECKING:
    from harness.trials import Attempt, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """An end without its trial."""

    kind: Literal["answered", "failed"]
    attempts: tuple[Attempt, ...]
    text: str | None
    finish: str | None
    tool_calls: str | None
    reason: str | None

    def outcome(self, trial: Trial) -> Answered | Failed:
        """The outcome for a trial with this end's fingerprint."""
        if self.kind == "failed":
            return Failed(trial=trial, attempts=self.attempts, reason=self.reason or "")
        return Answered(
            trial=trial,
            attempts=self.attempts,
            text=self.text or "",
            finish=self.finish or "",
            tool_calls=self.tool_calls,
        )
