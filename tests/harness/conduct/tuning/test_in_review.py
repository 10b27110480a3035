"""A tuned prompt in the review: an option of its own, signed, locked and held by the gate."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.cli.main import run
from harness.conduct import review
from harness.conduct.concluding.differences import prompt_changes
from harness.conduct.finding.option_records import lever_of
from harness.conduct.running import RunSettings
from harness.errors import ExitCode
from harness.plan.planning import Selection, plan_review
from harness.record.base import Result, Verdict
from harness.record.model import seal
from harness.record.stored import write_records
from harness.workspace.workspace import load_workspace
from tests.recompute.review import recompute
from tests.support.reviews import CYCLE, NOW, Shape, run_review, write
from tests.support.tuning import (
    LINES,
    TUNE,
    heeding,
    picky,
    run_tuning,
    tune_task,
    write_tune_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from pathlib import Path

    from harness.record.model import DecisionRecord


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DecisionRecord]:
    """A reviewed workspace with a tuned prompt, and its record."""
    root = tmp_path_factory.mktemp("tuned")
    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        write_tune_workspace(root, server.port, Shape(cases=330, candidates="bad"))
        run_tuning(tune_task(root), cluster, root)
        (record,) = run_review(root, cluster, run_id="review")
    found = review(root, settings=RunSettings(clock=lambda: NOW))
    assert [one.chosen for one in found.records] == [record.chosen]
    return root, found.records[0]


def test_the_tuned_prompt_is_one_more_option_under_the_one_level(
    tuned: tuple[Path, DecisionRecord],
) -> None:
    _, record = tuned
    assert [(one.target.option, one.result) for one in record.options] == [
        ("bad", Result.FAIL),
        ("bad~tuned", Result.PASS),
    ]
    assert (record.verdict, record.chosen) == (Verdict.DOWNGRADE, "bad~tuned")
    today, own = record.options
    assert own.target.prompt_file == "prompts/tickets/bad~tuned.j2"
    assert own.target.prompt_sha256 != today.target.prompt_sha256
    assert own.target.params_sha256 == today.target.params_sha256
    assert (today.prompts_tried, own.prompts_tried) == (0, 8)
    assert own.cost.monthly is not None
    assert today.cost.monthly is not None
    assert own.cost.monthly > today.cost.monthly
    assert record.evidence.design is not None
    assert [name for name, _ in record.evidence.design.options] == ["bad", "bad~tuned"]


def test_the_page_says_what_was_tried_and_what_to_change(
    tuned: tuple[Path, DecisionRecord],
) -> None:
    root, record = tuned
    folder = root / "reviews" / CYCLE
    page = (folder / "documents" / "tickets.md").read_text("utf-8").replace("\\", "")
    assert "# Switch ticket topic from big to bad~tuned, under a prompt of its own" in page
    assert f"8 prompts tried on {TUNE} other cases; this one held on the deciding cases" in page
    assert (
        "`incumbent: bad~tuned` in features/tickets.yaml, asked under "
        "prompts/tickets/bad~tuned.j2 in place of prompts/tickets/default.j2" in page
    )
    assert recompute(folder, NOW.date()).findings == []
    (change,) = prompt_changes(root, "tickets", now=NOW)
    assert (change.option, change.beside) == ("bad~tuned", "bad")
    assert change.files == ("prompts/tickets/default.j2", "prompts/tickets/bad~tuned.j2")
    assert "+=== assistant ===" in change.lines
    assert record.savings is not None


def test_its_hash_is_signed_locked_and_held(
    tuned: tuple[Path, DecisionRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    root, record = tuned
    at = ["-w", str(root)]
    by = ["--by", "dana@example.com", "--reason", "agreed", "--cycle", CYCLE, *at]
    assert run(["decide", "tickets", "accept", *by]) == ExitCode.OK
    assert run(["lock", *at]) == ExitCode.OK
    lock = (root / "rightsizing.lock").read_text("utf-8")
    assert f'"prompt_sha256": "{record.options[1].target.prompt_sha256}"' in lock
    feature = root / "features" / "tickets.yaml"
    text = feature.read_text("utf-8")
    feature.write_text(text.replace("incumbent: big", "incumbent: bad~tuned"), encoding="utf-8")
    assert run(["check", *at]) == ExitCode.OK
    assert run(["gate", *at]) == ExitCode.OK
    assert "1 feature matches the lock.  pass" in capsys.readouterr().out
    prompt = root / "prompts" / "tickets" / "bad~tuned.j2"
    own = prompt.read_text("utf-8")
    prompt.write_text(f"{own}Please.\n", encoding="utf-8")
    assert run(["gate", *at]) == ExitCode.GATE_FAILED
    signed = "prompt changed, and bad~tuned was signed for its prompt: no record has this one"
    assert f"tickets: model: {signed}" in capsys.readouterr().out
    prompt.write_text(own, encoding="utf-8")
    feature.write_text(text, encoding="utf-8")


def test_another_prompt_of_a_tuned_option_is_held_to_what_its_own_review_showed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second review asks the cases in the first one's order, and the gate knows that order."""

    def reviewed(cycle: str, tail: str) -> DecisionRecord:
        prompt.write_text(f"{EXAMPLES}{tail}\n", encoding="utf-8")
        now = datetime.now(UTC)
        (record,) = run_review(root, cluster, run_id=cycle, cycle=cycle, now=now)
        write_records((record,), root / "reviews" / cycle)
        return record

    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path, server.port, Shape(cases=330, candidates="bad"))
        prompt = root / "prompts" / "tickets" / "bad~tuned.j2"
        at = ["-w", str(root)]
        assert reviewed(CYCLE, "{{ input }}").chosen == "bad~tuned"
        by = ["--by", "dana@example.com", "--reason", "agreed", "--cycle", CYCLE, *at]
        assert run(["decide", "tickets", "accept", *by]) == ExitCode.OK
        assert run(["lock", *at]) == ExitCode.OK
        feature = root / "features" / "tickets.yaml"
        text = feature.read_text("utf-8")
        feature.write_text(text.replace("incumbent: big", "incumbent: bad~tuned"), "utf-8")
        assert run(["gate", *at]) == ExitCode.OK
        feature.write_text(text, encoding="utf-8")
        later = reviewed("2027-Q1", "{{ input }} Please.")
        feature.write_text(text.replace("incumbent: big", "incumbent: bad~tuned"), "utf-8")
    capsys.readouterr()
    assert run(["gate", *at]) == ExitCode.OK
    only = "warn: tickets: model: 2027-Q1-tickets is PROPOSED: nobody accepted it yet"
    assert capsys.readouterr().out.startswith(only)
    evidence = later.evidence.model_copy(update={"seed": "9" * 64})
    forged = seal(later.model_copy(update={"evidence": evidence}))
    write_records((forged,), root / "reviews" / "2027-Q1")
    assert run(["gate", *at]) == ExitCode.GATE_FAILED
    assert "the cases of 2027-Q1-tickets were drawn anew" in capsys.readouterr().out


