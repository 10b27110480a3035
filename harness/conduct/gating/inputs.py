"""Gathers what the gate judges: the workspace, production's settings, records, and the change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path

from evalsets.source import is_pointer
from evalsets.splits import order_seed
from harness.conduct.gating import git
from harness.conduct.gating.changed import changed_text, text_of
from harness.conduct.gating.escalating import escalated, in_the_file
from harness.errors import UsageError
from harness.gate.inputs import (
    ProductionSettings,
    Proposed,
    RepricedRecord,
    Stated,
    means,
    written_forms,
)
from harness.gate.production import (
    CodeLocation,
    PlaceError,
    added_uses,
    model_at,
    place_in,
)
from harness.money.prices.model_catalogue import facts, known_model_ids
from harness.money.prices.rates import PriceMissingError, find_rates
from harness.record.lock import Lock, LockEntry, read_lock
from harness.record.model import DecisionRecord, seal
from harness.record.stored import all_versions, read_record
from harness.tell.repricing import rates_on, reprice
from harness.workspace.endpoints import model_address, params_sha256
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.fingerprints import inputs_sha256
from harness.workspace.model_file import split_option
from harness.workspace.prompts import prompt_of_option
from harness.workspace.scan.texts import UnreadFile, Use
from harness.workspace.scan.tree import as_text, may_name_a_model
from harness.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The repository that a change is made in; `commit` is where the change began, if known."""

    root: Path
    name: str
    commit: str | None


def asked_of(workspace: Workspace, feature_id: str, option: str, today: date) -> ProductionSettings:
    """A model of the workspace, as the feature would ask it today.

    Raises:
        UsageError: no prompt file fits the model, or it cannot be read.
    """
    feature = workspace.features[feature_id]
    name, effort = split_option(option)
    config = workspace.models.get(name)
    if config is None:
        return ProductionSettings(name=option, has_price=False)
    retires = facts(name, config).retires_on
    return ProductionSettings(
        name=option,
        model_id=name,
        effort=effort or config.effort,
        version=config.version or name,
        params_sha256=params_sha256(name, config, feature, effort=effort or config.effort),
        prompt_sha256=prompt_of_option(workspace, feature_id, option).sha256,
        may_see=config.may_see,
        retires_on=retires if retires is not None and retires <= today else None,
        has_price=_has_price(workspace, name, today),
    )


def workspace_proposals(
    workspace: Workspace, lock: Lock, today: date, before: Stated | None = None
) -> Iterator[Proposed]:
    """Every feature as its file would have it, and the accepted model as it would be asked."""
    here = _addresses(workspace)
    for feature_id, feature in workspace.features.items():
        entry = lock.features.get(feature_id)
        options = {feature.incumbent: f"features/{feature_id}.yaml"}
        accepted = entry.accepted.option if entry else feature.incumbent
        if split_option(accepted)[0] in workspace.models:
            options.setdefault(accepted, f"{accepted} in the workspace")
        asked = {
            place: asked_of(workspace, feature_id, option, today)
            for option, place in options.items()
        }
        rule = entry.accepted.cascade if entry else None
        if rule is not None:
            first = asked_of(workspace, feature_id, rule.first, today)
            place = f"features/{feature_id}.yaml: cascades"
            asked[place] = in_the_file(first, feature, rule, place)
        evalset = workspace.evalsets.get(feature_id)
        for place, one in asked.items():
            yield Proposed(
                feature=feature_id,
                place=place,
                asked=one,
                inputs_sha256=inputs_sha256(evalset) if evalset else None,
                margin=_margin(workspace, feature_id, before),
                offered=place != f"features/{feature_id}.yaml",
                elsewhere=_is_elsewhere(one, here, before),
            )


def _margin(workspace: Workspace, feature_id: str, before: Stated | None) -> float:
    """The margin in force: the smaller of both sides'."""
    feature = workspace.features[feature_id]
    margin = feature.margin
    if margin is None:
        margin = workspace.policy.risk[feature.risk].margin
    known = before is not None and feature_id in before.features
    earlier = before.margin(feature_id) if before is not None and known else None
    return margin if earlier is None else min(margin, earlier)


def _addresses(workspace: Workspace) -> dict[str, str]:
    return {name: model_address(one) for name, one in workspace.models.items()}


