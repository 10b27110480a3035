"""An engine that answers a file of requests without a server, with the faults that real ones have.

    python scripted_offline.py REQUESTS RESULTS [--wrong] [--crash] [--hang MARK] [--cut]
        [--skip N] [--silent]

It reads "Ticket number N" and is right on every one: billing for odd numbers; `--wrong` answers
"yes". `--crash` ends like an engine without memory, `--cut` writes half a line, `--skip N` refuses
every N-th request as too long for its window (in vLLM's words), `--hang MARK` writes its process id
into MARK, unless that file is there, and waits. `--silent` never says that it has loaded.

Standard library only: it is started as a child process, in a folder of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from pathlib import Path

USAGE = {"prompt_tokens": 80, "completion_tokens": 2, "total_tokens": 82}
TOO_LONG = "This model's maximum context length is 8 tokens. Please reduce the prompt."


def answer(line: dict[str, object], *, wrong: bool) -> dict[str, object]:
    found = re.search(r"Ticket number (\d+)", json.dumps(line))
    odd = found is not None and int(found[1]) % 2
    text = "yes" if wrong else "billing" if odd else "technical"
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": text}}
    model = line["body"]["model"]  # type: ignore[index]
    body = {"id": "chatcmpl-1", "model": model, "choices": [choice], "usage": USAGE}
    response = {"status_code": 200, "request_id": "vllm-batch-1", "body": body}
    return {"id": "v", "custom_id": line["custom_id"], "response": response, "error": None}


def refusal(line: dict[str, object]) -> dict[str, object]:
    error = {"message": TOO_LONG, "type": "BadRequestError", "param": None, "code": 400}
    response = {"status_code": 400, "request_id": "vllm-batch-1", "body": None}
    named = {"id": "v", "custom_id": line["custom_id"]}
    return {**named, "response": response, "error": {"error": error}}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("requests", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--wrong", action="store_true")
    parser.add_argument("--crash", action="store_true")
    parser.add_argument("--cut", action="store_true")
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--hang", type=Path)
    parser.add_argument("--skip", type=int, default=0)
    options = parser.parse_args()
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "none")
    print(f"GPUs {gpus}", "" if options.silent else "Reading batch", flush=True)  # noqa: T201
    lines = [json.loads(line) for line in options.requests.read_text().splitlines()]
    print(f"{len(lines)} requests of {options.requests.stat().st_mode & 0o777:o}", flush=True)  # noqa: T201
    if options.hang and not options.hang.exists():
        # Whole at once: whoever waits for it reads it as soon as it is there.
        written = options.hang.with_name(f"{options.hang.name}.{os.getpid()}")
        written.write_text(f"{os.getpid()} {options.requests.parent}")
        written.replace(options.hang)
        time.sleep(600)
    if options.crash:
        print("torch.OutOfMemoryError: CUDA out of memory", flush=True)  # noqa: T201
        return 1
    ends = [
        refusal(line)
        if options.skip and number % options.skip == 0
        else answer(line, wrong=options.wrong)
        for number, line in enumerate(lines, 1)
    ]
    text = "".join(f"{json.dumps(end)}\n" for end in ends)
    options.results.write_text(text[:-20] if options.cut else text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
