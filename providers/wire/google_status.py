"""Google's error documents (google.rpc.Status) as rejections."""

from __future__ import annotations

from providers.answer import as_object, items_at, object_at, text_at
from providers.wire.calling import request_id
from providers.wire.rejections import Headers, Rejection

ERRORS = range(300, 600)


def to_rejection(status: int | None, document: object, headers: Headers) -> Rejection:
    """What Google said no with: reason and status words, wait, and what they mean by it.

    Google tells how long to wait in the document (`google.rpc.RetryInfo`), not in a header.
    """
    whole = as_object(document)
    error = object_at(whole, "error") or whole
    details = items_at(error, "details")
    words = [text_at(detail, "reason") for detail in details] + [text_at(error, "status")]
    waits = [text_at(detail, "retryDelay") for detail in details]
    wait = next((wait.removesuffix("s") for wait in waits if wait), None)
    return Rejection(
        vendor="google",
        status=status if status in ERRORS else None,
        codes=tuple(word for word in words if word),
        detail=text_at(error, "message") or "",
        headers=headers if wait is None else {"retry-after": wait, **headers},
        request_id=request_id(headers),
    )
