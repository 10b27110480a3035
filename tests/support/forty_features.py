"""A portfolio of forty made-up features: names, owners, volumes and prices are invented.

17 can be answered without a call (12 cannot save the minimum, 5 have no cheaper permitted model),
21 can be asked, 2 are blocked. Every model that could be asked answers at one address, so that a
test can count who was contacted.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TOO_CHEAP, NONE_CHEAPER, ASKABLE = 12, 5, 21
FORTY = TOO_CHEAP + NONE_CHEAPER + ASKABLE + 2
ANSWERED = TOO_CHEAP + NONE_CHEAPER

POLICY = """\
max_spend_usd: 250
risk: {low: {margin: 10}, medium: {margin: 8}, high: {margin: 5}}
minimum_saving_usd: 200
"""

MODEL = """\
%(name)s:
  provider: openai-compatible
  base_url: %(url)s/v1
  may_see: %(sees)s
  cache_min_tokens: 1024
  price:%(price)s
"""
PRICE = """
    - {from: 2026-09-01, input: %s, output: %s, batch: 0.5, source: made up}"""

FEATURE = """\
name: %(name)s
owner: owner.%(number)02d@example.com
team: team-%(team)d
product: product-%(product)d
data: %(data)s
risk: medium
agreed: {by: owner, on: 2026-09-14}
incumbent: %(incumbent)s
candidates: %(candidates)s
mode: %(mode)s
request: {max_output_tokens: 8}
"""
TRAFFIC = """\
traffic: {requests_per_month: %d, input_tokens: 900, output_tokens: 60, source: made up}
"""

EVALSET = """\
cases: cases.jsonl
source: {kind: written, targets: human}
primary: {scorer: label, labels: ["yes", "no"]}
"""


def write_forty(root: Path, url: str) -> Path:
    """Write the workspace; `url` is where every model would be asked."""
    _write(root / "policy.yaml", POLICY)
    models = [
        _model("flagship", url, "public, internal, customer", "5.00", "25.00"),
        _model("middle", url, "public, internal", "2.00", "10.00"),
        _model("small", url, "public, internal, customer", "0.50", "2.50"),
        _model("unpriced", url, "public, internal", None, None),
    ]
    _write(root / "models" / "all.yaml", "".join(models))
    for number in range(FORTY):
        _feature(root, number)
    return root


def _feature(root: Path, number: int) -> None:
    name = f"feature-{number:02}"
    facts = {
        "name": f"Made-up feature {number}",
        "number": number,
        "team": number % 6,
        "product": number % 4,
        "data": "internal",
        "incumbent": "flagship",
        "candidates": "auto",
        "mode": "deferrable" if number % 5 == 0 else "live",
    }
    requests = 60_000 + 7_000 * number
    if number < TOO_CHEAP:
        requests = 100 + 20 * number
    elif number < ANSWERED:
        facts["incumbent"] = "small"
    elif number == FORTY - 1:
        facts["candidates"] = "[unpriced]"
    traffic = "" if number == FORTY - 2 else TRAFFIC % requests
    cases = [
        {"id": f"c-{case}", "input": f"Question {case}?", "target": "yes" if case % 3 else "no"}
        for case in range(120)
    ]
    _write(root / "features" / f"{name}.yaml", FEATURE % facts + traffic)
    _write(root / "prompts" / name / "default.j2", "Answer yes or no. " * 20 + "{{ input }}\n")
    _write(root / "evalsets" / name / "evalset.yaml", EVALSET)
    _write(root / "evalsets" / name / "cases.jsonl", "".join(json.dumps(c) + "\n" for c in cases))


def _model(name: str, url: str, sees: str, fresh: str | None, output: str | None) -> str:
    price = " []" if fresh is None else PRICE % (fresh, output)
    return MODEL % {"name": name, "url": url, "sees": f"[{sees}]", "price": price}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
