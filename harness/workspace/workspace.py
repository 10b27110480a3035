"""A workspace as the commands use it: read whole, or refused with every problem at once."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from evalsets.cases import EvalSet
from evalsets.loading import CONFIG_FILE, load_evalset, with_tools
from evalsets.source import Fault, SourceError, read_text, read_yaml
from harness.errors import Problem, WorkspaceError
from harness.workspace.feature_checks import evalset_folder, feature_problems
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.fingerprints import policy_sha256
from harness.workspace.model_checks import judge_problems, model_problems
from harness.workspace.model_file import TUNED, ModelConfig, split_option
from harness.workspace.policy_file import PolicyConfig
from harness.workspace.programs.checks import program_problems
from harness.workspace.programs.digests import Surroundings, program_folder, program_outside
from harness.workspace.prompts import prompt_problems, tuned_options
from harness.workspace.reading import Reading, problem_of, read_files, secrets_in, special_files


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """Everything a team wrote, valid.

    `problems` are the ones that stop at most a feature: severity `blocked` or `warning`.
    `evalsets` is by feature.
    """

    root: Path
    policy: PolicyConfig
    models: Mapping[str, ModelConfig]
    features: Mapping[str, FeatureConfig]
    evalsets: Mapping[str, EvalSet]
    policy_sha256: str
    problems: tuple[Problem, ...] = ()
    refused: Mapping[str, tuple[Problem, ...]] = field(
        default_factory=dict[str, "tuple[Problem, ...]"]
    )
    """Features that are left out, each by faults of its own."""
    outsides: Mapping[str, Surroundings] = field(default_factory=dict[str, "Surroundings"])
    """Of each feature that is a program: what determines its answers and is not in its folder."""

    def all_live(self) -> Workspace:
        """The same with every model asked live, for who cannot wait and asks a few cases only."""
        return replace(self, models={name: _live(model) for name, model in self.models.items()})

    def evalset_folder(self, feature_id: str) -> Path:
        """Where the feature's eval set, its schemas and its images lie."""
        return evalset_folder(self.root, feature_id, self.features[feature_id])

    def blocked(self, feature_id: str) -> tuple[Problem, ...]:
        """Why nothing of this feature is asked; empty when it can be reviewed."""
        files = {f"features/{feature_id}{suffix}" for suffix in (".yaml", ".yml")}
        return tuple(
            problem
            for problem in self.problems
            if problem.severity == "blocked" and problem.file in files
        )


def load_workspace(
    root: Path, *, features: Collection[str] = (), environ: Mapping[str, str] = os.environ
) -> Workspace:
    """Read the workspace under `root`.

    Args:
        root: the folder that holds `policy.yaml`.
        features: the only ones that are wanted; what is wrong with others alone is passed over,
            and they are left out. Empty: all.
        environ: of the programs that are started here.

    Raises:
        WorkspaceError: every problem of severity `error`, at once.
    """
    reading, evalsets = inspect_workspace(root, environ)
    problems = sorted_problems(reading.problems)
    shared, own = _faults(reading, problems)
    judged = set(features) or own.keys()
    errors = [*shared, *(each for name in judged for each in own.get(name, ()))]
    if reading.policy is None or errors:
        raise WorkspaceError(sorted_problems(errors))
    return _made(reading, evalsets, problems, _wanted(reading, features))


def load_for_spend(root: Path, environ: Mapping[str, str] = os.environ) -> Workspace:
    """Policy, models and features under `root`, without their cases: enough for logs and showback.

    A workspace that has no feature or no model yet is one: logs say what is spent before that.

    Raises:
        WorkspaceError: every problem of severity `error` in these files.
    """
    reading = read_files(root, environ)
    empty = {"features/", "models/"}
    errors = [one for one in reading.problems if one.severity == "error" and one.file not in empty]
    if errors:
        raise WorkspaceError(sorted_problems(errors))
    return _made(reading, {}, sorted_problems(reading.problems), reading.features)


def sound_workspace(
    reading: Reading,
    evalsets: Mapping[str, EvalSet],
    problems: tuple[Problem, ...],
    features: Collection[str] = (),
) -> Workspace:
    """What was read, without the features that have faults of their own: they are `refused`.

    Raises:
        WorkspaceError: a fault that all features share, or no wanted feature without one.
    """
    shared, own = _faults(reading, problems)
    judged = set(features) or own.keys()
    refused = {name: faults for name, faults in own.items() if name in judged}
    left = set(features) - refused.keys()
    sound = _wanted(reading, left) - own.keys()
    if reading.policy is None or shared or (refused and not (left if features else sound)):
        errors = [*shared, *(each for faults in refused.values() for each in faults)]
        raise WorkspaceError(sorted_problems(errors))
    return replace(_made(reading, evalsets, problems, sound), refused=MappingProxyType(refused))


def _made(
    reading: Reading,
    evalsets: Mapping[str, EvalSet],
    problems: tuple[Problem, ...],
    wanted: Collection[str],
) -> Workspace:
    if reading.policy is None:
        raise WorkspaceError(problems)
    policy = reading.policy.config
    features = {name: each.config for name, each in reading.features.items() if name in wanted}
    return Workspace(
        root=reading.root,
        policy=policy,
        models=MappingProxyType({name: each.config for name, each in reading.models.items()}),
        features=MappingProxyType(features),
        evalsets=MappingProxyType(dict(evalsets)),
        policy_sha256=policy_sha256(policy),
        problems=problems,
        outsides=MappingProxyType(
            {
                name: program_outside(
                    each.program, program_folder(reading.root, name, each.program), reading.environ
                )
                for name, each in features.items()
                if each.program is not None
            }
        ),
    )


