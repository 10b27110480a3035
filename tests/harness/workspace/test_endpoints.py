from __future__ import annotations

from typing import Any

import pytest

from harness.workspace.endpoints import endpoint_of, params_sha256, served_identity
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.model_file import ModelConfig

FEATURE = FeatureConfig.model_validate(
    {
        "name": "n",
        "owner": "o@example.com",
        "team": "t",
        "product": "p",
        "data": "internal",
        "risk": "low",
        "incumbent": "m",
    }
)


def model(**over: Any) -> ModelConfig:
    return ModelConfig.model_validate({"provider": "anthropic", **over})


VERTEX = {"platform": "vertex", "region": "europe-west4", "project": "p-1"}


@pytest.mark.parametrize(
    "over",
    [
        pytest.param({"project": "p-2"}, id="another project"),
        pytest.param({"region": "us-east5"}, id="another region of the cloud"),
        pytest.param({"api_version": "2026-01-01"}, id="another version of the cloud's API"),
        pytest.param({"base_url": "https://other.example.com"}, id="another address"),
        pytest.param({"platform": "bedrock"}, id="another cloud"),
    ],
)
def test_what_determines_an_answer_is_in_the_identity(over: dict[str, Any]) -> None:
    one, other = model(**VERTEX), model(**(VERTEX | over))
    assert served_identity(one) != served_identity(other)
    hashes = {params_sha256("m", config, FEATURE, effort=None) for config in (one, other)}
    assert len(hashes) == 2


@pytest.mark.parametrize(
    "over",
    [
        pytest.param({"region": "eu"}, id="where the data goes"),
        pytest.param({"key": "OTHER_KEY"}, id="whose key it is"),
        pytest.param({"batch": True}, id="by which price it is asked"),
        pytest.param({"max_concurrency": 3}, id="how fast it is asked"),
    ],
)
def test_what_does_not_is_not(over: dict[str, Any]) -> None:
    assert served_identity(model()) == served_identity(model(**over))


def test_the_endpoint_says_all_that_a_cloud_needs() -> None:
    found = endpoint_of(model(**VERTEX, api_version="2026-01-01", key="VERTEX_TOKEN"))
    assert (found.platform, found.region, found.project) == ("vertex", "europe-west4", "p-1")
    assert (found.api_version, found.key_name, found.api) == (
        "2026-01-01",
        "VERTEX_TOKEN",
        "messages",
    )
