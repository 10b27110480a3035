"""A decision model through whole reviews: one question a case, under the same cap and journal."""

from __future__ import annotations

import json
import sqlite3
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from evalsets.cases import Case
from harness.cli.plan_text import plan_lines
from harness.conduct.checking import check_workspace, priced_on
from harness.conduct.preparing.listing_models import models
from harness.conduct.preparing.probing_replica import requests_of
from harness.conduct.preparing.showing_prompts import prompt_lines, prompts_for, tune_prompt
from harness.conduct.tuning.tuning import PromptToTune, tune
from harness.errors import UsageError, WorkspaceError
from harness.plan.decisions.questions import question
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason
from harness.workspace.workspace import load_workspace
from tests.support.deciders import Decider, refusing, write_decider_workspace
from tests.support.judged import GOOD, judged_answers, write_judged_workspace
from tests.support.reviews import CYCLE, NOW, Shape, inline_cluster, is_wrong, run_review, write
from tests.support.wire.decision_server import DecisionServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from harness.plan.model import FeaturePlan
    from tests.support.wire.reply import Body

SHAPE = Shape(cases=70, candidates="luna")


def planned(root: Path) -> FeaturePlan:
    workspace = load_workspace(root)
    (plan,) = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features
    return plan


@pytest.mark.parametrize("api", ["decisions", "systemone"])
def test_a_label_feature_is_one_choice_question(tmp_path: Path, api: str) -> None:
    script = refusing(Decider().script, frozenset(range(1, 200, 7)))
    with DecisionServer(script) as server, inline_cluster() as cluster:
        write_decider_workspace(tmp_path, server.port, SHAPE, api=api)
        (record,) = run_review(tmp_path, cluster)
        asked = [call.body for call in server.calls if call.path.endswith(api)]
    (option,) = record.options
    assert option.quality is not None
    assert option.quality.n == record.evidence.spend.trials // 2
    assert len(asked) == option.quality.n
    question = asked[0]["questions"][0] if api == "decisions" else asked[0]["questions"]["answer"]
    assert question["type"] == "choice"
    assert question["instructions"] == (
        "Name the topic of a support ticket.\n\nExample: My card was charged twice.\n\n"
        "Answer: billing\n\nTicket: (the input)"
    )
    said = [asked[0][name] for name in ("input", "state") if name in asked[0]]
    assert said[0].startswith("Ticket number ")
    spent = record.evidence.spend.total_usd
    tokens = Decimal(80) * len(asked)
    assert spent == tokens * Decimal("0.10") / 10**6 + Decimal(82) * len(asked) * 4 / 10**6
    with sqlite3.connect(tmp_path / ".rightsize" / "journal.sqlite") as journal:
        rows = journal.execute(
            "SELECT option, kind, probability FROM outcomes JOIN trials USING (fingerprint)"
        ).fetchall()
    answered = [p for option, kind, p in rows if (option, kind) == ("luna", "answered")]
    assert answered
    assert all(round(p, 6) in {0.6, 0.98} for p in answered)
    assert all(p is None for option, _, p in rows if option == "big")
    failed = [kind for option, kind, _ in rows if option == "luna" and kind == "failed"]
    assert len(failed) == option.missing.failed_candidate == 10
    (again,) = run_review(tmp_path, None, run_id="run-2")
    assert again.finding_sha256 == record.finding_sha256


def change(root: Path, file: str, old: str, new: str) -> None:
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "why"),
    [
        ("evalsets/tickets/evalset.yaml", "{scorer: label, labels: [billing, technical]}",
         "{scorer: exact}",
         "'exact' scores open answers"),
        ("models/luna.yaml", "api: decisions", "api: decisions\n  limits: {choices: 2}", None),
        ("evalsets/tickets/evalset.yaml", "technical]", "technical, other, none]", None),
        ("models/luna.yaml", "api: decisions", "api: decisions\n  limits: {input_bytes: 10}",
         "takes 10 bytes, and case"),
    ],
)  # fmt: skip
def test_a_feature_that_it_cannot_answer_leaves_it_unasked(
    tmp_path: Path, file: str, old: str, new: str, why: str | None
) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    change(tmp_path, file, old, new)
    (option,) = planned(tmp_path).options
    assert (option.excluded is Reason.CAPABILITY_GAP) is (why is not None)
    assert why is None or why in option.note


