"""Files as other tools write them, shortened from real ones; with parts to override."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from typing import Any

import zstandard

CONFIG = """\
description: Ticket routing
prompts:
  - label: router
    raw: |
      Answer with one word.
      Ticket: {{ticket}}
providers:
  - id: openai:chat:large-1
    label: large-1
  - openai:chat:small-1
defaultTest:
  assert:
    - type: icontains
      value: "{{expected}}"
    - type: javascript
      value: require("./check")(output)
tests:
  - vars: {ticket: My card was charged twice, expected: billing, channel: mail}
  - vars: {ticket: The app crashed, expected: technical, channel: chat}
"""

POLICY = """\
max_spend_usd: 10
risk: {low: {margin: 10}, medium: {margin: 15}, high: {margin: 3}}
minimum_saving_usd: 50
expires_days: {prices: 36500}
"""
"""Of a workspace that such files are brought into."""


def result(test: int, provider: str, *, passed: bool = True, **changes: object) -> dict[str, Any]:
    """One row of promptfoo's results."""
    assertion = {"pass": passed, "score": int(passed), "assertion": {"type": "icontains"}}
    row: dict[str, Any] = {
        "testIdx": test,
        "vars": {"ticket": f"Ticket {test}", "expected": "billing", "channel": "mail"},
        "provider": {"id": f"openai:chat:{provider}", "label": provider},
        "prompt": {"label": "router", "raw": f"Ticket {test}"},
        "response": {
            "output": "billing" if passed else "technical",
            "tokenUsage": {"prompt": 27, "completion": 2, "total": 29},
            "cached": False,
        },
        "gradingResult": {"componentResults": [assertion]},
        "latencyMs": 119,
        "score": float(passed),
        "success": passed,
        "failureReason": 0 if passed else 1,
    }
    return row | changes


def results(rows: list[Any]) -> bytes:
    whole = {"evalId": "eval-1", "results": {"version": 3, "results": rows}, "config": {}}
    return json.dumps(whole).encode()


def sample(identity: object, *, epoch: int = 1, value: object = "C", **changes: object) -> Any:
    """One sample of an inspect_ai log."""
    answer = {"role": "assistant", "content": "billing"}
    whole: dict[str, Any] = {
        "id": identity,
        "epoch": epoch,
        "input": f"Ticket {identity}",
        "target": "billing",
        "output": {
            "model": "small-1-2026-01-01",
            "choices": [{"message": answer, "stop_reason": "stop"}],
            "completion": "billing",
            "usage": {
                "input_tokens": 7,
                "output_tokens": 2,
                "total_tokens": 29,
                "input_tokens_cache_read": 20,
            },
            "time": 0.25,
        },
        "scores": {"includes": {"value": value}},
        "metadata": {"channel": "mail"},
        "started_at": "2026-11-24T04:26:05+00:00",
    }
    return whole | changes


def log(samples: list[Any], **changes: object) -> dict[str, Any]:
    whole = {
        "version": 2,
        "status": "success",
        "eval": {"task": "routing", "model": "openai/small-1"},
        "samples": samples,
    }
    return whole | changes


def log_json(samples: list[Any], **changes: object) -> bytes:
    return json.dumps(log(samples, **changes)).encode()


def log_eval(samples: list[Any], *, deflated: bool = False, model: str = "openai/small-1") -> bytes:
    """The same log as inspect_ai's `.eval`: a zip whose members are Zstandard (method 93)."""
    whole = log([], eval={"task": "routing", "model": model})
    header = {key: value for key, value in whole.items() if key != "samples"}
    members = {"header.json": header, "summaries.json": []}
    for number, each in enumerate(samples):
        members[f"samples/{number}_epoch_1.json"] = each
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in members.items():
            archive.writestr(name, json.dumps(value))
    return out.getvalue() if deflated else _zstandard(members)


def _zstandard(members: dict[str, Any]) -> bytes:
    """A zip by hand: the standard library of Python 3.11 cannot write method 93."""
    body, directory = b"", b""
    for name, value in members.items():
        content, title = json.dumps(value).encode(), name.encode()
        packed = zstandard.compress(content)
        common = struct.pack(
            "<HHHHHIIIHH", 63, 0, 93, 0, 33, zlib.crc32(content), len(packed), len(content),
            len(title), 0,
        )  # fmt: skip
        directory += b"PK\x01\x02" + struct.pack("<H", 63) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + title
        body += b"PK\x03\x04" + common + title + packed
    end = struct.pack(
        "<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(members), len(members), len(directory), len(body), 0
    )
    return body + directory + end
