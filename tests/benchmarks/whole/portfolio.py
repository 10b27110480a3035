"""Seconds of a portfolio: `python -m tests.benchmarks.whole.portfolio [--features 20 ...]`.

Writes a workspace of so many features, puts an answer to every case of every option into its
journal, and runs, each as a process of its own: `plan --details`, a review that asks nothing, and
`report` on `--records` of them (`--reviewed 1`: only the first feature is answered and reviewed,
and its record stands for all). Prints a line each, with processor seconds; `--before` runs an
earlier environment's command in turns.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.conduct import plan
from harness.journal.journal import Ended, Journal, Sent
from harness.journal.trials import Answered, Attempt
from harness.plan.planning import Selection
from harness.record.model import seal
from harness.record.stored import read_records, write_records
from harness.workspace.state import journal_file
from providers.completion import TokenUsage
from tests.benchmarks.replay.reviews import RIGHTSIZE
from tests.benchmarks.whole.__main__ import measured
from tests.benchmarks.whole.job import CYCLE, EVALSET, FEATURE, MODEL, POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.journal.trials import Trial

NOW = "2026-11-24T09:00:00+00:00"
BLOCK = 5000


def write(root: Path, features: int, cases: int, options: int) -> None:
    """The workspace; the last option is the cheapest."""
    names = [f"load-{n}" for n in range(options + 1)]
    facts = {"url": "http://127.0.0.1:9", "width": 8}
    models = (
        MODEL % {"name": name, "price": f"{4 / (n + 1):.2f}", **facts}
        for n, name in enumerate(names)
    )
    asked = FEATURE.replace("load-big", names[0])
    asked = asked.replace("[load-middle, load-small]", json.dumps(names[1:]))
    rows = [
        json.dumps({"id": f"item-{n}", "input": f"item-{n} is it?", "target": f"yes item-{n}"})
        for n in range(cases)
    ]
    files = {"policy.yaml": POLICY, "models/all.yaml": "".join(models)}
    for feature in (f"f{n:04}" for n in range(features)):
        files[f"features/{feature}.yaml"] = asked
        files[f"prompts/{feature}/default.j2"] = "{{ input }}\n"
        files[f"evalsets/{feature}/evalset.yaml"] = EVALSET
        files[f"evalsets/{feature}/cases.jsonl"] = "\n".join(rows) + "\n"
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


def trials(root: Path, wanted: Selection) -> Iterator[Trial]:
    for one in plan(root, wanted, cycle=CYCLE).plan.features:
        for case in one.sample.deciding:
            for rung in one.arms:
                yield one.asker.trial(rung, case, 0, "quality")


def answer(root: Path, wanted: Selection | None = None) -> int:
    """An answer to every wanted trial, right on 14 cases of 15, whatever is asked."""
    asked = list(trials(root, wanted or Selection()))
    path = journal_file(root)
    with Journal.open(path, run_id="made up", cycle=CYCLE, now=NOW) as journal:
        for at in range(0, len(asked), BLOCK):
            block = asked[at : at + BLOCK]
            rows = journal.commit(ended=(), sent=[Sent(trial=one, number=1) for one in block])
            pairs = zip(block, rows, strict=True)
            journal.commit(ended=[ended(one, row) for one, row in pairs], sent=())
    return len(asked)


def ended(trial: Trial, row: int) -> Ended:
    attempt = Attempt(
        number=1,
        started_at=NOW,
        reserve_usd=trial.reserve_usd,
        cost_usd=trial.reserve_usd / 100,
        usage=TokenUsage(input_tokens=20, output_tokens=5),
        total_s=0.2,
        first_token_s=None,
        inter_token_s=None,
        error=None,
        status=None,
        request_id=None,
        served_model=trial.request.model,
    )
    right = int(trial.case_id.removeprefix("item-")) % 15
    text = f"yes {trial.case_id}" if right else "no"
    outcome = Answered(trial=trial, attempts=(attempt,), text=text, finish="stop")
    return Ended(row=row, attempt=attempt, outcome=outcome)


def copied(folder: Path, records: int) -> None:
    """As many records as wanted, under other names."""
    first = read_records(folder)[0]
    name = first.feature.id
    made = []
    for n in range(records):
        text = first.model_dump_json().replace(f'"{name}"', f'"r{n:04}"')
        text = text.replace(f"-{name}", f"-r{n:04}")
        made.append(seal(type(first).model_validate_json(text)))
    shutil.rmtree(folder)
    write_records(made, folder)


def main(words: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.whole.portfolio")
    parser.add_argument("--features", type=int, default=20)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--options", type=int, default=5, help="candidates of each feature")
    parser.add_argument("--reviewed", type=int, help="features that are reviewed; all without")
    parser.add_argument("--records", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--before", type=Path, help="the `rightsize` of an earlier environment")
    asked = parser.parse_args(words)
    root = Path(tempfile.mkdtemp(prefix="portfolio-"))
    write(root, asked.features, asked.cases, asked.options)
    reviewed = tuple(f"f{n:04}" for n in range(asked.reviewed or 0))
    chosen = [word for name in reviewed for word in ("--feature", name)]
    commands = {
        "plan --details": ["plan", "--details", "-w", str(root), "--cycle", CYCLE],
        "review": ["review", "-w", str(root), "--cycle", CYCLE, "--yes", *chosen],
        "report": ["report", "-w", str(root), "--cycle", CYCLE],
    }
    answers = 0
    for name, command in commands.items():
        if name == "review":
            answers = answer(root, Selection(features=reviewed))
        if name == "report":
            copied(root / "reviews" / CYCLE, asked.records)
        for _ in range(asked.rounds):
            for which in filter(None, (asked.before, RIGHTSIZE)):
                run = measured([str(which), *command])
                said = {"run": name, "of": "before" if which != RIGHTSIZE else "now"}
                print(json.dumps({**said, **vars(asked), "answers": answers, **run}, default=str))  # noqa: T201
    shutil.rmtree(root)


if __name__ == "__main__":
    main(sys.argv[1:])