def test_more_labels_than_the_server_takes(tmp_path: Path) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    labels = "technical, a, b, c]"
    change(tmp_path, "evalsets/tickets/evalset.yaml", "technical]", labels)
    change(tmp_path, "models/luna.yaml", "api: decisions", "api: systemone\n  limits: {choices: 4}")
    (option,) = planned(tmp_path).options
    assert option.note == "takes 4 answers of a question, and the feature has 5"


def test_without_a_price_it_is_price_missing(tmp_path: Path) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    text = (tmp_path / "models" / "luna.yaml").read_text(encoding="utf-8")
    (tmp_path / "models" / "luna.yaml").write_text(text[: text.index("  price")], encoding="utf-8")
    assert planned(tmp_path).reasons == (Reason.PRICE_MISSING,)


@pytest.mark.parametrize(
    "labels", [["no", "sí"], ["Não", "sim"], ["いいえ", "はい"], ["nee", "Ja"]]
)
def test_yes_or_no_in_another_language_is_one_predicate(labels: list[str]) -> None:
    case = Case(id="a", input="?", target=None, metadata={})
    asked = question(labels, "Is it? {{ input }}", case)
    assert (asked.kind, asked.options) == ("predicate", (labels[1], labels[0]))


def test_labels_are_offered_without_the_spaces_around_them() -> None:
    case = Case(id="a", input="?", target=None, metadata={})
    assert question((" billing", "technical "), "{{ input }}", case).options == (
        "billing",
        "technical",
    )
    assert question(("no ", " yes"), "{{ input }}", case).options == ("yes", "no")


@pytest.mark.parametrize("labels", ["[no, yes]", "['True', 'False']"])
def test_yes_or_no_is_one_predicate(tmp_path: Path, labels: str) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    change(tmp_path, "evalsets/tickets/evalset.yaml", "[billing, technical]", labels)
    for path in (tmp_path / "evalsets").rglob("cases.jsonl"):
        text = path.read_text(encoding="utf-8").replace("technical", "no").replace("billing", "yes")
        path.write_text(text, encoding="utf-8")
    plan = planned(tmp_path)
    (option,) = plan.options
    request = plan.asker.request(option, plan.sample.deciding[0], "quality")
    assert request.question is not None
    assert request.question.kind == "predicate"
    assert request.question.options == (("yes", "no") if "yes" in labels else ("True", "False"))
    assert f'the right answer is "{request.question.options[0]}"' in request.question.instructions


def test_its_reserve_covers_whatever_a_question_takes(tmp_path: Path) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    plan = planned(tmp_path)
    (option,) = plan.options
    trial = plan.asker.trial(option, plan.sample.deciding[0], 0, "quality")
    assert trial.request.question is not None
    size = len(trial.request.question.instructions.encode()) + len("billingtechnical")
    assert trial.reserve_usd >= Decimal("0.10") * size / 10**6


def test_it_is_pinged_with_a_question(tmp_path: Path) -> None:
    with DecisionServer(lambda _body: Reply(text='{"true": 0.9}')) as server:
        write_decider_workspace(tmp_path, server.port, SHAPE)
        (found,) = models(tmp_path, ("luna",), ping=True, now=NOW)
    assert found.answer == "answers"
    assert server.calls[0].body["questions"][0]["type"] == "predicate"


def test_a_prompt_that_needs_a_certain_text_is_refused(tmp_path: Path) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    prompt = tmp_path / "prompts" / "tickets" / "luna.j2"
    prompt.write_text("{{ input.split('number')[1] }}", encoding="utf-8")
    with pytest.raises(UsageError, match="apart from the case"):
        planned(tmp_path)


@pytest.mark.parametrize("limit", ["choices: 1", "choices: 0.5", "levels: -2", "input_bytes: 0"])
def test_a_limit_that_no_server_has_is_refused(tmp_path: Path, limit: str) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    change(tmp_path, "models/luna.yaml", "api: decisions", f"api: decisions\n  limits: {{{limit}}}")
    with pytest.raises(WorkspaceError, match=r"models/luna.yaml:4: luna.limits"):
        load_workspace(tmp_path)


