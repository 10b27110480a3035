"""A document is there as soon as its feature's review has ended, and its path is told."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.ask.cluster.workers import InlineCluster
from harness.conduct.listening import Quiet
from harness.conduct.reviewing.progress import Progress, Silent, Upcoming
from harness.conduct.reviewing.review import review as run_plan
from harness.conduct.running import RunSettings, review
from harness.record.stored import read_record
from tests.support.reviews import NOW, Shape, answers, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.ask.replay.ledger import Ledger
    from harness.conduct.reviewing.session import Runtime
    from harness.plan.model import Plan
    from harness.record.model import DecisionRecord
    from harness.workspace.workspace import Workspace

SHAPE = Shape(cases=110, candidates="good", kind="ladder", features=("letters", "mails", "tickets"))


class Watching(Quiet, Silent):
    """Remembers each document that was told of, and how many calls had been made by then."""

    def __init__(self, server: OpenAIServer) -> None:
        self.server = server
        self.told: list[tuple[str, int]] = []

    def progress(self, planned: Upcoming) -> AbstractContextManager[Progress]:  # noqa: ARG002
        return nullcontext(self)

    def note(self, text: str) -> None:
        _, _, path = text.partition(": ")
        assert "<html" in Path(path).read_text("utf-8")
        self.told.append((path, len(self.server.log.calls)))


def reviewed(root: Path, *, in_order: bool) -> tuple[Watching, Path]:
    with OpenAIServer(answers) as server:
        write_review_workspace(root, server.port, SHAPE)
        models = root / "models" / "all.yaml"
        text = models.read_text("utf-8").replace("may_see:", "max_concurrency: 2\n  may_see:")
        models.write_text(text, encoding="utf-8")
        told = Watching(server)
        settings = RunSettings(clock=lambda: NOW, listener=told, in_order=in_order)
        found = review(root, settings=settings)
        last = len(server.log.calls)
    for record in found.records:
        stored = found.folder / "records" / f"{record.feature.id}.json"
        assert read_record(stored).etag == record.etag
    assert told.told[-1][1] <= last
    return told, found.folder


def test_each_document_is_told_once_and_stays_as_it_was(tmp_path: Path) -> None:
    told, folder = reviewed(tmp_path, in_order=False)
    paths = sorted(path for path, _ in told.told)
    assert paths == [str(folder / "documents" / f"{name}.html") for name in SHAPE.features]


def test_in_order_the_first_document_is_there_while_the_last_feature_is_asked(
    tmp_path: Path,
) -> None:
    told, _ = reviewed(tmp_path, in_order=True)
    asked = [calls for _, calls in told.told]
    assert len(asked) == len(SHAPE.features)
    assert asked[0] + SHAPE.cases < asked[-1]


def test_one_that_cannot_be_written_early_is_told_of_at_the_end_alone(tmp_path: Path) -> None:
    """Its folder is taken; the others' documents are there."""

    def answer(body: Body) -> Reply:
        taken = tmp_path / "reviews" / "2026-Q4" / "documents" / "mails.html"
        taken.mkdir(parents=True, exist_ok=True)
        return answers(body)

    with OpenAIServer(answer) as server:
        write_review_workspace(tmp_path, server.port, SHAPE)
        told = Watching(server)
        found = review(tmp_path, settings=RunSettings(clock=lambda: NOW, listener=told))
    assert sorted(Path(path).stem for path, _ in told.told) == ["letters", "tickets"]
    (fault,) = found.faults.found
    assert fault.feature == "mails"


def test_in_order_times_are_measured_when_all_else_was_asked(tmp_path: Path) -> None:
    """The sixty live requests of today's model hold no record back but that of their feature."""
    told: list[tuple[str, int]] = []

    def ordered(
        workspace: Workspace, plan: Plan, served: Mapping[str, str], engine: Runtime
    ) -> tuple[tuple[DecisionRecord, ...], Ledger]:
        def drafted(record: DecisionRecord) -> None:
            told.append((record.feature.id, len(server.log.calls)))

        return run_plan(workspace, plan, served, replace(engine, in_order=True, drafted=drafted))

    with OpenAIServer(answers) as server, InlineCluster() as cluster:
        write_review_workspace(tmp_path, server.port, SHAPE)
        first = tmp_path / "features" / "letters.yaml"
        first.write_text(f"{first.read_text('utf-8')}latency: {{p95_s: 60}}\n", encoding="utf-8")
        records = run_review(tmp_path, cluster, reviewer=ordered)
        last = len(server.log.calls)
    assert told[-1] == ("letters", last)
    assert [calls <= last - 60 for _, calls in told] == [True, True, False]
    letters = next(one for one in records if one.feature.id == "letters")
    # Of a call during which this machine was too busy to look, no time is kept.
    assert letters.current_latency is None or letters.current_latency.n <= 60
