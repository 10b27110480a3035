"""Makes `results.md` of the JSON lines that the benchmark prints."""

# ruff: noqa: E501  # sentences of a document

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Line: TypeAlias = dict[str, Any]

RESULTS = Path(__file__).with_name("results.md")

HEAD = """\
# The replay engine: fast, capped, never paying twice

Made by `python -m tests.benchmarks.replay report LINES...` of what `python -m tests.benchmarks.replay` printed on
two cores (Python 3.11, the real SDKs, a local server in a process of its own on the same two cores; its counts decide).
"""

PEERS = """\
| others on this job, the whole process | of the ideal | CPU a request, ms |
|---|---|---|
| inspect_ai | 6 % | 13 |
| promptfoo (tuned) | 13 % (24 %) | 5.7 (3.3) |
| lm-eval | 12-20 % | 6 |
| deepeval | 15 % | 5 |
| pydantic-evals | 20 % | 3.8 |
| a script with the openai SDK | 23 % | 3.3 |
| the same on its aiohttp back end | 54 % | 1.3 |
| raw aiohttp | 86 % | 0.3 |
"""


def write_report(files: Iterable[Path]) -> None:
    """Write `results.md`; of equal points, the last file's lines count."""
    points: dict[str, list[Line]] = {}
    for file in files:
        lines = [json.loads(line) for line in file.read_text().splitlines() if line[:1] == "{"]
        for name in {line["point"] for line in lines}:
            points[name] = [line for line in lines if line["point"] == name]
    text = "\n".join(part for part in parts(points) if part)
    RESULTS.write_text(text, encoding="utf-8")


def parts(points: dict[str, list[Line]]) -> Iterator[str]:
    yield HEAD
    yield throughput(points["1"])
    yield from (profile(line) for line in points.get("1 profile", ()))
    yield PEERS
    yield limits(points["2"])
    yield size(points["3"][0], points["3 journal"])
    yield faults(points["4"][0], points["4 cap"][0])
    yield kills(points["5"][0], points["5 review"][0])
    yield startup(points["6"][0])
    yield from (paces(line) for line in points.get("7", ()))


def table(head: str, rows: Iterable[Sequence[object]]) -> str:
    columns = head.count("|") - 1
    body = "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)
    return f"{head}\n{'|---' * columns}|\n{body}"


def throughput(lines: Sequence[Line]) -> str:
    kinds: dict[str, list[Line]] = {}
    for line in lines:
        kinds.setdefault(line["run"], []).append(line)

    def middle(kind: str, key: str) -> float:
        return median(line[key] for line in kinds[kind])

    best = max(
        (kind for kind in kinds if kind.startswith("bare")), key=lambda k: middle(k, "per_s")
    )
    rows = [
        (
            kind,
            f"{middle(kind, 'per_s'):,.0f}",
            f"{middle(kind, 'ideal'):.1%}",
            f"{middle(kind, 'per_s') / middle(best, 'per_s'):.1%}",
            f"{middle(kind, 'cpu_ms'):.2f}",
            f"{middle(kind, 'cpu_ms') / middle(best, 'cpu_ms'):.2f}",
        )
        for kind in kinds
    ]
    starts = [line["start_s"] for line in lines if "start_s" in line]
    return (
        "\n## 1. Throughput: 6,000 requests at 200 ms, 256 in flight\n\n"
        f"Medians of {len(kinds[best])} alternating runs; span from the first request to the last "
        "answer, as the server saw it.\n\n"
        + table(
            "| run | requests/s | of the ideal | of the best script | CPU a request, ms | of the best script's |",
            rows,
        )
        + f"\nRay's start, apart: {min(starts):.1f}-{max(starts):.1f} s. One worker is the default here: on two cores the "
        "second one's CPU (another interpreter, another event loop) buys the last tenth.\n"
        + split(kinds)
    )


def split(kinds: dict[str, list[Line]]) -> str:
    """Where the rest of the ideal goes, where the runs told it."""
    told = [line for line in kinds["ours, 1 worker"] if "wire_ms" in line]
    if not told:
        return ""
    wire = median(line["wire_ms"] for line in told)
    busy = median(line["per_s"] * line["wire_ms"] / 256_000 for line in told)
    driver = median(line["driver_cpu_ms"] for line in told)
    whole = median(line["cpu_ms"] for line in told)
    return (
        f"\nWhere the rest goes, with one worker: an answer took {wire:.0f} ms on the wire instead of 200 (both ends wait "
        f"for a core), and {busy:.0%} of the 256 places were busy (the first and the last round fill and empty them). "
        f"Of {whole:.2f} ms of CPU a request the engine's thread (journal, ledger) takes {driver:.2f}; "
        "imports, planning, prompts, scoring, records and pages are left out: `../whole/results.md`.\n"
    )


