"""Gathers what the gate judges: the workspace, production's settings, records, and the change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from evalsets.splits import order_seed
from harness.conduct.gating import git
from harness.errors import UsageError
from harness.gate.inputs import (
    Escalation,
    ProductionSettings,
    Proposed,
    RepricedRecord,
    means,
    written_forms,
)
from harness.gate.production import (
    CodeLocation,
    NothingThereError,
    PlaceError,
    added_uses,
    model_at,
    place_in,
)
from harness.money.prices.catalogue import facts, known_model_ids
from harness.money.prices.rates import PriceMissingError, find_rates
from harness.record.lock import CascadePlaces, Lock, LockedCascade, LockEntry, read_lock
from harness.record.model import DecisionRecord, seal
from harness.record.stored import all_versions, read_record
from harness.tell.repricing import rates_on, reprice
from harness.workspace.endpoints import params_sha256
from harness.workspace.feature_file import FeatureConfig
from harness.workspace.fingerprints import inputs_sha256
from harness.workspace.model_file import split_option
from harness.workspace.prompts import prompt_for
from harness.workspace.scan.texts import Use
from harness.workspace.scan.tree import as_text, may_name_a_model
from harness.workspace.workspace import Workspace

_LARGEST_BYTES = 50_000_000


def in_the_file(
    first: ProductionSettings, feature: FeatureConfig, rule: LockedCascade, place: str
) -> ProductionSettings:
    """The accepted cascade as a feature's file states it; the cheap model alone where none is.

    Args:
        first: the cheap model, as the feature would ask it today.
        feature: its file; today's incumbent is the dear model.
        rule: what is locked.
        place: how the file is named.
    """
    stated = [one for one in feature.cascades if one.first == rule.first]
    stated.sort(key=lambda one: one.accept_when != rule.accept_when)
    if not stated:
        return first
    unsure = stated[0].unsure if stated[0].accept_when == "not-unsure" else None
    after = Escalation(
        place=place, to=feature.incumbent, accept_when=stated[0].accept_when, unsure=unsure
    )
    return replace(first, escalation=after)


def escalated(
    asked: ProductionSettings, entry: LockEntry, feature: FeatureConfig | None, root: Path
) -> ProductionSettings:
    """A written model with what is asked after it, read where the cascade says.

    Args:
        asked: what `used_in` says.
        entry: a lock entry; only one of a cascade is looked at.
        feature: the feature's file, whose places replace the lock's; None: it is not here.
        root: of the repository.

    Raises:
        PlaceError: what the accepted cascade escalates to cannot be seen.
    """
    rule = entry.accepted.cascade
    if rule is None or means(asked, entry.before) or asked.name == entry.accepted.option:
        return asked
    places = _places(entry.accepted.option, rule, feature)
    if places.escalates_in is None:
        if not means(asked, entry.accepted):
            return asked
        raise PlaceError(
            f"says {asked.name}, the first model of {entry.accepted.option}; nobody says where "
            "production reads the model that it escalates to: state `escalates_in` of the cascade"
        )
    to = _said(places.escalates_in, root)
    if to is None:
        return asked
    seen = places.accepts_in is not None
    check = _said(places.accepts_in, root) if places.accepts_in else rule.accept_when
    shown = place_in(places.escalates_in).shown
    after = Escalation(place=shown, to=to, accept_when=check or "", seen=seen)
    return replace(asked, escalation=after)


def text_of(path: Path) -> str:
    """A file of production's settings.

    Raises:
        PlaceError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise PlaceError(f"cannot be read: {why}") from None


def _places(option: str, rule: LockedCascade, feature: FeatureConfig | None) -> CascadePlaces:
    own = [one for one in feature.cascades if one.name == option] if feature else []
    stated = own[0] if own else None
    return CascadePlaces(
        escalates_in=(stated.escalates_in if stated else None) or rule.escalates_in,
        accepts_in=(stated.accepts_in if stated else None) or rule.accepts_in,
    )


