"""Hundreds of workspaces, one bad value each: `python -m tests.benchmarks.faults [NUMBER [SEED]]`.

Every key of a sound workspace takes every bad value once; a seeded sample of them is broken, one
workspace each. What `check` says is one line a fault, at the line of the key that was broken (or
it says nothing, where the value is a sound one); `plan` and `review` refuse what it refuses, and
nothing takes more than 10 seconds of processor time: a busy machine is nobody's fault.
"""

from __future__ import annotations

import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, cast

import yaml

from evalsets.source import SourceError, read_yaml
from harness.cli.main import run
from harness.errors import ExitCode
from tests.support.workspaces import write_workspace

LONGEST_S = 10.0
NUMBER, SEED = 250, 20
FILES = (
    "policy.yaml",
    "models/all.yaml",
    "features/tickets.yaml",
    "evalsets/tickets/evalset.yaml",
)
BAD: Mapping[str, object] = {
    "nothing": None,
    "minus one": -1,
    "nought": 0,
    "a number without end": 10**400,
    "a fraction": 0.5,
    "no number": float("nan"),
    "a text": "x\ry\x1b[2J\u202e",
    "a long text": "x" * 20_000,
    "a list": [[]],
    "keys": {"a": {"b": {}}},
    "a truth": True,
    "a day": "2026-13-45",
    "a deep list": [[[[[[[[[[[[]]]]]]]]]]]],
    "a template": "{{ 9 ** 9 ** 9 }}",
    "a pattern": "^(a+)+$",
    "a path": "../../../../etc/passwd",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """What was broken, and what came of it."""

    file: str
    key: tuple[str | int, ...]
    value: str
    lines: frozenset[int]
    """Those of the key, of what holds it, and of its own parts; none: it is no YAML of ours."""
    codes: tuple[int, ...]
    """Of `check`, `plan` and `review`."""
    said: str
    seconds: float
    """Of the processor, children too."""
    waited_s: float
    """By the clock on the wall."""

    @property
    def fault(self) -> str | None:
        """What is wrong with that; None: nothing."""
        refused = [code == ExitCode.USAGE_ERROR for code in self.codes]
        wrong = {
            f"exit codes {self.codes}": bool(set(self.codes) - ENDS),
            f"check refuses, others go on: {self.codes}": refused[0] and not all(refused),
            "a crash": "Traceback" in self.said or "internal error" in self.said,
            "steers the terminal": bool(set("\x1b\u202e\r") & set(self.said)),
            f"not said at {sorted(self.lines)}": refused[0] and not self._is_placed(),
            f"took {self.seconds:.0f} s": self.seconds > LONGEST_S,
        }
        return next((text for text, holds in wrong.items() if holds), None)

    def _is_placed(self) -> bool:
        """Whether the line of the key is named, of one that holds it, or of its own parts."""
        found = {int(line) for line in re.findall(rf"{re.escape(self.file)}:(\d+)", self.said)}
        return bool(found & self.lines) if self.lines else self.file in self.said


ENDS = frozenset({ExitCode.OK, ExitCode.USAGE_ERROR, ExitCode.BUDGET_REFUSED})


def keys_of(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every key path of a file."""
    inner: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        inner = list(cast("dict[str | int, object]", value).items())
    elif isinstance(value, list):
        inner = list(enumerate(cast("list[object]", value)))
    for key, part in inner:
        yield (*at, key)
        yield from keys_of(part, (*at, key))


def broken(number: int, seed: int) -> Iterator[Broken]:
    """A seeded sample of all pairs of a key and a bad value."""
    with TemporaryDirectory() as folder:
        root = write_workspace(Path(folder))
        every = [
            (file, key, name)
            for file in FILES
            for key in keys_of(_data(root / file))
            for name in BAD
        ]
    for file, key, name in Random(seed).sample(every, number):
        yield _one(file, key, name)


def _data(path: Path) -> object:
    return read_yaml(path.read_text(encoding="utf-8"), file=path.name).data


def _one(file: str, key: tuple[str | int, ...], name: str) -> Broken:
    with TemporaryDirectory() as folder:
        root = write_workspace(Path(folder))
        tree: Any = _data(root / file)
        place = tree
        for step in key[:-1]:
            place = place[step]
        place[key[-1]] = BAD[name]
        text = yaml.safe_dump(tree, sort_keys=False)
        (root / file).write_text(text, encoding="utf-8")
        began, busy, said, codes = time.monotonic(), _busy_s(), StringIO(), list[int]()
        with redirect_stdout(said), redirect_stderr(said):
            for command in (["check"], ["plan"], ["review", "--max-spend", "0"]):
                codes.append(run([*command, "-w", str(root)]))
        return Broken(
            file=file,
            key=key,
            value=name,
            lines=lines_of(file, text, key),
            codes=tuple(codes),
            said=said.getvalue(),
            seconds=_busy_s() - busy,
            waited_s=time.monotonic() - began,
        )


def _busy_s() -> float:
    """Seconds of the processor that this process and its ended children have taken."""
    return sum(os.times()[:4])


def lines_of(file: str, text: str, key: tuple[str | int, ...]) -> frozenset[int]:
    """The lines at which a fault of a key may be told."""
    try:
        source = read_yaml(text, file=file)
    except SourceError:
        return frozenset()
    holders = [line for n in range(1, len(key)) if (line := source.line(key[:n])) is not None]
    first = source.line(key) or 1
    return frozenset([*holders, *range(first, first + 4)])


def main(arguments: list[str]) -> int:
    """Print what is wrong, and the counts."""
    os.environ["BIG_KEY"] = "a key that is asked for, and never used"
    number = int(arguments[0]) if arguments else NUMBER
    seed = int(arguments[1]) if arguments[1:] else SEED
    found = list(broken(number, seed))
    wrong = [one for one in found if one.fault]
    for one in wrong:
        sys.stdout.write(f"{one.file} {one.key} {one.value}: {one.fault}\n{one.said[:600]}\n")
    codes = Counter(one.codes for one in found)
    sys.stdout.write(f"{len(found)} workspaces, {len(wrong)} wrong\n")
    for one in sorted(found, key=lambda each: each.seconds, reverse=True)[:3]:
        where = ".".join(map(str, one.key))
        sys.stdout.write(
            f"  {one.seconds:.1f} s of the processor, {one.waited_s:.1f} s on the wall: "
            f"{one.file} {where}: {one.value}\n"
        )
    for each, count in codes.most_common():
        sys.stdout.write(f"  check, plan, review {tuple(map(int, each))}: {count}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
