"""A cascade by the model's own probability: what it must tell is fixed by the tune cases alone."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from evalsets.splits import tune_cases
from harness.errors import WorkspaceError
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason, Result, Verdict
from harness.record.model import dump, load
from harness.record.quality_parts import ReliabilityFacts
from harness.record.stored import write_records
from harness.stats.calibration import least_said, sharpness
from harness.tell.pages import publish, to_document
from harness.workspace.workspace import load_workspace
from reports.render import render
from tests.recompute.review import recompute_feature
from tests.support.deciders import Decider, write_decider_workspace
from tests.support.reviews import CYCLE, NOW, Shape, inline_cluster, right_answer, run_review
from tests.support.wire.decision_server import DecisionServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from pathlib import Path

    from harness.plan.model import FeaturePlan
    from harness.record.model import DecisionRecord
    from harness.record.trust import CascadeFacts
    from tests.support.wire.reply import Body, Script

SURE = "cascades: [{first: luna, accept_when: {probability: 0.9}}]"
SHAPE = Shape(cases=130, candidates="", extra=SURE)
TUNE = 40


def planned(root: Path) -> FeaturePlan:
    workspace = load_workspace(root)
    (plan,) = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection()).features
    return plan


def number_of(text: str) -> int:
    found = re.search(r"(\d+)", text)
    assert found
    return int(found[1])


def reviewed(root: Path, script: Script, *, tune: int = TUNE) -> CascadeFacts:
    with DecisionServer(script) as server, inline_cluster() as cluster:
        write_decider_workspace(root, server.port, SHAPE, tune=tune)
        (record,) = run_review(root, cluster)
    assert load(dump(record)).finding_sha256 == record.finding_sha256
    facts = record.options[0].cascade
    assert facts is not None
    return facts


def rows(root: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(root / ".rightsize" / "journal.sqlite") as journal:
        return journal.execute(query).fetchall()


ASKED = (
    "SELECT case_id, option, text, probability FROM attempts JOIN trials USING (fingerprint)"
    " JOIN outcomes USING (fingerprint) ORDER BY id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A review with a model that is surer than it is right, and all that was asked, in order."""

    root: Path
    record: DecisionRecord
    calls: list[str]
    asked: list[tuple[str, str, float, bool]]
    """Case, model, probability, and whether it was right."""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    root = tmp_path_factory.mktemp("sure")
    with DecisionServer(Decider(power=2.0).script) as server, inline_cluster() as cluster:
        write_decider_workspace(root, server.port, SHAPE, tune=TUNE)
        (record,) = run_review(root, cluster)
        calls = [call.path for call in server.calls]
    asked = [
        (
            str(case),
            str(option),
            float(str(sure or 0)),
            right_answer(number_of(str(case))) == bytes(text).decode(),  # type: ignore[arg-type]
        )
        for case, option, text, sure in rows(root, ASKED)
    ]
    return Known(root=root, record=record, calls=calls, asked=asked)


def test_the_threshold_follows_from_the_tune_cases_in_the_journal(known: Known) -> None:
    """They are asked before any case that decides; no other case has a part in it."""
    (option,) = known.record.options
    facts, asked = option.cascade, known.asked
    assert facts is not None
    assert option.target.option == "luna+probability-0.9"
    assert (facts.accept_when, facts.threshold_cases) == ("probability-0.9", TUNE)
    tune = {case.id for case in tune_cases(load_workspace(known.root).evalsets["tickets"])}
    assert {case for case, *_ in asked[:TUNE]} == tune
    assert not tune & {case for case, *_ in asked[TUNE:]}
    said, right = [sure for *_, sure, _ in asked[:TUNE]], [float(hit) for *_, hit in asked[:TUNE]]
    assert facts.threshold == least_said(0.9, sharpness(said, right))
    kept = [sure for _, name, sure, _ in asked[TUNE:] if name == "luna"]
    below = sum(sure < facts.threshold for sure in kept)
    assert facts.escalated == pytest.approx(100 * below / len(kept))
    assert sum(path.endswith("decisions") for path in known.calls) == len(kept) + TUNE


def test_tune_cases_are_paid_and_the_journal_alone_finds_the_same(known: Known) -> None:
    record = known.record
    assert record.evidence.spend.trials == len(known.calls)
    costs = rows(known.root, "SELECT cost_usd FROM attempts")
    assert record.evidence.spend.total_usd == sum(Decimal(str(cost)) for (cost,) in costs)
    (again,) = run_review(known.root, None, run_id="run-2")
    assert again.finding_sha256 == record.finding_sha256