def _said(written: str, root: Path) -> str | None:
    """What stands at a place; None: nothing."""
    place = place_in(written)
    try:
        return model_at(place, text_of(root / place.path))
    except NothingThereError:
        return None
    except PlaceError as error:
        raise PlaceError(f"{place.shown}: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The repository that a change is made in; `commit` is where the change began, if known."""

    root: Path
    name: str
    commit: str | None


def asked_of(workspace: Workspace, feature_id: str, option: str, today: date) -> ProductionSettings:
    """A model of the workspace, as the feature would ask it today."""
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
        prompt_sha256=prompt_for(workspace, feature_id, name).sha256,
        may_see=config.may_see,
        retires_on=retires if retires is not None and retires <= today else None,
        has_price=_has_price(workspace, name, today),
    )


def workspace_proposals(workspace: Workspace, lock: Lock, today: date) -> Iterator[Proposed]:
    """Every feature as its file would have it, and the accepted model as it would be asked."""
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
                margin=feature.margin or workspace.policy.risk[feature.risk].margin,
            )


def production_proposals(
    checkout: Checkout, lock: Lock, workspace: Workspace | None, today: date
) -> Iterator[Proposed]:
    """What the settings of this repository say, for every feature that reads its model here."""
    for entry in lock.features.values():
        used_in = entry.used_in
        if workspace is not None and entry.feature in workspace.features:
            used_in = workspace.features[entry.feature].used_in or used_in
        if used_in is None or used_in.partition(":")[0] != checkout.name:
            continue
        place = place_in(used_in)
        try:
            written = model_at(place, text_of(checkout.root / place.path))
            asked = _written(entry, written, workspace, today)
            asked = escalated(asked, entry, _feature(entry, workspace), checkout.root)
        except PlaceError as error:
            yield Proposed(feature=entry.feature, place=place.shown, unreadable=str(error))
            continue
        yield Proposed(
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
    found: list[RepricedRecord] = []
    for folder in sorted(reviews.iterdir()) if reviews.is_dir() else ():
        for paths in all_versions(folder / "records").values():
            for record in map(read_record, paths):
                seed = order_seed(
                    record.feature.id,
                    inputs_sha256=record.evidence.eval_set.inputs_sha256,
                    cycle=record.cycle,
                )
                found.append(
                    RepricedRecord(
                        record=record,
                        at_today=_at_today(record, workspace, today),
                        seed=None if record.evidence.imported else seed,
                    )
                )
    return tuple(found)


def added_models(checkout: Checkout, workspace: Workspace | None) -> tuple[Use, ...] | None:
    """Known model ids that the change adds to this repository, the workspace's own files apart.

    None where git does not say what the change is.
    """
    if checkout.commit is None:
        return None
    ids = set(known_model_ids())
    for name, config in workspace.models.items() if workspace else ():
        ids |= {name, *([config.version] if config.version else ())}
    own = workspace.root.resolve() if workspace else None
    texts: dict[str, str] = {}
    for path in git.changed_paths(checkout.root, checkout.commit):
        file = checkout.root / path
        inside = own is not None and own != checkout.root.resolve() and file.is_relative_to(own)
        text = None if inside else _changed_text(file)
        if text is not None and may_name_a_model(text.replace("\0", ""), ids):
            texts[path] = text
    before = git.files_under(checkout.root, checkout.commit, *texts) if texts else {}
    return tuple(
        use
        for path, text in texts.items()
        for use in added_uses(path, as_text(before[path]) if path in before else None, text, ids)
    )


def _changed_text(path: Path) -> str | None:
    """A changed file's text; None where it is no plain file of this repository, or a huge one."""
    try:
        if path.is_symlink() or not path.is_file() or path.stat().st_size > _LARGEST_BYTES:
            return None
        return as_text(path.read_bytes())
    except OSError:
        return None


def lock_before(checkout: Checkout, path: Path) -> Lock | None:
    """The lock as it was before the change; None where there was none that can be read."""
    if checkout.commit is None or not path.resolve().is_relative_to(checkout.root.resolve()):
        return None
    inner = path.resolve().relative_to(checkout.root.resolve()).as_posix()
    text = git.text_at(checkout.root, checkout.commit, inner)
    try:
        return None if text is None else read_lock(text, shown=inner)
    except UsageError:
        return None


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
