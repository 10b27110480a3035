"""Mutated files of every importer: each ends in files of ours or in one clear line.

    python -m tests.benchmarks.intake.fuzzing 20000 [SEED]    # so many of each; minutes

Bytes, values, keys and lengths are changed in files of each tool's shape. What is written is read
back as a workspace would read it. Anything but `UsageError` or `WorkspaceError` is a fault of ours.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from evalsets.loading import load_evalset
from evalsets.source import SourceError
from harness.bring.intake.promptfoo_config import read_config
from harness.bring.intake.values import ImportedSet, as_text
from harness.bring.logs.call_log import CallLog, LogIntake
from harness.bring.logs.choosing_format import find_format
from harness.bring.logs.measuring import measure
from harness.bring.onramp.bringing import draft_workspace, read_answers
from harness.bring.onramp.csv_cases import Columns, read_cases
from harness.bring.onramp.imported_set import SetDraft, write_set
from harness.bring.onramp.inspect_dataset import read_dataset
from harness.errors import UsageError, WorkspaceError
from tests.support.call_logs import NOW
from tests.support.foreign import CONFIG, log_eval, log_json, result, results, sample

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**400, -(10**20), 1e308, "", " ", "\0", "\ud83d", "\udc00x"),
    *(
        "\u202e",
        "a" * 300,
        "../" * 90,
        "file://" + "x" * 400,
        "file://\0",
        "{{",
        "{% for %}",
        "\r\n",
    ),
    *("=1+1", "2024-01-15", "nan", [], {}, [[]], [None], {"": None}, {"a": {"b": [1]}}, ["\ud800"]),
    *("\ufeff", "\u2028", "~", "*x", "&x", "!!python/none", "%", "\x85", "\x1b[0m", ["a", 1]),
)
TABLE = "case,model,input,target,answer,score,input_tokens,output_tokens,seconds\n" + "".join(
    f"c{n},{model},q{n},1{n},1{n},1,9,2,0.5\n" for n in range(4) for model in ("big", "small")
)
CASES = "ticket_id;input;target;topic\n" + "".join(f"t{n};q{n};{n},5;x\n" for n in range(5))
LINES = "".join(
    json.dumps({"id": n, "input": [{"role": "user", "content": f"q{n}"}], "target": f"{n}"}) + "\n"
    for n in range(4)
)
LOG = "timestamp,feature,request_id,input_tokens,output_tokens\n" + "".join(
    f"2026-10-{5 + n // 24:02d}T{n % 24:02d}:00:00Z,a,r{n},9,2\n" for n in range(168)
)


def mutated(seeded: random.Random, data: bytes) -> bytes:
    """A few changes: bytes, cuts, copies, or values of its JSON."""
    if seeded.random() < 0.6 and data[:1] in b"{[":
        lines = data.splitlines()
        at = seeded.randrange(len(lines))
        value = json.loads(lines[at])
        for _ in range(seeded.randint(1, 4)):
            value = _changed(seeded, value)
        lines[at] = json.dumps(value).encode()
        return b"\n".join(lines)
    found = bytearray(data)
    for _ in range(seeded.randint(1, 5)):
        at = seeded.randrange(len(found) + 1)
        match seeded.randrange(5):
            case 0:
                found[at:at] = seeded.randbytes(seeded.randint(1, 3))
            case 1:
                del found[at : at + seeded.randint(1, 20)]
            case 2:
                found[at:at] = found[: seeded.randint(0, 40)]
            case 3:
                odd = seeded.choice(ODD)
                found[at:at] = (odd if isinstance(odd, str) else str(odd)).encode(
                    "utf-8", "surrogatepass"
                )
            case _:
                del found[at:]
    return bytes(found)


def _changed(seeded: random.Random, value: Any) -> Any:
    if isinstance(value, dict) and value and seeded.random() < 0.85:
        key = seeded.choice(sorted(value))
        if seeded.random() < 0.1:
            return {**value, str(seeded.choice(ODD))[:300]: value[key]}
        if seeded.random() < 0.1:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: _changed(seeded, value[key])}
    if isinstance(value, list) and value and seeded.random() < 0.85:
        at = seeded.randrange(len(value))
        return [*value[:at], _changed(seeded, value[at]), *value[at + 1 :]]
    return seeded.choice(ODD)


def _written(root: Path, found: ImportedSet) -> None:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    write_set(
        root,
        SetDraft(
            feature="f",
            cases=found.cases,
            primary=found.primary,
            prompts=found.prompts,
            origin="x",
            guardrails=found.guardrails,
        ),
    )
    load_evalset(root / "evalsets" / "f", feature="f")


def _answers(root: Path, data: bytes, name: str) -> None:
    found = read_answers(data, file=name)
    shutil.rmtree(root, ignore_errors=True)
    for part in ("evalsets", "features", "models"):
        (root / part).mkdir(parents=True)
    draft_workspace(root, "f", found, incumbent=found.models[0])
    load_evalset(root / "evalsets" / "f", feature="f")


def _config(root: Path, data: bytes) -> None:
    def read(name: str) -> str | None:
        try:
            path = root.parent / name
            return as_text(path.read_bytes(), file=name) if path.is_file() else None
        except (OSError, ValueError):
            return None

    _written(root, read_config(as_text(data, file="c.yaml"), file="c.yaml", read=read))


def _log(root: Path, data: bytes) -> None:
    root.mkdir(exist_ok=True)
    (root / "log.csv").write_bytes(data)
    with CallLog(LogIntake(now=NOW, threads=1)) as log:
        log.add(root / "log.csv", find_format(root / "log.csv"))
        measure(log)


ITEM = {
    "created_at": 1743092076, "run_id": "r", "datasource_item_id": 0, "status": "pass",
    "datasource_item": {"ticket_text": "q", "correct_label": "a", "priority": 1},
    "results": [{"name": "match-c4fdf789", "passed": True, "score": 1.0}],
    "sample": {
        "input": [{"role": "user", "content": "q"}], "finish_reason": "stop", "model": "gpt-4.1",
        "output": [{"role": "assistant", "content": "a"}], "error": None,
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "cached_tokens": 0},
    },
}  # fmt: skip
ITEMS = "".join(json.dumps(ITEM | {"datasource_item_id": n}) + "\n" for n in range(4))
ANSWERS = "".join(
    json.dumps({"case": n, "model": "m", "input": f"q{n}", "score": 1, "seconds": 0.5}) + "\n"
    for n in range(4)
)
ROWS = [result(n, model) for n in range(3) for model in ("large", "small")]
SAMPLES = [sample(n) for n in range(4)]
IMPORTERS: dict[str, tuple[bytes, Callable[[Path, bytes], None]]] = {
    "promptfoo results": (results(ROWS), lambda root, data: _answers(root, data, "r.json")),
    "inspect log": (log_json(SAMPLES), lambda root, data: _answers(root, data, "l.json")),
    "inspect archive": (log_eval(SAMPLES), lambda root, data: _answers(root, data, "l.eval")),
    "OpenAI output items": (
        ITEMS.encode(), lambda root, data: _answers(root, data, "i.jsonl")
    ),
    "lines of answers": (ANSWERS.encode(), lambda root, data: _answers(root, data, "a.jsonl")),
    "table of answers": (TABLE.encode(), lambda root, data: _answers(root, data, "t.csv")),
    "promptfoo configuration": (CONFIG.encode(), _config),
    "promptfoo JSON": (
        json.dumps({"prompts": ["{{q}}"], "tests": [{"vars": {"q": "a"}, "assert": [
            {"type": "equals", "value": "b"}, {"type": "is-json", "value": {"type": "object"}},
            {"type": "regex", "value": "^a"}]}]}).encode(), _config),
    "OpenAI Evals export": (
        json.dumps({"prompts": [{"raw": "{{item.q}}", "label": "p"}], "tests": [
            {"vars": {"item": {"q": "a", "want": "b"}}, "assert": [
                {"type": "equals", "value": "{{item.want}}"},
                {"type": "javascript", "value": "output.length < 9 && /a/.test(output)"},
                {"type": "contains", "value": "{% if q == 'a' %}b{% endif %}"}]}]}).encode(),
        _config,
    ),
    "table of cases": (
        CASES.encode(),
        lambda root, data: _written(
            root, read_cases(data, path=root / "c.csv", columns=Columns())
        ),
    ),
    "lines of cases": (
        LINES.encode(),
        lambda root, data: _written(
            root, read_cases(data, path=root / "c.jsonl", columns=Columns())
        ),
    ),
    "inspect dataset": (
        LINES.encode(),
        lambda root, data: _written(root, read_dataset(data, path=root / "d.jsonl")),
    ),
    "request log": (LOG.encode(), _log),
}  # fmt: skip


def faults(name: str, count: int, seed: int) -> Iterator[str]:
    """What went wrong for one importer: the kind, and the mutation's number."""
    data, bring = IMPORTERS[name]
    seeded = random.Random(f"{seed} {name}")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            changed = mutated(seeded, data)
            try:
                bring(Path(folder) / "w", changed)
            except (UsageError, WorkspaceError) as error:
                if not str(error).strip():
                    yield f"{name} {number}: an empty message"
            except SourceError as error:
                # What contradicts itself is written, and told by `check`.
                if "asks the same as" not in str(error):
                    yield f"{name} {number}: our own reader refuses it: {error}"
            except Exception as error:  # noqa: BLE001  # whatever else is a fault of ours
                yield f"{name} {number}: {type(error).__name__}: {str(error)[:100]}"


def main() -> None:
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 21
    for name in IMPORTERS:
        found = list(faults(name, count, seed))
        sys.stdout.write(f"{name}: {count} files, {len(found)} faults\n")
        sys.stdout.writelines(f"  {line}\n" for line in found[:10])
        sys.stdout.flush()


if __name__ == "__main__":
    main()
