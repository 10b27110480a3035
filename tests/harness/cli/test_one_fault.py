"""One feature's fault takes no other's document, and whatever was paid for is written."""

from __future__ import annotations

import shutil
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from harness.ask.replay.retry import RetryPolicy
from harness.cli.main import run
from harness.conduct.reviewing.progress import Silent
from harness.conduct.reviewing.review import review
from harness.conduct.reviewing.session import Runtime
from harness.errors import ExitCode, Faults
from harness.journal.journal import Journal
from harness.plan.planning import Selection, plan_review
from harness.record.stored import read_records
from harness.tell.pages import publish
from harness.workspace.workspace import load_workspace
from tests.support.reviews import (
    CYCLE,
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit, write_workspace

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.no_cover, pytest.mark.xdist_group("one-fault")]

LONG = "x" * 120
GOOD, BAD = "topic", "topic.v2"
PRIMARY = "{scorer: label, labels: [billing, technical]}"
CHOOSY = """\
def score(answer, target, metadata):
    if answer and answer != target:
        raise LookupError("a wrong answer is not in the table")
    return answer == target
"""


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three features whose every answer is in the journal."""
    shape = Shape(cases=120, candidates="good", features=(GOOD, BAD, LONG))
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        root = write_review_workspace(tmp_path_factory.mktemp("asked"), server.port, shape)
        run_review(root, cluster)
    return root


@pytest.fixture
def root(asked: Path, tmp_path: Path) -> Path:
    shutil.copytree(asked, tmp_path / "copy")
    return tmp_path / "copy"


def command(root: Path, *more: str) -> int:
    return run([*more, "review", "-w", str(root), "--cycle", CYCLE, "--yes"])


def pages(root: Path) -> set[str]:
    return {path.stem for path in (root / "reviews" / CYCLE / "documents").glob("*.html")}


def test_every_id_that_is_let_pass_gets_its_record_and_its_document(root: Path) -> None:
    assert command(root) == ExitCode.OK
    assert pages(root) == {GOOD, BAD, LONG}
    folder = root / "reviews" / CYCLE
    names = {path.name for path in (folder / "records").iterdir()}
    assert names == {"topic.json", "topic.v2.v1.json", f"{LONG}.json"}
    assert {record.feature.id for record in read_records(folder)} == {GOOD, BAD, LONG}
    assert run(["report", "-w", str(root), "--cycle", CYCLE]) == ExitCode.OK


def test_an_id_that_is_too_long_is_told_with_its_limit(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "features" / f"{LONG}.yaml").rename(root / "features" / f"{LONG}x.yaml")
    assert run(["check", "-w", str(root)]) == ExitCode.USAGE_ERROR
    assert "letters, digits and . _ - only, at most 120" in capsys.readouterr().err
    assert command(root) == ExitCode.USAGE_ERROR
    assert pages(root) == {GOOD, BAD}


def test_a_scorer_that_fails_on_an_answer_takes_its_own_feature_alone(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(root / "evalsets" / BAD / "choosy.py", CHOOSY)
    edit(root / "evalsets" / BAD / "evalset.yaml", PRIMARY, "{scorer: 'choosy:score'}")
    assert command(root) == ExitCode.USAGE_ERROR
    said = capsys.readouterr()
    first, second = said.err.splitlines()
    assert first.startswith(
        f"{BAD}: its answers could not be read: scorer 'choosy:score': case 't-0"
    )
    assert first.endswith("LookupError: a wrong answer is not in the table")
    assert second == "their answers are kept: once that is mended, run the same again"
    assert pages(root) == {GOOD, LONG}
    assert "DOWNGRADE 0   JUSTIFY 0   UNDECIDED 2" in said.out


def test_a_record_that_was_changed_by_hand_takes_no_other(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(root) == ExitCode.OK
    path = root / "reviews" / CYCLE / "records" / "topic.v2.v1.json"
    path.write_text(path.read_text().replace('"verdict": "undecided"', '"verdict": "justify"'))
    shutil.rmtree(root / "reviews" / CYCLE / "documents")
    capsys.readouterr()
    assert command(root) == ExitCode.USAGE_ERROR
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"{BAD}: its record could not be written: {path}: was changed by")
    assert lines[1].startswith(f"{BAD}: its record could not be read: {path}: was changed by")
    assert pages(root) == {GOOD, LONG}


def test_a_record_that_cannot_be_made_is_kept_from_the_others(root: Path) -> None:
    """No file can say it: the amount of one feature is made none, as a fault of ours might."""
    workspace = load_workspace(root)
    plan = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=Selection())
    none = {"migration_usd": Decimal("NaN")}
    plan = replace(
        plan,
        features=tuple(
            replace(one, config=one.config.model_copy(update=none)) if one.feature == BAD else one
            for one in plan.features
        ),
    )
    faults = Faults()
    path = root / ".rightsize" / "journal.sqlite"
    with Journal.open(path, run_id="again", cycle=CYCLE, now=NOW.isoformat()) as journal:
        engine = Runtime(
            cluster=None,
            journal=journal,
            retry=RetryPolicy(rng=Random(1)),
            progress=Silent(),
            now=NOW,
            share_of_rate_limit=1.0,
            faults=faults,
        )
        records, _ = review(workspace, plan, {}, engine)
    assert {record.feature.id for record in records} == {GOOD, LONG}
    (fault,) = faults.found
    assert str(fault).startswith(f"{BAD}: its record could not be made: internal error: ")
    assert faults.exit_code == ExitCode.INTERNAL_ERROR


@pytest.mark.parametrize("workers", [1, 2])
def test_a_page_that_cannot_be_made_is_told_after_the_others_are(
    root: Path, tmp_path: Path, workers: int
) -> None:
    assert command(root) == ExitCode.OK
    first, *others = read_records(root / "reviews" / CYCLE)
    broken = first.model_copy(update={"margin": None})
    several = [
        one.model_copy(update={"feature": one.feature.model_copy(update={"id": f"{number}"})})
        for number, one in enumerate(others * 8)
    ]
    out = tmp_path / "out"
    faults = Faults()
    publish([broken, *several], out, now=NOW, workers=workers, faults=faults)
    assert {path.stem for path in (out / "documents").glob("*.md")} == {str(n) for n in range(16)}
    assert first.feature.id in {fault.feature for fault in faults.found}
    with pytest.raises(ValidationError):
        publish([broken, *several], out, now=NOW, workers=workers)


def test_a_fault_of_ours_is_told_with_its_traceback_where_that_is_wanted(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(root / "evalsets" / BAD / "choosy.py", CHOOSY)
    edit(root / "evalsets" / BAD / "evalset.yaml", PRIMARY, "{scorer: 'choosy:score'}")
    assert command(root, "--debug") == ExitCode.USAGE_ERROR
    assert "Traceback" in capsys.readouterr().err


def test_the_answers_of_the_feature_at_fault_are_kept(root: Path) -> None:
    scorer = root / "evalsets" / BAD / "choosy.py"
    write(scorer, CHOOSY)
    edit(root / "evalsets" / BAD / "evalset.yaml", PRIMARY, "{scorer: 'choosy:score'}")
    assert command(root) == ExitCode.USAGE_ERROR
    write(scorer, "def score(answer, target, metadata):\n    return answer == target\n")
    assert command(root) == ExitCode.OK
    (record,) = (one for one in read_records(root / "reviews" / CYCLE) if one.feature.id == BAD)
    assert record.evidence.spend.trials > 0


EVERYWHERE = (
    *(["report"], ["export"], ["why", "tickets"], ["verify"], ["journal", "show"]),
    *(["decide", "tickets", "accept", "--reason", "x"], ["lock"], ["gate"], ["label", "tickets"]),
    *(["check"], ["plan"], ["models"], ["reprice"], ["report", "--month", "2026-11"]),
    *(["report", "--out", "nowhere/a.txt"], ["journal", "export", "nowhere/a.parquet"]),
    *(["verify", "--actual", "nowhere.csv"], ["import", "csv", "no.csv", "-f", "x"]),
)


def test_no_command_prints_a_path_from_the_root_of_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether the user stands in the workspace or above it."""
    root = write_workspace(tmp_path / "rightsizing")
    for place in (tmp_path, root):
        monkeypatch.chdir(place)
        for words in EVERYWHERE:
            run(list(words))
            said = capsys.readouterr()
            assert str(tmp_path) not in said.out + said.err, words
