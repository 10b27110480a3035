from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from evalsets.cases import Case
from evalsets.splits import tune_cases
from harness.ask.cluster.workers import InlineCluster
from harness.cli.main import run
from harness.cli.setup.tune import tuning_lines
from harness.conduct.tuning.prompt_trials import PromptTrials
from harness.conduct.tuning.tuning import PromptToTune, TunedPrompt, task_of
from harness.errors import BudgetRefusedError, ExitCode, UsageError
from harness.journal.earlier import prompts_tried, tuning_spend
from harness.journal.journal import Journal
from harness.journal.upkeep import check
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from providers.completion import TokenUsage
from tests.support.reviews import CYCLE, NOW, Shape, right_answer, write
from tests.support.tuning import TUNE, picky, run_tuning, tune_task, write_tune_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.wire.reply import Body


def asked_cases(root: Path) -> set[str]:
    with sqlite3.connect(root / ".rightsize" / "journal.sqlite") as journal:
        return {str(row[0]) for row in journal.execute("SELECT DISTINCT case_id FROM trials")}


def test_the_best_prompt_is_found_on_the_tune_cases_alone_and_found_again(tmp_path: Path) -> None:
    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path / "w", server.port)
        first = run_tuning(tune_task(root), cluster, root)
        asked = len(server.log.calls)
        assert first.path == root / "prompts" / "tickets" / "bad~tuned.j2"
        text = first.path.read_text("utf-8")
        again = run_tuning(tune_task(root), cluster, root, run_id="tune-2")
        assert len(server.log.calls) == asked
    allowed = {case.id for case in tune_cases(load_workspace(root).evalsets["tickets"])}
    assert len(allowed) == TUNE
    assert asked_cases(root) <= allowed
    assert text.count("=== assistant ===") >= 2
    assert again.path is not None
    assert again.path.read_text("utf-8") == text
    assert again.spent_usd == first.spent_usd > 0
    journal = root / ".rightsize" / "journal.sqlite"
    assert list(check(journal)) == []
    with Journal.read(journal) as opened:
        assert prompts_tried(opened, "tickets", "bad~tuned") == len(first.found.tried)
        assert prompts_tried(opened, "tickets", "bad") == 0
        assert opened.answering("tickets") == []
    _says_how_sure_it_is(first)


def _says_how_sure_it_is(tuned: TunedPrompt) -> None:
    sure, best = tuned.found.difference, tuned.found.best
    assert sure is not None
    assert best is not None
    assert (sure.n, sure.method, sure.value > 0.1) == (18, "tango", True)
    assert sure.level == pytest.approx(0.05 / 3)
    assert tuned.more_monthly_usd is not None
    assert tuned.more_monthly_usd > 0
    assert best.search.input_tokens > tuned.found.today.search.input_tokens
    shown = list(tuning_lines(tuned))
    assert shown[0] == (
        "tickets, bad~tuned: 12 tune cases to search by, 18 to choose by, 6 to show"
    )
    assert shown[-2].startswith("wrote prompts/tickets/bad~tuned.j2: ")