def profile(line: Line) -> str:
    rows = [(name, f"{share:.0%}") for name, share in line["shares"].items()]
    return (
        f"\nA worker's CPU by whose code it is ({line['samples']} samples of the kernel's CPU timer):\n\n"
        + table("| layer | share |", rows)
    )


def limits(lines: Sequence[Line]) -> str:
    rows = [
        (
            line["style"],
            ", ".join(
                f"{limit:,} {name.split('_per')[0].replace('_', ' ')}"
                for name, limit in line["granted"].items()
            ),
            f"{line['used']:.1%}",
            f"{line['most_in_a_window']:,}",
            f"{line['allowed_in_a_window']:,.0f}",
            line["refused_in_steady_state"],
        )
        for line in lines
    ]
    return (
        "\n## 2. Limits: 75 s against a server that enforces them and says so in its headers, half of them ours\n\n"
        "Each through the vendor's own SDK, over Ray; a call takes 20 tokens in and 5 out.\n\n"
        + table(
            "| headers | granted a minute | of our share used | most in any 60 s | our share of 60 s | 429s in the steady state |",
            rows,
        )
    )


def size(line: Line, journal: Sequence[Line]) -> str:
    rates = ", ".join(f"{one['per_s']:,.0f} in batches of {one['batch']}" for one in journal)
    return (
        f"\n## 3. Size: {line['trials']:,} trials\n\n"
        f"The driver's memory grew by {line['rss_growth_mb']:.1f} MB; {line['rate_first']:,.0f} trials/s at the start, "
        f"{line['rate_last']:,.0f} at the end; the journal has {line['journal_mb']:.0f} MB. "
        f"Journal alone, attempts/s, each durable: {rates}.\n"
    )


def faults(storm: Line, cap: Line) -> str:
    rows = [
        ("trials, settled, answered, twice", f"{storm['trials']:,}, {storm['settled']:,}, {storm['answered']:,}, {storm['double']}"),
        ("requests at the server, attempts in the journal", f"{storm['requests']:,}, {storm['attempts']:,}"),
        ("trials whose attempts differ from the server's count", storm["attempts_differ"]),
        ("USD in the ledger, at the server", f"{storm['ledger_usd']}, {storm['server_usd']}"),
        ("attempts possibly billed, replies of unknown bill at the server", f"{storm['possibly_billed']}, {storm['unknown_at_server']}"),
    ]  # fmt: skip
    return (
        "\n## 4. Faults: 5 % each of 429, 500, reset, stall, truncated JSON\n\n"
        + table("| | |", rows)
        + f"\n{cap['runs']} random runs under a random cap: {cap['over']} went over; the one that used most of it "
        f"left USD {abs(float(cap['most_over_cap_usd'])):.4f}.\n"
    )


def kills(engine: Line, review: Line) -> str:
    rows = [
        (what, line["kills"], f"{line['requests']:,}", line["paid_twice"], line["sent_and_not_committed"])
        for what, line in (("the engine", engine), ("`rightsize review`", review))
    ]  # fmt: skip
    return (
        "\n## 5. `kill -9` of the driver at random moments, counted at the server after all clients were gone\n\n"
        + table(
            "| driver | kills | requests | paid twice | sent and not committed at the kills |", rows
        )
        + f"\nThe engine's answers: {engine['right']:,} of {engine['trials']:,} right. The review's finding, reasons, "
        f"quality with its looks ({'+'.join(map(str, review['looks']))}), slices and cases used equal those of an undisturbed "
        f"review whose answers came in another order: {'yes' if review['equal'] else 'NO'}.\n"
    )


def startup(line: Line) -> str:
    rows = [
        ("`python -c pass`", f"{line['python_s']:.2f}", ""),
        ("`rightsize --help`", f"{line['help_s']:.2f}", f"{line['help_s'] - line['python_s']:.2f}"),
        (
            f"`rightsize check` of {line['features']} features ({line['cases']:,} cases)",
            f"{line['check_s']:.2f}",
            f"{line['check_s'] - line['python_s']:.2f}",
        ),
    ]
    return "\n## 6. Start-up\n\n" + table("| command | s | over python, s |", rows)


def paces(line: Line) -> str:
    rows = [
        (
            order,
            *(f"{line[order][key]:.1f}" for key in ("total_s", "quick_s", "slow_s")),
        )
        for order in ("lockstep", "own pace")
    ]
    return (
        "\n## 7. A slow lane beside a fast one\n\n"
        "Two features: one asks a model that takes 2 s an answer, the other has four times the cases and twice the "
        "looks, all on lanes that take 100 ms. In lockstep (the order until this version) no feature asks for its "
        f"next look before every feature's look is answered. {line['requests']:,} requests, {line['late_calls']:,} of them slow.\n\n"
        + table("| order | in all, s | fast feature's last look, s | slow feature's, s |", rows)
        + f"\nIn all {line['ratio']:.2f} times as fast, the fast feature {line['quick_ratio']:.2f} times. "
        f"Equal findings: {'yes' if line['equal'] else 'NO'}.\n"
    )