def _wanted(reading: Reading, features: Collection[str]) -> set[str]:
    """The wanted features; all of them where one is unknown, so that its name can be told."""
    known = set(reading.features)
    return set(features) if features and set(features) <= known else known


def _faults(
    reading: Reading, problems: Iterable[Problem]
) -> tuple[list[Problem], dict[str, tuple[Problem, ...]]]:
    """The errors that all features share, and by feature those of its own files."""
    by_set: dict[str, list[str]] = {}
    for name, entry in reading.features.items():
        by_set.setdefault(entry.config.evalset or name, []).append(name)
    shared: list[Problem] = []
    own: dict[str, tuple[Problem, ...]] = {}
    for problem in problems:
        if problem.severity == "error":
            owners = _owners(problem.file, by_set)
            for name in owners:
                own[name] = (*own.get(name, ()), problem)
            shared += [] if owners else [problem]
    return shared, own


def _owners(file: str, by_set: Mapping[str, list[str]]) -> list[str]:
    """The features that a file belongs to; none where it is everybody's."""
    folder, _, rest = file.partition("/")
    name = rest.partition("/")[0]
    if not name or folder not in {"features", "prompts", "evalsets"}:
        return []
    name = name.removesuffix(".yaml").removesuffix(".yml")
    return by_set.get(name, [name]) if folder == "evalsets" else [name]


def inspect_workspace(
    root: Path, environ: Mapping[str, str] = os.environ
) -> tuple[Reading, dict[str, EvalSet]]:
    """All that can be read of a workspace, its problems included, and its sound eval sets."""
    endless = special_files(root)
    if endless:
        return Reading(root=root, problems=endless), {}
    reading = read_files(root, environ)
    reading.problems += model_problems(reading)
    reading.problems += feature_problems(reading)
    reading.problems += prompt_problems(reading)
    evalsets = _evalsets(reading)
    reading.problems += judge_problems(reading, evalsets)
    reading.problems += program_problems(reading, evalsets)
    return reading, evalsets


def sorted_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file and line, each once: two features may share a broken eval set."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda each: (each.file, each.line or 0, each.key)))


def _evalsets(reading: Reading) -> dict[str, EvalSet]:
    """The eval sets by feature; a folder that several features name is read once.

    Its scorers of tool calls know the tools of each feature.
    """
    loaded: dict[Path, EvalSet | None] = {}
    found: dict[str, EvalSet] = {}
    for name, entry in reading.features.items():
        folder = evalset_folder(reading.root, name, entry.config)
        if folder.parent != reading.root / "evalsets":
            message = "must be the name of a folder under evalsets/"
            reading.problems.append(entry.problem(("evalset",), message))
            continue
        if folder not in loaded:
            loaded[folder] = _evalset(reading, folder, name)
        evalset = loaded[folder]
        if evalset is not None:
            tools = entry.config.request.tools
            found[name] = with_tools(replace(evalset, feature=name), folder, tools)
    return found


def _evalset(reading: Reading, folder: Path, feature_id: str) -> EvalSet | None:
    shown = folder.relative_to(reading.root).as_posix()
    if not folder.is_dir():
        message = f"the folder is missing; it holds the eval set of {feature_id}"
        reading.problems.append(Problem(file=f"{shown}/", line=None, key="", message=message))
        return None
    reading.failed(_secrets(folder, shown))
    try:
        return load_evalset(folder, feature_id, shown=shown)
    except SourceError as error:
        reading.problems += [problem_of(fault) for fault in error.faults]
        return None


def _secrets(folder: Path, shown: str) -> tuple[Fault, ...]:
    """Secrets in `evalset.yaml`; what else is wrong with it is said where it is loaded."""
    name = f"{shown}/{CONFIG_FILE}"
    try:
        source = read_yaml(read_text(folder / CONFIG_FILE, shown=name), file=name)
    except SourceError:
        return ()
    return tuple(secrets_in(source))


def _live(model: ModelConfig) -> ModelConfig:
    serve = model.serve and model.serve.model_copy(update={"offline": None})
    return model.model_copy(update={"batch": False, "serve": serve})


def candidate_names(workspace: Workspace, feature_id: str) -> Sequence[str]:
    """The candidates by name; for `auto` every other model, at each of its efforts.

    A prompt that was tuned for one of them, or for today's model, makes one more option, unless
    the feature names it.
    """
    feature = workspace.features[feature_id]
    names = feature.candidates
    if names == "auto":
        incumbent, _ = split_option(feature.incumbent)
        names = [
            option
            for name, config in workspace.models.items()
            if name != incumbent
            for option in _variants(name, config)
        ]
    if feature.program is not None or feature.answers == "imported":
        return names
    known = {*names, feature.incumbent}
    tuned = tuned_options(workspace.root, feature_id)
    own = [one for one in tuned if one not in known and one.removesuffix(TUNED) in known]
    return [*names, *own]


def _variants(name: str, config: ModelConfig) -> Sequence[str]:
    """The options of a model: one per effort, unless its file fixes one."""
    if not config.efforts or config.effort is not None:
        return (name,)
    return tuple(f"{name}@{effort}" for effort in config.efforts)
