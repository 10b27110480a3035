"""inspect_ai's numeric `match` on many answers, beside our `number`.

    python -m venv TOOLS/inspect && TOOLS/inspect/bin/pip install inspect_ai==0.3.285
    TOOLS/inspect/bin/python tests/benchmarks/intake/inspect_table.py

writes the verdicts of inspect_ai into `inspect.jsonl`. Where ours differs the row says why; an
import of a log tells how many answers score otherwise.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TABLE = Path(__file__).parent / "inspect.jsonl"


def main() -> None:
    from inspect_ai.scorer._common import match_str  # type: ignore[import-not-found]  # noqa: PLC0415

    match: Any = match_str
    rows = [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["inspect"] = int(
            match(row["answer"], row["target"], location=row.get("location", "end"), numeric=True)[
                1
            ]
        )
    lines = [json.dumps(row) + "\n" for row in rows]
    TABLE.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
