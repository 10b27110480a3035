"""Real ladders from the shared outcomes: which models could replace which flagship.

The folder is named by `RIGHTSIZE_OUTCOMES` (default `../shared/data` beside the repository); it
is no part of the repository.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

FLAGSHIPS = (
    "claude-3-opus-20240229",
    "claude-3-5-sonnet-20240620",
    "gpt-4o-2024-05-13",
    "gemini-1.5-pro",
    "claude-3-5-sonnet-20241022",
    "claude-3-sonnet-20240229",
)
BILLIONS = {
    "codegemma-7b": 7,
    "gemma-2-9b-it": 9,
    "llama-3.1-8b-instruct": 8,
    "llama-3.1-nemotron-51b-instruct": 51,
    "llama-3.3-nemotron-super-49b-v1": 49,
    "llama3-chatqa-1.5-70b": 70,
    "llama3-chatqa-1.5-8b": 8,
    "mistral-7b-instruct-v0.3": 7.2,
    "qwen2.5-7b-instruct": 7.6,
}
"""llmrouter-14tasks lists no price: parameters stand for cost (an assumption)."""
WRONG_FOR_MANY = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Paired differences of every item, options cheapest first, and their relative cost."""

    source: str
    name: str
    differences: np.ndarray
    savings: np.ndarray
    incumbent: np.ndarray
    binary: bool

    @property
    def truth(self) -> np.ndarray:
        """True mean differences: those of all items, from which eval sets are drawn."""
        return self.differences.mean(axis=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Which ladders to draw: sizes of random ladders, None for all cheaper models."""

    file: str
    name: str
    flagships: tuple[str, ...]
    sizes: tuple[int | None, ...]


def folder() -> Path:
    root = Path(__file__).parents[3]
    return Path(os.environ.get("RIGHTSIZE_OUTCOMES", root.parent / "shared" / "data"))


def ladders(source: str) -> list[Ladder]:
    """Every ladder of a source: `zeroeval` or `llmrouter`."""
    return list(_zeroeval() if source == "zeroeval" else _llmrouter())


def _zeroeval() -> Iterator[Ladder]:
    scores = pq.read_table(folder() / "zeroeval-gsm8k.scores.parquet").to_pandas()
    table = scores.pivot_table(index="item_id", columns="model", values="score")
    cost = scores.groupby("model").cost_usd_est.mean().dropna()
    rng = np.random.default_rng(20)
    source = Source(
        file="zeroeval", name="gsm8k", flagships=FLAGSHIPS, sizes=(None, 3, 3, 5, 5, 8, 8)
    )
    yield from _of(source, table[cost.index], cost, rng)


def _llmrouter() -> Iterator[Ladder]:
    scores = pq.read_table(folder() / "llmrouter-14tasks.scores.parquet").to_pandas()
    cost = scores.groupby("model").score.mean() * 0
    for model, billions in BILLIONS.items():
        cost[model] = billions
    flagships = ("llama-3.1-nemotron-51b-instruct", "llama-3.3-nemotron-super-49b-v1")
    for task, rows in scores.groupby("task"):
        table = rows.pivot_table(index="item_id", columns="model", values="score")
        rng = np.random.default_rng(21)
        source = Source(file="llmrouter", name=str(task), flagships=flagships, sizes=(None, 3, 5))
        yield from _of(source, table, cost, rng)


def _of(
    source: Source, table: pd.DataFrame, cost: pd.Series, rng: np.random.Generator
) -> Iterator[Ladder]:
    hard = table[(table < 1).sum(axis=1) >= WRONG_FOR_MANY]
    for population, frame in (("all", table), ("hard", hard)):
        for flagship in source.flagships:
            cheaper = list(cost[cost < cost[flagship]].sort_values().index)
            for place, size in enumerate(source.sizes):
                names = cheaper
                if size is not None:
                    if len(cheaper) < size:
                        continue
                    kept = sorted(rng.choice(len(cheaper), size, replace=False))
                    names = [cheaper[index] for index in kept]
                values = frame[names].to_numpy() - frame[[flagship]].to_numpy()
                yield Ladder(
                    source=source.file,
                    name=f"{source.name}/{population}/{flagship}/{len(names)}/{place}",
                    differences=values.astype(np.float64),
                    savings=1 - cost[names].to_numpy() / cost[flagship],
                    incumbent=frame[flagship].to_numpy(dtype=np.float64),
                    binary=bool(np.isin(values, (-1.0, 0.0, 1.0)).all()),
                )