def test_its_calibration_is_in_the_record_and_every_figure_follows(known: Known) -> None:
    (told,) = known.record.evidence.reliability or ()
    squared = [(sure - hit) ** 2 for _, name, sure, hit in known.asked[TUNE:] if name == "luna"]
    assert (told.option, told.answers) == ("luna", len(squared))
    assert told.brier == pytest.approx(sum(squared) / len(squared), abs=1e-6)
    folder = known.root / "reviews" / CYCLE
    write_records([known.record], folder)
    publish([known.record], folder, now=NOW)
    found = recompute_feature(folder, "tickets").findings
    assert found == [], "\n".join(f"{one.text} :: {one.why}" for one in found)
    page = render(to_document(known.record, NOW), to="md")
    facts = known.record.options[0].cascade
    assert facts is not None
    assert f"have a probability under {facts.threshold:g} by its own word" in page
    assert f"by {TUNE} tune cases, asked before the first case that decides" in page
    assert f"Its Brier score is {told.brier:.4f}" in page
    broken = told.model_dump()
    with pytest.raises(ValueError, match="that of its bands"):
        ReliabilityFacts.model_validate(broken | {"brier": told.brier + 0.01})
    with pytest.raises(ValueError, match="do not hold"):
        ReliabilityFacts.model_validate(broken | {"answers": told.answers + 1})


def changed(script: Script, numbers: set[int]) -> Script:
    """The same, but surely wrong on these tickets."""

    def wrong(body: Body) -> Reply:
        number = number_of(json.dumps(body.get("input") or "0"))
        if "input" not in body or number not in numbers:
            return script(body)
        labels = (right_answer(number + 1), right_answer(number))
        return Reply(text=json.dumps(dict(zip(labels, (0.999, 0.001), strict=True))))

    return wrong


def test_deciding_answers_never_move_it_and_tune_answers_do(tmp_path: Path) -> None:
    script = Decider().script
    write_decider_workspace(tmp_path / "plan", 9, SHAPE, tune=TUNE)
    plan = planned(tmp_path / "plan")
    tune = {number_of(case.id) for case in tune_cases(plan.evalset)}
    deciding = {number_of(case.id) for case in plan.sample.deciding}
    assert not tune & deciding
    others = reviewed(tmp_path / "b", changed(script, deciding))
    moved = reviewed(tmp_path / "c", changed(script, tune))
    told = {number: Decider().told(number) for number in tune}
    right = [float(told[number][0] == right_answer(number)) for number in tune]
    alone = least_said(0.9, sharpness([told[number][1] for number in tune], right))
    assert others.threshold == alone
    assert moved.threshold is not None
    assert moved.threshold > alone + 0.05


def test_it_stands_in_the_journal_before_the_first_case_that_decides(tmp_path: Path) -> None:
    """What was fixed once stays, whatever the tune cases' answers would say now."""
    told: list[object] = []
    deciding: set[int] = set()

    def script(body: Body) -> Reply:
        number = number_of(json.dumps(body.get("input") or body.get("messages")))
        if number in deciding and not told:
            told.extend(rows(tmp_path, "SELECT plan FROM plans WHERE feature = 'sure tickets'"))
        return Decider(power=2.0).script(body)

    with DecisionServer(script) as server, inline_cluster() as cluster:
        write_decider_workspace(tmp_path, server.port, SHAPE, tune=TUNE)
        deciding |= {number_of(case.id) for case in planned(tmp_path).sample.deciding}
        (record,) = run_review(tmp_path, cluster)
    facts = record.options[0].cascade
    assert facts is not None
    ((text,),) = rows(tmp_path, "SELECT plan FROM plans WHERE feature = 'sure tickets'")
    assert told == [(text,)]
    page = json.loads(str(text))
    assert page["plan"] == record.evidence.plan_sha256
    assert page["fixed"] == {
        "luna+probability-0.9": {"least": facts.threshold, "answers": facts.threshold_cases}
    }
    with sqlite3.connect(tmp_path / ".rightsize" / "journal.sqlite") as journal:
        journal.execute("UPDATE outcomes SET probability = 0.6 WHERE fingerprint IN (SELECT"
                        " fingerprint FROM attempts ORDER BY id LIMIT ?)", (TUNE,))  # fmt: skip
    (again,) = run_review(tmp_path, None, run_id="run-2")
    assert again.options[0].cascade == facts


@pytest.mark.parametrize("lost", [1, TUNE])
def test_no_case_decides_before_every_tune_case_has_an_answer(tmp_path: Path, lost: int) -> None:
    broken: set[int] = set()
    decider = Decider(power=3.0)

    def script(body: Body) -> Reply:
        number = number_of(json.dumps(body.get("input") or body.get("messages")))
        return Reply(status=503) if number in broken else decider.script(body)

    with DecisionServer(script) as server, inline_cluster() as cluster:
        write_decider_workspace(tmp_path, server.port, SHAPE, tune=TUNE)
        tune = [number_of(case.id) for case in tune_cases(planned(tmp_path).evalset)]
        broken |= set(tune[:lost])
        (held,) = run_review(tmp_path, cluster)
        asked = {str(case) for (case,) in rows(tmp_path, "SELECT case_id FROM trials")}
        assert {number_of(case) for case in asked} == set(tune)
        broken.clear()
        (record,) = run_review(tmp_path, cluster, run_id="run-2")
    assert held.verdict is Verdict.UNDECIDED
    assert held.reason_codes == (Reason.RUN_INCOMPLETE,)
    assert held.still_needed is not None
    some = f"{lost} answer{'s' * (lost > 1)} of luna to tune cases did not come"
    assert some in held.still_needed.note
    assert some in render(to_document(held, NOW), to="md")
    assert load(dump(held)).finding_sha256 == held.finding_sha256
    facts = record.options[0].cascade
    assert facts is not None
    assert facts.threshold_cases == TUNE
    said = [decider.told(number) for number in tune]
    right = [float(one == right_answer(n)) for n, (one, _) in zip(tune, said, strict=True)]
    assert facts.threshold == least_said(0.9, sharpness([p for _, p in said], right))
    assert record.evidence.exploratory == ()


