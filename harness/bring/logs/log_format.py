"""What a format of call logs says: where each field stands, in which unit, what counts as in it.

A path is a JSON pointer into a row. `|` reads the text that stands there as JSON and goes on inside
it (an object there is read as well). Of several paths the first that is not empty counts.
"""

from __future__ import annotations

from dataclasses import dataclass

Paths = tuple[str, ...]
Test = tuple[str, Paths]
"""A path, and the values that make the test true, in small letters, `4*` for all that begin so;
none: anything that is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Where a time stands, and how it is written."""

    paths: Paths
    unit: str = "iso"
    """`iso`, or a count since 1970: `s`, `ms`, `us`, `ns`."""
    zone: str | None = None
    """What the format says of times without an offset; None: the caller must say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Where a number stands, and what one of it is of the unit that we keep (ms, USD)."""

    paths: Paths = ()
    times: str = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFormat:
    """One format of a call log."""

    name: str
    marks: tuple[Paths, ...]
    """A row is of this format if of each tuple one path is there."""
    at: Moment
    source: str
    """The public page or package that names the fields."""
    untried: bool = False
    """No public example was at hand: only rows written after the documented shape were read."""
    unwrap: str | None = None
    """How several calls are taken out of one JSON document (`rows/unwrapping.py`)."""
    end: Moment | None = None
    request: Paths = ()
    """Identity of a call; a row without one is refused. Empty: the format has none."""
    attempts: bool = False
    """Rows with one identity are a request and its retried calls, not one call told again."""
    parent: Paths = ()
    input: Paths = ()
    cached: Paths = ()
    written: Paths = ()
    output: Paths = ()
    reasoning: Paths = ()
    total: Paths = ()
    cached_inside: bool = True
    """Whether `input` counts cached tokens too; a total that fits only the other way wins."""
    absent_is_none: bool = False
    """An absent count of tokens read from or written to a cache means 0; False: unknown."""
    writes_are_free: bool = False
    """Nobody charges for what is written to a cache: an absent count means 0."""
    reasoning_inside: bool = True
    calls: Paths = ()
    """The number of calls that a row adds up, in logs of sums."""
    failures: Paths = ()
    """How many of those calls failed."""
    counted_by: tuple[tuple[str, str], ...] = ()
    """In logs of sums: fields by which a call may be counted, each with a name; `tag` counts it
    once for each of its tags."""
    hours: int = 1
    """Hours that a row of sums covers."""
    sampled: Paths = ()
    """Share of the calls that is logged, above 0 and at most 1."""
    cost: Amount = Amount()
    currency: Paths = ()
    """In which currency the cost is; what is not USD is refused."""
    latency: Amount = Amount()
    first_token: Amount = Amount()
    first_token_at: Moment | None = None
    model: Paths = ()
    operation: Paths = ()
    only: tuple[Test, ...] = ()
    """Rows that meet none of these are no calls of a model: passed over, and counted."""
    failed: tuple[Test, ...] = ()
    failed_maybe: bool = False
    """The fields of `failed` may not be there at all: then nobody tells which calls failed."""
    from_cache: tuple[Test, ...] = ()
    """The gateway answered from its own cache: no model was asked, nothing is paid."""
    feature: Paths = ()
    team: Paths = ()
    product: Paths = ()
    cohort: Paths = ()
    environment: Paths = ()
    caller: Paths = ()
    tags: Paths = ()
    """Lists of texts, or objects; all of them count."""
    asked: Paths = ()
    """What was asked; only its hash is looked at."""
