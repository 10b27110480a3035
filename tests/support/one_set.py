"""A review whose script knows every answer by the case's place in the seeded order."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from providers.completion import TokenUsage
from tests.support.reviews import (
    CYCLE,
    MODEL,
    NOW,
    Shape,
    inline_cluster,
    right_answer,
    run_review,
    write,
    write_review_workspace,
)
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.record.model import DecisionRecord
    from tests.support.wire.reply import Body

CASES = 300
PILOT = 20
USAGE = TokenUsage(input_tokens=80, output_tokens=2)
PRICES = {"dropped": "0.10", "harmful": "0.15", "weak": "0.20", "fine": "0.50"}
"""Cheapest first."""
EVERYBODY = ", ".join(PRICES)


def wrong(model: str, place: int) -> bool:
    """Which cases, by their place in the seeded order, a model gets wrong.

    `dropped` loses three cases of the pilot; `harmful` is as good as `big` on the pilot and some
    more, and then always wrong; `weak` loses one case in sixteen; `fine` two cases of all.
    """
    ways: Mapping[str, Callable[[int], bool]] = {
        "dropped": lambda at: at in {1, 7, 13},
        "harmful": lambda at: at >= PILOT + 28,
        "weak": lambda at: at % 16 == 5,
        "fine": lambda at: at in {33, 190},
    }
    return place % 25 == 3 if model == "big" else ways[model](place) or place % 25 == 3


def number_of(body: Body) -> int:
    """The ticket that a request is about."""
    text = json.dumps(body.get("messages"))
    return int(text.partition("Ticket number ")[2].partition('"')[0].strip("\\n"))


@dataclass
class Script:
    """Answers by a case's place in the seeded order; `lost` models' cases get no answer."""

    order: tuple[str, ...] = ()
    lost: frozenset[tuple[str, int]] = frozenset()
    asked: dict[str, set[int]] = field(default_factory=dict[str, set[int]])

    def __call__(self, body: Body) -> Reply:
        model, number = str(body["model"]), number_of(body)
        place = self.order.index(f"t-{number:04}")
        self.asked.setdefault(model, set()).add(place)
        if (model, place) in self.lost:
            return Reply(status=503, error_message="out of order")
        off = wrong(model, place)
        return Reply(text=right_answer(number + off), usage=USAGE)


def workspace(
    root: Path,
    port: int,
    *,
    kind: str = "ladder",
    names: str = EVERYBODY,
    guardrails: bool = False,
) -> Path:
    """One feature; a guardrail would ask every case of what passes."""
    write_review_workspace(root, port, Shape(cases=CASES, candidates=names, kind=kind))
    path = root / "evalsets" / "tickets" / "evalset.yaml"
    text, line = path.read_text("utf-8"), "guardrails: [{scorer: format, margin: 5}]\n"
    assert line in text
    write(path, text if guardrails else text.replace(line, ""))
    models = (MODEL.format(name=n, port=port, price=p) for n, p in PRICES.items())
    write(root / "models" / "more.yaml", "".join(models))
    return root


def order_of(root: Path) -> tuple[str, ...]:
    """Case ids in the seeded order."""
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection())
    (feature,) = plan.features
    return tuple(case.id for case in feature.sample.deciding)


def reviewed(root: Path, script: Script) -> DecisionRecord:
    script.order = order_of(root)
    with inline_cluster() as cluster:
        (record,) = run_review(root, cluster)
    return record
