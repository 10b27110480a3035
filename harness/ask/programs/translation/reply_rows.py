"""Where each wire has what a reply is made of; a test holds it against the code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.ask.programs.translation.rows import MESSAGES
from providers.provider import Api

REPLY_PAGES: Mapping[Api, str] = {
    "chat": "https://platform.openai.com/docs/api-reference/chat/object",
    "responses": "https://platform.openai.com/docs/api-reference/responses/object",
    "messages": MESSAGES,
    "generate-content": "https://ai.google.dev/api/generate-content#generatecontentresponse",
}
STREAM_PAGES: Mapping[Api, str] = {
    "chat": "https://platform.openai.com/docs/api-reference/chat-streaming",
    "responses": "https://platform.openai.com/docs/api-reference/responses-streaming",
    "messages": "https://docs.claude.com/en/docs/build-with-claude/streaming",
    "generate-content": "https://ai.google.dev/api/generate-content#method:-models.streamgeneratecontent",
}
ERROR_PAGES: Mapping[Api, str] = {
    "chat": "https://platform.openai.com/docs/guides/error-codes",
    "responses": "https://platform.openai.com/docs/guides/error-codes",
    "messages": "https://docs.claude.com/en/api/errors",
    "generate-content": "https://ai.google.dev/gemini-api/docs/troubleshooting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyField:
    """A part of a reply, and its path in a wire; a path of None: the wire has nothing for it."""

    part: str
    paths: Mapping[Api, str | None]
    note: str = ""


def _field(part: str, chat: str, responses: str, messages: str, *more: str | None) -> ReplyField:
    google, note = (*more, "")[:2]
    return ReplyField(
        part=part,
        paths={
            "chat": chat or None,
            "responses": responses or None,
            "messages": messages or None,
            "generate-content": google,
        },
        note=note or "",
    )


REPLIED: tuple[ReplyField, ...] = (
    _field("model", "model", "model", "model", "modelVersion", "as the candidate's vendor says"),
    _field(
        "text",
        "choices.0.message.content",
        "output.0.content.0.text",
        "content.0.text",
        "candidates.0.content.parts.0.text",
        "one text; empty content is an empty text, or no block; reasoning is not told",
    ),
    _field(
        "refusal",
        "choices.0.message.refusal",
        "output.0.content.0.refusal",
        "content.0.text",
        "candidates.0.content.parts.0.text",
        "Anthropic and Google say it by the end's reason",
    ),
    _field(
        "call id",
        "choices.0.message.tool_calls.0.id",
        "output.1.call_id",
        "content.1.id",
        "candidates.0.content.parts.1.functionCall.id",
        "made of the reply where the vendor gave none",
    ),
    _field(
        "call name",
        "choices.0.message.tool_calls.0.function.name",
        "output.1.name",
        "content.1.name",
        "candidates.0.content.parts.1.functionCall.name",
        "parallel calls in their order",
    ),
    _field(
        "call arguments",
        "choices.0.message.tool_calls.0.function.arguments",
        "output.1.arguments",
        "content.1.input",
        "candidates.0.content.parts.1.functionCall.args",
        "what is no JSON object is told to the latter two as `{INVALID_JSON: TEXT}`",
    ),
    _field(
        "input tokens",
        "usage.prompt_tokens",
        "usage.input_tokens",
        "usage.input_tokens",
        "usageMetadata.promptTokenCount",
        "with cached ones, but for Anthropic's, which stand beside",
    ),
    _field(
        "cached tokens read",
        "usage.prompt_tokens_details.cached_tokens",
        "usage.input_tokens_details.cached_tokens",
        "usage.cache_read_input_tokens",
        "usageMetadata.cachedContentTokenCount",
    ),
    _field(
        "cached tokens written",
        "usage.prompt_tokens_details.cache_write_tokens",
        "usage.input_tokens_details.cache_write_tokens",
        "usage.cache_creation_input_tokens",
        None,
        "Google: in the input alone",
    ),
    _field(
        "output tokens",
        "usage.completion_tokens",
        "usage.output_tokens",
        "usage.output_tokens",
        "usageMetadata.candidatesTokenCount",
        "with reasoning, but for Google's, which stands beside",
    ),
    _field(
        "reasoning tokens",
        "usage.completion_tokens_details.reasoning_tokens",
        "usage.output_tokens_details.reasoning_tokens",
        "usage.output_tokens_details.thinking_tokens",
        "usageMetadata.thoughtsTokenCount",
    ),
    _field(
        "all tokens",
        "usage.total_tokens",
        "usage.total_tokens",
        "",
        "usageMetadata.totalTokenCount",
        "a usage that is not known stays out, or is null; never 0",
    ),
)
