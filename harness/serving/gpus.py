"""GPUs of this machine: which there are, which model gets which, and who may hold how many."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

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
    """GPUs of this machine but those that a server of ours has (`taken`: their ids)."""
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
