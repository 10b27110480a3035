"""`python -m tests.benchmarks.decision.command PART DIR`: run a part, or `all`; resumable.

Parts: `real` (the outcomes that `RIGHTSIZE_OUTCOMES` names), `worst` (its worst cells again),
`margin` (errors at the margin), `equal` (product beside kernel on 2,000 histories), `report`.
Results are appended to DIR; `report` writes `results.md` beside this file.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tests.benchmarks.decision import margin, real, report
from tests.support.decisions import design
from tests.support.histories import compare_with_kernel, differences

SOURCES = ("zeroeval", "llmrouter")
HISTORIES = 2000


def equal() -> None:
    """The product's steps and the kernel decide alike, on random histories."""
    rng = np.random.default_rng(2000)
    plan = design(n=200, options=4, kind="ladder")
    rates = rng.uniform(0, [0.06, 0.1], (HISTORIES, 4, 2))
    compare_with_kernel(
        plan, [differences(rng, [(g, b) for g, b in truth], 200) for truth in rates.tolist()]
    )
    sys.stdout.write(f"{HISTORIES} histories: product and kernel agree\n")


def main(part: str, folder: Path) -> None:
    """Run one part, or all of them in order."""
    folder.mkdir(parents=True, exist_ok=True)
    if part in {"real", "all"}:
        for source in SOURCES:
            real.run(source, folder / "real.jsonl")
    if part in {"worst", "all"}:
        for source in SOURCES:
            real.run_worst(source, folder / "real.jsonl", folder / "worst.jsonl")
    if part in {"margin", "all"}:
        margin.run_all(folder / "margin.jsonl")
    if part in {"equal", "all"}:
        equal()
    if part in {"report", "all"}:
        report.write(folder, Path(__file__).with_name("results.md"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
