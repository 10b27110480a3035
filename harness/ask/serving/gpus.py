"""This machine's GPUs, team quotas, and which models are loaded together, in waves if needed."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.errors import UsageError

VISIBLE = "CUDA_VISIBLE_DEVICES"
QUERY = ("nvidia-smi", "--query-gpu=index,name,memory.total", "--format=csv,noheader,nounits")
QUERY_S = 60.0
"""A busy machine answers late, and a GPU that did not answer is not one that is absent."""


class NoGpuError(UsageError):
    """The GPUs that the models need are not here, or not free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU; `id` is what CUDA_VISIBLE_DEVICES takes."""

    id: str
    name: str
    memory_mib: int


def gpus_here(environ: Mapping[str, str], query: tuple[str, ...] = QUERY) -> tuple[Gpu, ...]:
    """GPUs that `nvidia-smi` lists and the environment lets us see; none without the tool."""
    try:
        listed = subprocess.run(  # noqa: S603  # the vendor's own tool
            query, capture_output=True, text=True, check=True, timeout=QUERY_S
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [[cell.strip() for cell in line.split(",")] for line in listed.splitlines() if line]
    found = tuple(Gpu(id=row[0], name=row[1], memory_mib=int(row[2])) for row in rows)
    visible = environ.get(VISIBLE)
    if visible is None:
        return found
    allowed = [part.strip() for part in visible.split(",")]
    return tuple(gpu for gpu in found if gpu.id in allowed)


def free_gpus(environ: Mapping[str, str], taken: Collection[str]) -> tuple[Gpu, ...]:
    """GPUs of this machine without those in `taken` (ids that running servers hold)."""
    return tuple(gpu for gpu in gpus_here(environ) if gpu.id not in taken)


def pack(needs: Mapping[str, int], gpus: tuple[Gpu, ...]) -> dict[str, tuple[str, ...]]:
    """Give each model its own GPUs, the largest need first; models without a need get none.

    Raises:
        NoGpuError: they do not all fit at once.
    """
    total = sum(needs.values())
    if total > len(gpus):
        hungry = ", ".join(f"{name} ({count})" for name, count in needs.items() if count)
        have = f"{len(gpus)} of them free" if gpus else "no free GPU"
        raise NoGpuError(
            f"{hungry}: need {total} GPU{'s' if total > 1 else ''} at once and this machine has "
            f"{have}; review fewer features at a time, or run on a machine with more"
        )
    free = [gpu.id for gpu in gpus]
    given: dict[str, tuple[str, ...]] = {}
    for name, count in sorted(needs.items(), key=lambda item: (-item[1], item[0])):
        given[name], free = tuple(free[:count]), free[count:]
    return given


def check_quota(
    wanted: Mapping[str, int], held: Mapping[str, int], quota: Mapping[str, int]
) -> None:
    """Refuse what would put a team above its quota (`policy.yaml: gpu_quota`).

    `wanted` and `held` are GPUs by team. A team without a quota has none to keep.

    Raises:
        NoGpuError: one line that names the team, its quota and what it holds.
    """
    for team, count in wanted.items():
        limit = quota.get(team)
        holds = held.get(team, 0)
        if limit is not None and count + holds > limit:
            raise NoGpuError(
                f"{team}: wants {count} GPUs and holds {holds}, its quota is {limit} "
                "(policy.yaml: gpu_quota); stop a server with `rightsize serving stop`"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """GPUs that a model needs on one machine, and the teams whose features ask it."""

    model: str
    gpus: int
    teams: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeGpus:
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


def check_capacity(needs: Iterable[Need], capacity: FreeGpus) -> None:
    """Refuse a model that not even an empty machine, or its team's quota, can hold.

    A model that several teams' features ask counts for each of them.

    Raises:
        NoGpuError: one line that names the model, what it needs and what there is.
    """
    largest = max(capacity.machines, default=0)
    for need in needs:
        check_team_quotas(need, capacity)
        if need.gpus > largest:
            have = f"the largest machine has {largest}" if largest else "there is no GPU here"
            raise NoGpuError(
                f"{need.model}: needs {need.gpus} GPU{'s' if need.gpus > 1 else ''} of one machine "
                f"and {have}; run where there are more, or use a smaller model"
            )


def check_team_quotas(need: Need, capacity: FreeGpus) -> None:
    """Refuse a model that alone is above the quota of a team whose features ask it.

    Raises:
        NoGpuError: one line that names the team, its quota and what it holds.
    """
    for team in sorted(need.teams) if need.gpus else ():
        left = capacity.left_of(team)
        if left is not None and need.gpus > left:
            raise NoGpuError(
                f"{need.model}: needs {need.gpus} GPU{'s' if need.gpus > 1 else ''}; {team} holds "
                f"{capacity.held.get(team, 0)} and its quota is {capacity.quota[team]} "
                "(policy.yaml: gpu_quota); stop a server with `rightsize serving stop`, or raise "
                "the quota"
            )


def waves(needs: Sequence[Need], capacity: FreeGpus) -> tuple[tuple[str, ...], ...]:
    """Models by wave, each model in one wave: the largest first, into the first that holds it.

    Models without a need are in every sense free: they go with the first wave.

    Raises:
        NoGpuError: a model fits nowhere.
    """
    check_capacity(needs, capacity)
    found: list[list[Need]] = []
    for need in sorted(needs, key=lambda each: (-each.gpus, each.model)):
        wave = next((wave for wave in found if _fits([*wave, need], capacity)), None)
        if wave is None:
            found.append([need])
        else:
            wave.append(need)
    return tuple(tuple(need.model for need in wave) for wave in found)


def replicas(need: Need, capacity: FreeGpus, most: int) -> int:
    """Number of a model's processes that the GPUs and quotas hold at once, up to `most`.

    Raises:
        NoGpuError: not one.
    """
    check_capacity([need], capacity)
    if not need.gpus:
        return most
    fits = sum(gpus // need.gpus for gpus in capacity.machines)
    lefts = [left for team in need.teams if (left := capacity.left_of(team)) is not None]
    return min(most, fits, *(left // need.gpus for left in lefts))


def _fits(wave: Sequence[Need], capacity: FreeGpus) -> bool:
    """Do the quotas and the machines hold them together, the largest first on the emptiest?"""
    for team in {team for need in wave for team in need.teams}:
        left = capacity.left_of(team)
        if left is not None and sum(n.gpus for n in wave if team in n.teams) > left:
            return False
    free = sorted(capacity.machines, reverse=True) or [0]
    for need in sorted(wave, key=lambda each: -each.gpus):
        place = next((n for n, gpus in enumerate(free) if gpus >= need.gpus), None)
        if place is None:
            return False
        free[place] -= need.gpus
        free.sort(reverse=True)
    return True
