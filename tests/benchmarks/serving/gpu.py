"""What a replica serves, what a request costs and how busy the GPU is; by the user's commands.

    python -m tests.benchmarks.serving.gpu [--python PYTHON] [--weights FOLDER] [--shape llama-8b]
        [--usd-per-hour 2.50] [--gpus 1] [--requests 400] [--seconds 60] [--repeats 5]

With `--weights` vLLM of that Python serves them; without, a PyTorch server with random weights of
the shape of an 8B model (`tests/support/torch_server.py`). It writes a workspace, calls
`rightsize probe` and reads the price as `rightsize plan` does, and adds a row to `results.md`.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli.main import run
from harness.plan.planned_options import climb
from harness.workspace.probe_file import probe_path, read_probe
from harness.workspace.workspace import load_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from harness.workspace.probe_file import GpuEntry, ProbeResult

SERVER = Path(__file__).parents[2] / "support" / "torch_server.py"
RESULTS = Path(__file__).with_name("results.md")
POLICY = """\
max_spend_usd: 10
risk: {{medium: {{margin: 5}}}}
gpus: {{here: {{on_demand: {usd}, as_of: 2026-10-01, source: a round figure}}}}
"""
MODELS = """\
own:
  provider: openai-compatible
  may_see: [public]
  gpu: here
  serve: {serve}
today:
  provider: openai-compatible
  base_url: http://127.0.0.1:9/v1
  may_see: [public]
  price: [{{from: 2026-09-01, input: 1, output: 4, source: a round figure}}]
"""
FEATURE = """\
name: Summary
owner: dana.ruiz@example.com
team: support
product: helpdesk
environment: production
data: public
risk: medium
agreed: {by: dana.ruiz, on: 2026-09-14}
incumbent: today
candidates: [own]
request: {max_output_tokens: 64, temperature: 0}
latency: {p95_s: 6, ttft_p95_s: 2}
traffic: {requests_per_month: 2000000, input_tokens: 500, output_tokens: 64, source: a round figure}
"""
EVALSET = """\
cases: cases.jsonl
source: {kind: written, targets: human}
primary: {scorer: label, labels: [x, y]}
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    probe: ProbeResult
    usd_per_request: Decimal
    source: str


def write_workspace(root: Path, serve: str, usd: float) -> Path:
    files = {
        "policy.yaml": POLICY.format(usd=usd),
        "models/own.yaml": MODELS.format(serve=serve),
        "features/summary.yaml": FEATURE,
        "prompts/summary/default.j2": "Summarise.\n\n{{ input }}",
        "evalsets/summary/evalset.yaml": EVALSET,
        "evalsets/summary/cases.jsonl": "".join(
            f'{{"id": "c{n}", "input": "{f"Ticket {n} says much. " * 90}", "target": "x"}}\n'
            for n in range(40)
        ),
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def serve_block(options: argparse.Namespace) -> str:
    python = options.python or sys.executable
    if options.weights:
        return (
            f"{{engine: vllm, python: {python}, weights: {options.weights}, gpus: {options.gpus}, "
            "args: [--max-model-len, '4096']}"
        )
    return (
        f"{{engine: command, gpus: {options.gpus}, command: [{python}, {SERVER}, '{{port}}', "
        f"--shape, {options.shape}]}}"
    )


def measure(root: Path, options: argparse.Namespace) -> Measured:
    write_workspace(root, serve_block(options), options.usd_per_hour)
    command = ["probe", "own", "-f", "summary", "-w", str(root)]
    for name in ("requests", "seconds", "repeats", "first"):
        command += [f"--{name}", str(getattr(options, name))]
    if run(command) != 0:
        raise SystemExit("the probe failed; see its line above")
    (rung,) = climb(load_workspace(root), "summary", on=datetime.now(UTC).date()).rungs
    rates = rung.priced()
    return Measured(
        probe=read_probe(probe_path(root, "own", "summary")),
        usd_per_request=rates.per_request,
        source=rates.source,
    )


def row(found: Measured, options: argparse.Namespace, device: str) -> str:
    """One line of the table; what was not seen is a dash."""
    probe = found.probe
    at = max(
        (entry for entry in probe.rates if entry.rate_per_s <= probe.goodput.per_s),
        key=lambda entry: entry.rate_per_s,
        default=probe.rates[0],
    )
    gpu = at.gpu
    tokens = at.output_tokens_per_s
    first = at.first_token_s.p95
    served = "vLLM" if options.weights else f"PyTorch, {options.shape}"
    span = (
        f" ({probe.goodput.lower_per_s:.3g} to {probe.goodput.upper_per_s:.3g})"
        if probe.goodput.lower_per_s and probe.goodput.upper_per_s
        else ""
    )
    cells = (
        datetime.now(UTC).date().isoformat(),
        device,
        f"{served} ({probe.engine.version or '-'})",
        f"{probe.load_s:.0f} s" if probe.load_s else "-",
        f"{probe.goodput.per_s:.3g}{span}",
        f"{tokens:.0f}" if tokens else "-",
        f"{first.value:.2f} s" if first else "-",
        _gpu(gpu) if gpu else "-",
        f"USD {found.usd_per_request:.7f} at USD {options.usd_per_hour:g} an hour",
    )
    return "| " + " | ".join(cells) + " |"


def _gpu(seen: GpuEntry) -> str:
    """Utilisation, memory and power; a part of a GPU lacks the sensors of some."""
    cells = (
        (seen.mean_utilisation, "{:.0%}"),
        (seen.most_memory_mib, "{:,.0f} MiB"),
        (seen.mean_power_w, "{:.0f} W"),
    )
    return ", ".join("-" if value is None else text.format(value) for value, text in cells)


HEAD = """\
# A replica's capacity and its price

`{command}`

| day | device | served by | ready after | requests a second at 90 % good | tokens a second | \
first token, p95 | GPU | USD a request |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--python")
    parser.add_argument("--weights")
    parser.add_argument("--shape", default="llama-8b")
    parser.add_argument("--usd-per-hour", type=float, default=2.5)
    parser.add_argument("--gpus", type=int, default=1)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--first", type=float, default=1.0)
    parser.add_argument("--device", default="")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> Measured:
    options = parse(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(Path(scratch), options)
    command = shlex.join(
        word for word in ("python", "-m", "tests.benchmarks.serving.gpu", *arguments)
        if not word.startswith("/")
    )  # fmt: skip
    text = options.results.read_text() if options.results.exists() else HEAD.format(command=command)
    options.results.write_text(text + row(found, options, options.device or "CPU") + "\n")
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
