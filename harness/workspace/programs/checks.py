"""What is wrong with a feature's program, known before it is started."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from evalsets.cases import EvalSet
from evalsets.source import KeyPath
from evalsets.validation import suggestion
from harness.errors import Problem
from harness.workspace.feature_file import FeatureConfig, ProgramConfig
from harness.workspace.model_file import ModelConfig, split_option
from harness.workspace.programs.digests import (
    ProgramFolderError,
    UnknownOutsideError,
    program_digest,
    program_folder,
    program_outside,
)
from harness.workspace.reading import ParsedFile, Reading, is_environment_name

GATEWAYS = frozenset(
    {
        "OPENAI_BASE_URL",
        "OPENAI_API_KEY",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_API_KEY",
        "GOOGLE_GEMINI_BASE_URL",
        "GOOGLE_API_KEY",
        "GEMINI_API_KEY",
        "NO_PROXY",
        "OPENAI_API_BASE",
        "ANTHROPIC_AUTH_TOKEN",
        "GOOGLE_GENAI_USE_VERTEXAI",
        "GOOGLE_VERTEX_BASE_URL",
    }
)
"""Variables that lead a program's SDKs to the gateway, or elsewhere."""
_UNUSED = (
    ("cascades", "a cascade has no program"),
    ("latency", "the time of a program is not measured yet"),
    ("mode", "a program asks live"),
)


def program_problems(reading: Reading, evalsets: Mapping[str, EvalSet]) -> Iterator[Problem]:
    """Every problem of the features that are programs."""
    for name, entry in reading.features.items():
        program = entry.config.program
        if program is not None:
            yield from _folder(reading, name, entry, program)
            yield from _environment(reading, entry, program)
            yield from _unused(entry)
            yield from _roles(reading, entry, program)
            yield from _shared_names(reading, entry, program)
            yield from _candidates(reading, entry)
            yield from _judged(entry, evalsets.get(name))


def unsuited(config: ModelConfig) -> str | None:
    """What of a model's entry a program's calls cannot heed yet; None where it can stand in."""
    serve = config.serve
    stated = {
        "platform": config.platform,
        "sdk": config.sdk,
        "effort": config.effort,
        "efforts": config.efforts,
        "extra_body": config.extra_body,
        "batch": config.batch,
        "gpu": config.gpu,
        "command": config.command,
        "serve: offline": serve.offline if serve else None,
        "api": config.api in {"completions", "decisions", "systemone"},
    }
    key = next((key for key, value in stated.items() if value), None)
    return None if key is None else f"states `{key}`, which a program's calls do not heed yet"


def _folder(
    reading: Reading, name: str, entry: ParsedFile[FeatureConfig], program: ProgramConfig
) -> Iterator[Problem]:
    stated = program.folder
    if stated is not None:
        path = PurePosixPath(stated)
        if path.is_absolute() or ".." in path.parts or path == PurePosixPath():
            message = "must be a folder inside the workspace"
            yield entry.problem(("program", "folder"), message)
            return
    folder = program_folder(reading.root, name, program)
    try:
        program_digest(folder, program)
    except ProgramFolderError as error:
        shown = folder.relative_to(reading.root).as_posix()
        yield entry.problem(("program", "folder"), f"{shown}: {error}")
        return
    try:
        program_outside(program, folder, reading.environ)
    except UnknownOutsideError as error:
        message = f"{error}; state `version`, a name that changes with it"
        yield entry.problem(("program", "command"), message)


def _environment(
    reading: Reading, entry: ParsedFile[FeatureConfig], program: ProgramConfig
) -> Iterator[Problem]:
    keys = {model.config.key for model in reading.models.values()}
    for at, name in enumerate(program.environment):
        key: KeyPath = ("program", "environment", at)
        if not is_environment_name(name):
            yield entry.problem(key, "must be the NAME of an environment variable")
        elif name in keys:
            yield entry.problem(key, f"{name} is a model's key, which no program sees")
        elif name in GATEWAYS:
            yield entry.problem(key, f"{name} is the gateway's to set, or leads past it; remove it")


def _unused(entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    config = entry.config
    for key, why in _UNUSED:
        if key in config.model_fields_set and getattr(config, key) not in {None, (), "live"}:
            yield entry.problem((key,), f"{why}; remove it, or the `program`")
    if config.request.model_fields_set:
        message = "a program says itself how it asks; remove it, or the `program`"
        yield entry.problem(("request",), message)
    if config.answers == "imported":
        message = "imported answers need no `program`; remove one of the two"
        yield entry.problem(("answers",), message)


def _roles(
    reading: Reading, entry: ParsedFile[FeatureConfig], program: ProgramConfig
) -> Iterator[Problem]:
    incumbent = entry.config.incumbent
    if "@" in incumbent:
        yield entry.problem(("incumbent",), "a program states efforts itself: name the model alone")
    elif incumbent not in program.roles.values():
        message = f"no role is {incumbent}, the incumbent: it would never be asked"
        yield entry.problem(("program", "roles"), message)
    for role, name in program.roles.items():
        key: KeyPath = ("program", "roles", role)
        model = reading.models.get(name)
        if model is None:
            if name not in reading.model_names and reading.all_models_named:
                hint = suggestion(name, reading.model_names)
                yield entry.problem(key, f"unknown model {name!r}{hint}")
            continue
        why = unsuited(model.config)
        if why is not None:
            yield entry.problem(key, f"{name} {why}")
        data = entry.config.data
        if name != incumbent and data not in model.config.may_see:
            allowed = ", ".join(model.config.may_see) or "nothing"
            yield entry.problem(key, f"{name} may not see {data} data (may_see: {allowed})")


def _shared_names(
    reading: Reading, entry: ParsedFile[FeatureConfig], program: ProgramConfig
) -> Iterator[Problem]:
    """A name that two models have (an entry's own, or its `version`) says not which is asked."""
    owners: dict[str, str] = {}
    for role, name in program.roles.items():
        model = reading.models.get(name)
        version = None if model is None else model.config.version
        for asked in sorted({name, version or name}):
            owner = owners.setdefault(asked, name)
            if owner != name:
                message = f"{name} and {owner} are both called {asked!r}: a call names neither"
                yield entry.problem(("program", "roles", role), message)


def _candidates(reading: Reading, entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    config = entry.config
    if config.candidates == "auto":
        return
    for at, option in enumerate(config.candidates):
        name, effort = split_option(option)
        model = reading.models.get(name)
        if effort is not None:
            message = "a program states efforts itself: name the model alone"
            yield entry.problem(("candidates", at), message)
        elif model is not None and (why := unsuited(model.config)) is not None:
            yield entry.problem(("candidates", at), f"{name} {why}")


def _judged(entry: ParsedFile[FeatureConfig], evalset: EvalSet | None) -> Iterator[Problem]:
    if evalset is None:
        return
    specs = [evalset.primary, *(guardrail.scorer for guardrail in evalset.guardrails)]
    if any(spec.scorer == "judge" for spec in specs):
        message = "what a judge reads of a program has no bound yet; use a scorer without a model"
        yield entry.problem(("program",), message)
