"""A small sound workspace on disk, for tests that break one thing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """\
max_spend_usd: 10
confidence: 0.95
risk: {low: {margin: 10}, medium: {margin: 5}, high: {margin: 3}}
minimum_saving_usd: 50
"""

MODELS = """\
big:
  provider: openai
  key: BIG_KEY
  may_see: [public, internal, customer]
  price:
    - {from: 2026-09-01, input: 4.00, output: 20.00, source: quote}
small:
  provider: openai-compatible
  base_url: http://127.0.0.1:8000/v1
  family: tiny
  may_see: [public, internal, customer]
  price:
    - {from: 2026-09-01, input: 0.50, output: 2.50, source: quote}
"""

FEATURE = """\
name: Ticket topic
owner: dana.ruiz@example.com
team: support
product: helpdesk
data: customer
risk: medium
agreed: {by: dana.ruiz, on: 2026-09-14}
incumbent: big
candidates: [small]
request: {max_output_tokens: 8}
traffic: {requests_per_month: 1000, input_tokens: 80, output_tokens: 2, source: logs}
"""

EVALSET = """\
cases: cases.jsonl
unit: tickets
source: {kind: written, targets: human}
cluster: customer
primary: {scorer: label, labels: [billing, technical]}
slices: {channel: {mail: {margin: 10}}}
tune: 2
"""

PROMPT = "Topic of: {{ input }}\n"


def case_line(number: int, **changes: object) -> str:
    """One sound line of a case file, with changed keys; None takes a key out."""
    fields: dict[str, object] = {
        "id": f"t-{number}",
        "input": f"Ticket number {number}",
        "target": "billing" if number % 2 else "technical",
        "metadata": {"channel": "mail" if number % 3 else "chat", "customer": f"c-{number // 2}"},
    }
    fields |= changes
    return json.dumps({key: value for key, value in fields.items() if value is not None})


def write_workspace(root: Path, *, features: tuple[str, ...] = ("tickets",)) -> Path:
    """Write a sound workspace with the same small feature under each name."""
    _write(root / "policy.yaml", POLICY)
    _write(root / "models" / "all.yaml", MODELS)
    cases = "".join(case_line(number) + "\n" for number in range(12))
    for name in features:
        _write(root / "features" / f"{name}.yaml", FEATURE)
        _write(root / "prompts" / name / "default.j2", PROMPT)
        _write(root / "evalsets" / name / "evalset.yaml", EVALSET)
        _write(root / "evalsets" / name / "cases.jsonl", cases)
    return root


def edit(path: Path, old: str, new: str) -> None:
    """Replace one text in a file; it must be there once."""
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
