"""A record proves itself, and a changed one does not."""

from __future__ import annotations

import ast
import json
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from harness.cli.main import run
from harness.conduct.concluding.proving import prove
from harness.errors import CannotTellError, ExitCode
from harness.judge.decision.proof import design_facts, proof_facts, read_design
from harness.judge.decision.quality import quality
from harness.judge.decision.standing import QualityState
from harness.record.model import DecisionRecord, dump
from harness.stats.sequential.design import ProvenPart
from tests.prove.tampering import CHANGES, resealed
from tests.prove.verifier import check, near, of_tests
from tests.support.decisions import design
from tests.support.histories import differences, drive
from tests.support.reviews import Shape, answers, inline_cluster, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.stats.sequential.design import Design

pytestmark = [pytest.mark.slow, pytest.mark.no_cover, pytest.mark.xdist_group("prove")]

DEMO = Path(__file__).parents[2] / "configs" / "demo" / "reviews"
OURS = {"hashing.py", "verifier.py", "cases.py", "pvalues.py", "months.py", "picked.py"}
MOST_LINES, MOST_OF_ALL = 300, 450
FEWEST_CHANGES = 40


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> DecisionRecord:
    root = tmp_path_factory.mktemp("review")
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(kind="ladder"))
        (found,) = run_review(root, cluster)
    return found


