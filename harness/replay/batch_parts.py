"""Which trials go into which batch."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.trials import Trial

MOST_ITEMS = 20_000
MOST_BYTES = 64 * 2**20
"""A batch beyond this is sent as several: vendors take 50,000 items and 200 MB, or more."""


def parts(
    askers: Mapping[str, Sequence[Trial]],
    *,
    most_items: int = MOST_ITEMS,
    most_bytes: int = MOST_BYTES,
) -> Iterator[list[str]]:
    """Fingerprints of the batches to send: one per endpoint and model, unless it is too large."""
    groups: dict[tuple[object, str], list[str]] = defaultdict(list)
    for name, (trial, *_) in askers.items():
        groups[trial.endpoint, trial.request.model].append(name)
    for names in groups.values():
        part: list[str] = []
        size = 0
        for name in names:
            bytes_ = _size(askers[name][0])
            if part and (len(part) == most_items or size + bytes_ > most_bytes):
                yield part
                part, size = [], 0
            part.append(name)
            size += bytes_
        yield part


def _size(trial: Trial) -> int:
    request = trial.request
    texts = [request.schema or "", *(tool.parameters for tool in request.tools)]
    for message in request.messages:
        texts += [message.text, *(image.data for image in message.images)]
    return sum(len(text.encode()) for text in texts)
