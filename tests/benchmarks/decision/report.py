"""The benchmark's results as one Markdown page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks.decision.real import read

if TYPE_CHECKING:
    from pathlib import Path

ALLOWED = 0.06
ORDER = (
    "composed", "Holm", "Holm, same calls", "screen + Holm", "point", "unpaired z", "Wald",
)  # fmt: skip


def write(folder: Path, out: Path) -> None:
    """Write what the JSON-lines files of `folder` hold so far."""
    parts = ["# The decision, measured\n", HEADER, *_real(folder), *_margin(folder)]
    out.write_text("\n".join(parts) + "\n", encoding="utf-8")


HEADER = """Made by `python -m tests.benchmarks.decision.command all DIR`, which can be stopped
and started again; fixed seeds. Wrong: the chosen option is truly worse than the margin (true
difference: that of all items, from which the eval sets are drawn with replacement). Calls:
distinct trials bought, incumbent and pilot included, over (1 + K) n. Figures in percent, means
over ladders; *worst* is the ladder with the most wrong picks.
"""


def _real(folder: Path) -> list[str]:
    rows = read(folder / "real.jsonl")
    lines: list[str] = []
    for title in ("zeroeval-gsm8k", "llmrouter-14tasks"):
        zero = title.startswith("zeroeval")
        mine = [row for row in rows if (row["source"] == "zeroeval") == zero]
        if not mine:
            continue
        names = {row["ladder"] for row in mine}
        runs = sorted({int(row["runs"]) for row in mine})
        lines += [
            f"## {title}: {len(names)} ladders, {' or '.join(map(str, runs))} resamples a cell\n",
            *_summary(mine),
            *_table(mine),
        ]
    worst = read(folder / "worst.jsonl")
    if worst:
        lines += ["## The worst cells again, 4,000 resamples each\n", *_worst(worst)]
    return lines


def _summary(rows: list[dict[str, object]]) -> list[str]:
    """One line per size, over the margins: the ladder beside Holm."""
    lines = []
    for n in sorted({int(row["n"]) for row in rows}):
        ours, holm, same = (
            [row for row in rows if (row["n"], row["rule"]) == (n, rule)] for rule in ORDER[:3]
        )

        def mean(chosen: list[dict[str, object]], key: str) -> float:
            return 100 * float(np.mean([float(row[key]) for row in chosen]))

        lines.append(
            f"- n = {n}: {mean(ours, 'calls'):.1f} % of the calls, wrong picks "
            f"{mean(ours, 'wrong'):.2f} %, saves {mean(ours, 'saved'):.1f} % of the cost "
            f"(plain Holm {mean(holm, 'saved'):.1f} %; plain Holm with as many calls as the "
            f"ladder {mean(same, 'saved'):.1f} %)"
        )
    return [*lines, ""]


def _table(rows: list[dict[str, object]]) -> list[str]:
    lines = [
        (
            "| n | margin | rule | wrong | worst | saved | of possible | stays | calls | dollars |"
            " calls, K >= 20 |"
        ),
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for n in sorted({int(row["n"]) for row in rows}):
        for margin in sorted({float(row["margin"]) for row in rows}):
            for rule in ORDER:
                chosen = [
                    row for row in rows
                    if (row["n"], row["margin"], row["rule"]) == (n, margin, rule)
                ]  # fmt: skip
                if chosen:
                    lines.append(_row(n, margin, rule, chosen))
    return [*lines, ""]


def _row(n: int, margin: float, rule: str, rows: list[dict[str, object]]) -> str:
    def mean(key: str) -> float:
        return 100 * float(np.mean([float(row[key]) for row in rows]))

    large = [100 * float(row["calls"]) for row in rows if int(row["options"]) >= 20]
    share = 100 * mean("saved") / mean("possible") if mean("possible") else 0.0
    worst = 100 * max(float(row["wrong"]) for row in rows)
    cells = (
        f"{n}", f"{100 * margin:.0f}", rule, f"{mean('wrong'):.2f}", f"{worst:.1f}",
        f"{mean('saved'):.1f}", f"{share:.0f}", f"{mean('stays'):.0f}", f"{mean('calls'):.1f}",
        f"{mean('dollars'):.1f}", f"{np.mean(large):.1f}" if large else "-",
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def _worst(rows: list[dict[str, object]]) -> list[str]:
    lines = ["| ladder | n | margin | wrong |", "|---|---|---|---|"]
    lines += [
        f"| {row['ladder']} | {row['n']} | {100 * float(row['margin']):.0f} "
        f"| {100 * float(row['wrong']):.2f} |"
        for row in sorted(rows, key=lambda row: -float(row["wrong"]))
    ]
    return [*lines, ""]


def _margin(folder: Path) -> list[str]:
    rows = read(folder / "margin.jsonl")
    lines = ["## Errors with every option exactly at the margin\n"]
    lines += [
        (
            "| scene | options | cells | refused | runs a cell | mean error | largest error |"
            " cells above 1.2 alpha (99 % bound) |"
        ),
        "|---|---|---|---|---|---|---|---|",
    ]
    keys = sorted(
        {(str(row["scene"]), int(row["options"]), bool(row["correlated"])) for row in rows}
    )
    for scene, options, correlated in keys:
        mine = [
            row for row in rows
            if (row["scene"], row["options"], row["correlated"]) == (scene, options, correlated)
        ]  # fmt: skip
        lines.append(_margin_row(scene, options, mine, correlated=correlated))
    refused = [
        f"n {row['n']}, discordance {100 * float(row['discordance']):.0f} %, "
        f"margin {float(row['margin']):.0f}"
        for row in rows
        if row["refused"] and row["scene"] == "one look"
    ]
    large = [row for row in rows if row["scene"] == "one look" and int(row["n"]) >= 200]
    share = 100 * sum(bool(row["refused"]) for row in large) / max(len(large), 1)
    return [
        *lines,
        "",
        f"Refused beforehand as SAMPLE_TOO_SMALL (one look; {share:.0f} % of those with n >= 200):",
        "; ".join(refused) + ".",
    ]


def _margin_row(
    scene: str, options: int, rows: list[dict[str, object]], *, correlated: bool
) -> str:
    tested = [row for row in rows if not row["refused"]]
    errors = [100 * float(row["error"]) for row in tested]
    above = sum(float(row["at_least"]) > ALLOWED for row in tested)
    runs = max((int(row["runs"]) for row in tested), default=0)
    cells = (
        f"{scene}, correlated" if correlated else scene, str(options), str(len(rows)),
        str(len(rows) - len(tested)), f"{runs:,}" if runs else "exact",
        f"{np.mean(errors):.2f}" if errors else "-", f"{max(errors):.2f}" if errors else "-",
        str(above),
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"
