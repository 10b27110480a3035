"""The measure `format`: whether the primary scorer saw an answer at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.scoring.scorer import Options, Setting, read_options

if TYPE_CHECKING:
    from evalsets.cases import Case, ScorerSpec
    from harness.scoring.scorer import Scorer


@dataclass(frozen=True, slots=True)
class Format:
    """1 for a reply in which the primary scorer finds an answer."""

    primary: Scorer
    closed: bool = True
    needs_target: bool = False

    def normalise(self, answer: str) -> str | None:
        """The primary scorer's normal form."""
        return self.primary.normalise(answer)

    def score(self, case: Case, answer: str) -> float:  # noqa: ARG002  # no target is needed
        """1 when there is an answer, right or wrong."""
        return float(self.primary.normalise(answer) is not None)


def answer_format(spec: ScorerSpec, setting: Setting) -> Scorer:
    """Make a `Format` about the primary scorer."""
    read_options(spec, Options)
    if setting.primary is None:
        raise UsageError("scorer 'format' is about the primary scorer's answers; use it beside one")
    return Format(setting.primary)
