"""The workspace's files, as their users write them: strict, final, every key documented.

One module a kind of file; this one is the door to all of them.
"""

from __future__ import annotations

from harness.config.feature_file import (
    Agreement,
    CascadeConfig,
    FeatureConfig,
    LatencyConfig,
    RequestConfig,
    Traffic,
)
from harness.config.file_base import DataClass, FileModel, Level, Points, Protect, Risk, Share, Usd
from harness.config.model_file import HostingConfig, ModelConfig, PriceEntry, PriceTier, ServeConfig
from harness.config.policy_file import (
    ExpiryDays,
    GatePolicy,
    GpuPrice,
    PolicyConfig,
    ProcedureConfig,
    RiskPolicy,
)

__all__ = [
    "Agreement",
    "CascadeConfig",
    "DataClass",
    "ExpiryDays",
    "FeatureConfig",
    "FileModel",
    "GatePolicy",
    "GpuPrice",
    "HostingConfig",
    "LatencyConfig",
    "Level",
    "ModelConfig",
    "Points",
    "PolicyConfig",
    "PriceEntry",
    "PriceTier",
    "ProcedureConfig",
    "Protect",
    "RequestConfig",
    "Risk",
    "RiskPolicy",
    "ServeConfig",
    "Share",
    "Traffic",
    "Usd",
]
