"""Why a call to a model failed.

ProviderError
├── TransientError              worth another attempt
│   ├── RateLimitedError        429; `retry_after_s` when the server said so
│   ├── OverloadedError         5xx, 529
│   ├── TimedOutError           no progress in time
│   ├── ConnectionFailedError   refused, reset
│   └── BrokenBodyError         truncated or malformed body, partial stream
└── PermanentError              the same request will fail again
    ├── AuthRejectedError       401, 403: stops the model's lane
    ├── ModelNotFoundError      404: stops the model's lane
    ├── SdkMissingError         the vendor's SDK is not installed: stops the model's lane
    ├── BadRequestError         400, 409, 413 and the like
    ├── PromptTooLongError      the model's fault: it cannot take the case
    ├── ContentBlockedError     the model's fault: it will not take the case
    ├── ProgramFailedError      the model's fault: a program that fell over, or hung, on the case
    ├── AnswerTooLargeError     the reply does not end where an answer would
    ├── UnknownFinishError      the answer ended for a reason that has no meaning for us
    └── DeadlineExceededError   still streaming at the feature's stated deadline

An error keeps its class, status and request id, never a request's or a body's text.
"""

from __future__ import annotations

import re

from providers.completion import RateLimit, TokenUsage


class ProviderError(Exception):
    """A call that brought no answer.

    `usage` is what the API reported for the failed call (None: unknown). `billable` is False only
    where the provider states that such a call is not billed (it never reached the model).
    """

    def __init__(  # noqa: PLR0913  # one fact of the failed call each, all optional
        self,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
        usage: TokenUsage | None = None,
        rate_limit: RateLimit | None = None,
        billable: bool = True,
        total_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        self.usage = usage
        self.rate_limit = rate_limit
        self.billable = billable
        self.total_s = total_s
        self.said: str | None = None
        """The server's own words about a request that it refuses; they may quote the prompt."""


class TransientError(ProviderError):
    """Worth another attempt."""


class RateLimitedError(TransientError):
    """The provider asks us to slow down."""


class OverloadedError(TransientError):
    """The provider cannot serve now."""


class TimedOutError(TransientError):
    """Nothing came within the time-out."""


class ConnectionFailedError(TransientError):
    """No connection, or it broke."""


class BrokenBodyError(TransientError):
    """The reply could not be read to its end."""


class PermanentError(ProviderError):
    """The same request will fail again."""


class AuthRejectedError(PermanentError):
    """The key is wrong or may not do this."""


class ModelNotFoundError(PermanentError):
    """The provider knows no such model."""


class SdkMissingError(PermanentError):
    """The vendor's SDK is not installed where the call is made."""


class BadRequestError(PermanentError):
    """The provider refuses the request's form."""


class PromptTooLongError(PermanentError):
    """The case does not fit the model's window."""


class ContentBlockedError(PermanentError):
    """The provider's filter refused the case."""


class ProgramFailedError(PermanentError):
    """A program in a model's place read the case, and ended, said no answer, or hung."""


class AnswerTooLargeError(PermanentError):
    """More came than any answer has; it was not read to its end, and asking again brings it again.

    What it used is not known.
    """


_WORD = re.compile(r"[^A-Za-z0-9_.:-]")


class UnknownFinishError(PermanentError):
    """The answer is there, and the word for how it ended is unknown: whole or not is not told.

    Asking again would bring, and cost, the same. `word` is kept: letters, digits and marks alone.
    """

    def __init__(self, word: str, *, usage: TokenUsage | None = None) -> None:
        self.word = _WORD.sub("?", word)[:24]
        super().__init__(f"the answer ended as {self.word!r}, which is not known", usage=usage)


class DeadlineExceededError(PermanentError):
    """The answer was still being made at the feature's deadline."""
