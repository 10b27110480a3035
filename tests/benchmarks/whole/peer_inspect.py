"""The job as inspect_ai does it, in its own environment and as lean as its options allow.

Run by `tests.benchmarks.whole` with the Python that `RIGHTSIZE_TOOLS` names; nothing of ours is in
it.
"""

from __future__ import annotations

import os
import sys
import tempfile

from inspect_ai import Task, eval  # type: ignore[import-not-found]  # noqa: A004
from inspect_ai.dataset import Sample  # type: ignore[import-not-found]
from inspect_ai.scorer import exact  # type: ignore[import-not-found]
from inspect_ai.solver import generate  # type: ignore[import-not-found]

if __name__ == "__main__":
    url, total, wide = sys.argv[1], *map(int, sys.argv[2:4])
    os.environ.update(LOAD_API_KEY="none", LOAD_BASE_URL=url)
    samples = [Sample(id=n, input=f"item-{n} is it?", target=f"yes item-{n}") for n in range(total)]
    (log,) = eval(
        Task(dataset=samples, solver=generate(), scorer=exact(), name="load"),
        model="openai-api/load/load-1",
        max_connections=wide,
        max_samples=wide,
        max_tokens=10,
        display="none",
        log_dir=tempfile.mkdtemp(),
        log_samples=False,
        log_realtime=False,
        fail_on_error=False,
    )
    assert log.status == "success", log.error
