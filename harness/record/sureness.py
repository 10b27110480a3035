"""How sure a model was of its answers, and how often it was right, as the record keeps it."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from harness.record.base import Recorded

_ROUNDED = 1e-5
Percent = Annotated[float, Field(ge=0, le=100)]
Unit = Annotated[float, Field(ge=0, le=1)]


class SureBand(Recorded):
    """Answers of which the model was about equally sure."""

    low: Unit
    """Least probability that it told; the next is the end, which only 1 reaches."""
    high: Unit
    n: Annotated[int, Field(gt=0)]
    said: Percent
    """Mean of what it told."""
    right: Percent
    """Mean score."""
    squared_error: Unit
    """Mean squared difference of what it told and the score, both in [0, 1]."""

    @model_validator(mode="after")
    def _means_lie_where_they_can(self) -> Self:
        if not self.low - _ROUNDED <= self.said / 100 <= self.high + _ROUNDED:
            raise ValueError(f"a mean of {self.said} % is not from {self.low} to {self.high}")
        if self.squared_error + _ROUNDED < ((self.said - self.right) / 100) ** 2:
            raise ValueError(f"a squared error of {self.squared_error} is under that of its means")
        return self


class ReliabilityFacts(Recorded):
    """One model's probabilities against its scores, over the cases that decide."""

    option: str
    """The model as it was asked; of a cascade its cheap model."""
    answers: Annotated[int, Field(gt=0)]
    """With a probability and a score."""
    brier: Unit
    """Mean squared error: 0 is best, one half said of everything has 0.25."""
    gap: Percent
    """Points by which what it told and how often it was right differ, on average over the bands."""
    bands: Annotated[tuple[SureBand, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _bands_sum_to_the_whole(self) -> Self:
        if sum(band.n for band in self.bands) != self.answers:
            raise ValueError(f"{self.option}: the bands do not hold {self.answers} answers")
        brier = sum(band.squared_error * band.n for band in self.bands) / self.answers
        gap = sum(abs(band.said - band.right) * band.n for band in self.bands) / self.answers
        if abs(brier - self.brier) > _ROUNDED or abs(gap - self.gap) > 100 * _ROUNDED:
            raise ValueError(f"{self.option}: a score of {self.brier} is not that of its bands")
        return self
