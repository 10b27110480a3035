"""An environment in which every variable that an SDK might heed says something."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

AMBIENT = "from-the-environment"
NOWHERE = "http://127.0.0.1:9"
VALUES = (
    "OPENAI_API_KEY",
    "OPENAI_ADMIN_KEY",
    "OPENAI_ORG_ID",
    "OPENAI_PROJECT_ID",
    "OPENAI_API_VERSION",
    "OPENAI_WEBHOOK_SECRET",
    "AZURE_OPENAI_API_KEY",
    "AZURE_OPENAI_AD_TOKEN",
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_WEBHOOK_SIGNING_KEY",
    "ANTHROPIC_FOUNDRY_API_KEY",
    "ANTHROPIC_VERTEX_PROJECT_ID",
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_REGION",
    "CLOUD_ML_REGION",
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_LOCATION",
    "GOOGLE_GENAI_API_VERSION",
)
ADDRESSES = (
    "OPENAI_BASE_URL",
    "AZURE_OPENAI_ENDPOINT",
    "AWS_BEDROCK_BASE_URL",
    "ANTHROPIC_BASE_URL",
    "ANTHROPIC_BEDROCK_BASE_URL",
    "ANTHROPIC_VERTEX_BASE_URL",
    "ANTHROPIC_FOUNDRY_BASE_URL",
    "GOOGLE_GEMINI_BASE_URL",
    "GOOGLE_VERTEX_BASE_URL",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
)
HEADERS = f"Authorization: Bearer {AMBIENT}\nx-api-key: {AMBIENT}\nx-extra: {AMBIENT}"


def await_nothing_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set them all: whoever heeds one sends `AMBIENT`, or goes where nobody listens."""
    for name in VALUES:
        monkeypatch.setenv(name, AMBIENT)
    for name in ADDRESSES:
        monkeypatch.setenv(name, NOWHERE)
    for name in ("ANTHROPIC_CUSTOM_HEADERS", "OPENAI_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, HEADERS)
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "1")
    monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", "httpx2")
