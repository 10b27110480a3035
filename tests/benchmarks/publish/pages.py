"""Pages a second, and the index of 500 features: seconds and bytes.

python tests/benchmarks/publish/pages.py [FEATURES]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from harness.record.base import Reason
from harness.tell.pages import publish
from harness.tell.portfolio.index import to_portfolio
from reports.render import render_index
from tests.support.record_parts import a_feature
from tests.support.records import NOW, record_for


def main(count: int) -> None:
    reasons = list(Reason)
    records = [
        record_for(
            reasons[at % len(reasons)],
            feature=a_feature(id=f"feature-{at:03}", name=f"Feature {at}", team=f"team {at % 20}"),
        )
        for at in range(count)
    ]
    start = time.monotonic()
    page = render_index(to_portfolio(records, NOW), to="html")
    seconds = time.monotonic() - start
    print(f"index of {count}: {seconds:.2f} s, {len(page.encode()) / 1e6:.2f} MB")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder:
        for workers in sorted({1, os.cpu_count() or 1}):
            out = Path(folder) / str(workers)
            start = time.monotonic()
            publish(records, out, now=NOW, workers=workers)
            seconds = time.monotonic() - start
            print(f"{workers} processes: {seconds:.1f} s, {2 * count / seconds:.1f} pages/s")  # noqa: T201
        start = time.monotonic()
        report = publish(records, out, now=NOW)
        seconds = time.monotonic() - start
        print(f"nothing changed: {seconds:.2f} s, {len(report.written)} written")  # noqa: T201


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
