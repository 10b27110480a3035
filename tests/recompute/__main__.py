"""`python -m tests.recompute FOLDER DAY`: exits with 0 when every figure follows."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from tests.recompute.review import recompute

if __name__ == "__main__":
    found = recompute(Path(sys.argv[1]), date.fromisoformat(sys.argv[2]))
    for finding in found.findings:
        print(f"{finding.where}: {finding.why}\n    {finding.text}")  # noqa: T201
    excepted = ", ".join(f"{kind} {times}" for kind, times in sorted(found.excepted.items()))
    print(f"{found.figures} figures recomputed, {len(found.findings)} faults; {excepted}")  # noqa: T201
    sys.exit(1 if found.findings else 0)
