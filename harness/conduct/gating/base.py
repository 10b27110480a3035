"""A workspace before the change: what the base branch states, read from git.

Whoever opens a pull request writes the workspace in it too; what binds them is on the base branch.

A handle or a team of CODEOWNERS is the forge's to map to a person; its review rule enforces those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from evalsets.cases import EvalSet
from evalsets.loading import load_evalset
from evalsets.source import SourceError
from harness.bring.logs.attributing import FILE as ATTRIBUTION
from harness.conduct.gating import git
from harness.errors import UsageError
from harness.gate.inputs import Stated
from harness.record.model import DecisionRecord
from harness.record.signatures import SIGNERS_FILE
from harness.record.stored import all_versions, parse_record, read_record, record_file
from harness.workspace.endpoints import model_address
from harness.workspace.feature_checks import evalset_folder
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.fingerprints import policy_sha256
from harness.workspace.model_file import ModelConfig
from harness.workspace.reading import POLICY_FILE, ParsedFile, read_files
from harness.workspace.scan.code_owners import OWNERS_FILES, owners_of
from harness.workspace.scan.texts import UnreadFile
from harness.workspace.workspace import Workspace

_STATED = ("policy.yaml", "models", "features", SIGNERS_FILE, ATTRIBUTION)


def stated_here(workspace: Workspace) -> Stated:
    """The workspace as the change would have it.

    Raises:
        UsageError: a record is damaged.
    """
    reviews, signers = workspace.root / "reviews", workspace.root / SIGNERS_FILE
    records = {
        path.relative_to(workspace.root).as_posix(): read_record(path)
        for folder in (sorted(reviews.iterdir()) if reviews.is_dir() else ())
        for paths in all_versions(folder / "records").values()
        for path in paths
    }
    return Stated(
        policy=workspace.policy,
        policy_sha256=workspace.policy_sha256,
        features=workspace.features,
        addresses=_addresses(workspace.models),
        may_see={name: one.may_see for name, one in workspace.models.items()},
        evalsets=workspace.evalsets,
        records=records,
        signers=signers.read_bytes() if signers.is_file() else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseBranch:
    """The workspace as the base branch has it, and what of it cannot be read."""

    stated: Stated | None = None
    """None where there is none that can be read."""
    unread: tuple[UnreadFile, ...] = ()


def stated_before(root: Path, commit: str | None, workspace: Path) -> BaseBranch:
    """The workspace as the base branch has it.

    Eval sets that the change leaves alone are left out.

    Args:
        root: of the repository.
        commit: where the change began; None: not known.
        workspace: folder of the workspace.
    """
    if commit is None or not workspace.resolve().is_relative_to(root.resolve()):
        return BaseBranch()
    prefix = _prefix(root, commit, workspace)
    sets = _changed_sets(root, commit, prefix)
    wanted = partial(_is_wanted, prefix, sets)
    files = git.files_under(root, commit, wanted)
    with TemporaryDirectory(prefix="rightsize-base-") as folder:
        here = Path(folder)
        for name, data in files.items():
            path = here / name.removeprefix(prefix)
            if name.startswith(prefix):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        reading = read_files(here, {})
        faults = [one for one in reading.problems if one.severity == "error"]
        unread = [UnreadFile(path=one.file, reason=one.message) for one in faults]
        if reading.policy is None:
            there = f"{prefix}policy.yaml" in files
            return BaseBranch(unread=tuple(unread) if there else ())
        evalsets = _evalsets(here, reading.features, sets, unread)
    features = {name: one.config for name, one in reading.features.items()}
    models = {name: one.config for name, one in reading.models.items()}
    records = _records(files, prefix, unread)
    stated = Stated(
        policy=reading.policy.config,
        policy_sha256=policy_sha256(reading.policy.config),
        features=features,
        addresses=_addresses(models),
        may_see={name: one.may_see for name, one in models.items()},
        evalsets=evalsets,
        records=records,
        signers=files.get(f"{prefix}{SIGNERS_FILE}"),
        owners=_owners(files, prefix, features),
        models=models,
        attribution=files.get(f"{prefix}{ATTRIBUTION}"),
    )
    return BaseBranch(stated=stated, unread=tuple(unread))


def _prefix(root: Path, commit: str, workspace: Path) -> str:
    """Where the base branch has the workspace: at the same place, or where it was moved from."""
    inner = workspace.resolve().relative_to(root.resolve()).as_posix()
    prefix = "" if inner == "." else f"{inner}/"
    if git.text_at(root, commit, f"{prefix}{POLICY_FILE}") is None:
        for path in git.moved(root, commit, POLICY_FILE):
            before = path.removesuffix(POLICY_FILE)
            within = partial(_is_within, f"{before}features/")
            if git.files_under(root, commit, within):
                return before
    return prefix


def _is_within(folder: str, path: str) -> bool:
    return path.startswith(folder)


def _changed_sets(root: Path, commit: str, prefix: str) -> frozenset[str]:
    """Names of the eval sets of which the change touches a file."""
    start = f"{prefix}evalsets/"
    paths = git.changed_paths(root, commit, deleted=True)
    return frozenset(
        path.removeprefix(start).partition("/")[0] for path in paths if path.startswith(start)
    )


def _is_wanted(prefix: str, sets: frozenset[str], path: str) -> bool:
    if path in OWNERS_FILES:
        return True
    if not path.startswith(prefix):
        return False
    parts = PurePosixPath(path.removeprefix(prefix)).parts
    if parts[0] == "evalsets":
        return parts[1] in sets
    return parts[0] in _STATED or (parts[0] == "reviews" and "records" in parts)


def _evalsets(
    folder: Path,
    features: Mapping[str, ParsedFile[FeatureConfig]],
    sets: frozenset[str],
    unread: list[UnreadFile],
) -> dict[str, EvalSet]:
    found: dict[str, EvalSet] = {}
    for name, entry in features.items():
        place = evalset_folder(folder, name, entry.config)
        if place.name not in sets:
            continue
        try:
            tools = entry.config.request.tools
            shown = f"evalsets/{place.name}"
            found[name] = load_evalset(place, name, shown=shown, tools=tools)
        except SourceError as error:
            unread.append(UnreadFile(path=f"evalsets/{place.name}", reason=str(error)))
    return found


def _records(
    files: Mapping[str, bytes], prefix: str, unread: list[UnreadFile]
) -> dict[str, DecisionRecord]:
    found: dict[str, DecisionRecord] = {}
    for name, data in files.items():
        path = PurePosixPath(name.removeprefix(prefix))
        if path.parts[0] != "reviews" or path.suffix != ".json":
            continue
        try:
            found[str(path)] = parse_record(data.decode("utf-8", "replace"), shown=str(path))
        except UsageError as error:
            unread.append(UnreadFile(path=str(path), reason=str(error)))
    return found


def _owners(
    files: Mapping[str, bytes], prefix: str, features: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    text = next((files[name] for name in OWNERS_FILES if name in files), None)
    if text is None:
        return {}
    lines = text.decode("utf-8", "replace")
    return {
        name: _by_mail(owners_of(lines, f"{prefix}reviews/cycle/records/{record_file(name)}"))
        for name in features
    }


def _by_mail(owners: tuple[str, ...]) -> tuple[str, ...]:
    """The owners, where all of them are e-mails; else nobody."""
    return owners if all("@" in name[1:] for name in owners) else ()


def _addresses(models: Mapping[str, ModelConfig]) -> dict[str, str]:
    return {name: model_address(one) for name, one in models.items()}
