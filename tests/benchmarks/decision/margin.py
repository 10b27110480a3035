"""Point 1: how often the code errs when every option stands exactly at the margin.

Enumerated where that is possible (`exact`), else simulated with the kernel that decides. A cell
that the product refuses beforehand (SAMPLE_TOO_SMALL) is listed as refused and not run.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from scipy import stats

from harness.judge.decision.procedure import too_small
from harness.stats.sequential.state import rules_of
from tests.benchmarks.decision import exact
from tests.benchmarks.decision.cells import Cell, design_of
from tests.benchmarks.decision.scenes import errs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.stats.sequential.design import Design

RUNS = 50_000
ALLOWED = 1.2 * 0.05
_CHUNK = 1_500_000
_CERTAINTY = 0.99


def run_all(out: Path, *, only: Iterable[Cell], runs: int = RUNS) -> None:
    """Run every cell that `out` does not have yet."""
    known = set()
    if out.exists():
        known = {json.loads(line)["key"] for line in out.read_text(encoding="utf-8").splitlines()}
    for cell in only:
        if cell.key not in known:
            known.add(cell.key)
            row = {"key": cell.key, **asdict(cell), **measure(cell, runs=runs)}
            with out.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row) + "\n")


def measure(cell: Cell, *, runs: int) -> dict[str, object]:
    """Refused, or the error rate and its one-sided 99 % Monte-Carlo upper bound."""
    design = design_of(cell)
    if too_small(design):
        return {"refused": True, "error": None, "at_most": None, "runs": 0}
    found = _enumerate(cell, design)
    if found is not None:
        return {"refused": False, "error": found, "at_most": found, "runs": 0}
    width = 60 if cell.scene == "ladder" else 3 if cell.scene == "one look" else cell.n * 6
    step = max(1, _CHUNK // (cell.options * width))
    rng, wrong = cell.rng, 0
    for start in range(0, runs, step):
        wrong += int(errs(cell, design, rng, min(step, runs - start)).sum())
    most = float(stats.beta.ppf(_CERTAINTY, wrong + 1, runs - wrong)) if wrong < runs else 1.0
    return {"refused": False, "error": wrong / runs, "at_most": most, "runs": runs}


def _enumerate(cell: Cell, design: Design) -> float | None:
    """The exact error; None where it can only be simulated."""
    if cell.scene == "one look" and not cell.correlated:
        return exact.one_look(cell, design.alpha)
    if cell.scene == "looks":
        return exact.looks(cell, rules_of(design).test, design.alpha)
    if cell.scene == "graded, one look":
        return exact.graded(cell, design.alpha)
    return None
