"""One function per job, callable from Python: prints nothing, tells a listener.

Each is loaded when it is named, as commands are: the gate needs nothing of the engine. Their types
stand in the stub beside this file.
"""

from __future__ import annotations

import importlib

from harness.conduct.jobs import JOBS


def __getattr__(name: str) -> object:
    if name not in JOBS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(JOBS[name]), name)
