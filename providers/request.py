"""A request to a model, independent of the vendor; `unstreamed` is its form in a batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

Role: TypeAlias = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagePart:
    """An image, inline: `data` is base64 text of a `media_type` file."""

    media_type: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPart:
    """A PDF, inline: `data` is its base64 text."""

    data: str
    media_type: str = "application/pdf"
    name: str | None = None
    """Its title as a program gave it. A case's file has none: a name may give the answer away."""

    def named(self, number: int) -> str:
        """The name, or one that says nothing, for a wire that wants one."""
        return self.name or f"document-{number}.pdf"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A call of a tool, made by a model or frozen in a case; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A tool that the model may call; `parameters` is a JSON Schema as JSON text."""

    name: str
    description: str
    parameters: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn. `tool_call_id` names the call that a `tool` turn answers."""

    role: Role
    text: str
    images: tuple[ImagePart, ...] = ()
    documents: tuple[DocumentPart, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    cache: bool = False
    """Mark the prompt up to here as a cacheable prefix, where the vendor wants such marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedRequest:
    """A request that somebody else's program made: it goes as it is, in the wire it is made for."""

    body: str
    """JSON object text."""
    path: str | None = None
    """Where the program sent it, where that is not the wire's only path."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers of the program's that change the answer."""
    api_version: str | None = None
    """Version in the path, where the wire has several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedQuestion:
    """A typed question about what a request's messages say; its answer is no text but a choice.

    `options` are the answers to choose from: of a predicate what is said where it is true and
    where it is not, of a score its levels, lowest first.
    """

    kind: Literal["predicate", "choice", "score"]
    instructions: str
    options: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a question that nobody can answer."""
        if not self.instructions.strip():
            raise ValueError("a question needs instructions")
        if len(self.options) < _FEWEST_OPTIONS or len(set(self.options)) < len(self.options):
            raise ValueError(f"a question needs at least two different answers: {self.options}")
        if self.kind == "predicate" and len(self.options) != _FEWEST_OPTIONS:
            raise ValueError(f"a predicate has two answers: {self.options}")


_FEWEST_OPTIONS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One request to one model. JSON-able: strings, numbers and tuples of them only."""

    model: str
    """The model's name as the vendor's API knows it."""
    messages: tuple[Message, ...]
    max_output_tokens: int
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: str | None = None
    """JSON Schema of the answer, as JSON text."""
    tools: tuple[Tool, ...] = ()
    effort: str | None = None
    """Reasoning effort (`low`, `high`) or budget in tokens (`4096`), for models that have one."""
    service_tier: str | None = None
    stream: bool = False
    """Read the answer as it is made, and time its first token."""
    timeout_s: float = 120.0
    """Longest wait for the connection or for the next byte; no progress in it is a time-out."""
    deadline_s: float | None = None
    """The feature's own limit on the whole answer: still streaming then is the model's failure."""
    extra_body: str | None = None
    """JSON object text merged into the body, for servers that need more (guided decoding)."""
    passed: PassedRequest | None = None
    """Sent in place of a body of ours; the reply's document is kept. None: the body is ours."""
    question: TypedQuestion | None = None
    """What a decision model is asked about the messages; None: the messages are to be answered."""
    logprobs: bool = False
    """Ask for the probability of the answer's tokens."""


def unstreamed(request: ModelRequest) -> ModelRequest:
    """The same request, to be answered whole: a batch has no stream and no deadline."""
    return replace(request, stream=False, deadline_s=None)
