"""A wire server as a process of its own.

    python -m tests.support.wire.openai_server --port 0 --counts counts.jsonl --allowed FILE

The first line on standard output is `{"port": N}`. `--script module:function` names a script. As
many requests are answered as FILE says at the time; further ones wait.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.wire.holding import allowed_by, held
from tests.support.wire.reply import Script, always_ok

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.wire.server import WireServer


def find_script(name: str | None) -> Script:
    """The callable that `module:function` names; without a name, the one that says `ok`."""
    if name is None:
        return always_ok
    module, _, function = name.partition(":")
    found: Script = getattr(importlib.import_module(module), function)
    return found


def serve(kind: type[WireServer], arguments: Sequence[str] | None = None) -> None:
    """Run a server until it is killed."""
    parser = argparse.ArgumentParser(description=kind.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--counts", type=Path)
    parser.add_argument("--script")
    parser.add_argument("--allowed", type=Path)
    given = parser.parse_args(arguments)
    script = find_script(given.script)
    if given.allowed is not None:
        script = held(script, allowed_by(given.allowed))
    server = kind(script, port=given.port, counts=given.counts).start()
    sys.stdout.write(json.dumps({"port": server.port}) + "\n")
    sys.stdout.flush()
    server.wait()
