"""The scorer `tool-calls` beside the checker of the Berkeley Function Calling Leaderboard.

    pip download --no-deps bfcl-eval==2026.3.23 && unzip bfcl_eval-*.whl -d FOLDER
    python -m tests.benchmarks.tool_calls.bfcl FOLDER

For each case of its single-turn categories in Python a right reply is made from the first of the
right values, and changed in fourteen ways; its checker and our scorer judge each. Nothing of its
data is kept. The examples of `tests/harness/judge/scoring/bfcl.jsonl`, which are our own in its
form, are judged by its checker, too.
"""

from __future__ import annotations

import copy
import importlib
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from evalsets.cases import Case, ScorerSpec
from harness.judge.scoring.catalogue import find_scorer
from harness.judge.scoring.replies import whole
from harness.judge.scoring.scorer import Scorer, Setting
from tests.support.bfcl import RULES, calls_of, targets_of, tools_of

CATEGORIES = (
    "simple_python", "multiple", "parallel", "parallel_multiple",
    "live_simple", "live_multiple", "live_parallel", "live_parallel_multiple",
    "irrelevance", "live_irrelevance",
)  # fmt: skip
EXAMPLES = Path(__file__).parents[2] / "harness" / "judge" / "scoring" / "bfcl.jsonl"

Reply = list[dict[str, Any]]
Check = Callable[[str, list[dict[str, Any]], Reply, Reply], bool]


def its_checker(folder: Path) -> Check:
    """Its checker, told of one model that writes function names as they are."""
    sys.path.insert(0, str(folder))
    models = ModuleType("bfcl_eval.constants.model_config")
    models.MODEL_CONFIG_MAPPING = {"any": SimpleNamespace(underscore_to_dot=False)}  # type: ignore[attr-defined]
    importlib.import_module("bfcl_eval.constants")
    sys.modules[models.__name__] = models
    checker = importlib.import_module("bfcl_eval.eval_checker.ast_eval.ast_checker")
    python = importlib.import_module("bfcl_eval.constants.enums").Language.PYTHON

    def check(category: str, functions: list[dict[str, Any]], truth: Reply, reply: Reply) -> bool:
        if "irrelevance" in category:
            return not reply
        found = checker.ast_checker(
            copy.deepcopy(functions), reply, copy.deepcopy(truth), python, category, "any"
        )
        return bool(found["valid"])

    return check


def our_scorer(functions: list[dict[str, Any]], folder: Path) -> Scorer:
    """Our scorer for one case's tools."""
    (folder / "tools.json").write_text(json.dumps(tools_of(functions)))
    options = json.dumps({"tools": "tools.json", "arguments": RULES})
    return find_scorer(ScorerSpec(scorer="tool-calls", options=options), Setting(folder=folder))


def our_verdict(scorer: Scorer, targets: list[Reply], reply: Reply) -> bool:
    first, *others = map(json.dumps, targets)
    case = Case(id="1", input="?", target=first, also_right=tuple(others), metadata=())
    return scorer.score(case, whole("", calls_of(reply))) == 1


def changed(reply: Reply, required: list[str], rng: random.Random) -> Iterator[tuple[str, Reply]]:
    """The reply and its changes, each with a name."""
    yield "as it is", reply
    yield "keys turned round", [{n: dict(reversed(a.items())) for n, a in c.items()} for c in reply]
    yield "calls turned round", reply[::-1]
    yield "no call", []
    yield "one call more", [*reply, {"another_tool": {}}]
    if len(reply) > 1:
        yield "one call less", reply[:-1]
    if reply:
        at = rng.randrange(len(reply))
        ((name, given),) = reply[at].items()
        yield "another tool", [*reply[:at], {f"{name}_2": given}, *reply[at + 1 :]]
        for change, arguments in _arguments(given, required, rng):
            yield change, [*reply[:at], {name: arguments}, *reply[at + 1 :]]


