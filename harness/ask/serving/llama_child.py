"""Serves one GGUF file with llama.cpp on 127.0.0.1, behind its OpenAI-compatible API.

    python -I llama_child.py --weights FILE --port PORT --name NAME [--ctx 4096] [--chat-template T]

One slot a server, so that an answer does not depend on what else is in flight. Two threads where
the weights are large and two cores are there: it takes 0.54 of one thread's time, and the answers
are the same, because each of a layer's numbers is summed by one thread. A small model would wait
at each layer's end for longer than a second thread saves. Threads that wait leave their core to
others: spinning, two of them on busy cores take three times the processor time. Prompts share their
prefix through the cache, always: instructions and examples come first and are computed once. The
library's server has no stop method: this process is ended from outside (`guard.py`). Like the guard
it is started by its path, in isolated mode.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PASSTHROUGH = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
CACHED_PROMPTS_MIB = 256
MOST_THREADS = 2
LARGE_BYTES = 512 << 20
"""Weights from which on a second thread is worth its waiting."""


def main(argv: Sequence[str]) -> int:
    """Serve until this process is ended."""
    options = _options(argv)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # Read once, as the library is loaded.
    xllamacpp: Any = importlib.import_module("xllamacpp")  # heavy, optional, without types
    try:
        server = xllamacpp.Server(_parameters(xllamacpp.CommonParams(), options))
    except RuntimeError as error:
        print(f"llama.cpp: {error}", flush=True)  # noqa: T201  # the log
        return 1
    print(f"serving {options.name} at {server.listening_address}", flush=True)  # noqa: T201  # the log
    threading.Event().wait()
    return 0


def _parameters(parameters: Any, options: argparse.Namespace) -> Any:  # noqa: ANN401  # xllamacpp has no types
    parameters.model.path = options.weights
    parameters.model_alias = {options.name}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = options.port
    parameters.n_ctx = options.ctx
    parameters.n_parallel = options.parallel
    weights_bytes = Path(options.weights).stat().st_size
    threads = options.threads or threads_for(weights_bytes, os.cpu_count() or 1)
    parameters.cpuparams.n_threads = threads
    parameters.cpuparams_batch.n_threads = threads
    parameters.cache_prompt = True
    parameters.cache_ram_mib = CACHED_PROMPTS_MIB
    parameters.endpoint_metrics = True
    parameters.endpoint_slots = False
    parameters.ui = False
    parameters.cors_origins = ""
    if options.chat_template:
        parameters.chat_template = (
            PASSTHROUGH if options.chat_template == "passthrough" else options.chat_template
        )
    return parameters


def threads_for(weights_bytes: int, cores: int) -> int:
    """Threads of a server, by the size of its weights and the machine's cores."""
    return min(MOST_THREADS, cores) if weights_bytes >= LARGE_BYTES else 1


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--weights", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--ctx", type=int, default=4096)
    parser.add_argument("--parallel", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0)  # 0: by the weights
    parser.add_argument("--chat-template", default="")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
