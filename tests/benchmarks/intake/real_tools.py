"""Promptfoo and inspect_ai themselves, run against a local server, to documents without a call.

The tools live in an environment of their own, made once by hand (they do not fit into ours):

    npm install --prefix TOOLS promptfoo
    python -m venv TOOLS/inspect && TOOLS/inspect/bin/pip install inspect_ai openai
    RIGHTSIZE_TOOLS=TOOLS python -m tests.benchmarks.intake.real_tools

A tool that is not there is said so, and the other one is run.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from harness.cli.main import run
from harness.record.model import DecisionRecord, load
from providers.completion import TokenUsage
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply

CASES = 60
POLICY = """\
max_spend_usd: 10
risk: {low: {margin: 20}, medium: {margin: 20}, high: {margin: 20}}
expires_days: {prices: 36500}
procedure: {kind: holm}
"""
FACTS = """\
owner: dana@example.com
team: support
product: helpdesk
data: internal
agreed: {by: dana, on: 2026-09-14}
traffic: {requests_per_month: 900000, input_tokens: 27, output_tokens: 2, source: gateway log}
"""
CONFIG = """\
prompts: ["Answer with one word: billing or technical. Ticket: {{ticket}}"]
providers:
"""
PROVIDER = """\
  - id: openai:chat:%(model)s
    label: %(model)s
    config: {apiBaseUrl: "http://127.0.0.1:%(port)d/v1", apiKey: none, temperature: 0}
"""
TESTS = """\
defaultTest:
  assert:
    - {type: icontains, value: "{{expected}}"}
    - {type: javascript, value: "output.length < 40"}
tests: file://tests.csv
"""
TASK = """\
from inspect_ai import Task, task
from inspect_ai.dataset import FieldSpec, csv_dataset
from inspect_ai.scorer import includes
from inspect_ai.solver import generate


@task
def routing():
    fields = FieldSpec(input="ticket", target="expected", metadata=["channel"])
    return Task(dataset=csv_dataset("tests.csv", fields), solver=generate(), scorer=includes())
"""


def answer(body: Body) -> Reply:
    """Billing for odd tickets; the small model errs on every tenth, the large one on every 30th."""
    found = re.search(r"ticket number (\d+)", json.dumps(body["messages"]))
    number = int(found[1]) if found else 0
    wrong = number % (30 if body["model"] == "large-1" else 10) == 3
    text = "billing" if (number % 2 == 1) != wrong else "technical"
    return Reply(text=text, usage=TokenUsage(input_tokens=27, output_tokens=2))


def write_project(folder: Path, port: int) -> None:
    providers = "".join(PROVIDER % {"model": m, "port": port} for m in ("large-1", "small-1"))
    (folder / "promptfooconfig.yaml").write_text(CONFIG + providers + TESTS, encoding="utf-8")
    (folder / "task.py").write_text(TASK, encoding="utf-8")
    with (folder / "tests.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket", "expected", "channel"])
        for number in range(CASES):
            expected = "billing" if number % 2 else "technical"
            writer.writerow([f"ticket number {number}", expected, "mail" if number % 3 else "chat"])


def run_tools(folder: Path, tools: Path, port: int) -> tuple[list[Path], list[Path]]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_CONFIG_DIR": str(folder / "promptfoo"),
        "OPENAI_API_KEY": "none",
        "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
    }
    promptfoo = tools / "node_modules" / ".bin" / "promptfoo"
    if promptfoo.exists():
        command = [str(promptfoo), "eval", "-o", "results.json", "--no-cache", "--no-table"]
        # A failed test makes promptfoo exit with another code than 0.
        subprocess.run(command, cwd=folder, env=environ, timeout=300, check=False)
    program = tools / "inspect" / "bin" / "inspect"
    for model in ("large-1", "small-1") if program.exists() else ():
        inspect = [str(program), "eval", "task.py"]
        options = ["--model", f"openai/{model}", "-M", "responses_api=false", "--log-dir", "logs"]
        command = [*inspect, *options, "--display", "none"]
        subprocess.run(command, cwd=folder, env=environ, timeout=300, check=True)
    return sorted(folder.glob("results.json")), sorted((folder / "logs").glob("*.eval"))


def reviewed(root: Path, files: list[Path], incumbent: str) -> DecisionRecord:
    words = ["import", "outcomes", *map(str, files), "-f", "routing", "-w", str(root)]
    root.mkdir()
    (root / "policy.yaml").write_text(POLICY, encoding="utf-8")
    run([*words, "--incumbent", incumbent])
    path = root / "features" / "routing.yaml"
    path.write_text(path.read_text("utf-8") + FACTS, encoding="utf-8")
    path = root / "models" / "routing.yaml"
    text = path.read_text("utf-8").replace("may_see: []", "may_see: [internal]")
    for name, price in (("large", 10), ("small", 1)):
        entry = f"price: [{{from: 2026-01-01, input: {price}, output: {price}, source: list}}]"
        text = re.sub(rf"(?m)^({name}.*:)$", rf"\1\n  {entry}", text)
    path.write_text(text, encoding="utf-8")
    if run(words) or run(["review", "-w", str(root), "--yes"]):
        raise SystemExit(f"{root.name}: the import or the review failed")
    (path,) = root.glob("reviews/*/records/routing.json")
    return load(path.read_text("utf-8"))


def theirs_promptfoo(file: Path) -> list[float]:
    prompts = json.loads(file.read_bytes())["results"]["prompts"]
    return [100 * each["metrics"]["testPassCount"] / CASES for each in prompts]


def theirs_inspect(tools: Path, logs: list[Path]) -> list[float]:
    dump = [str(tools / "inspect" / "bin" / "inspect"), "log", "dump", "--header-only"]
    found: list[float] = []
    for each in logs:
        done = subprocess.run([*dump, str(each)], capture_output=True, check=True, timeout=120)
        score = json.loads(done.stdout)["results"]["scores"][0]
        found.append(100 * score["metrics"]["accuracy"]["value"])
    return found


def main() -> None:
    tools = Path(os.environ["RIGHTSIZE_TOOLS"]).resolve()
    with tempfile.TemporaryDirectory() as name, OpenAIServer(answer) as server:
        folder = Path(name)
        write_project(folder, server.port)
        results, logs = run_tools(folder, tools, server.port)
        asked = len(server.log.calls)
        records: list[tuple[DecisionRecord, list[float]]] = []
        if results:
            own = theirs_promptfoo(results[0])
            records.append((reviewed(folder / "a", results, "large-1"), own))
        if logs:
            own = theirs_inspect(tools, logs)
            records.append((reviewed(folder / "b", logs, "openai/large-1"), own))
        calls = len(server.log.calls) - asked
    for name, found in (("promptfoo", results), ("inspect_ai", logs)):
        sys.stdout.write("" if found else f"{name} is not under {tools}: not run\n")
    for record, theirs in records:
        quality = record.options[0].quality
        ours = None if quality is None else [quality.current, quality.candidate]
        sys.stdout.write(f"{record.verdict}: ours {ours}, the tool's {theirs}\n")
        if ours is None or any(abs(a - b) > 1e-5 for a, b in zip(ours, theirs, strict=True)):
            raise SystemExit("the accuracies differ")
    sys.stdout.write(f"calls of the tools {asked}, of both reviews {calls}\n")
    if calls or asked != 2 * CASES * len(records):
        raise SystemExit("a review made a call")


if __name__ == "__main__":
    main()
