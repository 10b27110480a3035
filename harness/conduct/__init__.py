"""One function per job, callable from Python: prints nothing, tells a listener.

Each is loaded when it is named, as commands are: the gate needs nothing of the engine. Their types
stand in the stub beside this file.
"""

from __future__ import annotations

import importlib

_BY_MODULE = {
    "concluding.differences": ("why", "write_differences"),
    "concluding.documents": ("export", "report", "reprice"),
    "concluding.signing": ("decide", "lock"),
    "concluding.verifying": ("hold_against_bill", "verify"),
    "gating.change": ("gate",),
    "planning": ("plan",),
    "running": ("review",),
}
JOBS = {job: f"{__name__}.{module}" for module, jobs in _BY_MODULE.items() for job in jobs}


def __getattr__(name: str) -> object:
    if name not in JOBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(JOBS[name]), name)
