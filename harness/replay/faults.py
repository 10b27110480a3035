"""A provider's error as a fact that may travel and be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.replay.calls import Fault
from providers.errors import (
    AuthRejectedError,
    ContentBlockedError,
    DeadlineExceededError,
    ModelNotFoundError,
    PromptTooLongError,
    SdkMissingError,
    TransientError,
)

if TYPE_CHECKING:
    from harness.replay.calls import Blame
    from providers.errors import ProviderError


def fault_of(error: ProviderError) -> Fault:
    """Keep what may be kept of a provider's error."""
    return Fault(
        error=type(error).__name__,
        blame=blame(error),
        status=error.status,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
        usage=error.usage,
        rate_limit=error.rate_limit,
        billable=error.billable,
        total_s=error.total_s,
    )


def blame(error: ProviderError) -> Blame:
    """Whom an error is charged to."""
    match error:
        case TransientError():
            return "transient"
        case PromptTooLongError() | ContentBlockedError() | DeadlineExceededError():
            return "model"
        case AuthRejectedError() | ModelNotFoundError() | SdkMissingError():
            return "lane"
        case _:
            return "request"