class Sealed(Case):
    """A case that nobody may read: its id and its cluster say whether it is one of the others."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> object:
        if name in {"input", "target", "also_right", "ruled_out", "choices"}:
            raise AssertionError(f"a deciding case was read: {name}")
        return super().__getattribute__(name)


def test_no_deciding_case_is_read(tmp_path: Path) -> None:
    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path, server.port)
        workspace = load_workspace(root)
        plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features[0]
        tune = {case.id for case in tune_cases(plan.evalset)}
        cases = plan.evalset.cases
        sealed = {case.id: case for case in cases if case.id in tune}
        for case in plan.sample.deciding:
            sealed[case.id] = Sealed(
                id=case.id, input=case.input, target=case.target, metadata=case.metadata
            )
        # The constructor compares contents: it is passed over, as the cases were compared before.
        evalset = replace(plan.evalset, cases=())
        object.__setattr__(evalset, "cases", tuple(sealed[case.id] for case in cases))
        deciding = tuple(sealed[case.id] for case in plan.sample.deciding)
        plan = replace(plan, evalset=evalset, sample=replace(plan.sample, deciding=deciding))
        with pytest.raises(AssertionError, match="was read"):
            _ = deciding[0].input
        asked = PromptToTune(root=root, feature="tickets", model="bad")
        task = task_of(plan, asked, workspace, on=NOW.date())
        assert run_tuning(task, cluster, root).path is not None


def test_a_tuning_never_spends_more_than_its_cap_and_goes_on_with_more(tmp_path: Path) -> None:
    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        free = write_tune_workspace(tmp_path / "free", server.port)
        whole = run_tuning(tune_task(free), cluster, free)
        half = f"{whole.spent_usd / 2:f}"
        root = write_tune_workspace(tmp_path / "w", server.port)
        task = tune_task(root, max_spend_usd=Decimal(half))
        first = run_tuning(task, cluster, root, cap=half)
        asked = len(server.log.calls)
        assert first.found.out_of_money
        assert first.spent_usd <= Decimal(half)
        assert len(first.found.tried) < len(whole.found.tried)
        same = run_tuning(task, cluster, root, run_id="tune-2", cap=half)
        assert len(server.log.calls) == asked
        assert [t.one.sha256 for t in same.found.tried] == [t.one.sha256 for t in first.found.tried]
        assert same.spent_usd == first.spent_usd
        last = run_tuning(tune_task(root), cluster, root, run_id="tune-3")
        assert last.spent_usd == whole.spent_usd
        assert last.path is not None
        assert whole.path is not None
        assert last.path.read_text("utf-8") == whole.path.read_text("utf-8")
        spent = tuning_spend(
            root / ".rightsize" / "journal.sqlite", "tickets", "bad~tuned", cycle=CYCLE
        )
        assert spent.known_usd == last.spent_usd
        poor = write_tune_workspace(tmp_path / "poor", server.port)
        with pytest.raises(BudgetRefusedError, match="allows not one call"):
            run_tuning(tune_task(poor), cluster, poor, cap="0.0000001")


def test_what_cannot_be_tuned_is_refused_before_a_call(tmp_path: Path) -> None:
    root = write_tune_workspace(tmp_path, 9)
    mine = write_text(tmp_path / "mine.j2", "Topic of {{ ticket }}")
    with pytest.raises(UsageError, match="--model huge: no option of tickets: bad, big"):
        tune_task(root, model="huge")
    with pytest.raises(UsageError, match=r"mine.j2: line 1: unknown variable 'ticket'"):
        tune_task(root, brought=(mine,))
    mine.write_text("Which topic?", encoding="utf-8")
    with pytest.raises(UsageError, match="every case is asked the same"):
        tune_task(root, brought=(mine,))
    mine.write_text('{#- rightsize: {"tokens": 4} -#}\n{{ input }}', encoding="utf-8")
    with pytest.raises(UsageError, match=r"mine.j2: line 1: `rightsize:` takes"):
        tune_task(root, brought=(mine,))
    path = root / "evalsets" / "tickets" / "evalset.yaml"
    path.write_text(path.read_text("utf-8").replace(f"tune: {TUNE}", "tune: 9"), encoding="utf-8")
    with pytest.raises(UsageError, match="tickets: 9 tune cases, and at least 10 are needed"):
        tune_task(root)


def write_text(path: Path, text: str) -> Path:
    write(path, text)
    return path


def test_stopped_in_the_middle_it_goes_on_and_finds_the_same(tmp_path: Path) -> None:
    """The journal is cut where a killed run would have left it, one call under way."""
    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path / "w", server.port)
        found = run_tuning(tune_task(root), cluster, root)
        assert found.path is not None
        text = found.path.read_text("utf-8")
        found.path.unlink()
        calls, kept = len(server.log.calls), 60
        with sqlite3.connect(root / ".rightsize" / "journal.sqlite") as journal:
            journal.execute(
                "DELETE FROM outcomes WHERE fingerprint IN "
                "(SELECT fingerprint FROM attempts WHERE id > ?)",
                (kept,),
            )
            journal.execute("DELETE FROM attempts WHERE id > ?", (kept + 1,))
            journal.execute("UPDATE attempts SET ended = 0, cost_usd = NULL WHERE id > ?", (kept,))
        again = run_tuning(tune_task(root), cluster, root, run_id="tune-2")
        assert len(server.log.calls) == calls + calls - kept
    assert again.path is not None
    assert again.path.read_text("utf-8") == text
    assert again.spent_usd > found.spent_usd
    assert [t.one.sha256 for t in again.found.tried] == [t.one.sha256 for t in found.found.tried]


def without_targets(root: Path) -> Path:
    path = root / "evalsets" / "tickets" / "cases.jsonl"
    text = path.read_text("utf-8")
    for word in ("billing", "technical"):
        text = text.replace(f', "target": "{word}"', "")
    path.write_text(text, encoding="utf-8")
    return root


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_run_stopped_after_todays_model_was_asked_counts_against_the_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        root = without_targets(write_tune_workspace(tmp_path, server.port))
        with monkeypatch.context() as stopping:
            stopping.setattr(PromptTrials, "score", stop)
            with pytest.raises(KeyboardInterrupt):
                run_tuning(tune_task(root), cluster, root)
        journal = root / ".rightsize" / "journal.sqlite"
        spent = tuning_spend(journal, "tickets", "bad~tuned", cycle=CYCLE).known_usd
        assert len(server.log.calls) == TUNE
        assert spent > 0
        again = run_tuning(tune_task(root), cluster, root, run_id="tune-2", cap=f"{spent:f}")
        assert len(server.log.calls) == TUNE
        assert (again.spent_usd, again.path) == (spent, None)


def test_cases_without_targets_are_held_against_what_todays_model_answers(tmp_path: Path) -> None:
    with OpenAIServer(picky) as server, InlineCluster() as cluster:
        root = without_targets(write_tune_workspace(tmp_path, server.port))
        found = run_tuning(tune_task(root), cluster, root)
        models = [call.body["model"] for call in server.log.calls]
    assert models.count("big") == TUNE
    assert found.path is not None
    assert "=== assistant ===\nbilling" in found.path.read_text("utf-8")


def test_where_no_prompt_does_better_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with OpenAIServer(picky) as server:
        root = write_tune_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        asked = ["tune", "tickets", "--model", "good", "-w", str(root)]
        assert run([*asked, "--max-spend", "0.0000001"]) == ExitCode.BUDGET_REFUSED
        assert run([*asked, "--max-spend", "0.0005"]) == ExitCode.CANNOT_TELL
        assert "run it again with a larger --max-spend" in capsys.readouterr().err
        assert run(asked) == ExitCode.OK
        told = capsys.readouterr().out
    assert "no prompt was chosen before today's on the choosing cases: nothing is written" in told
    assert [path.name for path in (root / "prompts" / "tickets").iterdir()] == ["default.j2"]


def test_prompts_are_counted_for_the_effort_whose_prompt_was_written(tmp_path: Path) -> None:
    def heeding(body: Body) -> Reply:
        if body["model"] != "bad" or body.get("reasoning_effort") != "low":
            return picky(body)
        number = int(re.findall(r"Ticket number (\d+)", json.dumps(body["messages"]))[-1])
        return replace(picky(body), text=right_answer(number))

    with OpenAIServer(heeding) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path, server.port)
        feature, models = root / "features" / "tickets.yaml", root / "models" / "all.yaml"
        text = feature.read_text("utf-8").replace("[bad]", "[bad@low, bad@high]")
        feature.write_text(text, encoding="utf-8")
        text = models.read_text("utf-8").replace("bad:\n", "bad:\n  efforts: [low, high]\n")
        models.write_text(text, encoding="utf-8")
        task = tune_task(root)
        found = run_tuning(task, cluster, root)
    assert task.option == "bad@high~tuned"
    assert found.option == "bad@low~tuned"
    assert found.path == root / "prompts" / "tickets" / "bad@low~tuned.j2"
    journal = root / ".rightsize" / "journal.sqlite"
    with Journal.read(journal) as opened:
        tried = [
            prompts_tried(opened, "tickets", f"bad@{effort}~tuned") for effort in ("high", "low")
        ]
    assert tried == [found.prompts_tried, found.prompts_tried]
    assert found.prompts_tried == len({each.one.way.text for each in found.found.tried})
    spent = [
        tuning_spend(journal, "tickets", f"bad@{effort}~tuned", cycle=CYCLE).known_usd
        for effort in ("high", "low")
    ]
    assert spent == [found.spent_usd, 0]
    (before,) = tune_task(root).before
    assert before.option == "bad@low~tuned"


def test_answers_that_are_cut_are_tried_longer(tmp_path: Path) -> None:
    def wordy(body: Body) -> Reply:
        reply = picky(body)
        if int(body["max_tokens"]) >= 32:
            return reply
        return replace(reply, finish="length")

    with OpenAIServer(wordy) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path, server.port)
        found = run_tuning(tune_task(root), cluster, root)
    assert found.path is not None
    first = found.path.read_text("utf-8").splitlines()[0]
    assert first == '{#- rightsize: {"max_output_tokens": 32} -#}'


def test_the_shortest_prompt_of_todays_model_that_holds_the_limit_is_found(tmp_path: Path) -> None:
    def heeding(body: Body) -> Reply:
        text = json.dumps(body["messages"])
        number = int(re.findall(r"Ticket number (\d+)", text)[-1])
        wrong = number % 4 == 0 and "one word" not in text
        answer = right_answer(number + 1 if wrong else number)
        return Reply(text=answer, usage=TokenUsage(input_tokens=len(text) // 4, output_tokens=2))

    parts = ("You are a kind helper of our shop.", "Answer in one word.", "Take your time.")
    with OpenAIServer(heeding) as server, InlineCluster() as cluster:
        root = write_tune_workspace(tmp_path, server.port)
        prompt = root / "prompts" / "tickets" / "default.j2"
        write(prompt, "\n\n".join([*parts, "{{ input }}\n"]))
        found = run_tuning(tune_task(root, model="big", goal="shorter"), cluster, root)
    assert found.path == root / "prompts" / "tickets" / "big~tuned.j2"
    text = found.path.read_text("utf-8")
    assert [part in text for part in parts] == [False, True, False]
    assert found.more_monthly_usd is not None
    assert found.more_monthly_usd < 0
    plan = plan_review(
        load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection()
    ).features[0]
    (own,) = (one for one in plan.options if one.name == "big~tuned")
    assert own.asked
    assert own.input_ratio < 1