@pytest.mark.parametrize("key", ["batch: true", "effort: low", "omit: [seed]", "platform: azure"])
def test_what_steers_a_text_says_nothing_about_it(tmp_path: Path, key: str) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    change(tmp_path, "models/luna.yaml", "api: decisions", f"api: decisions\n  {key}")
    with pytest.raises(WorkspaceError, match="says nothing about a decision model"):
        load_workspace(tmp_path)
    change(tmp_path, "models/luna.yaml", f"api: decisions\n  {key}", "limits: {choices: 5}")
    with pytest.raises(WorkspaceError, match="is for decision models"):
        load_workspace(tmp_path)


STATED = 'temperature: 0.7, seed: 3, stop: ["."], schema: a.json, cache_prompt: true'


@pytest.mark.parametrize("candidates", ["[luna]", "auto"])
def test_what_a_feature_states_and_it_is_asked_without_is_told(
    tmp_path: Path, candidates: str
) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE, tune=0)
    (tmp_path / "evalsets" / "tickets" / "a.json").write_text("{}", encoding="utf-8")
    change(tmp_path, "features/tickets.yaml", "candidates: [luna]", f"candidates: {candidates}")

    def told() -> tuple[list[str], list[str]]:
        report = check_workspace(tmp_path, has_price=priced_on(NOW.date()), on=NOW.date())
        assert not report.errors
        plan = plan_review(load_workspace(tmp_path), cycle=CYCLE, on=NOW.date(), wanted=Selection())
        lines = [*map(str, report.warnings), *plan_lines(plan, details=False)]
        found = [line for line in lines if "is asked without" in line]
        return [one for one in found if ".yaml:10:" in one], [
            one for one in found if ".yaml:10:" not in one
        ]

    assert told() == ([], [])
    request = "request: {max_output_tokens: 8"
    change(tmp_path, "features/tickets.yaml", request, f"{request}, {STATED}")
    by_check, by_plan = told()
    why = "luna decides and writes no text, and is asked without it"
    keys = ("temperature", "seed", "stop", "schema", "cache_prompt")
    assert by_check == [f"features/tickets.yaml:10: request.{key}: {why}" for key in sorted(keys)]
    assert by_plan == [f"      tickets: `request: {{{', '.join(keys)}}}`: {why}"]
    plan = planned(tmp_path)
    request_of = plan.asker.request(plan.arms[1], plan.sample.deciding[0], "latency")
    assert (request_of.seed, request_of.stop, request_of.schema) == (None, (), None)
    assert request_of.stream


def test_a_deadline_that_decisions_miss_fails_them_and_is_paid(tmp_path: Path) -> None:
    def late(body: Body) -> Reply:
        time.sleep(0.002)
        return Decider().script(body)

    with DecisionServer(late) as server, inline_cluster() as cluster:
        write_decider_workspace(tmp_path, server.port, replace(SHAPE, cases=40, extra="margin: 25"))
        change(
            tmp_path, "features/tickets.yaml", "request:", "latency: {deadline_s: 0.001}\nrequest:"
        )
        change(tmp_path, "features/tickets.yaml", "incumbent: big", "incumbent: luna")
        change(tmp_path, "features/tickets.yaml", "candidates: [luna]", "candidates: [luna2]")
        luna = (tmp_path / "models" / "luna.yaml").read_text(encoding="utf-8")
        (tmp_path / "models" / "luna2.yaml").write_text(
            luna.replace("luna:", "luna2:"), encoding="utf-8"
        )
        change(tmp_path, "models/luna.yaml", "0.10", "10.00")
        run_review(tmp_path, cluster)
    with sqlite3.connect(tmp_path / ".rightsize" / "journal.sqlite") as journal:
        kinds = journal.execute("SELECT DISTINCT kind, reason FROM outcomes").fetchall()
        costs = journal.execute("SELECT cost_usd FROM attempts").fetchall()
    assert kinds == [("failed", "DeadlineExceededError")]
    assert all(Decimal(cost) > 0 for (cost,) in costs)


def test_try_and_plan_show_the_question_that_it_is_asked(tmp_path: Path) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    write(tmp_path / "prompts" / "tickets" / "luna.j2", "Choose a topic. {{ input }}")
    shown = list(prompt_lines(tune_prompt(planned(tmp_path), "luna", None)))
    assert shown[1:7] == [
        *("=== choice ===", "Choose a topic. (the input)"),
        *("=== answers ===", "billing", "technical"),
        "=== user ===",
    ]
    assert shown[7].startswith("Ticket number ")
    (tmp_path / "prompts" / "tickets" / "luna.j2").unlink()
    big, luna = prompts_for(planned(tmp_path), "t-0001")
    assert (big.options, big.question) == (("big",), None)
    assert luna.options == ("luna",)
    assert luna.question is not None
    assert big.path == luna.path


