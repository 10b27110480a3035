"""A table of answers such as a team exports from its logs; made up, the same every time."""

from __future__ import annotations

import csv
import io
from random import Random

TOPICS = ("billing", "technical", "account", "shipping")
COLUMNS = ("case", "model", "input", "target", "answer", "input_tokens", "output_tokens")
WRONG = 0.03


def outcomes_table(cases: int = 400) -> str:
    """Two models on the same tickets, each wrong on 3 % of them."""
    rng = Random(7)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number in range(1, cases + 1):
        topic = rng.choice(TOPICS)
        for model in ("gpt-5.4", "gpt-5.4-mini"):
            others = [each for each in TOPICS if each != topic]
            said = rng.choice(others) if rng.random() < WRONG else topic
            text = f"Ticket {number} about {topic}"
            writer.writerow([f"t-{number:03}", model, text, topic, said, 860 + number % 80, 3])
    return out.getvalue()
