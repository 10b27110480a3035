"""What a feature's file says against the models, the policy and the files beside it."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from evalsets.samples import inside
from evalsets.source import KeyPath
from evalsets.validation import shown, suggestion
from harness.errors import Problem
from harness.workspace.feature_file import INCUMBENT, FeatureConfig
from harness.workspace.model_file import TUNED, ModelConfig, is_tuned, split_option
from harness.workspace.patterns import pattern_fault
from harness.workspace.reading import ParsedFile, Reading

_ROUNDING = 1e-6
_USED_IN = re.compile(r"[^:\s#]+:(?:[^#\s]+(?:#\S+)?|[^#\s]+?:/.+/)")


def feature_problems(reading: Reading) -> Iterator[Problem]:
    """Every problem of the features that could be read, prompts and eval sets apart."""
    for name, entry in reading.features.items():
        yield from _risk(reading, entry)
        yield from _agreed(entry)
        yield from _models(reading, entry)
        yield from _tune(reading, entry)
        yield from _mix(entry)
        yield from _used_in(entry)
        yield from _traffic(reading, name, entry)
        folder = evalset_folder(reading.root, name, entry.config)
        yield from _json_files(entry, folder)


def evalset_folder(root: Path, feature_id: str, config: FeatureConfig) -> Path:
    """Where a feature's eval set lies."""
    return root / "evalsets" / (config.evalset or feature_id)


def named_options(config: FeatureConfig) -> list[tuple[KeyPath, str]]:
    """Every option that the feature names, with its key: incumbent, candidates, cascades."""
    named: list[tuple[KeyPath, str]] = [(("incumbent",), config.incumbent)]
    if config.candidates != "auto":
        named += [(("candidates", at), name) for at, name in enumerate(config.candidates)]
    named += [(("cascades", at, "first"), each.first) for at, each in enumerate(config.cascades)]
    return named


