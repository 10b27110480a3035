"""Labels needed when only disagreements are labelled, and whether the verdict stays the same.

Real answers: every pair of models of zeroeval-gsm8k (12 with responses) and routellm-gsm8k. The
target of a case is hidden and given only when the procedure waits for it. Run by hand:

    RIGHTSIZE_OUTCOMES=../shared/data python -m tests.benchmarks.labelling.disagreements

llmrouter-14tasks has scores without answers. Its eleven right/wrong tasks are taken at their worst:
two wrong answers are held to differ, so the labels counted there are an upper bound.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import pandas as pd

from evalsets.cases import Case, ScorerSpec
from harness.judge.comparison.pairs import Arm, pair_up
from harness.judge.decision.procedure import standings
from harness.judge.decision.standing import PairsSoFar, Standing
from harness.judge.scoring.catalogue import find_scorer
from harness.stats.sequential.design import Design, DesignInput, make_design

NUMBER = find_scorer(ScorerSpec(scorer="number"))
_ANSWER = re.compile(r'"answer"\s*:\s*"?([^"\n}]*)')
Forms = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Normalised answers by model and case, and the targets that stay hidden."""

    name: str
    forms: Mapping[str, Forms]
    gold: Mapping[str, str]


def load(folder: Path) -> Iterator[Answers]:
    for name in ("zeroeval-gsm8k", "routellm-gsm8k"):
        items = pd.read_parquet(folder / f"{name}.items.parquet")
        rows = pd.read_parquet(folder / f"{name}.responses.parquet")
        gold = dict(zip(items["item_id"], items["gold"].astype(str), strict=True))
        forms: dict[str, dict[str, str | None]] = {}
        for model, case, text in zip(
            rows["model"].astype(str), rows["item_id"], rows["response"], strict=True
        ):
            forms.setdefault(model, {})[case] = _form(str(text), name)
        yield Answers(name=name, forms=forms, gold=gold)


def load_scores(folder: Path) -> Iterator[Answers]:
    """Tasks of which only right or wrong is known; every wrong answer is a model's own."""
    table = pd.read_parquet(folder / "llmrouter-14tasks.scores.parquet")
    for task, rows in table.groupby("task"):
        if not set(rows["score"].dropna().unique()) <= {0.0, 1.0}:
            continue
        forms: dict[str, dict[str, str | None]] = {}
        names = sorted(rows["model"].astype(str).unique())
        for model, case, score in zip(
            rows["model"].astype(str), rows["item_id"], rows["score"], strict=True
        ):
            wrong = str(2 + names.index(model))
            forms.setdefault(model, {})[case] = "1" if score == 1 else wrong
        gold = dict.fromkeys(rows["item_id"], "1")
        yield Answers(name=str(task), forms=forms, gold=gold)


def _form(text: str, name: str) -> str | None:
    if name.startswith("routellm"):
        return NUMBER.normalise(text)
    found = _ANSWER.findall(text)
    return NUMBER.normalise(found[-1]) if found else None


def arm(name: str, forms: Forms, gold: Mapping[str, str], known: frozenset[str]) -> Arm:
    """An arm that knows the targets of `known` cases only."""
    scores: dict[str, tuple[float | None, ...]] = {}
    for case, form in forms.items():
        target = gold[case] if case in known else None
        labelled = Case(id=case, input="", target=target, metadata=())
        settled = form is None or target is not None
        scores[case] = (NUMBER.score(labelled, form or "") if settled else None,)
    return Arm(
        option=name,
        scores=scores,
        unlabelled=frozenset(case for case, (score,) in scores.items() if score is None),
        answers={case: form for case, form in forms.items() if form is not None},
    )