def _arguments(
    given: dict[str, Any], required: list[str], rng: random.Random
) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "an argument more", {**given, "not_declared": 1}
    if given:
        key = rng.choice(sorted(given))
        yield "a value changed", {**given, key: _other(given[key])}
        yield "a value of another type", {**given, key: _retyped(given[key])}
    if required := [each for each in required if each in given]:
        gone = rng.choice(required)
        yield "a required argument less", {k: v for k, v in given.items() if k != gone}
    if texts := [each for each in given if isinstance(given[each], str)]:
        key = rng.choice(texts)
        yield "a text in capitals", {**given, key: f" {given[key].upper()}."}
    if numbers := [key for key, each in given.items() if type(each) in (int, float)]:
        key = rng.choice(numbers)
        yield "a whole number with a point", {**given, key: float(given[key])}
        if float(given[key]).is_integer():
            yield "a whole number without", {**given, key: int(given[key])}


_OTHERS: dict[type, Callable[[Any], Any]] = {
    bool: lambda value: not value,
    int: lambda value: value + 1,
    float: lambda value: value + 1,
    str: lambda value: f"{value}x",
    list: lambda value: [*value, *(value[:1] or ["x"])],
    dict: lambda value: {**value, "not_declared": 1},
}


def _other(value: Any) -> Any:
    return _OTHERS.get(type(value), lambda _: "x")(value)


def _retyped(value: Any) -> Any:
    return [value] if isinstance(value, str) else json.dumps(value)


def right_reply(truth: Reply) -> Reply:
    """The reply of the first right answer."""
    return [{each["name"]: each["arguments"]} for each in targets_of(truth)[0]]


def judged(folder: Path, check: Check) -> Iterator[tuple[str, str, bool, bool]]:
    """(category, change, its verdict, ours) of every pair."""
    data = folder / "bfcl_eval" / "data"
    with tempfile.TemporaryDirectory() as scratch:
        for category in CATEGORIES:
            rng = random.Random(20261129)
            truths = _rows(data / "possible_answer" / f"BFCL_v4_{category}.json")
            for name, row in _rows(data / f"BFCL_v4_{category}.json").items():
                truth = [] if "irrelevance" in category else truths[name]["ground_truth"]
                targets = targets_of(truth)
                if not targets:
                    continue
                scorer = our_scorer(row["function"], Path(scratch))
                needed = row["function"][0]["parameters"].get("required") or [] if truth else []
                for change, reply in changed(right_reply(truth), needed, rng):
                    theirs = check(category, row["function"], truth, copy.deepcopy(reply))
                    yield category, change, theirs, our_verdict(scorer, targets, reply)


def _rows(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, filter(None, lines))}


def table(folder: Path) -> Iterator[str]:
    """The lines of the results."""
    check = its_checker(folder)
    own = [json.loads(line) for line in EXAMPLES.read_text(encoding="utf-8").splitlines()]
    same = sum(
        check(each["category"], each["function"], each["ground_truth"], each["reply"])
        == each["valid"]
        for each in own
    )
    yield f"Our {len(own)} examples: its checker's verdict is the noted one on {same}.\n"
    found = list(judged(folder, check))
    changes = Counter((change, theirs, ours) for _, change, theirs, ours in found)
    agreed = Counter((category, theirs == ours) for category, _, theirs, ours in found)
    yield "| category | pairs | agree |\n|---|---:|---:|"
    for category in CATEGORIES:
        agree = agreed[category, True]
        yield f"| {category} | {agree + agreed[category, False]} | {agree} |"
    yield "\n| change | both right | both wrong | right only by it | right only by ours |"
    yield "|---|---:|---:|---:|---:|"
    for change in dict.fromkeys(each[0] for each in changes):
        ends = [(True, True), (False, False), (True, False), (False, True)]
        yield f"| {change} | " + " | ".join(str(changes[change, *end]) for end in ends) + " |"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in table(Path(sys.argv[1])))
