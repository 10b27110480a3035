"""What every file of a workspace shares: strict, final, every key documented."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Usd = Annotated[Decimal, Field(ge=0)]
Points = Annotated[float, Field(gt=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
DataClass = Literal["public", "internal", "customer", "restricted"]
Vendor = Literal["anthropic", "openai", "google", "openai-compatible"]
Risk = Literal["low", "medium", "high"]
Protect = Literal["alarm", "proven"]
Level = Literal["off", "warn", "fail"]


class FileModel(BaseModel):
    """Base for everything read from a file: unknown keys are errors, values are final."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        populate_by_name=True,
        allow_inf_nan=False,
    )
