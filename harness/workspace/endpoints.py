"""A model's entry as the address that its requests go to."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.workspace.feature_file import FeatureConfig
from harness.workspace.fingerprints import fingerprint
from harness.workspace.model_file import ModelConfig
from providers.provider import Api, Endpoint

DEFAULT_API: Mapping[str, Api] = {
    "anthropic": "messages",
    "openai": "responses",
    "google": "generate-content",
    "openai-compatible": "chat",
    "command": "lines",
}

_NO_IDENTITY = {"ready_s", "ttl_s", "python", "offline"}
"""Of `serve`: where and for how long it runs. Offline the same engine reads the same requests."""


def endpoint_of(config: ModelConfig, root: Path | None = None) -> Endpoint:
    """Where and how a model is reached; the key is named, never held.

    `root` is the workspace's folder, where a program is started.
    """
    program = config.provider == "command"
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
        command=config.command,
        folder=str(root.resolve()) if program and root is not None else None,
        transport=config.transport,
    )


def served_identity(config: ModelConfig) -> dict[str, object]:
    """What of the serving determines an answer: the address, or what we start ourselves."""
    served, endpoint = config.serve, endpoint_of(config)
    started = served.model_dump(mode="json", exclude=_NO_IDENTITY) if served else None
    cloud = {
        "region": endpoint.region,
        "project": endpoint.project,
        "api_version": endpoint.api_version,
    }
    return {
        "vendor": endpoint.vendor,
        "api": endpoint.api,
        "platform": endpoint.platform,
        "base_url": None if served else endpoint.base_url,
        "serve": started,
        # Elsewhere the region says where the data goes, and the address where the model is.
        **(cloud if endpoint.platform else {}),
        **({"command": list(endpoint.command)} if endpoint.command else {}),
    }


def model_address(config: ModelConfig) -> str:
    """Digest of where a model is: behind another address there is another model."""
    served = served_identity(config)
    named = ("vendor", "platform", "base_url", "serve", "command")
    return fingerprint({name: served[name] for name in named if name in served})


def _calls(feature: FeatureConfig) -> dict[str, object]:
    """How a program asks, whichever model stands for its incumbent."""
    program = feature.program
    if program is None:
        return {}
    roles = {
        role: None if model == feature.incumbent else model for role, model in program.roles.items()
    }
    return {"roles": roles, "max_calls": program.max_calls, "timeout_s": program.timeout_s}


def params_sha256(
    model: str, config: ModelConfig, feature: FeatureConfig, *, effort: str | None
) -> str:
    """Digest of how a model is asked, its prompt apart."""
    return fingerprint(
        {
            "served": served_identity(config),
            "version": config.version or model,
            "effort": effort,
            "request": feature.request.model_dump(mode="json"),
            "extra_body": config.extra_body,
            # What is left out came later as a key: who leaves nothing out keeps the digest.
            **({"omit": sorted(config.omit)} if config.omit else {}),
            **({"program": _calls(feature)} if feature.program else {}),
        }
    )