def test_without_tune_cases_it_is_the_number_that_was_stated(tmp_path: Path) -> None:
    facts = reviewed(tmp_path, Decider().script, tune=0)
    assert (facts.threshold, facts.threshold_cases) == (0.9, 0)


def test_auto_proposes_the_model_and_the_pair_with_the_most_they_can_save(tmp_path: Path) -> None:
    write_decider_workspace(tmp_path, 9, Shape(cases=300), tune=TUNE)
    path = tmp_path / "features" / "tickets.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace("candidates: [bad, good]", "candidates: auto"),
        encoding="utf-8",
    )
    plan = planned(tmp_path)
    found = {option.name: option for option in plan.options}
    assert {"luna", "luna+probability-0.9"} <= found.keys()
    for name in ("luna", "luna+probability-0.9"):
        assert found[name].saving_bound_usd is not None
        assert found[name].saving_bound_usd > 50
    assert json.loads(plan.plan_json)["cascades"][0]["accept_when"] == {"probability": 0.9}
    models = tmp_path / "models" / "luna.yaml"
    for old, new in (("internal, customer", "internal"), ("  price", "  #")):
        text = models.read_text(encoding="utf-8")
        models.write_text(text.replace(old, new), encoding="utf-8")
        names = [one.name for one in planned(tmp_path).options if one.excluded is None]
        assert "luna+probability-0.9" not in names
        assert planned(tmp_path).reasons == ()
        models.write_text(text, encoding="utf-8")


def test_a_chat_model_s_tokens_tell_how_sure_it_is(tmp_path: Path) -> None:
    extra = SURE.replace("luna", "good")

    def script(body: Body) -> Reply:
        number = number_of(json.dumps(body.get("messages") or body.get("prompt")))
        label, sure = Decider().told(number)
        if body["model"] != "good":
            assert "logprobs" not in body
            return Reply(text=right_answer(number))
        assert body["logprobs"] is True
        return Reply(text=label, probability=sure)

    with DecisionServer(script) as server, inline_cluster() as cluster:
        shape = Shape(cases=130, candidates="", extra=extra)
        write_decider_workspace(tmp_path, server.port, shape, tune=40)
        (record,) = run_review(tmp_path, cluster)
    (option,) = record.options
    assert option.cascade is not None
    assert option.cascade.threshold_cases == 40
    assert option.cascade.escalated == pytest.approx(100 / 3, abs=12)
    assert option.result in {Result.PASS, Result.UNDECIDED}


def test_open_answers_have_no_such_pair(tmp_path: Path) -> None:
    write_decider_workspace(tmp_path, 9, Shape(candidates="", extra=SURE.replace("luna", "good")))
    path = tmp_path / "evalsets" / "tickets" / "evalset.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(
        text.replace("{scorer: label, labels: [billing, technical]}", "{scorer: contains}"),
        encoding="utf-8",
    )
    (option,) = planned(tmp_path).options
    assert option.excluded is Reason.CAPABILITY_GAP
    assert "'contains' scores open answers" in option.note


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("provider: openai-compatible\n  base_url: http://127.0.0.1:9/v1", "provider: anthropic",
         "the messages wire tells no probabilities of its tokens"),
        ("", "answers: imported", "imported answers have no probabilities"),
    ],
)  # fmt: skip
def test_check_refuses_a_model_that_tells_no_probability(
    tmp_path: Path, old: str, new: str, why: str
) -> None:
    extra = SURE.replace("luna", "good") + ("" if old else f"\n{new}")
    write_decider_workspace(tmp_path, 9, Shape(candidates="", extra=extra))
    path = tmp_path / "models" / "all.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace(old, new) if old else
                    path.read_text(encoding="utf-8"), encoding="utf-8")  # fmt: skip
    with pytest.raises(WorkspaceError, match=why):
        load_workspace(tmp_path)


@pytest.mark.parametrize("number", ["0", "1", "1.5", "-0.1", ".nan", "sure", "true", "''", "[0.9]"])
def test_a_probability_lies_between_none_and_certain(tmp_path: Path, number: str) -> None:
    extra = SURE.replace("0.9", number)
    write_decider_workspace(tmp_path, 9, Shape(candidates="", extra=extra))
    with pytest.raises(WorkspaceError, match=r"features/tickets.yaml:12: cascades") as raised:
        load_workspace(tmp_path)
    assert "Traceback" not in str(raised.value)
