"""Which models are loaded together, where the GPUs do not hold them all at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.serving.gpus import NoGpuError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """GPUs that a model needs on one machine, and the teams whose features ask it."""

    model: str
    gpus: int
    teams: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """GPUs that there are, by machine, and how many each team may still hold."""

    machines: tuple[int, ...]
    quota: Mapping[str, int] = field(default_factory=dict[str, int])
    """By team (`policy.yaml: gpu_quota`); a team that is not named has none to keep."""
    held: Mapping[str, int] = field(default_factory=dict[str, int])
    """By team: GPUs that its running servers hold."""

    def left_of(self, team: str) -> int | None:
        """GPUs that a team may still hold; None: it has no quota."""
        limit = self.quota.get(team)
        return None if limit is None else limit - self.held.get(team, 0)


def check_room(needs: Iterable[Need], room: Room) -> None:
    """Refuse a model that not even an empty machine, or its team's quota, can hold.

    A model that several teams' features ask counts for each of them.

    Raises:
        NoGpuError: one line that names the model, what it needs and what there is.
    """
    largest = max(room.machines, default=0)
    for need in needs:
        check_quota_of(need, room)
        if need.gpus > largest:
            have = f"the largest machine has {largest}" if largest else "there is no GPU here"
            raise NoGpuError(
                f"{need.model}: needs {need.gpus} GPU{'s' if need.gpus > 1 else ''} of one machine "
                f"and {have}; run where there are more, or use a smaller model"
            )


def check_quota_of(need: Need, room: Room) -> None:
    """Refuse a model that alone is above the quota of a team whose features ask it.

    Raises:
        NoGpuError: one line that names the team, its quota and what it holds.
    """
    for team in sorted(need.teams) if need.gpus else ():
        left = room.left_of(team)
        if left is not None and need.gpus > left:
            raise NoGpuError(
                f"{need.model}: needs {need.gpus} GPU{'s' if need.gpus > 1 else ''}; {team} holds "
                f"{room.held.get(team, 0)} and its quota is {room.quota[team]} (policy.yaml: "
                "gpu_quota); stop a server with `rightsize serving stop`, or raise the quota"
            )


def waves(needs: Sequence[Need], room: Room) -> tuple[tuple[str, ...], ...]:
    """Models by wave, each model in one wave: the largest first, into the first that holds it.

    Models without a need are in every sense free: they go with the first wave.

    Raises:
        NoGpuError: a model fits nowhere.
    """
    check_room(needs, room)
    found: list[list[Need]] = []
    for need in sorted(needs, key=lambda each: (-each.gpus, each.model)):
        wave = next((wave for wave in found if _fits([*wave, need], room)), None)
        if wave is None:
            found.append([need])
        else:
            wave.append(need)
    return tuple(tuple(need.model for need in wave) for wave in found)


def replicas(need: Need, room: Room, most: int) -> int:
    """How many processes of a model, at most so many, the GPUs and its teams' quotas hold at once.

    Raises:
        NoGpuError: not one.
    """
    check_room([need], room)
    if not need.gpus:
        return most
    fits = sum(gpus // need.gpus for gpus in room.machines)
    lefts = [left for team in need.teams if (left := room.left_of(team)) is not None]
    return min(most, fits, *(left // need.gpus for left in lefts))


def _fits(wave: Sequence[Need], room: Room) -> bool:
    """Do the quotas and the machines hold them together, the largest first on the emptiest?"""
    for team in {team for need in wave for team in need.teams}:
        left = room.left_of(team)
        if left is not None and sum(n.gpus for n in wave if team in n.teams) > left:
            return False
    free = sorted(room.machines, reverse=True) or [0]
    for need in sorted(wave, key=lambda each: -each.gpus):
        place = next((n for n, gpus in enumerate(free) if gpus >= need.gpus), None)
        if place is None:
            return False
        free[place] -= need.gpus
        free.sort(reverse=True)
    return True
