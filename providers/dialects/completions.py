"""OpenAI's legacy Completions: one raw prompt, for models without a usable chat template."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast

from providers.answer import Answer, JsonObject, content_at, items_at, object_at, text_at
from providers.completion import TokenUsage
from providers.dialects.asking import (
    extra_body,
    merged,
    present,
    read_usage,
    refuse_errors,
    refuse_parts,
    schema_of,
    to_finish,
    whole_probability,
)
from providers.dialects.chat import response_format
from providers.errors import BrokenBodyError
from providers.request import ModelRequest
from providers.wire.calling import streams


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionsDialect:
    """`/completions`: the texts of the messages in order, a blank line between; no roles.

    `compatible`: a server that is not OpenAI's; those that constrain raw completions to a schema
    name it `response_format` (vLLM) or `json_schema` (llama.cpp).
    """

    compatible: bool = False
    path: str = "/completions"

    def path_of(self, _request: ModelRequest) -> str:
        """The same for every model."""
        return self.path

    def body(self, request: ModelRequest) -> JsonObject:
        """The body that asks for `request`."""
        refuse_parts(
            request, "completions", ("images", "documents", "tools", "tool turns", "an effort")
        )
        if not self.compatible:
            refuse_parts(request, "completions", ("a schema",))
        streamed = streams(request)
        body: JsonObject = {
            "model": request.model,
            "prompt": "\n\n".join(message.text for message in request.messages),
            "max_tokens": request.max_output_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stop": list(request.stop) or None,
            "response_format": response_format(request),
            "json_schema": schema_of(request),
            "service_tier": request.service_tier,
            "logprobs": 1 if request.logprobs else None,
            "stream": True if streamed else None,
            "stream_options": {"include_usage": True} if streamed else None,
        }
        return merged(present(body), extra_body(request))

    def read(self, document: JsonObject) -> Answer:
        """Read a plain completion."""
        refuse_errors(document)
        choices = items_at(document, "choices")
        text = content_at(choices[0], "text") if choices else None
        if text is None:
            raise BrokenBodyError("the completion holds no text")
        usage = read_usage(object_at(document, "usage"))
        return Answer(
            text=text,
            finish=to_finish(choices[0].get("finish_reason"), usage=usage),
            served_model=text_at(document, "model"),
            usage=usage,
            service_tier=text_at(document, "service_tier"),
            reply_id=text_at(document, "id"),
            probability=whole_probability(_logprobs(choices[0])),
        )

    def reader(self) -> CompletionsReader:
        """Start reading a streamed completion."""
        return CompletionsReader(self)


@dataclass(slots=True)
class CompletionsReader:
    """Puts the chunks of a completion together, then reads them as a plain one."""

    dialect: CompletionsDialect
    head: JsonObject = field(default_factory=dict[str, object])
    usage_document: JsonObject = field(default_factory=dict[str, object])
    text: list[str] = field(default_factory=list[str])
    finish: str | None = None
    logprobs: list[object] = field(default_factory=list[object])

    def feed(self, event: JsonObject) -> bool:
        """Take one chunk."""
        refuse_errors(event)
        for key in ("id", "model", "service_tier"):
            if event.get(key) is not None:
                self.head[key] = event[key]
        self.usage_document = object_at(event, "usage") or self.usage_document
        piece = ""
        for choice in items_at(event, "choices")[:1]:
            self.finish = text_at(choice, "finish_reason") or self.finish
            piece = text_at(choice, "text") or ""
            self.logprobs += _logprobs(choice)
        self.text.append(piece)
        return bool(piece)

    def usage(self) -> TokenUsage | None:
        """Usage, once its chunk has come."""
        return read_usage(self.usage_document)

    def answer(self) -> Answer:
        """The whole answer."""
        # A server without finish reasons sends its counts last.
        if self.finish is None and not self.usage_document:
            raise BrokenBodyError("the stream ended before its last chunk")
        choice: JsonObject = {"text": "".join(self.text), "finish_reason": self.finish}
        whole: JsonObject = {**self.head, "choices": [choice], "usage": self.usage_document}
        return replace(self.dialect.read(whole), probability=whole_probability(self.logprobs))


def _logprobs(choice: JsonObject) -> list[object]:
    """Of each token: the legacy wire's list, or a chat's items as llama.cpp gives them.

    None for a piece of text that tells none.
    """
    told = object_at(choice, "logprobs")
    legacy = told.get("token_logprobs")
    if isinstance(legacy, list):
        return list(cast("list[object]", legacy))
    found = [one.get("logprob") for one in items_at(told, "content")]
    return found or ([None] if text_at(choice, "text") else [])
