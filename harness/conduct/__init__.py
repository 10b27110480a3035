"""One function per job, callable from Python: prints nothing, tells a listener.

Each is loaded when it is named, as commands are: the gate needs nothing of the engine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.conduct.gating.change import gate as gate
    from harness.conduct.planning import plan as plan
    from harness.conduct.running import review as review

JOBS = {
    "gate": "harness.conduct.gating.change",
    "plan": "harness.conduct.planning",
    "review": "harness.conduct.running",
}


def __getattr__(name: str) -> object:
    if name not in JOBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(JOBS[name]), name)
