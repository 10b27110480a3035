"""A workspace as the commands use it: read whole, or refused with every problem at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from evalsets.loading import CONFIG_FILE, load_evalset
from evalsets.source import SourceError, read_text, read_yaml
from harness.config.feature_checks import evalset_folder, feature_problems
from harness.config.fingerprints import policy_sha256
from harness.config.judge_checks import judge_problems
from harness.config.model_checks import model_problems
from harness.config.prompt_checks import prompt_problems
from harness.config.reading import problem_of, read_files
from harness.config.secrets import secrets_in
from harness.errors import Problem, WorkspaceError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from evalsets.cases import EvalSet
    from evalsets.source import Fault
    from harness.config.files import FeatureConfig, ModelConfig, PolicyConfig
    from harness.config.reading import Reading


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
    root: Path, *, through_datasets: bool = False, features: Collection[str] = ()
) -> Workspace:
    """Read the workspace under `root`.

    Args:
        root: the folder that holds `policy.yaml`.
        through_datasets: load the cases through Hugging Face `datasets` (extra `[review]`).
        features: the only ones that are wanted; what is wrong with others alone is passed over,
            and they are left out. Empty: all.

    Raises:
        WorkspaceError: every problem of severity `error`, at once.
    """
    reading, evalsets = inspect_workspace(root, through_datasets=through_datasets)
    problems = sorted_problems(reading.problems)
    passed = _of_others(reading, features)
    errors = [each for each in problems if each.severity == "error" and each.file not in passed]
    if reading.policy is None or errors:
        raise WorkspaceError(errors)
    policy = reading.policy.config
    return Workspace(
        root=root,
        policy=policy,
        models=MappingProxyType({name: each.config for name, each in reading.models.items()}),
        features=MappingProxyType(_wanted(reading, features)),
        evalsets=MappingProxyType(evalsets),
        policy_sha256=policy_sha256(policy),
        problems=problems,
    )


def _wanted(reading: Reading, features: Collection[str]) -> dict[str, FeatureConfig]:
    """The wanted features; all of them where one is unknown, so that its name can be told."""
    only: set[str] = set(features) if set(features) <= set(reading.features) else set()
    return {
        name: each.config for name, each in reading.features.items() if not only or name in only
    }


def _of_others(reading: Reading, features: Collection[str]) -> set[str]:
    """The files with problems that belong to features that are not wanted, and to them alone."""
    if not features:
        return set()
    sets = {
        reading.features[name].config.evalset or name if name in reading.features else name
        for name in features
    }
    owners = {"features": set(features), "prompts": set(features), "evalsets": sets}
    return {
        problem.file
        for problem in reading.problems
        for folder, _, rest in [problem.file.partition("/")]
        if folder in owners
        and rest
        and rest.partition("/")[0].removesuffix(".yaml").removesuffix(".yml") not in owners[folder]
    }


def inspect_workspace(
    root: Path, *, through_datasets: bool = False
) -> tuple[Reading, dict[str, EvalSet]]:
    """All that can be read of a workspace, its problems included, and its sound eval sets."""
    reading = read_files(root)
    reading.problems += model_problems(reading)
    reading.problems += feature_problems(reading)
    reading.problems += prompt_problems(reading)
    evalsets = _evalsets(reading, through_datasets=through_datasets)
    reading.problems += judge_problems(reading, evalsets)
    return reading, evalsets


def sorted_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """By file and line, each once: two features may share a broken eval set."""
    unique = dict.fromkeys(problems)
    return tuple(sorted(unique, key=lambda each: (each.file, each.line or 0, each.key)))


def _evalsets(reading: Reading, *, through_datasets: bool) -> dict[str, EvalSet]:
    """The eval sets by feature; a folder that several features name is read once."""
    loaded: dict[Path, EvalSet | None] = {}
    found: dict[str, EvalSet] = {}
    for name, entry in reading.features.items():
        folder = evalset_folder(reading.root, name, entry.config)
        if folder.parent != reading.root / "evalsets":
            message = "must be the name of a folder under evalsets/"
            reading.problems.append(entry.problem(("evalset",), message))
            continue
        if folder not in loaded:
            loaded[folder] = _evalset(reading, folder, name, through_datasets=through_datasets)
        evalset = loaded[folder]
        if evalset is not None:
            found[name] = replace(evalset, feature=name)
    return found


def _evalset(
    reading: Reading, folder: Path, feature_id: str, *, through_datasets: bool
) -> EvalSet | None:
    shown = folder.relative_to(reading.root).as_posix()
    if not folder.is_dir():
        message = f"the folder is missing; it holds the eval set of {feature_id}"
        reading.problems.append(Problem(file=f"{shown}/", line=None, key="", message=message))
        return None
    reading.failed(_secrets(folder, shown))
    try:
        return load_evalset(folder, feature_id, shown=shown, through_datasets=through_datasets)
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
