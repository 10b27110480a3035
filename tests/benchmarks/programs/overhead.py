"""What the gateway takes of a call with 64 in flight: beside a direct call, and LiteLLM's proxy.

The same program asks the same server three ways; each figure is of one run, for ratios.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from harness.ask.replay.ledger import Ledger
from harness.journal.trials import Answered
from tests.support.load_server import load_server
from tests.support.program_runs import PROGRAMS, cost, journal_in, program, run_all, run_of

if TYPE_CHECKING:
    from collections.abc import Iterator

LATENCY_S = 0.2
KEY = f"sk-{secrets.token_hex(24)}"
PROXY = """\
model_list:
  - model_name: big
    litellm_params: {{model: openai/small, api_base: "http://127.0.0.1:{port}/v1", api_key: sk-x}}
"""


def overhead(calls: int, litellm: str | None) -> dict[str, Any]:
    """Seconds of the program, and CPU milliseconds of a call in what stands between."""
    with load_server(latency_s=LATENCY_S) as server:
        direct_s = _burst(f"http://127.0.0.1:{server.port}/v1", calls)
        gateway_s, gateway_ms = _gateway(server.port, calls)
        found: dict[str, Any] = {
            "calls": calls,
            "direct_s": direct_s,
            "gateway_s": gateway_s,
            "gateway/direct": round(gateway_s / direct_s, 2),
            "gateway, CPU ms a call": gateway_ms,
        }
        if litellm is not None:
            with _proxy(litellm, server.port) as (url, process):
                _burst(url, 64)
                began = _cpu_s(process)
                proxy_s = _burst(url, calls)
                found["litellm_s"] = proxy_s
                found["litellm/direct"] = round(proxy_s / direct_s, 2)
                found["litellm, CPU ms a call"] = round(1000 * (_cpu_s(process) - began) / calls, 1)
    return found


def _burst(url: str, calls: int) -> float:
    environ = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": KEY}
    asked = json.dumps({"id": "c", "input": str(calls)})
    done = subprocess.run(
        [sys.executable, str(PROGRAMS / "burst.py")],
        input=f"{asked}\n",
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(json.loads(done.stdout)["answer"])


def _gateway(port: int, calls: int) -> tuple[float, float]:
    """With journal, ledger and governor: all that a review's call passes."""
    by = program(port, script="burst.py", instances=1, max_calls=calls, timeout_s=600.0)
    with tempfile.TemporaryDirectory() as folder, journal_in(Path(folder)) as journal:
        began = time.process_time()
        ledger = Ledger(Decimal(1000), cost)
        found = run_all([run_of(1, str(calls), by)], journal, ledger=ledger)["c1"]
        took_ms = 1000 * (time.process_time() - began) / calls
    if not isinstance(found, Answered):
        raise TypeError(f"the program did not answer: {found.reason}")
    return float(found.text), round(took_ms, 1)


@contextmanager
def _proxy(litellm: str, port: int) -> Iterator[tuple[str, psutil.Process]]:
    own = 4123
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yaml"
        config.write_text(PROXY.format(port=port))
        process = subprocess.Popen(
            [litellm, "--config", str(config), "--host", "127.0.0.1", "--port", str(own)],
            env={
                **os.environ,
                "LITELLM_MASTER_KEY": KEY,
                "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait(f"http://127.0.0.1:{own}/health/liveliness")
            yield f"http://127.0.0.1:{own}/v1", psutil.Process(process.pid)
        finally:
            process.terminate()
            process.wait()


def _wait(url: str) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url):  # noqa: S310
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise TimeoutError(url)


def _cpu_s(process: psutil.Process) -> float:
    every = [process, *process.children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in every)
