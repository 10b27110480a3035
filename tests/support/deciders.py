"""A workspace with a decision model beside its chat models, and what that model says."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from providers.completion import TokenUsage
from tests.support.reviews import Shape, answers, right_answer, write, write_review_workspace
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body, Script

MODEL = """\
luna:
  provider: openai-compatible
  api: {api}
  base_url: http://127.0.0.1:{port}/v1
  may_see: [public, internal, customer]
  price: [{{from: 2026-09-01, input: 0.10, output: 0, source: quote}}]
"""
PROMPT = """\
=== system ===
Name the topic of a support ticket.
=== user ===
My card was charged twice.
=== assistant ===
billing
=== user ===
Ticket: {{ input }}
"""


def drawn(*parts: object) -> float:
    """A number in [0, 1) that belongs to these words."""
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()
    return int(digest[:13], 16) / 16**13


@dataclass(frozen=True, slots=True, kw_only=True)
class Decider:
    """A decision model: sure of most tickets, of a third it is not, and then often wrong.

    It is right as often as its probability says; `power` above 1 makes it say more than that.
    """

    power: float = 1.0

    def chance(self, number: int) -> float:
        """How often it is right on tickets like this one."""
        return 0.6 if number % 3 == 0 else 0.98

    def told(self, number: int) -> tuple[str, float]:
        """Its answer, and the probability that it tells."""
        chance = self.chance(number)
        right = drawn("right", number) < chance
        odds = (chance / (1 - chance)) ** self.power
        return right_answer(number if right else number + 1), odds / (1 + odds)

    def script(self, body: Body) -> Reply:
        """For a server: of chat models the usual answers."""
        if "messages" in body or "prompt" in body:
            return answers(body)
        found = re.search(r"Ticket number (\d+)", json.dumps(body.get("input") or body["state"]))
        label, probability = self.told(int(found[1]) if found else 0)
        other = "technical" if label == "billing" else "billing"
        told = {label: probability, other: 1 - probability}
        usage = TokenUsage(input_tokens=80, output_tokens=1)
        return Reply(text=json.dumps(told), usage=usage)


def write_decider_workspace(
    root: Path, port: int, shape: Shape, *, api: str = "decisions", tune: int = 0
) -> Path:
    """The usual workspace with `luna`, its prompt and some tune cases."""
    write_review_workspace(root, port, shape)
    write(root / "models" / "luna.yaml", MODEL.format(api=api, port=port))
    for feature in shape.features:
        write(root / "prompts" / feature / "luna.j2", PROMPT)
        path = root / "evalsets" / feature / "evalset.yaml"
        path.write_text(f"{path.read_text(encoding='utf-8')}tune: {tune}\n", encoding="utf-8")
    return root


def refusing(script: Script, numbers: frozenset[int]) -> Script:
    """The same, but these tickets are refused."""

    def refuses(body: Body) -> Reply:
        found = re.search(
            r"Ticket number (\d+)", json.dumps(body.get("input") or body.get("state"))
        )
        if found and int(found[1]) in numbers:
            return Reply(text="null", usage=TokenUsage(input_tokens=80, output_tokens=0))
        return script(body)

    return refuses