def _is_elsewhere(
    asked: ProductionSettings | None, here: Mapping[str, str], before: Stated | None
) -> bool:
    """Whether a model's address is another one than on the base branch."""
    if asked is None or asked.model_id is None or before is None:
        return False
    was = before.addresses.get(asked.model_id)
    return was is not None and was != here.get(asked.model_id)


def production_proposals(
    checkout: Checkout,
    locks: tuple[Lock, Lock | None],
    workspace: Workspace | None,
    today: date,
    before: Stated | None = None,
) -> Iterator[Proposed]:
    """What the settings of this repository say, for every feature that reads its model here.

    Args:
        checkout: the repository.
        locks: the change's, and the base branch's: what only that one names is read, too.
        workspace: None in a service's repository.
        today: the day.
        before: the base branch's workspace; where production read the model then is read as well,
            as long as a model stands there.
    """
    was = locks[1].features if locks[1] else {}
    here = _addresses(workspace) if workspace else {}
    for name, entry in {**was, **locks[0].features}.items():
        feature = workspace.features.get(name) if workspace else None
        earlier = before.features.get(name) if before else None
        own = (feature.used_in if feature else None) or entry.used_in
        others = [entry.used_in, earlier.used_in if earlier else None]
        others.append(was[name].used_in if name in was else None)
        for used_in in dict.fromkeys([own, *others]):
            found = _read_at(used_in, entry, checkout, workspace, today)
            if found is not None and (used_in == own or found.asked is not None):
                yield replace(found, elsewhere=_is_elsewhere(found.asked, here, before))


def _read_at(
    used_in: str | None,
    entry: LockEntry,
    checkout: Checkout,
    workspace: Workspace | None,
    today: date,
) -> Proposed | None:
    """What stands at a place; None where it is none of this repository."""
    if used_in is None or used_in.partition(":")[0] != checkout.name:
        return None
    place = place_in(used_in)
    try:
        written = model_at(place, text_of(checkout.root, place.path))
        asked = _written(entry, written, workspace, today)
        asked = escalated(asked, entry, _feature(entry, workspace), checkout.root)
    except PlaceError as error:
        return Proposed(feature=entry.feature, place=place.shown, unreadable=str(error))
    return Proposed(
        feature=entry.feature,
        place=place.shown,
        asked=asked,
        written=written,
        asked_before=_before(checkout, place),
    )


def evidence_of(workspace: Workspace, today: date) -> tuple[RepricedRecord, ...]:
    """Every record of every cycle, with its money at today's rates.

    Raises:
        UsageError: a record is damaged.
    """
    reviews = workspace.root / "reviews"
    records = [
        record
        for folder in (sorted(reviews.iterdir()) if reviews.is_dir() else ())
        for paths in all_versions(folder / "records").values()
        for record in map(read_record, paths)
    ]
    return tuple(
        RepricedRecord(
            record=record,
            at_today=_at_today(record, workspace, today),
            seed=_seed_that_follows(record, records),
        )
        for record in records
    )


def _seed_that_follows(record: DecisionRecord, records: Sequence[DecisionRecord]) -> str | None:
    """The seed that a record's order must have; None: imported answers have none.

    It is its own cycle's, or that of an earlier record on the same inputs whose order it repeats:
    a later review asks the same cases in the order of their first test.
    """
    if record.evidence.imported:
        return None
    earlier = {
        _own_seed(one)
        for one in records
        if one.generated_at < record.generated_at
        and one.evidence.eval_set.inputs_sha256 == record.evidence.eval_set.inputs_sha256
    }
    used = record.evidence.seed
    return used if used in earlier else _own_seed(record)


def _own_seed(record: DecisionRecord) -> str:
    inputs = record.evidence.eval_set.inputs_sha256
    return order_seed(record.feature.id, inputs_sha256=inputs, cycle=record.cycle)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedModels:
    """Known model ids that a change adds to a repository, the workspace's own files apart."""

    uses: tuple[Use, ...] | None
    """None where git does not say what the change is."""
    unread: tuple[UnreadFile, ...] = ()
    """Changed files that nobody may trust unseen."""
    told: tuple[UnreadFile, ...] = ()
    """Changed files that were not looked into, and may well be honest."""


