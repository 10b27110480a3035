"""The layout of a workspace, and the text of drafted features and models.

What is known is filled in, with the owner by CODEOWNERS; the rest is a comment. Existing files are
kept.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.bring.onramp.schemas import write_schemas
from harness.money.prices.pricebook import model_ids
from harness.workspace.scan.code_owners import OWNERS_FILES, owners_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The first e-mail address and the first team of a rule; None where it names none."""

    email: str | None = None
    team: str | None = None


def owner_of(repository: Path, path: str) -> Owner:
    """The owner of a file of a repository: the last rule that fits it counts."""
    text = next(
        (
            (repository / place).read_text(encoding="utf-8", errors="replace")
            for place in OWNERS_FILES
            if (repository / place).is_file()
        ),
        "",
    )
    names = owners_of(text, path)
    emails = [name for name in names if "@" in name and not name.startswith("@")]
    teams = [name.rpartition("/")[2] for name in names if name.startswith("@") and "/" in name]
    return Owner(email=emails[0] if emails else None, team=teams[0] if teams else None)


TO_FILL_IN = ("owner", "team", "data", "traffic")
"""Keys that no source tree tells."""
_PLAIN = re.compile(r"[A-Za-z_][\w./@:+\[\]#$-]*(?: [\w./@+-]+)*")
_YAML_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDraft:
    """One use of a model, as it will stand in `features/<id>.yaml`."""

    id: str
    incumbent: str
    used_in: str
    product: str
    owner: Owner
    also_named: tuple[str, ...] = ()
    """Other models that the same place names."""


def feature_text(draft: FeatureDraft) -> str:
    """The text of a drafted feature file."""
    owner, team = draft.owner.email, draft.owner.team
    lines = [
        "# yaml-language-server: $schema=../schemas/feature.json",
        "# Drafted from source. Fill in what is behind a # and correct the rest.",
        f"name: {quoted(draft.id.replace('-', ' ').capitalize())}",
        f"owner: {quoted(owner)}" if owner else "# owner:      e-mail of who answers for it",
        f"team: {quoted(team)}" if team else "# team:",
        f"product: {quoted(draft.product)}",
        "environment: production",
        "# data:       what the cases contain: public, internal, customer or restricted",
        "risk: medium                       # low, medium, high: gives the margin of policy.yaml",
        "# agreed:     {by: ..., on: 2026-01-31}     who agreed to the margin, before any run",
        f"incumbent: {quoted(draft.incumbent)}",
        *(f"# the same place also names {name}" for name in draft.also_named),
        f"used_in: {quoted(draft.used_in)}",
        "candidates: auto",
        "# traffic:    {requests_per_month: 0, input_tokens: 0, output_tokens: 0, source: ...}",
    ]
    return "\n".join(lines) + "\n"


def blank_feature_text(feature_id: str) -> str:
    """The text of a drafted feature that nothing is known of but its name."""
    lines = [
        "# yaml-language-server: $schema=../schemas/feature.json",
        "# Drafted by an import. Take the # away and fill in.",
        f"name: {quoted(feature_id.replace('-', ' ').capitalize())}",
        "# owner:      e-mail of who answers for it",
        "# team:",
        "# product:",
        "# data:       what the cases contain: public, internal, customer or restricted",
        "risk: medium                       # low, medium, high: gives the margin of policy.yaml",
        "# agreed:     {by: ..., on: 2026-01-31}     who agreed to the margin, before any run",
        "# incumbent:  the model in production today, by its name in models/",
        "candidates: auto                   # or a list of models",
        "# traffic:    {requests_per_month: 0, input_tokens: 0, output_tokens: 0, source: ...}",
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDraft:
    """One model, as it will stand in `models/<vendor>.yaml`."""

    name: str
    vendor: str | None
    """`anthropic`, `openai` or `google`; None: somebody else's, behind a compatible API."""
    platform: str | None = None
    """`azure`, `bedrock` or `vertex`, where the source reaches it through one."""


_KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "google": "GEMINI_API_KEY",
}
MODELS_HEAD = "# yaml-language-server: $schema=../schemas/models.json\n"


def models_text(drafts: Sequence[ModelDraft]) -> str:
    """The entries of drafted models; nothing may be sent to them until `may_see` says so."""
    return "".join(_model_text(draft) for draft in drafts)


def vendor_of_id(model_id: str) -> str | None:
    """Whose model an id of the price catalogue is; None for anybody else's."""
    bare = model_id.rpartition("/")[2]
    return next((vendor for vendor in _KEYS if bare in model_ids(frozenset({vendor}))), None)


def quoted(text: str) -> str:
    """A text as YAML: plain where that is safe, else in double quotes."""
    ends_a_key = text.endswith(":") or ": " in text
    safe = _PLAIN.fullmatch(text) and not ends_a_key and text.lower() not in _YAML_WORDS
    return text if safe else json.dumps(text)


def _platform_lines(platform: str | None) -> list[str]:
    if platform is None:
        return []
    lacking = {
        "azure": "  # base_url:    address of the resource, ending with /openai/v1",
        "bedrock": "  # region:      of the cloud",
        "vertex": "  # project:     and region: of the cloud",
    }
    return [f"  platform: {platform}", lacking[platform]]


def _model_text(draft: ModelDraft) -> str:
    if draft.vendor is None:
        lines = [
            f"{quoted(draft.name)}:",
            "  provider: openai-compatible",
            "  # base_url:    https address of the API that answers for it",
            "  # key:         NAME of the environment variable with its key",
            "  may_see: []    # fill in: public, internal, customer, restricted",
        ]
    else:
        lines = [
            f"{quoted(draft.name)}:",
            f"  provider: {draft.vendor}",
            *_platform_lines(draft.platform),
            f"  key: {_KEYS[draft.vendor]}",
            "  may_see: []    # fill in: public, internal, customer, restricted",
        ]
    return "\n".join(lines) + "\n"


EXAMPLE = "example"
_DOTTED = {"gitignore": ".gitignore"}
"""Files whose own name would take effect where they are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Files by their path in the workspace: those written now, those that were there."""

    created: tuple[str, ...]
    kept: tuple[str, ...]


def write_layout(root: Path, *, templates: Path, example: bool) -> Written:
    """Write what a workspace lacks; no file that is there is touched but the JSON Schemas.

    Args:
        root: the workspace.
        templates: the folder with the files to write, as the package ships it.
        example: whether to write the example feature and its models too.
    """
    created = [f"schemas/{path.name}" for path in write_schemas(root / "schemas")]
    kept: list[str] = []
    for source, name in _templates(templates, example=example):
        (created if write_new(root / name, source.read_text(encoding="utf-8")) else kept).append(
            name
        )
    return Written(created=tuple(sorted(created)), kept=tuple(sorted(kept)))


def write_new(path: Path, text: str) -> bool:
    """Write a file that is not there; False, and nothing done, when it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        return False
    return True


def _templates(folder: Path, *, example: bool) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and (example or not _is_example(parts)):
            yield path, "/".join([*parts[:-1], _DOTTED.get(parts[-1], parts[-1])])


def _is_example(parts: Iterable[str]) -> bool:
    """The example feature's own files, and the models that it names."""
    names = list(parts)
    return EXAMPLE in names or names[-1].startswith(f"{EXAMPLE}.") or names[0] == "models"
