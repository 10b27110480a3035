import json
import shutil
from pathlib import Path

import pytest

from harness.cli.main import run
from harness.conduct.concluding.differences import disagreements
from harness.errors import UsageError
from harness.journal.journal import Journal
from harness.plan.planning import Selection, plan_review
from harness.workspace.workspace import load_workspace
from tests.support.judged import judged_answers, write_judged_workspace
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer

pytestmark = pytest.mark.xdist_group("why")


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("why")
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        write_review_workspace(root, server.port, Shape(cases=120, candidates="good"))
        run_review(root, cluster)
    return root


def test_the_disagreements_are_shown_losses_first(replayed: Path) -> None:
    plan = plan_review(
        load_workspace(replayed), cycle=CYCLE, on=NOW.date(), wanted=Selection()
    ).features[0]
    with Journal.read(replayed / ".rightsize" / "journal.sqlite") as journal:
        found = list(disagreements(plan, journal))
    assert {each.case.id for each in found} == {"t-0007", "t-0107"}
    assert [(each.incumbent.text, each.candidate.text, each.loss) for each in found] == [
        ("billing", "technical", 1.0)
    ] * 2


def test_answers_leave_the_terminal_only_when_asked(
    replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["why", "tickets", "-w", str(replayed), "--cycle", CYCLE]
    assert run(words) == 2
    shown = capsys.readouterr()
    assert "on a terminal only" in shown.err
    assert "billing" not in shown.out
    out = tmp_path / "why.jsonl"
    assert run([*words, "--include-content", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    assert {line["case"] for line in lines} == {"t-0007", "t-0107"}
    assert lines[0]["target"] == "billing"


def test_without_answers_there_is_no_why(replayed: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(replayed, tmp_path / "changed"))
    prompt = root / "prompts" / "tickets" / "default.j2"
    prompt.write_text("Another prompt: {{ input }}\n", encoding="utf-8")
    plan = plan_review(
        load_workspace(root), cycle=CYCLE, on=NOW.date(), wanted=Selection()
    ).features[0]
    with (
        Journal.read(root / ".rightsize" / "journal.sqlite") as journal,
        pytest.raises(UsageError, match="no answers here"),
    ):
        list(disagreements(plan, journal))


def test_a_judges_reason_stands_beside_the_answer_it_is_about(tmp_path: Path) -> None:
    with OpenAIServer(judged_answers) as server, inline_cluster() as cluster:
        write_judged_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        run_review(tmp_path, cluster)
    out = tmp_path / "why.jsonl"
    words = ["why", "tickets", "-w", str(tmp_path), "--cycle", CYCLE]
    assert run([*words, "--include-content", str(out)]) == 0
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert {line["case"] for line in lines} == {"t-0007", "t-0107"}
    assert {line["candidate"]["judge"] for line in lines} == {"seen"}
    assert {line["candidate"]["score"] for line in lines} == {0.0}
