"""An eval set is cut before anything is asked: tune cases apart, the rest in its seeded order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalsets.splits import deciding_order, order_seed, tune_cases
from harness.config.fingerprints import inputs_sha256, labels_sha256
from harness.plan.model import Sample

if TYPE_CHECKING:
    from pathlib import Path

    from evalsets.cases import EvalSet


def draw(evalset: EvalSet, folder: Path, *, cycle: str, at_most: int | None = None) -> Sample:
    """The feature's sample; `at_most` keeps the first cases only (`--quick`)."""
    inputs = inputs_sha256(evalset)
    deciding = deciding_order(evalset, inputs_sha256=inputs, cycle=cycle)[:at_most]
    return Sample(
        seed=order_seed(evalset.feature, inputs_sha256=inputs, cycle=cycle),
        deciding=deciding,
        clusters=tuple(evalset.cluster(case) for case in deciding),
        tune=len(tune_cases(evalset)),
        folder=folder,
        inputs_sha256=inputs,
        labels_sha256=labels_sha256(evalset),
    )
