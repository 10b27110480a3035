"""Batches: many requests sent at once, answered within a day at the batch price."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, TypeVar

from providers.answer import Answer, JsonObject, parse_object, to_json
from providers.errors import BadRequestError, ProviderError, TimedOutError
from providers.request import ModelRequest

Stage: TypeAlias = Literal["running", "ended", "failed"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchItem:
    """One request and the id that its result is matched by: at most 64 of A-Z a-z 0-9 _ -."""

    id: str
    request: ModelRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchStatus:
    """Where a batch stands. `failed`: the batch as a whole; nothing can be fetched."""

    stage: Stage
    reason: str | None = None
    """The vendor's own word for a failed batch."""
    billed: bool = True
    """False only where the vendor states that a batch which failed was not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAnswered:
    """An item that was answered; a batch has no time, so the answer has none."""

    id: str
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFailed:
    """An item that was not; a `TransientError` (expired, cancelled) may be asked again."""

    id: str
    error: ProviderError


BatchOutcome: TypeAlias = BatchAnswered | BatchFailed


class BatchProvider(Protocol):
    """Submits once, polls, fetches: the batch's id is all that a restart needs."""

    async def submit(self, items: Sequence[BatchItem]) -> str:
        """Send all items, of one model, as one batch; return the vendor's id of it."""
        ...

    async def poll(self, batch_id: str) -> BatchStatus:
        """Ask where the batch stands."""
        ...

    async def fetch(self, batch_id: str) -> tuple[BatchOutcome, ...]:
        """Read the results of an ended batch, in no particular order."""
        ...

    async def aclose(self) -> None:
        """Close connections."""
        ...


def one_model(items: Sequence[BatchItem], *, most: int) -> str:
    """The model of all items, or `BadRequestError` for what no vendor takes."""
    models = {item.request.model for item in items}
    if len(models) != 1:
        raise BadRequestError(f"a batch is of one model, not of {len(models)}", billable=False)
    if len({item.id for item in items}) != len(items):
        raise BadRequestError("two items of the batch have one id", billable=False)
    if len(items) > most:
        message = f"{len(items)} items in one batch, the vendor takes {most}; send several"
        raise BadRequestError(message, billable=False)
    return models.pop()


def to_lines(documents: Iterable[JsonObject]) -> bytes:
    """JSON lines."""
    return "".join(f"{to_json(document)}\n" for document in documents).encode()


def from_lines(raw: bytes) -> list[JsonObject]:
    """JSON lines, or `BrokenBodyError`."""
    return [parse_object(line) for line in raw.split(b"\n") if line.strip()]


def outcome(item_id: str, read: Callable[[], Answer]) -> BatchOutcome:
    """An item's outcome, from what its document says."""
    try:
        return BatchAnswered(id=item_id, answer=read())
    except ProviderError as error:
        failure = error
    return BatchFailed(id=item_id, error=failure)


def expired(vendor: str, word: str) -> TimedOutError:
    """The error of an item that the vendor did not get to; it is not billed."""
    return TimedOutError(f"{vendor}: {word} in the batch", billable=False)


async def told(failure: Callable[[Exception], ProviderError | None], call: Awaitable[T]) -> T:
    """Await an SDK's call; its exceptions become ours, without the request they hold."""
    try:
        return await call
    except ProviderError as error:
        known = error
    except Exception as error:
        found = failure(error)
        if found is None:
            raise
        known = found
    raise known
