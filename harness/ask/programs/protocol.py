"""What driver and worker say to each other about a trial that a program answers.

The driver begins a session for each trial, and always has one long poll out for it. The worker
tells what happened: the program made a call, or its trial ended. The driver admits, pays for and
journals each call like any other, has it made by whichever worker, and gives the reply back to the
session's own worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from harness.journal.trials import FaultKind
from providers.provider import Api, Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNames:
    """A model that a program may ask for."""

    role: str | None
    names: frozenset[str]
    wires: frozenset[Api]
    """The wires that the model behind it speaks: a call in another one is translated."""
    api: Api
    """The one of them that its entry says."""
    vendor: Vendor
    option: str
    longest: int
    """Output tokens that an answer of it may have at most."""
    omit: frozenset[str]
    """Parameters that it refuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramPlace:
    """A program as a worker starts it."""

    command: tuple[str, ...]
    folder: str
    sha256: str
    timeout_s: float
    max_calls: int
    environment: tuple[str, ...]
    outside: str
    version: str | None
    url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Start a trial; the reply is the session's first `Happened`."""

    session: str
    seat: str
    """One of the `instances` that may run at a time. It runs one session after another, on one
    worker."""
    place: ProgramPlace
    models: tuple[ModelNames, ...]
    case_id: str
    line: str
    """The case, one line of JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Wait for what happens next."""

    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A call's reply for the program."""

    session: str
    call: int
    document: str | None
    """As it came from the vendor, JSON text; None: there is none, for `problem`."""
    status: int = 200
    problem: str = ""
    code: str | None = None
    """OpenAI's word for it, where it has one that programs look for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """End a session, whatever it does; nobody waits for it."""

    session: str
    ends_session: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeCall:
    """The program asked a model."""

    call: int
    role: str | None
    wire: Api
    body: str
    """JSON object text, as the program sent it."""
    path: str | None
    headers: tuple[tuple[str, str], ...]
    api_version: str | None
    streamed: bool
    max_output_tokens: int | None
    left_out: tuple[str, ...] = ()
    """Fields of the program's that a model of another vendor is not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftCall:
    """The program hung up on a call that had no reply yet, or asked the same again."""

    call: int
    after_s: float | None
    """How long it had waited; None: it waits for this call's reply again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """The trial ended. `fault` is None of an answer."""

    text: str
    fault: FaultKind | None
    said: str
    """Last line of standard error, where nothing of the case is in it; for the terminal alone."""
    started_at: str
    total_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What a session's program did since it was last told."""

    events: tuple[MadeCall | LeftCall | Over, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCheck:
    """Asks a worker whether the programs are in their folders there."""

    places: tuple[ProgramPlace, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingPrograms:
    """Folders that are missing on a machine, or differ there."""

    host: str
    folders: tuple[str, ...]


ProgramCall: TypeAlias = Begin | Listen | Given | Drop | ProgramCheck