EXAMPLES = (
    "".join(f"=== user ===\nAn example {each}\n=== assistant ===\nbilling\n" for each in (1, 2))
    + "=== user ===\n"
)


@pytest.fixture(scope="module")
def shorter(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DecisionRecord]:
    """A workspace with `tune: [incumbent]`, tuned and reviewed, and its record."""
    root = tmp_path_factory.mktemp("shorter")
    at = ["-w", str(root)]
    with OpenAIServer(heeding) as server, InlineCluster() as cluster:
        write_tune_workspace(root, server.port, Shape(cases=330, candidates="bad"))
        write(root / "prompts" / "tickets" / "default.j2", "\n\n".join([*LINES, "{{ input }}\n"]))
        feature = root / "features" / "tickets.yaml"
        feature.write_text(f"{feature.read_text('utf-8')}tune: [incumbent]\n", encoding="utf-8")
        assert run(["tune", "tickets", *at]) == ExitCode.OK
        assert run(["plan", *at]) == ExitCode.OK
        run_review(root, cluster, run_id="review")
    (record,) = review(root, settings=RunSettings(clock=lambda: NOW)).records
    return root, record


def test_todays_model_under_a_shorter_prompt_is_an_option_with_a_test_and_a_page(
    shorter: tuple[Path, DecisionRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    root, record = shorter
    own = record.options[1]
    assert (record.verdict, record.chosen) == (Verdict.DOWNGRADE, "big~tuned")
    assert (own.result, own.lever, own.prompts_tried) == (Result.PASS, "prompt", 8)
    folder = root / "reviews" / CYCLE
    page = (folder / "documents" / "tickets.md").read_text("utf-8").replace("\\", "")
    title = "# Switch ticket topic from big to big~tuned, the same model under another prompt: "
    assert page.startswith(title)
    assert (
        "`incumbent: big~tuned` in features/tickets.yaml, asked under "
        "prompts/tickets/big~tuned.j2 in place of prompts/tickets/default.j2" in page
    )
    assert f"8 prompts tried on {TUNE} other cases; this one held on the deciding cases" in page
    assert recompute(folder, NOW.date()).findings == []
    assert run(["why", "tickets", "--prompts", "-w", str(root)]) == ExitCode.OK
    why = capsys.readouterr().out
    assert [f"-{line}" in why for line in LINES] == [True, False, True]


def test_its_hash_is_locked_and_another_prompt_turns_the_gate_red(
    shorter: tuple[Path, DecisionRecord], capsys: pytest.CaptureFixture[str]
) -> None:
    root, record = shorter
    at = ["-w", str(root)]
    by = ["--by", "dana@example.com", "--reason", "agreed", "--cycle", CYCLE, *at]
    assert run(["decide", "tickets", "accept", *by]) == ExitCode.OK
    assert run(["lock", *at]) == ExitCode.OK
    locked = json.loads((root / "rightsizing.lock").read_text("utf-8"))["features"]["tickets"]
    assert locked["accepted"]["prompt_sha256"] == record.options[1].target.prompt_sha256
    assert locked["accepted"]["prompt_file"] == "prompts/tickets/big~tuned.j2"
    assert locked["before"]["prompt_sha256"] == record.current.prompt_sha256
    feature = root / "features" / "tickets.yaml"
    text = feature.read_text("utf-8")
    feature.write_text(text.replace("incumbent: big", "incumbent: big~tuned"), encoding="utf-8")
    assert run(["gate", *at]) == ExitCode.OK
    prompt = root / "prompts" / "tickets" / "big~tuned.j2"
    prompt.write_text(f"{prompt.read_text('utf-8')}Please.\n", encoding="utf-8")
    assert run(["gate", *at]) == ExitCode.GATE_FAILED
    signed = "prompt changed, and big~tuned was signed for its prompt: no record has this one"
    assert f"tickets: model: {signed}" in capsys.readouterr().out


def test_a_tuned_prompt_of_no_candidate_is_told_and_todays_model_may_have_one(
    tmp_path: Path,
) -> None:
    root = write_tune_workspace(tmp_path, 9)
    folder = root / "prompts" / "tickets"
    (folder / "good~tuned.j2").write_text("{{ input }}", encoding="utf-8")
    (folder / "big~tuned.j2").write_text("{{ input }}", encoding="utf-8")
    workspace = load_workspace(root)
    assert [str(each) for each in workspace.problems] == [
        "prompts/tickets/good~tuned.j2: not used: good is no candidate of tickets"
    ]
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features[0]
    assert [one.name for one in plan.options] == ["bad", "big~tuned"]
    assert plan.options[1].input_ratio < 1
    (folder / "big~tuned.j2").write_text('{# rightsize: {"x": 1} #}{{ input }}', encoding="utf-8")
    with pytest.raises(Exception, match=r"big~tuned.j2:1: `rightsize:` takes"):
        load_workspace(root)


def test_a_tuned_option_that_the_feature_names_is_no_second_option(tmp_path: Path) -> None:
    def told(incumbent: str, candidates: str) -> list[tuple[str, str]]:
        feature.write_text(
            text.replace("incumbent: big", f"incumbent: {incumbent}").replace(
                "candidates: [bad]", f"candidates: {candidates}"
            ),
            encoding="utf-8",
        )
        workspace = load_workspace(root)
        assert list(workspace.problems) == []
        plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features[0]
        return sorted((one.name, lever_of(one, plan)) for one in plan.options)

    root = write_tune_workspace(tmp_path, 9)
    feature = root / "features" / "tickets.yaml"
    text = feature.read_text("utf-8")
    prompt = root / "prompts" / "tickets" / "bad~tuned.j2"
    prompt.write_text("{{ input }}", encoding="utf-8")
    swaps = [("bad", "model-swap"), ("bad~tuned", "model-swap")]
    assert told("big", "[bad]") == told("big", "[bad, bad~tuned]") == swaps
    assert told("big", "[bad~tuned]") == swaps[1:]
    assert told("bad", "[bad~tuned]") == told("bad", "[]") == [("bad~tuned", "prompt")]
    assert told("bad~tuned", "[bad]") == [("bad", "prompt")]
    assert told("bad~tuned", "[good]") == [("good", "model-swap")]
    models = root / "models" / "all.yaml"
    efforts = models.read_text("utf-8").replace("bad:\n", "bad:\n  efforts: [low, high]\n")
    models.write_text(efforts, encoding="utf-8")
    prompt.rename(prompt.with_name("bad@high~tuned.j2"))
    others = [("bad@high", "prompt"), ("bad@low", "effort")]
    assert told("bad@high~tuned", "[bad@low, bad@high]") == others


def test_beside_a_long_tuned_prompt_of_today_others_are_charged_their_own(tmp_path: Path) -> None:
    root = write_tune_workspace(tmp_path, 9)
    shown = "".join(f"=== user ===\n{'word ' * 60}\n=== assistant ===\nbilling\n" for _ in range(8))
    prompt = root / "prompts" / "tickets" / "bad~tuned.j2"
    prompt.write_text(f"{shown}=== user ===\n{{{{ input }}}}\n", encoding="utf-8")
    feature = root / "features" / "tickets.yaml"
    text = feature.read_text("utf-8").replace("incumbent: big", "incumbent: bad~tuned")
    pair = "candidates: [bad]\ncascades: [{first: bad, accept_when: format}]"
    feature.write_text(
        text.replace("input_tokens: 80", "input_tokens: 800").replace("candidates: [bad]", pair),
        encoding="utf-8",
    )
    plan = plan_review(
        load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection()
    ).features[0]
    own, first = sorted(plan.options, key=lambda one: one.cascade is not None)
    assert first.cascade is not None
    for one in (own, first):
        assert (one.name, one.asked, one.input_ratio < 0.1) == (one.name, True, True)
    assert own.monthly_usd is not None
    assert plan.monthly_usd is not None
    assert own.monthly_usd < plan.monthly_usd / 2
    text = feature.read_text("utf-8")
    feature.write_text(text.replace("input_tokens: 800", "input_tokens: 80"), encoding="utf-8")
    (record,) = review(root, settings=RunSettings(clock=lambda: NOW)).records
    assert {one.result for one in record.options} == {Result.NOT_RUN}
    assert recompute(root / "reviews" / CYCLE, NOW.date()).findings == []


def test_under_a_new_prompt_the_same_pair_is_tested_within_what_it_has_left(
    tmp_path: Path,
) -> None:
    def levels(cycle: str) -> dict[str, float | None]:
        plan = plan_review(
            load_workspace(root), cycle=cycle, on=NOW.date(), wanted=Selection()
        ).features[0]
        return {one.name: one.at_most or plan.alpha for one in plan.asked}

    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path, server.port, Shape(cases=330, candidates="bad"))
        run_review(root, cluster, run_id="1")
        prompt = root / "prompts" / "tickets" / "bad~tuned.j2"
        prompt.write_text("Of which topic? {{ input }}\n", encoding="utf-8")
        assert levels("2027-Q1") == {"bad": 0.04, "bad~tuned": pytest.approx(0.01 / 3)}
        run_review(root, cluster, run_id="2", cycle="2027-Q1")
        assert levels("2027-Q2") == {"bad": 0.04, "bad~tuned": pytest.approx(0.01 / 3)}
        prompt.write_text("What topic? {{ input }}\n", encoding="utf-8")
        assert levels("2027-Q2") == {"bad": 0.04, "bad~tuned": pytest.approx(0.01 / 3)}
        run_review(root, cluster, run_id="3", cycle="2027-Q2")
        (root / "prompts" / "tickets" / "default.j2").write_text("{{ input }}", encoding="utf-8")
        # Both are new by now: what is left is the test's whole error, which they share.
        left = pytest.approx(0.05 - 0.04 - 0.02 / 3, abs=1e-6)
        assert levels("2027-Q3") == {"bad": left, "bad~tuned": left}