def _risk(reading: Reading, entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    if reading.policy is None or entry.config.margin is not None:
        return
    if entry.config.risk not in reading.policy.config.risk:
        message = (
            f"policy.yaml has no margin for risk {entry.config.risk!r}; add one, or a `margin`"
        )
        yield entry.problem(("risk",), message)


def _agreed(entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    if entry.config.agreed is None:
        message = "missing: nobody agreed to the margin yet (`agreed: {by: ..., on: ...}`)"
        yield entry.problem(("agreed",), message, severity="warning")


def _models(reading: Reading, entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    incumbent = entry.config.incumbent
    seen: set[str] = set()
    for key, option in named_options(entry.config):
        yield from _option(reading, entry, key, option)
        if key[0] == "candidates":
            if option == incumbent:
                yield entry.problem(key, f"{option} is the incumbent itself; remove it")
            if option in seen:
                yield entry.problem(key, f"{option} is stated twice")
            seen.add(option)
    yield from _cascades(reading, entry)


def _tune(reading: Reading, entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    """Prompts that are to be tuned for what the feature does not ask, or that there are none of."""
    config = entry.config
    if config.tune and (config.program is not None or config.answers == "imported"):
        why = "a program writes its own" if config.program is not None else "answers are imported"
        yield entry.problem(("tune",), f"there is no prompt of ours to tune: {why}; remove it")
        return
    others = reading.models if config.candidates == "auto" else config.candidates
    known = [INCUMBENT, config.incumbent, *others]
    models = {split_option(name)[0] for name in known}
    for at, option in enumerate(config.to_tune):
        key: KeyPath = ("tune", at)
        if option in config.to_tune[:at]:
            yield entry.problem(key, f"{config.tune[at]} is stated twice")
        elif is_tuned(option) and option != config.incumbent:
            plain = option.removesuffix(TUNED)
            yield entry.problem(key, f"{option} has a tuned prompt; name {plain} to tune it again")
        elif not {option, _asked(config, option)} & {*known, *models}:
            message = f"{option} is neither `incumbent` nor a candidate{suggestion(option, known)}"
            yield entry.problem(key, message)


def _asked(config: FeatureConfig, option: str) -> str:
    """The option, or under `auto`, which asks a model at each of its efforts, its model."""
    return split_option(option)[0] if config.candidates == "auto" else option


def _mix(entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    """A mix is of one metadata key, and its shares sum to 1."""
    mix = entry.config.mix
    if len(mix) > 1:
        yield entry.problem(("mix",), f"one metadata key alone, got {', '.join(mix)}")
    for key, shares in mix.items():
        total = sum(shares.values())
        if abs(total - 1) > _ROUNDING:
            yield entry.problem(("mix", key), f"the shares must sum to 1, got {total:g}")


def _cascades(reading: Reading, entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    """Cascades that escalate to themselves, are stated twice, or check what is not asked for."""
    config = entry.config
    seen: set[str] = set()
    for at, cascade in enumerate(config.cascades):
        key: KeyPath = ("cascades", at, "first")
        if cascade.first == config.incumbent:
            yield entry.problem(key, f"{cascade.first} is the incumbent itself; name a cheaper one")
        if cascade.name in seen:
            yield entry.problem(key, f"the cascade {cascade.name} is stated twice")
        seen.add(cascade.name)
        if cascade.accept_when == "schema" and config.request.json_schema is None:
            message = "schema needs `request: {schema: FILE}`; or accept when `format`"
            yield entry.problem(("cascades", at, "accept_when"), message)
        model = reading.models.get(split_option(cascade.first)[0])
        why = None if cascade.sure is None else _tells_nothing(config, model)
        if why is not None:
            yield entry.problem(("cascades", at, "accept_when"), why)


_NO_PROBABILITIES = {
    "anthropic": "the messages wire tells no probabilities of its tokens",
    "command": "a program tells no probability of its answer",
}


def _tells_nothing(config: FeatureConfig, model: ParsedFile[ModelConfig] | None) -> str | None:
    """Why a cheap model's probability cannot be known; None where it can."""
    if config.answers == "imported":
        return "imported answers have no probabilities; accept by another check"
    if config.program is not None:
        return "a program's answer has no probability; accept by another check"
    found = None if model is None else _NO_PROBABILITIES.get(model.config.provider)
    if model is not None and model.config.sdk is not None:
        found = f"{model.config.sdk} tells no probabilities of tokens"
    return None if found is None else f"{found}; name a model whose wire does, or another check"


def _option(
    reading: Reading, entry: ParsedFile[FeatureConfig], key: KeyPath, option: str
) -> Iterator[Problem]:
    name, effort = split_option(option)
    model = reading.models.get(name)
    if model is not None:
        yield from _effort(entry, key, (name, effort), model.config)
        yield from _permission(entry, key, name, model.config)
        if key[0] == "incumbent" and model.config.provider == "command":
            message = f"{name} is a program, which can be a candidate and no incumbent yet"
            yield entry.problem(key, message)
    elif name not in reading.model_names and reading.all_models_named:
        message = f"unknown model {name!r}{suggestion(name, reading.model_names)}"
        yield entry.problem(key, message)


def _effort(
    entry: ParsedFile[FeatureConfig],
    key: KeyPath,
    option: tuple[str, str | None],
    model: ModelConfig,
) -> Iterator[Problem]:
    name, effort = option
    if effort is None:
        if model.efforts and model.effort is None:
            listed = ", ".join(f"{name}@{each}" for each in model.efforts)
            yield entry.problem(key, f"{name} has efforts, so one must be stated: {listed}")
    elif not model.efforts:
        message = f"{name} lists no `efforts`; add `efforts: [{effort}]` to its entry"
        yield entry.problem(key, message)
    elif effort not in model.efforts:
        message = f"{name} has no effort {effort!r}{suggestion(effort, model.efforts)}"
        yield entry.problem(key, message)


def _permission(
    entry: ParsedFile[FeatureConfig], key: KeyPath, name: str, model: ModelConfig
) -> Iterator[Problem]:
    data = entry.config.data
    if data in model.may_see:
        return
    allowed = ", ".join(model.may_see) or "nothing"
    fact = f"{name} may not see {data} data (may_see: {allowed})"
    if key[0] == "incumbent":
        yield entry.problem(key, f"{fact}; correct `may_see` of the model, or `data`")
    else:
        yield entry.problem(key, f"{fact}; it will not be asked", severity="warning")


def _used_in(entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    used_in = entry.config.used_in
    if used_in is not None and not _USED_IN.fullmatch(used_in):
        yield entry.problem(("used_in",), f"must be repository:path#key, got {shown(used_in)}")
    elif used_in is not None and (fault := _pattern_fault(used_in)) is not None:
        yield entry.problem(("used_in",), f"the pattern {fault}")
    for at, cascade in enumerate(entry.config.cascades):
        for name in ("escalates_in", "accepts_in"):
            key: KeyPath = ("cascades", at, name)
            yield from _beside(entry, key, cast("str | None", getattr(cascade, name)))


def _pattern_fault(place: str) -> str | None:
    """What is wrong with a place's pattern, if it has one."""
    _, begins, pattern = place.partition(":/")
    return pattern_fault(pattern.removesuffix("/")) if begins else None


def _beside(entry: ParsedFile[FeatureConfig], key: KeyPath, place: str | None) -> Iterator[Problem]:
    """A cascade's place is read where `used_in` is: one gate sees both."""
    used_in = entry.config.used_in
    if place is None:
        return
    if not _USED_IN.fullmatch(place):
        yield entry.problem(key, f"must be repository:path#key, got {shown(place)}")
    elif used_in is None:
        yield entry.problem(key, "needs `used_in`, where production reads the first model")
    elif place.partition(":")[0] != used_in.partition(":")[0]:
        repository = used_in.partition(":")[0]
        yield entry.problem(key, f"must be in {repository}, as `used_in` is, got {shown(place)}")


def _traffic(reading: Reading, name: str, entry: ParsedFile[FeatureConfig]) -> Iterator[Problem]:
    traffic = entry.config.traffic
    if traffic is None and name not in _metered(reading.root / "traffic"):
        message = (
            "TRAFFIC_MISSING: without volume and token mix nothing of this feature is asked; "
            "state `traffic`, or `rightsize import traffic LOG`"
        )
        yield entry.problem(("traffic",), message, severity="blocked")
    if traffic is None:
        return
    if traffic.curve is not None:
        path = inside(reading.root / "traffic", traffic.curve)
        if path is None or not path.is_file():
            message = f"the file traffic/{traffic.curve} is missing"
            yield entry.problem(("traffic", "curve"), message)


def _metered(folder: Path) -> set[str]:
    """Features that have rows in a traffic file; whether the rows are right is read later."""
    found: set[str] = set()
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            found |= {row.get("feature") or "" for row in csv.DictReader(file)}
    return found


def _json_files(entry: ParsedFile[FeatureConfig], folder: Path) -> Iterator[Problem]:
    request = entry.config.request
    yield from _json_file(entry, ("request", "schema"), folder, request.json_schema)
    yield from _json_file(entry, ("request", "tools"), folder, request.tools)


def _json_file(
    entry: ParsedFile[FeatureConfig], key: KeyPath, folder: Path, name: str | None
) -> Iterator[Problem]:
    if name is None:
        return
    path = inside(folder, name)
    if path is None:
        yield entry.problem(key, "must name a file in the eval set's folder")
        return
    place = f"evalsets/{folder.name}/{name}"
    try:
        value = cast("object", json.loads(path.read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        yield entry.problem(key, f"the file {place} is missing")
    except (OSError, ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else "unreadable"
        line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        yield entry.problem(key, f"the file {place} is no JSON: {why}{line}")
    else:
        wanted = list if key[-1] == "tools" else dict
        if not isinstance(value, wanted):
            what = "a list of tools" if wanted is list else "a JSON Schema object"
            yield entry.problem(key, f"the file {place} must be {what}, got {shown(value)}")
