"""A model's entry as the address that its requests go to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.provider import Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.config.files import ModelConfig
    from providers.provider import Api

DEFAULT_API: Mapping[str, Api] = {
    "anthropic": "messages",
    "openai": "responses",
    "google": "generate-content",
    "openai-compatible": "chat",
}


def endpoint_of(config: ModelConfig) -> Endpoint:
    """Where and how a model is reached; the key is named, never held."""
    return Endpoint(
        vendor=config.provider,
        api=config.api or DEFAULT_API[config.provider],
        base_url=config.base_url,
        key_name=config.key,
        sdk=config.sdk,
        platform=config.platform,
        region=config.region,
        project=config.project,
        api_version=config.api_version,
    )
