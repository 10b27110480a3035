"""A request as a batch can carry it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.request import ModelRequest


def unstreamed(request: ModelRequest) -> ModelRequest:
    """The same request, to be answered whole: a batch has no stream and no deadline."""
    return replace(request, stream=False, deadline_s=None)
