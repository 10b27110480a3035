"""The job: one feature, three models, every case asked of each; written as a workspace."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.record.stored import read_records
from tests.benchmarks.replay.reviews import decided

if TYPE_CHECKING:
    from pathlib import Path

CYCLE = "2026-Q4"
MODELS = {"load-big": "4.00", "load-middle": "1.00", "load-small": "0.50"}
"""With the price of a million tokens, in and out; today's model first."""

POLICY = """\
max_spend_usd: 1000
risk: {low: {margin: 10}, medium: {margin: 5}, high: {margin: 3}}
minimum_saving_usd: 50
expires_days: {prices: 36500}
procedure: {kind: holm, looks: 1, pilot: 0}
"""
MODEL = """\
%(name)s:
  provider: openai-compatible
  base_url: %(url)s
  max_concurrency: %(width)d
  may_see: [public, internal, customer]
  price: [{from: 2026-09-01, input: %(price)s, output: %(price)s, source: made up}]
"""
FEATURE = """\
name: Load
owner: dana.ruiz@example.com
team: support
product: helpdesk
data: internal
risk: medium
agreed: {by: dana.ruiz, on: 2026-09-14}
incumbent: load-big
candidates: [load-middle, load-small]
request: {max_output_tokens: 10}
traffic: {requests_per_month: 1000000, input_tokens: 20, output_tokens: 5, source: made up}
"""
EVALSET = """\
cases: cases.jsonl
source: {kind: written, targets: human}
primary: {scorer: exact}
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """So many requests, so many at a time, each answered after so long."""

    requests: int = 6000
    width: int = 256
    latency_s: float = 0.2

    def __post_init__(self) -> None:
        assert self.requests % len(MODELS) == 0, "each model is asked the same cases"

    @property
    def ideal_s(self) -> float:
        return self.requests * self.latency_s / self.width

    def files(self, url: str) -> dict[str, str]:
        """The workspace's files by their paths."""
        cases = [
            {"id": f"item-{n}", "input": f"item-{n} is it?", "target": f"yes item-{n}"}
            for n in range(self.requests // len(MODELS))
        ]
        width = -(-self.width // len(MODELS))
        models = (
            MODEL % {"name": name, "url": url, "width": width, "price": price}
            for name, price in MODELS.items()
        )
        return {
            "policy.yaml": POLICY,
            "models/all.yaml": "".join(models),
            "features/load.yaml": FEATURE,
            "prompts/load/default.j2": "{{ input }}\n",
            "evalsets/load/evalset.yaml": EVALSET,
            "evalsets/load/cases.jsonl": "".join(json.dumps(case) + "\n" for case in cases),
        }

    @property
    def sha256(self) -> str:
        """Of its size and its files, wherever the server listens."""
        whole = [self.requests, self.width, self.latency_s, self.files("URL")]
        return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()

    def write(self, root: Path, url: str) -> None:
        for name, text in self.files(url).items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")


def found(root: Path) -> str:
    """Digest of what the review decided and by which figures; no time is in it."""
    records = decided(read_records(root / "reviews" / CYCLE))
    assert records, "the review wrote no record"
    return hashlib.sha256(json.dumps(records, sort_keys=True, default=str).encode()).hexdigest()
