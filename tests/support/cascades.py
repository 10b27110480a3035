"""A cheap model that says when it is unsure, and the cascade that listens to it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from providers.completion import TokenUsage
from tests.support.reviews import right_answer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from tests.support.wire.reply import Body

CASCADE = "cascades: [{first: good, accept_when: not-unsure, unsure: not sure}]"
UNSURE = "billing, but I am not sure"


def unsure_answers(body: Body) -> Reply:
    """`good` is wrong on a fifth of the tickets, and says so each time; `big` is always right."""
    text = json.dumps(body.get("messages"))
    found = re.search(r"Ticket number (\d+)", text)
    number = int(found[1]) if found else 0
    doubtful = body["model"] != "big" and number % 5 == 0
    answer = UNSURE if doubtful else right_answer(number)
    late = bool(body.get("stream")) and body["model"] == "big"
    usage = TokenUsage(input_tokens=80, output_tokens=2)
    return Reply(text=answer, usage=usage, delay_s=0.05 if late else 0.0)
