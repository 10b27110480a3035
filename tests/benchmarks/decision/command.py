"""`python -m tests.benchmarks.decision.command PART DIR`: run a part, or `all`; resumable.

Parts: `real` (the outcomes that `RIGHTSIZE_OUTCOMES` names), `worst` (its worst cells again),
`margin` (errors at the margin; its quarters `exact`, `ladders`, `graded` and `clustered` can run
beside each other), `others` (Student's t and BCa), `equal` (product beside kernel on 2,000
histories), `endings` (how reviews end; also writes `endings.md` beside this file), `report`.
Results are appended to DIR; `report` writes `results.md` beside this file and the README's table.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.decision import endings, margin, others, real, report, report_readme
from tests.benchmarks.decision.cells import PARTS, cells
from tests.support.decisions import design
from tests.support.histories import decide_both_ways, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SOURCES = ("zeroeval", "llmrouter")
HISTORIES = 2000


def equal(folder: Path) -> None:
    """The product's steps and the kernel decide alike, on random histories."""
    out = folder / "equal.txt"
    if out.exists():
        return
    rng = np.random.default_rng(2000)
    plan = design(n=200, options=4, kind="ladder")
    rates = rng.uniform(0, [0.06, 0.1], (HISTORIES, 4, 2))
    product, kernel = decide_both_ways(
        plan, [differences(rng, [(g, b) for g, b in truth], 200) for truth in rates.tolist()]
    )
    if product != kernel:
        raise AssertionError("the product and the kernel end otherwise")
    out.write_text(
        f"On {HISTORIES:,} random histories of four options, stepped through the product's door, "
        "product and kernel asked the same cases and accepted the same options.\n",
        encoding="utf-8",
    )


def outcomes(folder: Path) -> None:
    """Every cell of the real outcomes."""
    for source in SOURCES:
        real.run(source, folder / "real.jsonl")


def worst(folder: Path) -> None:
    """The worst cells of the real outcomes again."""
    for source in SOURCES:
        real.run_worst(source, folder / "real.jsonl", folder / "worst.jsonl")


def at_margin(folder: Path, parts: Iterable[str]) -> None:
    """The cells of some parts of point 1."""
    scenes = [scene for part in parts for scene in PARTS[part]]
    chosen = [cell for cell in cells() if cell.scene in scenes]
    margin.run_all(folder / "margin.jsonl", only=chosen)


def ends(folder: Path) -> None:
    """How reviews end, and the page of it."""
    endings.run_all(folder / "endings.jsonl")
    Path(__file__).with_name("endings.md").write_text(endings.page(folder), encoding="utf-8")


def write(folder: Path) -> None:
    """The results page, and the README's table."""
    here = Path(__file__)
    report.write(folder, here.with_name("results.md"))
    report_readme.write(folder, here.parents[3] / "README.md")


STEPS: dict[str, Callable[[Path], None]] = {
    "real": outcomes,
    "worst": worst,
    "margin": lambda folder: at_margin(folder, PARTS),
    "others": lambda folder: others.run_all(folder / "others.jsonl"),
    "equal": equal,
    "endings": ends,
    "report": write,
}


def main(part: str, folder: Path) -> None:
    """Run one part, or all of them in order."""
    folder.mkdir(parents=True, exist_ok=True)
    if part in PARTS:
        at_margin(folder, [part])
        return
    for name, step in STEPS.items():
        if part in {name, "all"}:
            step(folder)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
