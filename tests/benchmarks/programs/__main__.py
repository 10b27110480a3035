"""What the gateway and programs show: `python -m tests.benchmarks.programs WHAT N`.

`conformance`: random requests by the vendors' SDKs, direct and through the gateway, held against
each other at the vendor's side. `kills`: a run of programs is killed (SIGKILL) at random moments,
run again, and counted at the server. `caps`: runs under random caps. `overhead N [LITELLM]`: N
calls, 64 in flight, direct, through the gateway, and through the proxy that the program LITELLM
starts. One JSON line each; they are kept in `results.md`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from harness.ask.replay.ledger import Ledger
from harness.journal.trials import Answered
from providers.completion import TokenUsage
from tests.benchmarks.programs.overhead import overhead
from tests.support.program_calls import TOKEN, VENDORS, WIRES, ask_by_sdk, random_body, straight
from tests.support.program_runs import USD_A_TOKEN, cost, journal_in, program, run_all, run_of
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

PROGRAM = "tests.benchmarks.programs"
TRIALS = 12
IN_FLIGHT = 2
CALLS_A_TRIAL = 3


def said(_: dict[str, Any]) -> Reply:
    return Reply(text="fine", usage=TokenUsage(input_tokens=30, output_tokens=4), delay_s=0.02)


async def conformance(count: int) -> dict[str, Any]:
    found = dict.fromkeys(WIRES, 0)
    differ: list[str] = []
    for wire, vendor in WIRES.items():
        rng = Random(f"{wire} by hand")
        with VENDORS[vendor]() as server:
            async with straight(vendor, server) as (gateway, _):
                for _ in range(count // len(WIRES)):
                    body = random_body(wire, rng)
                    await ask_by_sdk(wire, server.origin, "direct-key", body)
                    await ask_by_sdk(wire, gateway.origin, TOKEN, body)
                    one, other = server.calls[-2:]
                    expected = (
                        {**one.body, "model": "small-2026"} if "model" in one.body else one.body
                    )
                    if wire == "chat" and body.get("stream"):
                        expected["stream_options"] = {"include_usage": True}
                    same = other.body == expected
                    same = same and other.path == one.path.replace("flagship", "small-2026")
                    found[wire] += same
                    differ += [] if same else [json.dumps(body)]
    return {"requests": count, "equal": found, "differ": differ[:3]}


def kills(count: int) -> dict[str, Any]:
    rng, killed, runs = Random(20), 0, 0
    with tempfile.TemporaryDirectory() as folder, OpenAIServer(said) as server:
        rounds, calls, most = 0, 0, 0
        while killed < count:
            rounds += 1
            place = Path(folder) / str(rounds)
            place.mkdir()
            before, ended = len(server.calls), False
            while not ended:
                runs += 1
                child = subprocess.Popen(
                    [
                        sys.executable,
                        "-m",
                        "tests.benchmarks.programs",
                        "run",
                        str(place),
                        str(server.port),
                    ]
                )
                ended = _ends_by_itself(child, server, rng.uniform(0.0, 1.0))
                if not ended:
                    child.send_signal(signal.SIGKILL)
                    child.wait()
                    killed += 1
                    most += IN_FLIGHT
            calls += len(server.calls) - before
        paid_twice = calls - rounds * TRIALS * CALLS_A_TRIAL
        left = _left()
    return {"killed": killed, "runs": runs, "calls": calls, "paid twice": paid_twice,
            "at most": most, "processes left": left}  # fmt: skip


def _ends_by_itself(child: subprocess.Popen[bytes], server: OpenAIServer, after_s: float) -> bool:
    """Whether a run ends, at the latest so long after its first call."""
    seen = len(server.calls)
    while child.poll() is None and len(server.calls) == seen:
        time.sleep(0.02)
    try:
        return child.wait(after_s) == 0
    except subprocess.TimeoutExpired:
        return False


def _left() -> int:
    time.sleep(8)
    seen = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return sum("faulty.py" in line and "guard.py" not in line for line in seen.splitlines())


def run(folder: str, port: str) -> None:
    with journal_in(Path(folder), f"r{os.getpid()}") as journal:
        by = program(int(port), instances=IN_FLIGHT)
        found = run_all([run_of(at, "call twice", by) for at in range(TRIALS)], journal)
    if not all(isinstance(one, Answered) for one in found.values()):
        sys.exit(3)


def caps(count: int) -> dict[str, Any]:
    rng, over, least = Random(100), 0, Decimal(1)
    with tempfile.TemporaryDirectory() as folder, OpenAIServer(said) as server:
        by = program(server.port)
        for at in range(count):
            place = Path(folder) / str(at)
            place.mkdir()
            cap = Decimal(rng.randint(200, 2000)) * USD_A_TOKEN
            ledger = Ledger(cap, cost)
            with journal_in(place) as journal:
                run_all(
                    [run_of(number, "call twice", by) for number in range(5)],
                    journal,
                    ledger=ledger,
                )
            billed = len([1 for _ in server.calls]) * 34 * USD_A_TOKEN
            over += billed > cap
            least = min(least, cap - billed)
            server.log.calls.clear()
    return {"runs": count, "over": over, "least left, USD": str(least)}


def main(what: str, *arguments: str) -> None:
    if what == "run":
        run(*arguments)
        return
    count = int(arguments[0])
    if what == "conformance":
        found = asyncio.run(conformance(count))
    elif what == "overhead":
        found = overhead(count, arguments[1] if len(arguments) > 1 else None)
    else:
        found = {"kills": kills, "caps": caps}[what](count)
    print(json.dumps({what: found}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
