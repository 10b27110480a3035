"""Our names for the models of another tool's file, and which option of a feature each one is."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.bring.intake.values import ForeignModel, ImportedAnswers
from harness.bring.onramp.drafts import quoted, vendor_of_id
from harness.errors import UsageError
from harness.plan.planned_options import PlannedOption
from harness.wording import plural
from harness.workspace.workspace import Workspace

_VENDORS = ("anthropic", "openai", "google")
_INTERFACES = frozenset(
    {"chat", "responses", "messages", "completion", "completions", "converse", "text-generation"}
)
_DATE = re.compile(r"[-@](?:20\d{6}|20\d\d-\d\d-\d\d)$")


def model_id(theirs: str) -> str:
    """A tool's model without the tool's words for who serves it and how.

    >>> model_id("openai:chat:gpt-4o-mini"), model_id("ollama:llama3:8b"), model_id("llama3:8b")
    ('gpt-4o-mini', 'llama3:8b', 'llama3:8b')
    """
    first, *rest = theirs.strip().split(":")
    rest = rest[1:] if len(rest) > 1 and rest[0] in _INTERFACES else rest
    bare = ":".join(rest)
    served = re.fullmatch(r"[A-Za-z-]+", first) and re.match(r"(?!latest$|free$)[A-Za-z]", bare)
    return bare if served else theirs.strip()


def model_name(theirs: str) -> str:
    """Our name for another tool's model: its last part, in plain letters.

    >>> model_name("openai:chat:gpt-4o-mini"), model_name("openai/gpt-4o-mini")
    ('gpt-4o-mini', 'gpt-4o-mini')
    """
    last = re.split(r"/(?=[^/]*$)", model_id(theirs))[-1]
    return re.sub(r"[^A-Za-z0-9._+-]+", "-", last).strip("-.") or "model"


def model_names(models: Sequence[ForeignModel]) -> dict[str, str]:
    """Our names by theirs, each its own: of the id, and of what tells it from others of that id."""
    found: dict[str, str] = {}
    for model in models:
        name = model_name(model.id)
        name = f"{name}-{model_name(model.part)}" if model.part else name
        ours, number = name, 2
        while ours in found.values():
            ours, number = f"{name}-{number}", number + 1
        found[model.name] = ours
    return found


def _aliases(model: ForeignModel) -> tuple[str, ...]:
    """Other words for a model; one that several models of a file share names none of them."""
    ours = model_name(model.id)
    words = (model.name, model.id, model_id(model.id), ours, _DATE.sub("", ours), model.label)
    return tuple(word for word in dict.fromkeys(words) if word)


def named_model(given: str, models: Sequence[ForeignModel], names: Mapping[str, str]) -> str:
    """Our name for what `--incumbent` says.

    Raises:
        UsageError: it is no model of the file, or may be several.
    """
    if given in names or given in names.values():
        return names.get(given, given)
    meant = [model.name for model in models if given in _aliases(model)]
    if len(meant) == 1:
        return names[meant[0]]
    listed = ", ".join(meant or names)
    reason = "may be any of" if meant else "not in the file; it has"
    raise UsageError(f"--incumbent {given}: {reason} {listed}")


def vendor_of(theirs: str) -> str | None:
    """The vendor that a tool's id names, or whose the id is; None for anybody else's."""
    named = next((name for name in _VENDORS if name in theirs.lower()), None)
    return named or vendor_of_id(model_id(theirs))


def version_of(model: ForeignModel, ours: str) -> str | None:
    """The model's name at its API, where ours is another."""
    whole = model_id(model.id)
    wire = whole if vendor_of(model.id) is None else whole.rpartition("/")[2]
    return None if ours in {wire, model.id} else wire


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundOptions:
    """Which option each model of a file is, and what to write for those that are none."""

    rungs: Mapping[str, PlannedOption]
    """By the tool's name."""
    lacking: Mapping[str, str]
    """By the tool's name: one line that says what to write, and where."""


def find_options(
    answers: ImportedAnswers,
    names: Mapping[str, str],
    options: Mapping[str, PlannedOption],
    *,
    workspace: Workspace,
    feature: str,
) -> FoundOptions:
    """The feature's option of each model of the file.

    Raises:
        UsageError: no model of the file is one.
    """
    rungs = {theirs: options[ours] for theirs, ours in names.items() if ours in options}
    shared = Counter(word for model in answers.known_models for word in _aliases(model))
    for model in answers.known_models:
        taken = {rung.name for rung in rungs.values()}
        own = [word for word in _aliases(model) if shared[word] == 1]
        rung = _option_of(own, [rung for name, rung in options.items() if name not in taken])
        if model.name not in rungs and rung is not None:
            rungs[model.name] = rung
    lacking = {
        model.name: _advice(model, names[model.name], workspace, feature)
        for model in answers.known_models
        if model.name not in rungs
    }
    if not rungs:
        counts = Counter(answer.model for answer in answers.answers)
        lines = [f"{line} ({plural(counts[name], 'answer')})" for name, line in lacking.items()]
        today = workspace.features[feature].incumbent
        lines.append(
            f"features/{feature}.yaml: incumbent: {today} has no answer in the file either"
        )
        raise UsageError.of([*lines, "no answer of the file is one of the feature's; none written"])
    return FoundOptions(rungs=rungs, lacking=lacking)


def _option_of(words: Sequence[str], options: Sequence[PlannedOption]) -> PlannedOption | None:
    """The option that one of these words names; else the only one that its API knows by one."""
    for word in words:
        named = [rung for rung in options if rung.name == word]
        known = named or [rung for rung in options if rung.version == word]
        if len(known) == 1:
            return known[0]
    return None


def _advice(model: ForeignModel, ours: str, workspace: Workspace, feature: str) -> str:
    return f"model {model.name!r} is no option of {feature}: " + " and ".join(
        _to_write(model, ours, workspace, feature)
    )


def _to_write(model: ForeignModel, ours: str, workspace: Workspace, feature: str) -> Iterator[str]:
    known, candidates = ours in workspace.models, workspace.features[feature].candidates
    if candidates != "auto" or known:
        listed = "a list with it" if candidates == "auto" else ours
        yield f"features/{feature}.yaml: candidates: add {listed}"
    if not known:
        version = version_of(model, ours)
        entry = [f"provider: {vendor_of(model.id) or 'openai-compatible'}"]
        entry += [f"version: {quoted(version)}"] if version else []
        yield f"models/: add `{quoted(ours)}: {{{', '.join([*entry, 'may_see: [...]'])}}}`"
