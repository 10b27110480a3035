"""Writes an imported eval set, its prompts, feature and models as files of the workspace.

Existing files are kept; a person fills in what the import does not tell.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsets.cases import Case, FoundText, GuardrailSpec, ScorerSpec, Turn
from evalsets.jsonl import canonical
from harness.bring.intake.values import ForeignModel, ImportedPrompt, placeholder_input
from harness.bring.onramp.drafts import MODELS_HEAD, quoted, write_new
from harness.bring.onramp.naming import vendor_of, version_of
from harness.errors import UsageError

_NOWHERE = "  base_url: https://not-known.invalid/v1    # correct it before anything is asked"
_ADVICE = "Drafted from imported answers. Fill in what is behind a # and correct the rest."


def write_feature(
    root: Path,
    feature: str,
    *,
    models: Mapping[str, ForeignModel],
    incumbent: str,
    tools: bool = False,
) -> tuple[str, ...]:
    """Write the feature and the models that are not there; returns the names of what was written.

    `models` are the tool's by our names; `incumbent` is one of ours; `tools`: the models were given
    the tools of the eval set's folder.
    """
    candidates = [name for name in models if name != incumbent]
    written: list[str] = []
    path = f"features/{feature}.yaml"
    if write_new(root / path, _feature(feature, incumbent, candidates, tools=tools)):
        written.append(path)
    known = _known_models(root)
    lacking = [_model(ours, theirs) for ours, theirs in models.items() if ours not in known]
    path = f"models/{feature}.yaml"
    if lacking and write_new(root / path, MODELS_HEAD + "".join(lacking)):
        written.append(path)
    return tuple(written)


def _known_models(root: Path) -> set[str]:
    """Names at the left margin of the model files: enough to tell which are there."""
    texts = [path.read_text("utf-8") for path in sorted((root / "models").glob("*.y*ml"))]
    return {
        match[1].strip("\"'")
        for text in texts
        for match in re.finditer(r"(?m)^([^\s#][^:]*):", text)
    }


def _feature(feature: str, incumbent: str, candidates: Sequence[str], *, tools: bool) -> str:
    listed = ", ".join(quoted(name) for name in candidates)
    return "\n".join(
        [
            "# yaml-language-server: $schema=../schemas/feature.json",
            f"# {_ADVICE}",
            f"name: {quoted(feature.replace('-', ' ').capitalize())}",
            "# owner:      e-mail of who answers for it",
            "# team:",
            "# product:",
            "# data:       what the cases contain: public, internal, customer or restricted",
            "risk: medium        # low, medium, high: gives the margin of policy.yaml",
            "# agreed:     {by: ..., on: 2026-01-31}     who agreed to the margin, before any run",
            f"incumbent: {quoted(incumbent)}",
            f"candidates: [{listed}]",
            *([f"request: {{tools: {TOOLS_FILE}}}"] if tools else []),
            "answers: imported   # nothing is asked; take the line away to replay for real",
            "# traffic:    {requests_per_month: 0, input_tokens: 0, output_tokens: 0, source: ...}",
            "",
        ]
    )


def _model(ours: str, theirs: ForeignModel) -> str:
    vendor = vendor_of(theirs.id) or "openai-compatible"
    version = version_of(theirs, ours)
    return "\n".join(
        [
            f"{quoted(ours)}:",
            f"  provider: {vendor}",
            *([f"  version: {quoted(version)}"] if version else []),
            *([_NOWHERE] if vendor == "openai-compatible" else []),
            "  may_see: []    # fill in: public, internal, customer, restricted",
            "  # price:       USD per million tokens, where the catalogue has none",
            "  #   - {from: YYYY-MM-DD, input: 0.50, output: 2.50, source: ...}",
            "",
        ]
    )


_MOST_PARTS = 8
"""Values of a key that are drafted as slices."""
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
    tools: str | None = None
    """The file of the tools that the models were given."""


TOOLS_FILE = "tools.json"


def input_prompt(cases: Sequence[Case]) -> ImportedPrompt:
    """The input as it is: a text, or the turns of a conversation with all that they hold."""
    chats = any(not isinstance(case.input, str) for case in cases)
    text = "=== turns ===\n" if chats else "{{ input }}\n"
    return ImportedPrompt(name="default", text=text)


def copy_files(cases: Sequence[Case], source: Path, folder: Path) -> tuple[str, ...]:
    """Copy the images and PDFs that cases name, from beside their file; returns their names."""
    turns = (turn for case in cases if not isinstance(case.input, str) for turn in case.input)
    named = dict.fromkeys(name for turn in turns for name in (*turn.images, *turn.documents))
    copied: list[str] = []
    for name in named:
        if name.startswith("data:") or (folder / name).exists():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, folder / name)
        copied.append(name)
    return tuple(copied)


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
    if draft.tools is not None:
        files[f"{folder}/{TOOLS_FILE}"] = draft.tools
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
        line: dict[str, Any] = {"id": case.id, "input": _input(_asked(case))}
        if case.target is not None:
            line["target"] = [case.target, *case.also_right] if case.also_right else case.target
        if case.choices:
            line["choices"] = list(case.choices)
        if case.context is not None:
            line["context"] = [_passage(each) for each in case.context]
        if case.metadata:
            line["metadata"] = dict(case.metadata)
        yield json.dumps(line, ensure_ascii=False)


def _passage(passage: FoundText) -> str | dict[str, str]:
    return passage.text if passage.id is None else {"id": passage.id, "text": passage.text}


def _asked(case: Case) -> str | tuple[Turn, ...]:
    """What the case asks; where the other tool's file tells nothing, words that say so."""
    blank = not case.input if not isinstance(case.input, str) else not case.input.strip()
    return placeholder_input(case.id) if blank else case.input


def _input(value: str | tuple[Turn, ...]) -> str | list[dict[str, Any]]:
    if isinstance(value, str):
        return value
    return [_message(turn) for turn in value]


def _message(turn: Turn) -> dict[str, Any]:
    message: dict[str, Any] = {"role": turn.role, "content": turn.content}
    files = [{"type": "image", "image": image} for image in turn.images]
    files += [{"type": "document", "document": document} for document in turn.documents]
    if files:
        message["content"] = [{"type": "text", "text": turn.content}, *files]
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
            _slices(draft.cases),
            _cluster(draft.cases),
            "",
        ]
    )


_CLUSTER = "cluster"


def _cluster(cases: Sequence[Case]) -> str:
    """Cases of one cluster count together where the import tells clusters."""
    if any(case.meta(_CLUSTER) is not None for case in cases):
        return f"cluster: {_CLUSTER}    # cases of one are not independent"
    return "# cluster:  metadata key of cases that are not independent"


def _slices(cases: Sequence[Case]) -> str:
    """The parts that the import tells, for a person to give each its limit."""
    parts: dict[str, set[str]] = {}
    for case in cases:
        for key, value in case.metadata:
            if key != _CLUSTER:
                parts.setdefault(key, set()).add(value)
    # YAML takes no control characters, not even in a comment.
    few = {
        key: sorted(values)
        for key, values in parts.items()
        if len(values) <= _MOST_PARTS and all(text.isprintable() for text in (key, *values))
    }
    if not few:
        return "# slices:   {metadata key: {value: {margin: 10}}}    must hold by themselves"
    told = {key: {value: {"margin": 10} for value in values} for key, values in few.items()}
    return f"# slices:   {canonical(told)}    must hold by themselves; each with its limit"


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
