"""Promptfoo's own verdicts on many answers, assertion by assertion, beside ours.

    npm install --prefix TOOLS promptfoo@0.121.20
    RIGHTSIZE_TOOLS=TOOLS python -m tests.benchmarks.intake.promptfoo_table

reads `promptfoo_asked.json` and writes `promptfoo.jsonl`: for each assertion what promptfoo says of
every answer (`1` passes, `0` fails, `!` it refuses). Every verdict must be ours, or the assertion
told at import.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from evalsets.cases import Case
from harness.bring.intake.promptfoo_config import read_config
from harness.errors import UsageError
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.scorer import Scorer

HERE = Path(__file__).parent
TABLE = HERE / "promptfoo.jsonl"
ASKED = json.loads((HERE / "promptfoo_asked.json").read_text(encoding="utf-8"))
VARS: dict[str, object] = ASKED["vars"]
ANSWERS: list[str] = ASKED["answers"]
ASSERTIONS: list[dict[str, object]] = ASKED["assertions"]
SCRIPT = """\
import { assertions } from 'promptfoo';
import fs from 'fs';
const { asserts, answers, vars } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const rows = [];
for (const assertion of asserts) {
  let bits = '';
  for (const output of answers) {
    try {
      const test = { vars, assert: [structuredClone(assertion)] };
      const asked = { test, vars, providerResponse: { output }, latencyMs: 5 };
      const got = await assertions.runAssertions(asked);
      bits += got.pass ? '1' : '0';
    } catch { bits += '!'; }
  }
  rows.push(bits);
}
fs.writeFileSync(process.argv[3], JSON.stringify(rows));
process.exit(0);
"""


def theirs(tools: Path, work: Path) -> list[str]:
    script, asked, told = tools / "verdicts.mjs", work / "asked.json", work / "told.json"
    script.write_text(SCRIPT, encoding="utf-8")
    asked.write_text(
        json.dumps({"asserts": ASSERTIONS, "answers": ANSWERS, "vars": VARS}), encoding="utf-8"
    )
    environ = {**os.environ, "PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
    environ |= {"PROMPTFOO_CONFIG_DIR": str(work), "HOME": str(work)}
    command = ["node", str(script), str(asked), str(told)]
    subprocess.run(command, cwd=tools, env=environ, timeout=600, check=True, capture_output=True)
    return json.loads(told.read_text(encoding="utf-8"))


def ours(assertion: dict[str, object]) -> tuple[str | None, str]:
    """Our verdicts on every answer; None and the line where the assertion is told."""
    config = {"prompts": ["{{word}}"], "tests": [{"vars": VARS, "assert": [assertion]}]}
    found = read_config(json.dumps(config), file="c.json", read=no_file)
    told = " / ".join(str(each) for each in found.problems)
    if found.converted == 0:
        return None, told
    scorer = find_scorer(found.primary)
    return "".join(verdict(scorer, found.cases[0], answer) for answer in ANSWERS), told


def no_file(_name: str) -> str | None:
    """There is no file beside it."""
    return None


def verdict(scorer: Scorer, case: Case, answer: str) -> str:
    try:
        return "1" if scorer.score(case, answer) == 1 else "0"
    except UsageError:
        return "!"


def differing(assertion: dict[str, object], bits: str) -> Iterator[tuple[str, str, str]]:
    """(answer, theirs, ours) where they differ; nothing where the assertion is told.

    An answer that ends promptfoo with an error passes there as little as one that fails.
    """
    mine, _ = ours(assertion)
    if mine is None:
        return
    for answer, a, b in zip(ANSWERS, bits, mine, strict=True):
        if a != b and (a, b) != ("!", "0"):
            yield answer, a, b


def main() -> None:
    tools = Path(os.environ["RIGHTSIZE_TOOLS"])
    work = tools / "work"
    work.mkdir(exist_ok=True)
    rows = theirs(tools, work)
    with TABLE.open("w", encoding="utf-8") as file:
        for assertion, bits in zip(ASSERTIONS, rows, strict=True):
            file.write(json.dumps({"assertion": assertion, "verdicts": bits}) + "\n")
    told = [a for a in ASSERTIONS if ours(a)[0] is None]
    wrong = [(a, d) for a, bits in zip(ASSERTIONS, rows, strict=True) for d in differing(a, bits)]
    for assertion, difference in wrong:
        sys.stdout.write(f"{json.dumps(assertion)}: {difference}\n")
    for assertion in told:
        sys.stdout.write(f"told: {json.dumps(assertion)}: {ours(assertion)[1]}\n")
    pairs = (len(ASSERTIONS) - len(told)) * len(ANSWERS)
    sys.stdout.write(
        f"{len(ASSERTIONS)} assertions, {len(ANSWERS)} answers: {len(told)} told; "
        f"{pairs - len(wrong)} of {pairs} verdicts agree\n"
    )


if __name__ == "__main__":
    main()
