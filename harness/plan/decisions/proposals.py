"""Cascades by probability: where one tells nothing, and those that nobody stated."""

from __future__ import annotations

from collections.abc import Mapping

from evalsets.cases import EvalSet
from harness.judge.scoring.catalogue import is_closed
from harness.plan.decisions.questions import decides, why_not
from harness.workspace.feature_file import CascadeConfig, FeatureConfig, SureEnough
from harness.workspace.model_file import ModelConfig, split_option

PROPOSED = 0.9
"""How likely a kept answer must be right in a cascade that nobody stated."""


def gap_of_cascade(cascade: CascadeConfig, evalset: EvalSet) -> str | None:
    """Why a cascade's check cannot tell anything of these answers; None where it can."""
    if cascade.sure is None or is_closed(evalset.primary):
        return None
    return (
        f"keeps an answer by its probability, and {evalset.primary.scorer!r} scores open answers, "
        "whose probability tells how they are worded"
    )


def proposed_cascades(
    feature: FeatureConfig, evalset: EvalSet, models: Mapping[str, ModelConfig]
) -> tuple[CascadeConfig, ...]:
    """With `candidates: auto`: each decision model that can answer, before today's model.

    They stand beside the stated cascades; a model that has a stated one gets no other.
    """
    if feature.candidates != "auto":
        return ()
    stated = {split_option(one.first)[0] for one in feature.cascades}
    stated.add(split_option(feature.incumbent)[0])
    return tuple(
        CascadeConfig(first=name, accept_when=SureEnough(probability=PROPOSED))
        for name, config in models.items()
        if name not in stated
        and decides(config)
        and feature.data in config.may_see
        and why_not(feature, evalset, config) is None
    )