def added_models(checkout: Checkout, workspace: Workspace | None) -> AddedModels:
    """Look for model ids in every file that the change touches."""
    if checkout.commit is None:
        return AddedModels(uses=None)
    ids = set(known_model_ids())
    for name, config in workspace.models.items() if workspace else ():
        ids |= {name, *([config.version] if config.version else ())}
    own = workspace.root.resolve() if workspace else None
    was_pointer = partial(_was_pointer, checkout.root, checkout.commit)
    texts: dict[str, str] = {}
    unread: list[UnreadFile] = []
    told: list[UnreadFile] = []
    for path in git.changed_paths(checkout.root, checkout.commit):
        file = checkout.root / path
        if own is not None and own != checkout.root.resolve() and file.is_relative_to(own):
            continue
        found = changed_text(checkout.root, path, ids, was_pointer)
        if found.reason is not None:
            skipped = UnreadFile(path=path, reason=found.reason)
            (told if found.is_only_told else unread).append(skipped)
        elif found.text is not None and may_name_a_model(found.text.replace("\0", ""), ids):
            texts[path] = found.text
    before = git.files_under(checkout.root, checkout.commit, texts.__contains__) if texts else {}
    uses = tuple(
        use
        for path, text in texts.items()
        for use in added_uses(path, as_text(before[path]) if path in before else None, text, ids)
    )
    return AddedModels(uses=uses, unread=tuple(unread), told=tuple(told))


def _was_pointer(root: Path, commit: str, path: str) -> bool:
    text = git.text_at(root, commit, path)
    return text is None or is_pointer(text)


def lock_before(checkout: Checkout, path: Path) -> tuple[Lock | None, tuple[UnreadFile, ...]]:
    """The lock as it was before the change; None where there was none, or it cannot be read."""
    if checkout.commit is None or not path.resolve().is_relative_to(checkout.root.resolve()):
        return None, ()
    inner = path.resolve().relative_to(checkout.root.resolve()).as_posix()
    text = git.text_at(checkout.root, checkout.commit, inner)
    for other in git.moved(checkout.root, checkout.commit, path.name) if text is None else ():
        text, inner = git.text_at(checkout.root, checkout.commit, other), other
        break
    try:
        return None if text is None else read_lock(text, shown=inner), ()
    except UsageError as error:
        return None, (UnreadFile(path=inner, reason=str(error)),)


def _written(
    entry: LockEntry, written: str, workspace: Workspace | None, today: date
) -> ProductionSettings:
    """A written name, as the workspace's model that it means, where there is one."""
    bare = ProductionSettings(name=written)
    if workspace is None or entry.feature not in workspace.features:
        return bare
    for locked in (entry.accepted, entry.before):
        option = locked.cascade.first if locked.cascade else locked.option
        if means(bare, locked) and split_option(option)[0] in workspace.models:
            found = asked_of(workspace, entry.feature, option, today)
            return replace(found, name=written) if written == locked.option else found
    forms = written_forms(written)
    for name, config in workspace.models.items():
        if name in forms or config.version in forms:
            return asked_of(workspace, entry.feature, name, today)
    return bare


def _feature(entry: LockEntry, workspace: Workspace | None) -> FeatureConfig | None:
    return None if workspace is None else workspace.features.get(entry.feature)


def _before(checkout: Checkout, place: CodeLocation) -> str | None:
    if checkout.commit is None:
        return None
    text = git.text_at(checkout.root, checkout.commit, place.path)
    try:
        return None if text is None else model_at(place, text)
    except PlaceError:
        return None


def _has_price(workspace: Workspace, model: str, today: date) -> bool:
    config = workspace.models[model]
    if config.gpu is not None and not config.price:
        return True
    try:
        find_rates(model, config, workspace.policy, on=today)
    except PriceMissingError:
        return False
    return True


def _at_today(record: DecisionRecord, workspace: Workspace, today: date) -> DecisionRecord:
    """The record at today's rates; its costs are unknown where a price is gone."""
    try:
        rates = rates_on(record, workspace.models, workspace.policy, on=today)
    except PriceMissingError:
        unknown = {"per_request": None, "monthly": None, "monthly_after_discounts": None}
        current = record.current_cost.model_copy(update=unknown)
        options = tuple(
            one.model_copy(update={"cost": one.cost.model_copy(update=unknown)})
            for one in record.options
        )
        return seal(record.model_copy(update={"current_cost": current, "options": options}))
    return reprice(record, rates, as_of=today)
