"""A workspace whose answers are open and judged by a model, all scripted on a local server."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from providers.completion import TokenUsage
from tests.support.reviews import MODEL, is_wrong, write, write_review_workspace
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.reviews import Shape
    from tests.support.wire.reply import Body

GOOD, POOR = "Refunds take five days.", "Please ask somebody else."
RUBRIC = "The reply must say how long refunds take.\n"
USAGE = TokenUsage(input_tokens=80, output_tokens=2)

EVALSET = """\
cases: cases.jsonl
unit: replies
source: {{kind: written, targets: none}}
primary: {{scorer: judge, model: referee, rubric: rubric.md{options}}}
"""


def judged_answers(body: Body) -> Reply:
    """Models answer well or poorly by the ticket's number; `referee` tells which."""
    text = json.dumps(body.get("messages") or body.get("prompt"))
    if body["model"] == "referee":
        return Reply(text=_ruling(body), usage=TokenUsage(input_tokens=200, output_tokens=20))
    found = re.search(r"Ticket number (\d+)", text)
    number = int(found[1]) if found else 0
    wrong = is_wrong(str(body["model"]), number)
    return Reply(text=f"{POOR if wrong else GOOD} ({body['model']})", usage=USAGE)


def _ruling(body: Body) -> str:
    messages = body["messages"]
    assert isinstance(messages, list)
    data = str(messages[-1]["content"])
    if "The first answer" not in data:
        return json.dumps({"reason": "seen", "grade": "pass" if GOOD in data else "fail"})
    first, second = data.split("The second answer:")
    good = [GOOD in side for side in (first.split("The first answer:")[1], second)]
    better = {(True, False): "first", (False, True): "second"}.get((good[0], good[1]), "tie")
    return json.dumps({"reason": "seen", "better": better})


def write_judged_workspace(root: Path, port: int, shape: Shape, *, options: str = "") -> Path:
    """The workspace of `write_review_workspace`, its targets taken away and a judge put in."""
    write_review_workspace(root, port, shape)
    models = root / "models" / "all.yaml"
    referee = MODEL.format(name="referee", port=port, price="1.00")
    models.write_text(models.read_text() + referee)
    for feature in shape.features:
        folder = root / "evalsets" / feature
        write(folder / "evalset.yaml", EVALSET.format(options=options))
        write(folder / "rubric.md", RUBRIC)
        cases = [json.loads(line) for line in (folder / "cases.jsonl").read_text().splitlines()]
        lines = (json.dumps({k: v for k, v in each.items() if k != "target"}) for each in cases)
        write(folder / "cases.jsonl", "\n".join(lines) + "\n")
    return root