def decide(
    design: Design, both: tuple[Forms, Forms], gold: Mapping[str, str], known: frozenset[str]
) -> Standing:
    """Where the candidate stands with these targets known."""
    incumbent, candidate = arm("now", both[0], gold, known), arm("new", both[1], gold, known)
    pairs = pair_up(incumbent, candidate, order=design.order, clusters=design.clusters)
    evidence = PairsSoFar(pairs={"new": pairs}, cleared=frozenset({"new"}))
    (standing,) = standings(design, evidence)
    return standing


def label_on_demand(
    design: Design, both: tuple[Forms, Forms], gold: Mapping[str, str]
) -> tuple[Standing, int]:
    """Give a target only where the procedure waits for one; returns the labels given, too."""
    known: frozenset[str] = frozenset()
    while True:
        standing = decide(design, both, gold, known)
        wanted = frozenset(standing.unlabelled) - known
        if not wanted or standing.state != "waiting":
            return standing, len(known)
        known |= wanted


def design_of(cases: tuple[str, ...], margin: float, kind: str) -> Design:
    return make_design(
        DesignInput(
            options=("new",),
            savings=(0.8,),
            margin=margin,
            cases=cases,
            clusters=cases,
            method="tango",
            kind="holm" if kind == "holm" else "ladder",
            labelled=False,
        )
    )


def result(standing: Standing) -> str:
    """PASS, FAIL or UNDECIDED; with every label a stopped option may be shown inferior, too."""
    failed = {"inferior": "FAIL", "unlikely": "FAIL"}
    return failed.get(standing.state, "PASS" if standing.state == "passes" else "UNDECIDED")


def _shuffled(case: str) -> str:
    return hashlib.sha256(case.encode()).hexdigest()


def accuracy(forms: Forms, gold: Mapping[str, str]) -> float:
    every = arm("x", forms, gold, frozenset(gold))
    return sum(score or 0.0 for (score,) in every.scores.values()) / len(every.scores)


def rows(answers: Answers, margin: float, kind: str) -> Iterator[dict[str, object]]:
    for now, new in permutations(sorted(answers.forms), 2):
        both = (answers.forms[now], answers.forms[new])
        cases = tuple(sorted(set(both[0]) & set(both[1]), key=_shuffled))
        design = design_of(cases, margin, kind)
        full = decide(design, both, answers.gold, frozenset(cases))
        lazy, labels = label_on_demand(design, both, answers.gold)
        differ = sum(both[0][case] != both[1][case] for case in cases)
        loss = 100 * (accuracy(both[0], answers.gold) - accuracy(both[1], answers.gold))
        yield {
            "set": answers.name,
            "now": now,
            "new": new,
            "near": abs(loss) <= 3,
            "loss": loss,
            "cases": len(cases),
            "differ": 100 * differ / len(cases),
            "labels": 100 * labels / len(cases),
            "same": (result(full), full.difference) == (result(lazy), lazy.difference),
        }


def show(name: str, sets: list[Answers]) -> None:
    for kind in ("holm", "ladder"):
        for margin in (3.0, 5.0):
            table = pd.DataFrame([row for each in sets for row in rows(each, margin, kind)])
            near = table[table["near"]]
            shown = near if len(near) else table
            print(  # noqa: T201
                f"| {name} | {kind} | {margin:g} | {len(table)} | "
                f"{int(table['same'].sum())} | {len(near)} | "
                f"{shown['differ'].median():.1f} (most {shown['differ'].max():.1f}) | "
                f"{shown['labels'].median():.1f} (most {shown['labels'].max():.1f}) |",
                flush=True,
            )


def main() -> None:
    folder = Path(os.environ.get("RIGHTSIZE_OUTCOMES", "../shared/data"))
    print("| set | test | margin | pairs | same verdict | near pairs | disagree % | labels % |")  # noqa: T201
    print("|---|---|---:|---:|---:|---:|---:|---:|")  # noqa: T201
    for answers in load(folder):
        show(answers.name, [answers])
    show("llmrouter-14tasks, at worst", list(load_scores(folder)))


if __name__ == "__main__":
    main()
