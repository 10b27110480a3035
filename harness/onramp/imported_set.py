"""An imported eval set and its prompts, as files of the workspace. What is there already stays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalsets.jsonl import canonical
from harness.errors import UsageError
from harness.onramp.drafts import quoted
from harness.onramp.layout import write_new

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evalsets.cases import Case, GuardrailSpec, ScorerSpec, Turn
    from harness.intake.values import ImportedPrompt

_SCHEMA = "# yaml-language-server: $schema=../../schemas/evalset.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDraft:
    """What becomes the files of one eval set; `origin` names tool and file, for people."""

    feature: str
    cases: tuple[Case, ...]
    primary: ScorerSpec
    prompts: tuple[ImportedPrompt, ...]
    origin: str
    repeats: int = 1
    guardrails: tuple[GuardrailSpec, ...] = ()


def write_set(root: Path, draft: SetDraft) -> tuple[str, ...]:
    """Write the files that are not there; returns their names, those kept with `(kept...)` behind.

    Raises:
        UsageError: two cases have one id.
    """
    twice = _repeated([case.id for case in draft.cases])
    if twice is not None:
        raise UsageError(f"{draft.origin}: two cases have the id {twice!r}")
    folder = f"evalsets/{draft.feature}"
    files = {
        f"{folder}/evalset.yaml": _evalset(draft),
        f"{folder}/cases.jsonl": "".join(f"{line}\n" for line in case_lines(draft.cases)),
    }
    for prompt in draft.prompts:
        files[f"prompts/{draft.feature}/{prompt.name}.j2"] = prompt.text
    return tuple(
        name if write_new(root / name, text) else f"{name} {_kept(root / name, text)}"
        for name, text in files.items()
    )


def _kept(path: Path, text: str) -> str:
    """Whether the cases that are there are the import's: a correction is not passed over."""
    same = path.suffix != ".jsonl" or path.read_bytes() == text.encode()
    return "(kept)" if same else "(kept; the import has another: take the file away to import it)"


def case_lines(cases: Sequence[Case]) -> Iterator[str]:
    """Cases as lines of `cases.jsonl`."""
    for case in cases:
        line: dict[str, Any] = {"id": case.id, "input": _input(case.input)}
        if case.target is not None:
            line["target"] = [case.target, *case.also_right] if case.also_right else case.target
        if case.choices:
            line["choices"] = list(case.choices)
        if case.metadata:
            line["metadata"] = dict(case.metadata)
        yield json.dumps(line, ensure_ascii=False)


def _input(value: str | tuple[Turn, ...]) -> str | list[dict[str, Any]]:
    if isinstance(value, str):
        return value
    return [_message(turn) for turn in value]


def _message(turn: Turn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": turn.content}
    if turn.images:
        images = [{"type": "image", "image": image} for image in turn.images]
        message["content"] = [{"type": "text", "text": turn.content}, *images]
    if turn.tool_calls is not None:
        message["tool_calls"] = [
            {"id": call["id"], "function": call["name"], "arguments": call["arguments"]}
            for call in json.loads(turn.tool_calls)
        ]
    if turn.tool_call_id is not None:
        message["tool_call_id"] = turn.tool_call_id
    return message


def _evalset(draft: SetDraft) -> str:
    options = {"scorer": draft.primary.scorer, **json.loads(draft.primary.options)}
    labelled = sum(case.target is not None for case in draft.cases)
    judged = draft.primary.scorer == "judge"
    targets = "human" if labelled else "none"
    closed = (
        "" if labelled or judged else "    # cases without a target are labelled: `rightsize label`"
    )
    return "\n".join(
        [
            _SCHEMA,
            "cases: cases.jsonl",
            "unit: cases                        # what one case is called: invoices, tickets",
            f"source: {{kind: imported, targets: {targets}, note: {quoted(draft.origin)}}}{closed}",
            f"primary: {canonical(options)}",
            *_guardrails(draft.guardrails),
            *([f"repeats: {draft.repeats}"] if draft.repeats > 1 else []),
            "# slices:   {metadata key: {value: {margin: 10}}}    must hold by themselves",
            "# cluster:  metadata key of cases that are not independent",
            "",
        ]
    )


def _guardrails(listed: Sequence[GuardrailSpec]) -> Iterator[str]:
    if listed:
        yield "guardrails:"
    for each in listed:
        options = {"scorer": each.scorer.scorer, **json.loads(each.scorer.options)}
        yield f"  - {canonical({**options, 'margin': each.margin})}"


def _repeated(names: Sequence[str]) -> str | None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