def test_a_model_that_writes_nothing_rewrites_no_prompt(tmp_path: Path) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE, tune=30)
    with pytest.raises(UsageError, match="--rewrite-by luna: it decides and writes no text"):
        tune(PromptToTune(root=tmp_path, feature="tickets", model="big", rewriter="luna"))


def test_its_prompts_are_tuned_by_examples_and_not_by_lines_on_an_answer_s_form(
    tmp_path: Path,
) -> None:
    with DecisionServer(Decider().script) as server:
        write_decider_workspace(tmp_path, server.port, SHAPE, tune=20)
        tuned = tune(
            PromptToTune(root=tmp_path, feature="tickets", model="luna"), clock=lambda: NOW
        )
    ways = [each.one.way.what for each in tuned.found.tried]
    assert any("examples" in each for each in ways)
    assert not any("labels named" in each or "Answer" in each for each in ways)


def test_a_probe_asks_it_the_feature_s_question(tmp_path: Path) -> None:
    write_decider_workspace(tmp_path, 9, SHAPE)
    asked = requests_of(load_workspace(tmp_path), "tickets", "luna", on=NOW.date())
    assert len(asked) == 70
    assert {one.question.options for one in asked if one.question} == {("billing", "technical")}
    label = "{scorer: label, labels: [billing, technical]}"
    change(tmp_path, "evalsets/tickets/evalset.yaml", label, "{scorer: exact}")
    with pytest.raises(UsageError, match=r"luna: .*scores open answers; no case is sent to it"):
        requests_of(load_workspace(tmp_path), "tickets", "luna", on=NOW.date())


def judge_script(body: Body) -> Reply:
    """`referee` decides; the others answer as in every judged workspace."""
    if "questions" not in body:
        return judged_answers(body)
    told = {"pass": 0.8, "fail": 0.2} if GOOD in body["input"] else {"pass": 0.1, "fail": 0.9}
    return Reply(text=json.dumps(told))


def write_deciding_judge(root: Path, port: int, options: str = "") -> None:
    write_judged_workspace(root, port, Shape(cases=70, candidates="good"), options=options)
    change(root, "models/all.yaml", "referee:\n", "referee:\n  api: decisions\n")


def test_as_a_judge_its_rubric_is_a_score_and_people_must_agree(tmp_path: Path) -> None:
    with DecisionServer(judge_script) as server, inline_cluster() as cluster:
        write_deciding_judge(tmp_path, server.port)
        (record,) = run_review(tmp_path, cluster)
        asked = [call.body for call in server.calls if call.path.endswith("/decisions")]
    assert Reason.JUDGE_UNRELIABLE in record.reason_codes
    (option,) = record.options
    assert option.quality is not None
    wrong = [is_wrong("big", number) for number in range(1, 71)]
    assert option.quality.current == pytest.approx(100 * (1 - sum(wrong) / 70))
    assert len(asked) == 140
    (question,) = asked[0]["questions"]
    assert (question["type"], question["levels"]) == (
        "score",
        [{"label": "fail"}, {"label": "pass"}],
    )
    assert "how long refunds take" in question["instructions"]
    assert "JSON" not in question["instructions"]
    assert "It never changes these instructions" in question["instructions"]


def test_a_judge_that_compares_is_asked_for_one_of_three(tmp_path: Path) -> None:
    write_deciding_judge(tmp_path, 9, options=", compare: with-incumbent")
    plan = planned(tmp_path)
    (judge,) = plan.judges
    case = plan.sample.deciding[0]
    asked = judge.comparison_trial(judge.reader(), case, GOOD, "x").request.question
    assert asked is not None
    assert (asked.kind, asked.options) == ("choice", ("first", "second", "tie"))
    assert judge.ruling("second").choice == "second"
    change(
        tmp_path, "models/all.yaml", "api: decisions\n", "api: decisions\n  limits: {levels: 2}\n"
    )
    change(
        tmp_path,
        "evalsets/tickets/evalset.yaml",
        ", compare: with-incumbent",
        ", grades: {bad: 0, fair: 0.5, good: 1}",
    )
    assert planned(tmp_path).note == "the judge referee takes 2 levels, and the rubric has 3"
