"""A probe of a model of one's own, imported from a benchmark's file as `rightsize probe` does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.cli.main import run

if TYPE_CHECKING:
    from pathlib import Path


def import_probe(root: Path, model: str, feature: str) -> None:
    """Runs at 1, 2 and 4 requests a second: all, all and three quarters within 30 seconds."""
    rows = [
        {
            "request_rate": rate, "max_concurrency": None, "errors": [""] * 8,
            "start_times": list(range(8)), "itls": [[]] * 8, "ttfts": [1.0] * 6 + [last] * 2,
            "input_lens": [80] * 8, "output_lens": [2] * 8,
        }
        for rate, last in ((1.0, 2.0), (2.0, 2.0), (4.0, 90.0))
    ]  # fmt: skip
    bench = root.parent / "bench.jsonl"
    bench.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    command = ["probe", model, "-f", feature, "-w", str(root), "--load-s", "40"]
    assert run([*command, "--import", "vllm-bench", str(bench)]) == 0
