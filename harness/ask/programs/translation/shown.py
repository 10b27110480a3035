"""The rows of a reply, and all as `python -m harness.ask.programs.translation.shown` tells them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.ask.programs.asked import STATUSES
from harness.ask.programs.gateway import ERROR_TYPES, GOOGLE_WORDS, OVERLOADED, UNAVAILABLE
from harness.ask.programs.translation import chat, generate_content, messages, responses
from harness.ask.programs.translation.rows import (
    CARRIED,
    IMAGES,
    LEFT_OUT,
    MESSAGES,
    PLAIN,
    TURN_PARTS,
    UNSENT,
    Part,
)
from providers.completion import Finish
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


WIRES: Sequence[Api] = ("chat", "responses", "messages", "generate-content")
README = Path(__file__).parent / "README.md"
START, END = "<!-- rows: start -->", "<!-- rows: end -->"
FINISHES: Sequence[Finish] = ("stop", "length", "tool_calls", "refusal", "content_filter")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") or "-" for cell in row) + " |"
    yield ""


def _carried() -> Iterator[Sequence[str]]:
    parts: dict[Part, None] = dict.fromkeys(row.part for row in CARRIED)
    for part in parts:
        cells: list[str] = []
        for wire in WIRES:
            rows = [row for row in CARRIED if (row.part, row.wire) == (part, wire)]
            told = (
                f"[`{row.field}`]({row.source}){': ' + row.note if row.note else ''}"
                for row in rows
            )
            cells.append("<br>".join(told) or UNSENT.get((part, wire), ""))
        yield (part, *cells)


def _pages(pages: Mapping[Api, str]) -> str:
    return ", ".join(f"[{wire}]({pages[wire]})" for wire in WIRES)


def _path(row: ReplyField, wire: Api) -> str:
    path = row.paths[wire]
    return f"`{path}`" if path else ""


def _finish(finish: Finish, wire: Api) -> str:
    if wire == "responses":
        reason = responses.INCOMPLETE.get(finish)
        return f"`incomplete`, `{reason}`" if reason else "`completed`"
    words: Mapping[Api, Mapping[Finish, str]] = {
        "chat": chat.FINISHES,
        "messages": messages.STOPS,
        "generate-content": generate_content.FINISHES,
    }
    return f"`{words[wire][finish]}`"


def _errors() -> Iterator[Sequence[str]]:
    for reason, status in {**STATUSES, "any other": 400}.items():
        told = OVERLOADED if status == UNAVAILABLE else status
        by_openai = ERROR_TYPES["chat"].get(status, "invalid_request_error")
        by_anthropic = ERROR_TYPES["messages"].get(status, "invalid_request_error")
        google = GOOGLE_WORDS.get(status, "INVALID_ARGUMENT")
        cells = (f"{status} `{by_openai}`", f"{told} `{by_anthropic}`", f"{status} `{google}`")
        yield (str(reason), *cells)


def _asked() -> list[str]:
    lines = ["### A request: what crosses", ""]
    lines += _table(("part", *WIRES), _carried())
    lines += ["### A request: fields that are left out, and told once on the terminal", ""]
    lines += _table(
        ("wire", "field", "why"),
        ((row.wire, f"[`{row.field}`]({row.source})", row.why) for row in LEFT_OUT),
    )
    lines += ["### A request: fields that cross with these values alone, else are refused", ""]
    lines += _table(
        ("wire", "field", "values", "why"),
        (
            (
                row.wire,
                f"[`{row.field}`]({row.source})",
                ", ".join(f"`{json.dumps(one)}`" for one in row.values) or "none",
                row.why,
            )
            for row in PLAIN
        ),
    )
    lines += ["### A turn: its parts", ""]
    lines += _table(
        ("wire", "part", "its keys", "becomes"),
        (
            (
                row.wire,
                f"[`{row.part}`]({row.source})",
                " ".join(f"`{key}`" for key in sorted(row.keys)).replace("`*`", "any"),
                row.becomes,
            )
            for row in TURN_PARTS
        ),
    )
    return lines


def _told() -> list[str]:
    lines = [
        "Images: "
        + "; ".join(f"{wire}: {', '.join(sorted(IMAGES[wire]))}" for wire in WIRES)
        + ".",
        "",
        f"### A reply ({_pages(REPLY_PAGES)}; streamed: {_pages(STREAM_PAGES)})",
        "",
    ]
    lines += _table(
        ("part", *WIRES, "note"),
        ((row.part, *(_path(row, wire) for wire in WIRES), row.note) for row in REPLIED),
    )
    lines += ["### How a reply ends", ""]
    lines += _table(
        ("end", *WIRES),
        ((finish, *(_finish(finish, wire) for wire in WIRES)) for finish in FINISHES),
    )
    lines += [f"### A call without a reply ({_pages(ERROR_PAGES)})", ""]
    lines += _table(("why", "OpenAI", "Anthropic", "Google"), _errors())
    return lines


def shown() -> str:
    """All rows, as Markdown."""
    return "\n".join([*_asked(), *_told()])


def document(text: str) -> str:
    """The document with the rows as they are now."""
    before, _, rest = text.partition(START)
    return f"{before}{START}\n\n{shown()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    README.write_text(document(README.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{README}\n")
