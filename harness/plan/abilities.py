"""What a model can do of what a feature needs: tools, images, a schema, its window."""

from __future__ import annotations

from evalsets.cases import EvalSet
from harness.money.prices.model_catalogue import facts
from harness.plan.decisions.questions import decides, why_not
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import ModelConfig
from harness.workspace.programs.checks import unsuited


def can(model: str, config: ModelConfig, capability: str) -> bool:
    """Whether a model has a capability; what nobody states it has."""
    if config.provider == "command":
        # A program is given the messages' texts, and nothing else.
        return False
    if decides(config):
        seen = config.api == "decisions" and "images" in (config.capabilities or ("images",))
        return capability == "images" and seen
    known = facts(model, config).capabilities
    return known is None or capability in known


def gap(feature: FeatureConfig, model: str, config: ModelConfig) -> str | None:
    """What the feature needs and the model cannot do; None if it can do everything."""
    if feature.program is not None:
        why = unsuited(config)
        if why is not None:
            return f"{model} {why}"
    if feature.request.tools and not can(model, config, "tools"):
        return "cannot call tools"
    if feature.program is not None:
        return None  # The traffic's tokens are those of a whole run, not of one call.
    window = facts(model, config).window_tokens
    typical = feature.traffic.input_tokens if feature.traffic else 0
    need = typical + feature.request.max_output_tokens
    if window is not None and need > window:
        return f"its window of {window:,} tokens is under the {need:,.0f} needed"
    return None


def gap_of_cases(
    feature: FeatureConfig, evalset: EvalSet, model: str, config: ModelConfig
) -> str | None:
    """What the cases, or how they are scored, need and the model cannot do."""
    if decides(config) and (why := why_not(feature, evalset, config)) is not None:
        return why
    if can(model, config, "images"):
        return None
    for case in evalset.cases:
        if not isinstance(case.input, str) and any(turn.images for turn in case.input):
            return f"takes no images, and case {case.id} has one"
    return None
