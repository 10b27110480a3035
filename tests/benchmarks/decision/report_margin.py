"""The part of the results page about errors at the margin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.decision.cells import cells
from tests.benchmarks.decision.margin import ALLOWED
from tests.benchmarks.decision.real import read

if TYPE_CHECKING:
    from pathlib import Path

    from tests.benchmarks.decision.report import Row

LARGE = 200
HEADER = """Every option stands exactly at the margin, so that each pass is an error; alpha is 5 %.
*exact*: by enumeration (one look), or dynamic programming over gains and losses (several looks at
one option, its boundaries alone). *Bound*: the one-sided 99 % Monte-Carlo upper bound, the exact
figure itself where there is one; 1.2 alpha is 6 %. Sizes 50 to 2,000, discordance 2 to 40 %,
margins 1 to 10 points, discordance >= margin; `one look` at several options is plain Holm,
`ladder` the whole procedure; *correlated*: the options share 60 % of their disagreements. Graded
and clustered histories with looks go to 1,000 cases.
"""


def lines(folder: Path) -> list[str]:
    """The table, the refused cells, and the intervals that are not offered."""
    wanted = {cell.key for cell in cells()}
    rows = [row for row in read(folder / "margin.jsonl") if row["key"] in wanted]
    found = ["## Errors with every option exactly at the margin\n", HEADER]
    if len(rows) < len(wanted):
        found.append(f"So far {len(rows):,} of the {len(wanted):,} cells were run.\n")
    found += [
        (
            "| scene | options | cells | refused | of those with n >= 200 | runs a cell "
            "| mean error | largest error | largest bound | bounds above 1.2 alpha |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    keys = dict.fromkeys(_key(row) for row in rows)
    for key in keys:
        found.append(_line(key, [row for row in rows if _key(row) == key]))
    return [*found, "", *_refused(rows), "", *_others(folder)]


def _key(row: Row) -> tuple[str, int, bool]:
    return str(row["scene"]), int(row["options"]), bool(row["correlated"])


def _line(key: tuple[str, int, bool], rows: list[Row]) -> str:
    scene, options, correlated = key
    tested = [row for row in rows if not row["refused"]]
    errors = [100 * float(row["error"]) for row in tested]
    bounds = [float(row["at_most"]) for row in tested]
    runs = max((int(row["runs"]) for row in tested), default=0)
    cells = (
        f"{scene}, correlated" if correlated else scene, f"{options}", f"{len(rows)}",
        f"{len(rows) - len(tested)}", _share(rows), f"{runs:,}" if runs else "exact",
        f"{np.mean(errors):.2f}", f"{max(errors):.2f}", f"{100 * max(bounds):.2f}",
        f"{sum(bound > ALLOWED for bound in bounds)}",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _share(rows: list[Row]) -> str:
    large = [bool(row["refused"]) for row in rows if int(row["n"]) >= LARGE]
    return f"{100 * np.mean(large):.0f} %"


def _refused(rows: list[Row]) -> list[str]:
    """Refused cells by size and margin: discordance does not matter to a refusal."""
    found = [
        (
            "Refused beforehand as SAMPLE_TOO_SMALL, whatever the discordance "
            f"({_share(rows)} of all cells with n >= 200):"
        ),
        "",
    ]
    groups: dict[tuple[str, int], dict[int, set[float]]] = {}
    for row in rows:
        if row["refused"]:
            sizes = groups.setdefault((str(row["scene"]), int(row["options"])), {})
            sizes.setdefault(int(row["n"]), set()).add(float(row["margin"]))
    for (scene, options), sizes in groups.items():
        listed = "; ".join(
            f"n {n}: margins {', '.join(f'{margin:.0f}' for margin in sorted(margins))}"
            for n, margins in sorted(sizes.items())
        )
        found.append(f"- {scene}, {options} option{'s' if options > 1 else ''}: {listed}")
    return found


def _others(folder: Path) -> list[str]:
    rows = read(folder / "others.jsonl")
    if not rows:
        return []
    found = [
        "## Student's t and BCa on rare total losses\n",
        (
            "A candidate that gains a little everywhere and loses a few cases in whole, exactly at "
            "the margin; the largest error over loss rates up to 2.8 points above the margin, "
            "exact. Neither is offered: no rule on n and on non-zero differences (all are "
            "non-zero here) keeps them within 1.2 of their level at sizes that people have."
        ),
        "",
        "| margin | level | n | t | BCa | betting (ours) |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [f"{100 * float(row[name]):.2f}" for name in ("t", "bca", "betting")]
        found.append(
            f"| {100 * float(row['margin']):.0f} | {100 * float(row['level']):.3g} | {row['n']} | "
            + " | ".join(cells)
            + " |"
        )
    return found
