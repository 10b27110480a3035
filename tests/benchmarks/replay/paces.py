"""What a slow lane costs those who do not ask it: features in lockstep, and at their own pace.

One feature asks a model that answers twenty times slower; another has far more cases, all on fast
lanes, and more looks. Both wait for their models most of the time, not for a core.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from harness.ask.cluster.workers import InlineCluster
from harness.conduct.reviewing.review import review
from tests.benchmarks.replay.reviews import decided
from tests.support.lockstep import review_in_lockstep
from tests.support.paces import QUICK, SLOW, Watch, late_answers, write_paced_workspace
from tests.support.reviews import Shape, answers, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from harness.conduct.reviewing.progress import OptionProgress
    from tests.support.reviews import Reviewer
    from tests.support.wire.reply import Body, Script

FAST_S, LATE_S = 0.1, 2.0
FEW, MANY = 600, 2400
ORDERS: dict[str, Reviewer] = {"lockstep": review_in_lockstep, "own pace": review}


def delayed(script: Script, delay_s: float) -> Script:
    def late(body: Body) -> Reply:
        reply = script(body)
        return Reply(text=reply.text, usage=reply.usage, delay_s=delay_s)

    return late


def write_scene(root: Path, port: int, late_port: int) -> Path:
    few = Shape(cases=FEW, candidates="good", kind="ladder", features=(SLOW,))
    write_paced_workspace(root, port, late_port, few)
    many = Shape(
        cases=MANY, candidates="good", kind="ladder", features=(QUICK,), extra="margin: 1.5"
    )
    return write_review_workspace(root, port, many)


def paced(folder: Path) -> dict[str, Any]:
    """Both orders on the same servers: seconds in all, and until the quick feature's last look."""
    seen: dict[str, Any] = {}
    found: list[Any] = []
    with (
        OpenAIServer(delayed(answers, FAST_S)) as fast,
        OpenAIServer(delayed(late_answers, LATE_S)) as late,
        InlineCluster() as cluster,
    ):
        for name, order in ORDERS.items():
            root = write_scene(folder / name, fast.port, late.port)
            ends: dict[str, float] = {}

            def stood(standing: OptionProgress, ends: dict[str, float] = ends) -> None:
                ends[standing.feature] = time.monotonic()

            began = time.monotonic()
            records = run_review(root, cluster, progress=Watch(stood), reviewer=order)
            seen[name] = {
                "total_s": time.monotonic() - began,
                **{f"{feature}_s": ended - began for feature, ended in ends.items()},
            }
            found.append(decided(records))
        requests = len(fast.log.calls) + len(late.log.calls)
    old, new = seen["lockstep"], seen["own pace"]
    return {
        **seen,
        "ratio": old["total_s"] / new["total_s"],
        "quick_ratio": old[f"{QUICK}_s"] / new[f"{QUICK}_s"],
        "requests": requests,
        "late_calls": len(late.log.calls),
        "equal": found[0] == found[1],
    }