@pytest.fixture(scope="module")
def path(record: DecisionRecord, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("records") / "tickets.json"
    file.write_text(dump(record), encoding="utf-8")
    return file


def test_a_record_proves_itself(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(json.loads(path.read_text("utf-8"))) == []
    assert run(["verify", str(path)]) == ExitCode.OK
    assert capsys.readouterr().out == f"{path}: proves itself\n"


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_is_found(record: DecisionRecord, name: str) -> None:
    changed = json.loads(dump(record))
    CHANGES[name](changed)
    assert check(changed) != []
    assert check(resealed(changed)) != [], "by its hashes alone"


def test_there_are_enough_changes() -> None:
    assert len(CHANGES) >= FEWEST_CHANGES


def test_hashes_that_fit_no_more_are_found(record: DecisionRecord) -> None:
    whole = json.loads(dump(record))
    changed = deepcopy(whole)
    changed["feature"]["name"] = "another"
    assert check(changed) == [
        "finding_sha256 does not fit the text", "etag does not fit the text",
    ]  # fmt: skip
    assert check(resealed(whole)) == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("its local level", "good: local is 0.05 in the record"),
        ("the saving's lower end", "savings: monthly_lower is 1 in the record"),
        ("the chance to decide", "power: chance is 0.2 in the record"),
        ("all proofs left out", "good: it was tested, and how its cases ended is not in the"),
        ("the proof of a failed one left out", "bad: it was tested, and how its cases ended"),
        ("an option of the test left out", "bad: the test's design names it, and it is not in"),
        ("an option left out of the design", "bad: it has the result of a test, and the test"),
    ],
)
def test_our_own_command_finds_it_too(
    record: DecisionRecord, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    changed = json.loads(dump(record))
    CHANGES[name](changed)
    file = tmp_path / "tickets.json"
    file.write_text(json.dumps(resealed(changed), indent=2, sort_keys=True), "utf-8")
    assert run(["verify", str(file)]) == ExitCode.GATE_FAILED
    assert said in capsys.readouterr().out


BAD = {ExitCode.GATE_FAILED, ExitCode.USAGE_ERROR}
EARLIER = Path(__file__).parent / "earlier" / "tickets.json"
"""As a version before `evidence.power` wrote it."""


def written(record: Any, folder: Path) -> Path:
    file = folder / "tickets.json"
    file.write_text(json.dumps(resealed(record), indent=2, sort_keys=True), "utf-8")
    return file


def test_an_earlier_formula_is_named_and_is_no_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", str(EARLIER)]) == ExitCode.CANNOT_TELL
    told = capsys.readouterr().out
    assert "NOT PROVED: made by an earlier formula, cannot be re-derived by this version" in told
    assert "  good: corrected is -0.817182 in the record" in told
    assert run(["verify", "--json", str(EARLIER)]) == ExitCode.CANNOT_TELL
    (one,) = json.loads(capsys.readouterr().out)
    assert (one["faults"], len(one["earlier_formula"])) == ([], 1)
    for name in ("the worst", "its local level", "a loss made right", "the verdict", "the level"):
        changed = json.loads(EARLIER.read_text("utf-8"))
        CHANGES[name](changed)
        assert run(["verify", str(written(changed, tmp_path))]) in BAD, name


def test_who_makes_a_record_look_old_gains_nothing(record: DecisionRecord, tmp_path: Path) -> None:
    changed = json.loads(dump(record))
    del changed["evidence"]["power"]
    for key in ("worst", "difference", "best"):
        again = deepcopy(changed)
        again["options"][-1]["quality"][key] += 1
        assert run(["verify", str(written(again, tmp_path))]) in BAD, key
    raised = json.loads(EARLIER.read_text("utf-8"))
    quality = raised["options"][-1]["quality"]
    quality["corrected"] = quality["difference"] + 1
    assert run(["verify", str(written(raised, tmp_path))]) in BAD


def test_an_older_record_says_that_it_cannot_prove_itself() -> None:
    (older, *_) = sorted(DEMO.glob("2026-Q4-demo/records/*.json"))
    with pytest.raises(CannotTellError, match="older than `rightsizing-decision/v2`"):
        prove(older)


@pytest.mark.parametrize("file", sorted(DEMO.glob("*/records/*.json")), ids=lambda p: p.stem)
def test_the_demo_s_records_follow_as_far_as_they_tell(file: Path) -> None:
    assert check(json.loads(file.read_text("utf-8"))) == []


def scenes() -> Iterator[tuple[str, Design, dict[str, list[float]], frozenset[str]]]:
    """Histories of all intervals and procedures, with and without a veto or a cost of errors."""
    rng = np.random.default_rng(18)
    for n, options, worth, veto in ((120, 1, None, False), (300, 3, None, False),
                                    (300, 3, None, True), (400, 5, 3.0, False)):  # fmt: skip
        rates = rng.uniform(0, [0.05, 0.08], (options, 2)).tolist()
        for method in ("tango", "gaffke", "cluster-t"):
            changes: dict[str, Any] = {"method": method, "error_worth": worth, "alpha": 0.04}
            if method == "cluster-t":
                changes["clusters"] = tuple(f"k{place // 3}" for place in range(n))
            plan = design(n=n, options=options, kind="ladder", **changes)
            drawn = differences(rng, [(g, b) for g, b in rates], n)
            if method == "gaffke":
                drawn = {name: [d * 0.5 for d in values] for name, values in drawn.items()}
            vetoed = frozenset({f"o{options - 1}"}) if veto else frozenset[str]()
            yield f"{method} {n} {options} {worth} {veto}", plan, drawn, vetoed
    for method, margin in (("tango", 8.0), ("gaffke", 8.0), ("cluster-t", 10.0), ("tango", 5.0)):
        plan = in_parts(method, margin)
        drawn = differences(rng, [(0.03, 0.02), (0.04, 0.01), (0.02, 0.02)], 400)
        yield f"parts {method} {margin}", plan, drawn, frozenset[str]()
    for limits in ((0.003, None, None), (None, 0.003, 0.01)):
        plan = limited(design(n=400, options=3, kind="ladder", alpha=0.04), limits)
        drawn = differences(rng, [(0.02, 0.02), (0.03, 0.01), (0.02, 0.01)], 400)
        yield f"limits {limits}", plan, drawn, frozenset[str]()
    for kind in ("holm", "fixed-sequence"):
        plan = design(n=150, options=2, kind=kind)
        yield kind, plan, differences(rng, [(0.03, 0.03), (0.01, 0.02)], 150), frozenset()


def in_parts(method: str, margin: float) -> Design:
    """A ladder with two slices that must themselves be shown within a limit."""
    changes: dict[str, Any] = {"method": method, "alpha": 0.04}
    if method == "cluster-t":
        changes["clusters"] = tuple(f"k{place // 3}" for place in range(400))
    plan = design(n=400, options=3, kind="ladder", **changes)
    slices = (("even", range(0, 400, 2)), ("third", range(0, 400, 3)))
    proven = (ProvenPart(name=n, margin=margin, positions=tuple(at)) for n, at in slices)
    return replace(plan, proven=tuple(proven))


def limited(plan: Design, limits: tuple[float | None, ...]) -> Design:
    """The design with options that have less of the error left."""
    return replace(plan, at_most=limits)


SCENES = list(scenes())


@pytest.mark.parametrize(("name", "plan", "drawn", "vetoed"), SCENES, ids=[s[0] for s in SCENES])
def test_made_up_histories_follow(
    name: str, plan: Design, drawn: dict[str, list[float]], vetoed: frozenset[str]
) -> None:
    made = written_out(plan, drawn, vetoed)
    facts = design_facts(plan)
    claims = of_tests(made, facts.model_dump(mode="json"))
    assert [one for one in claims if not near(*one[1:])] == [], name
    assert design_facts(read_design(facts, plan.margin)) == facts


def other_part(name: str, to: Any) -> Callable[[Any, Any], None]:
    """Another fact of the first part."""

    def change(design: Any, _: Any) -> None:
        part = design["parts"][0]
        part[name] = to(part[name])

    return change


def other_proof(name: str, to: Any) -> Callable[[Any, Any], None]:
    """Another fact of what proves each option."""

    def change(_: Any, options: Any) -> None:
        for option in options:
            option["proof"][name] = to(option["proof"][name])

    return change


PART_CHANGES: dict[str, Callable[[Any, Any], None]] = {
    "a part's limit": other_part("margin", lambda margin: margin / 3),
    "a part's cases": other_part("where", lambda where: "1" + "0" * (len(where) - 1)),
    "no part must be proven": lambda design, _: design.update(parts=[]),
    "a level": other_proof("local", lambda level: level * 1.1),
    "a part of the error": other_proof("weight", lambda weight: weight * 0.9),
    "the smallest level": other_proof("smallest", lambda level: level * 0.9),
    "a p-value": lambda _, options: options[0]["quality"]["looks"][-1].update(p_value=0.01234),
}


@pytest.mark.parametrize("name", PART_CHANGES)
def test_what_was_changed_of_parts_to_be_proven_is_found(name: str) -> None:
    """Levels and p-values follow from the largest p-value of the whole and of each part."""
    plan = in_parts("tango", 8.0)
    drawn = differences(np.random.default_rng(3), [(0.03, 0.02), (0.04, 0.01), (0.02, 0.02)], 400)
    made, facts = written_out(plan, drawn, frozenset()), design_facts(plan).model_dump(mode="json")
    PART_CHANGES[name](facts, made["options"])
    assert [one for one in of_tests(made, facts) if not near(*one[1:])] != []


def written_out(plan: Design, drawn: dict[str, list[float]], vetoed: frozenset[str]) -> Any:
    """What a record says of the tests of a made-up history."""
    driven = drive(plan, drawn, vetoed)
    proofs = proof_facts(plan, driven.evidence)
    assert {one.option for one in driven.standings} >= set(proofs)
    options = [
        {
            "target": {"option": one.option},
            "result": "PASS" if one.state is QualityState.PASSES else "FAIL",
            "reason_codes": ["SLICE_REGRESSION"] if one.option in vetoed else [],
            "proof": proofs[one.option].model_dump(mode="json"),
            "quality": _quality(plan, driven.evidence.pairs[one.option], one),
        }
        for one in driven.standings
        if one.option in proofs
    ]
    return {
        "margin": {"value": plan.margin},
        "options": options,
        "evidence": {
            "eval_set": {
                "lives": [
                    {"option": option, "life": {"level": 100 * most}}
                    for option, most in zip(plan.options, plan.at_most or (), strict=False)
                    if most is not None
                ]
            }
        },
    }


def _quality(plan: Design, pairs: Any, standing: Any) -> Any:
    found = quality(plan, standing, pairs, "label")
    return None if found is None else found.model_dump(mode="json")


def code_lines(path: Path) -> int:
    """Lines of code: blank ones, comments and docstrings apart."""
    text = path.read_text("utf-8")
    docs = sum(
        len((ast.get_docstring(node, clean=False) or "").splitlines())
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
    )
    kept = [line for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]
    return len(kept) - docs


def test_the_verifier_stands_alone_and_is_short() -> None:
    here = Path(__file__).parent
    assert code_lines(here / "verifier.py") < MOST_LINES
    assert sum(code_lines(here / name) for name in OURS) < MOST_OF_ALL
    for name in OURS:
        for node in ast.walk(ast.parse((here / name).read_text("utf-8"))):
            module = getattr(node, "module", None) or ""
            found = [module] if isinstance(node, ast.ImportFrom) else []
            found += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for one in found:
                top = one.partition(".")[0]
                own = one in {f"tests.prove.{name[:-3]}" for name in OURS}
                assert own or top in {*sys.stdlib_module_names, "numpy", "scipy", "rfc8785"}, one
