"""Where production's other half of a cascade is read: what it escalates to, and when."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.conduct.gating.changed import text_of
from harness.gate.inputs import Escalation, ProductionSettings, means
from harness.gate.production import NothingThereError, PlaceError, model_at, place_in
from harness.record.lock import CascadePlaces, LockedCascade, LockEntry
from harness.workspace.feature_file import FeatureConfig


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
    stated.sort(key=lambda one: one.check != rule.accept_when)
    if not stated:
        return first
    unsure = stated[0].unsure if stated[0].accept_when == "not-unsure" else None
    after = Escalation(
        place=place, to=feature.incumbent, accept_when=stated[0].check, unsure=unsure
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
        return model_at(place, text_of(root, place.path))
    except NothingThereError:
        return None
    except PlaceError as error:
        raise PlaceError(f"{place.shown}: {error}") from None
