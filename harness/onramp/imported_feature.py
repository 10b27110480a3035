"""A feature and its models drafted from imported answers; a person fills in what no file tells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.onramp.drafts import MODELS_HEAD, quoted, vendor_of_id
from harness.onramp.layout import write_new

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_VENDORS = ("anthropic", "openai", "google")
_NOWHERE = "  base_url: https://not-known.invalid/v1    # correct it before anything is asked"
_ADVICE = "Drafted from imported answers. Fill in what is behind a # and correct the rest."


def model_name(theirs: str) -> str:
    """Our name for another tool's model: its last part, in plain letters.

    >>> model_name("openai:chat:gpt-4o-mini"), model_name("openai/gpt-4o-mini")
    ('gpt-4o-mini', 'gpt-4o-mini')
    """
    last = re.split(r"[:/](?=[^:/]*$)", theirs.strip())[-1]
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", last).strip("-.") or "model"


def model_names(theirs: Sequence[str]) -> dict[str, str]:
    """Our names by theirs, each its own."""
    found: dict[str, str] = {}
    for name in theirs:
        ours, number = model_name(name), 2
        while ours in found.values():
            ours, number = f"{model_name(name)}-{number}", number + 1
        found[name] = ours
    return found


def write_feature(
    root: Path, feature: str, *, names: Mapping[str, str], incumbent: str
) -> tuple[str, ...]:
    """Write the feature and the models that are not there; returns the names of what was written.

    `names` are our models by the tool's names; `incumbent` is one of ours.
    """
    candidates = [name for name in names.values() if name != incumbent]
    written: list[str] = []
    path = f"features/{feature}.yaml"
    if write_new(root / path, _feature(feature, incumbent, candidates)):
        written.append(path)
    known = _known_models(root)
    lacking = {theirs: ours for theirs, ours in names.items() if ours not in known}
    path = f"models/{feature}.yaml"
    if lacking and write_new(root / path, MODELS_HEAD + "".join(map(_model, *_pairs(lacking)))):
        written.append(path)
    return tuple(written)


def _pairs(names: Mapping[str, str]) -> tuple[list[str], list[str]]:
    return list(names.keys()), list(names.values())


def _known_models(root: Path) -> set[str]:
    """Names at the left margin of the model files: enough to tell which are there."""
    texts = [path.read_text("utf-8") for path in sorted((root / "models").glob("*.y*ml"))]
    return {
        match[1].strip("\"'")
        for text in texts
        for match in re.finditer(r"(?m)^([^\s#][^:]*):", text)
    }


def _feature(feature: str, incumbent: str, candidates: Sequence[str]) -> str:
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
            "answers: imported   # nothing is asked; take the line away to replay for real",
            "# traffic:    {requests_per_month: 0, input_tokens: 0, output_tokens: 0, source: ...}",
            "",
        ]
    )


def _model(theirs: str, ours: str) -> str:
    named = next((name for name in _VENDORS if name in theirs.lower()), None)
    vendor = named or vendor_of_id(ours) or "openai-compatible"
    return "\n".join(
        [
            f"{quoted(ours)}:",
            f"  provider: {vendor}",
            *([_NOWHERE] if vendor == "openai-compatible" else []),
            "  may_see: []    # fill in: public, internal, customer, restricted",
            "  # price:       USD per million tokens, where the catalogue has none",
            "  #   - {from: 2026-01-01, input: 0.50, output: 2.50, source: ...}",
            "",
        ]
    )
