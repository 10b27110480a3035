"""Point 2: resampled eval sets of real ladders, every rule on the same resamples.

A cell is one ladder, one size and one margin. Its figures are appended to a JSON-lines file as
they come, and a cell that stands there is not run again: the command can be stopped anywhere.
"""

from __future__ import annotations

import json
import zlib
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.decision.outcomes import Ladder, ladders
from tests.benchmarks.decision.rules import RULES, Picked, Sampled, plain_holm

if TYPE_CHECKING:
    from pathlib import Path

SIZES = (100, 200, 500, 1000)
MARGINS = (0.02, 0.03, 0.05)
RUNS = 400
WORST_RUNS = 4000
WORST_CELLS = 12
_CHUNK = 500_000


def run(source: str, out: Path, *, runs: int = RUNS) -> None:
    """Run every cell of a source that `out` does not have yet."""
    known = {(row["ladder"], row["n"], row["margin"]) for row in read(out)}
    for ladder, size, margin in product(ladders(source), SIZES, MARGINS):
        if (ladder.name, size, margin) not in known:
            rows = cell(ladder, size, margin, runs=runs if ladder.binary else runs // 8)
            with out.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)


def run_worst(source: str, known: Path, out: Path) -> None:
    """Run the cells in which the ladder erred most again, with many more resamples."""
    by_name = {ladder.name: ladder for ladder in ladders(source)}
    rows = [row for row in read(known) if row["rule"] == "composed" and row["ladder"] in by_name]
    worst = sorted(rows, key=lambda row: -row["wrong"])[:WORST_CELLS]
    done = {(row["ladder"], row["n"], row["margin"]) for row in read(out)}
    for row in worst:
        if (row["ladder"], row["n"], row["margin"]) in done:
            continue
        found = cell(
            by_name[row["ladder"]], row["n"], row["margin"], runs=WORST_RUNS, only="composed"
        )
        with out.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(item) + "\n" for item in found)


def read(path: Path) -> list[dict[str, object]]:
    """Rows that are already there."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def cell(
    ladder: Ladder, size: int, margin: float, *, runs: int, only: str | None = None
) -> list[dict[str, object]]:
    """Figures of every rule on the same resamples."""
    seed = zlib.crc32(f"{ladder.name}/{size}/{runs}".encode())
    rng = np.random.default_rng(seed)
    options = ladder.differences.shape[1]
    step = max(1, _CHUNK // (options * size))
    totals: dict[str, list[np.ndarray]] = {}
    for start in range(0, runs, step):
        count = min(step, runs - start)
        drawn = rng.integers(0, len(ladder.differences), (count, size))
        sample = Sampled(
            differences=np.ascontiguousarray(ladder.differences[drawn].transpose(0, 2, 1)),
            savings=ladder.savings,
            margin=margin,
            binary=ladder.binary,
            current=ladder.incumbent[drawn].mean(axis=1),
        )
        for name, picked in _picks(sample, only).items():
            totals.setdefault(name, []).append(_figures(ladder, picked, size, margin))
    return [
        {"source": ladder.source, "ladder": ladder.name, "n": size, "margin": margin,
         "options": options, "rule": name, "runs": runs,
         **dict(zip(FIGURES, np.concatenate(parts, axis=1).mean(axis=1).round(6).tolist(),
                    strict=True))}
        for name, parts in totals.items()
    ]  # fmt: skip


FIGURES = ("wrong", "saved", "possible", "stays", "calls", "dollars")


def _picks(sample: Sampled, only: str | None) -> dict[str, Picked]:
    if only is not None:
        return {only: RULES[only](sample)}
    picks = {name: rule(sample) for name, rule in RULES.items()}
    picks["Holm, same calls"] = _same_budget(sample, picks["composed"])
    return picks


def _same_budget(sample: Sampled, ladder: Picked) -> Picked:
    """Plain Holm on as many cases as the ladder's mean number of calls pays for."""
    options = sample.shape[1]
    mean = (ladder.asked.sum(axis=1) + ladder.incumbent).mean() / (1 + options)
    return plain_holm(sample.first(max(round(mean), 1)))


def _figures(ladder: Ladder, picked: Picked, size: int, margin: float) -> np.ndarray:
    """One row per figure, one column per run."""
    fine = ladder.truth >= -margin - 1e-12
    runs = len(picked.option)
    chosen = picked.option >= 0
    savings = np.where(chosen, ladder.savings[picked.option], 0.0)
    best = ladder.savings[fine].max() if fine.any() else 0.0
    costs = 1 - ladder.savings
    calls = (picked.asked.sum(axis=1) + picked.incumbent) / ((1 + len(costs)) * size)
    dollars = (picked.asked @ costs + picked.incumbent) / ((costs.sum() + 1) * size)
    wrong = chosen & ~fine[picked.option]
    return np.stack([wrong, savings, np.full(runs, best), ~chosen, calls, dollars])
