"""What the workspace says of a feature, as the record keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.config.fingerprints import fingerprint
from harness.record.parts import FeatureFacts, Margin, Target, TrafficFacts

if TYPE_CHECKING:
    from harness.plan.model import FeaturePlan


def feature_facts(plan: FeaturePlan) -> FeatureFacts:
    """Who owns the feature, and what it is."""
    config = plan.config
    return FeatureFacts(
        id=plan.feature,
        name=config.name,
        owner=config.owner,
        team=config.team,
        product=config.product,
        environment=config.environment,
        cost_center=config.cost_center,
        risk=config.risk,
        data=config.data,
        tags=config.tags,
        used_in=config.used_in,
        error_cost_usd=config.error_cost_usd,
        unit=plan.evalset.unit,
        rollback=config.rollback,
        mode=config.mode,
    )


def margin(plan: FeaturePlan) -> Margin:
    """The largest acceptable loss, and who agreed to it."""
    agreed = plan.config.agreed
    return Margin(
        value=plan.margin,
        agreed_by=agreed.by if agreed else None,
        agreed_on=agreed.on if agreed else None,
        source=plan.margin_source,
    )


def traffic_facts(plan: FeaturePlan) -> TrafficFacts | None:
    """Production's volume and mix; None when nobody stated them."""
    traffic = plan.config.traffic
    if traffic is None:
        return None
    return TrafficFacts(
        requests_per_month=traffic.requests_per_month,
        input_tokens=traffic.input_tokens,
        output_tokens=traffic.output_tokens,
        cached_share=traffic.cached_share,
        cache_written_share=traffic.cache_written_share,
        retry_rate=traffic.retry_rate,
        source=traffic.source,
        growth_per_month=traffic.growth_per_month,
    )


def unplanned_target(plan: FeaturePlan) -> Target:
    """The incumbent of a feature that could not be planned (it has no price)."""
    model = plan.config.incumbent
    return Target(
        option=model,
        provider="unknown",
        model_id=model,
        version=model,
        served_versions=(),
        effort=None,
        params_sha256=fingerprint({"request": plan.config.request.model_dump(mode="json")}),
        prompt_sha256=None,
        prompt_file=None,
        region=None,
    )
