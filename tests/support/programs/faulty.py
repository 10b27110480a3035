"""A program of the standard library that does what its case says; most of that is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import Any


def ask(model: str, text: str, patience_s: float | None = None, **more: object) -> str:
    turns = [{"role": "user", "content": text}]
    body = {"model": model, "messages": turns, "max_tokens": 8, **more}
    request = urllib.request.Request(  # noqa: S310  # the gateway
        f"{os.environ['OPENAI_BASE_URL']}/chat/completions",
        data=json.dumps(body).encode(),
        headers={
            "content-type": "application/json",
            "authorization": f"Bearer {os.environ['OPENAI_API_KEY']}",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=patience_s) as reply:  # noqa: S310
            return str(json.load(reply)["choices"][0]["message"]["content"])
    except urllib.error.HTTPError as error:
        print(error.read().decode(), file=sys.stderr, flush=True)  # noqa: T201
        raise


def answer(said: str, case: dict[str, Any]) -> object:  # noqa: C901, PLR0911, PLR0912, PLR0915
    match said:
        case "crash":
            raise ValueError("fell over")
        case "leak":
            raise ValueError(case["input"])
        case "exit":
            sys.exit(0)
        case "hang":
            time.sleep(600)
        case "babble":
            print("thinking ...", flush=True)  # noqa: T201
        case "flood":
            for _ in range(100):
                sys.stdout.write("x" * 2**20)
        case "noise":
            for _ in range(100):
                sys.stderr.write("y" * 2**20)
            raise SystemExit(3)
        case "fork":
            child = subprocess.Popen(
                [sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True
            )
            with open(case["metadata"]["pids"], "a") as pids:  # noqa: PTH123
                pids.write(f"{child.pid}\n")
            sys.exit(1)
        case "many":
            for number in range(100):
                ask("big", f"call {number}")
        case "seeded":
            return ask("big", "seeded", seed=7, user="u-1")
        case "undeclared":
            ask("gpt-99", "hi")
        case "twice":
            return ask("big", "same") + ask("big", "same")
        case "impatient":
            return ask("big", "slowly", 4.0)
        case "insists":
            return insisted("slowly")
        case "turns":
            return turned()
        case "pid":
            time.sleep(0.3)
            return str(os.getpid())
        case "environment":
            return dict(os.environ)
        case _:
            return said
    return None


def insisted(text: str) -> str:
    while True:
        try:
            return ask("big", text, 1.0)
        except TimeoutError:
            pass


def turned() -> str:
    """Each run of it asks something else."""
    return ask("big", f"run {time.time_ns()}")


def main() -> None:
    for line in sys.stdin:
        case = json.loads(line)
        order, _, said = case["input"].partition(" ")
        if order == "call":
            ask("big", f"for {case['id']}")
        found = answer(said, case)
        if said == "error":
            print(json.dumps({"id": case["id"], "error": "cannot"}), flush=True)  # noqa: T201
        else:
            print(json.dumps({"id": case["id"], "answer": found}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
