"""What prepares a workspace, as calls from Python: no command, nothing printed."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.ask.probe.search import SearchPlan
from harness.bring.onramp.csv_cases import Columns
from harness.conduct import (
    import_answers,
    import_csv,
    import_inspect,
    import_probe,
    import_promptfoo,
    import_traffic,
    journal,
    models,
    probe,
    try_prompt,
)
from harness.conduct.listening import Quiet
from harness.conduct.preparing.importing_answers import (
    AnswersBrought,
    AnswersToImport,
    ToFillIn,
)
from harness.conduct.preparing.importing_sets import SetToImport
from harness.conduct.preparing.listing_models import Silence
from harness.conduct.preparing.probing_replica import ProbeSettings, ReplicaToProbe
from harness.conduct.preparing.trying import PromptToTry
from harness.errors import UsageError
from harness.workspace.probe_file import read_probe
from tests.support.clocked_queue import clocked_queue
from tests.support.imports import FACTS, MODEL, POLICY
from tests.support.outcomes_table import outcomes_table
from tests.support.reviews import Shape, answers, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import write_workspace

if TYPE_CHECKING:
    from harness.conduct.preparing.listing_models import ListedModel

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TABLE = "ticket,input,target\nt-1,Where is my invoice?,billing\nt-2,It crashes,technical\n"
PROMPTFOO = """\
prompts: ["Topic of {{text}}?"]
providers: [openai:gpt-5.4]
tests:
  - {vars: {text: invoice}, assert: [{type: equals, value: billing}]}
  - {vars: {text: crash}, assert: [{type: equals, value: technical}]}
"""


class Told(Quiet):
    """Remembers the lines that it was told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def note(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture(autouse=True)
def silence(capsys: pytest.CaptureFixture[str]) -> object:
    """No job prints."""
    yield
    assert capsys.readouterr() == ("", "")


def file(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_answers_of_another_tool_stop_at_what_is_to_fill_in_and_then_come(tmp_path: Path) -> None:
    root = tmp_path / "rightsizing"
    file(root / "policy.yaml", POLICY)
    listed = (
        MODEL.format(name=name, price=p) for name, p in (("gpt-5.4", 10), ("gpt-5.4-mini", 1))
    )
    file(root / "models" / "all.yaml", "".join(listed))
    source = file(tmp_path / "answers.csv", outcomes_table(120))
    asked = AnswersToImport(root=root, sources=(source,), feature="routing", incumbent="gpt-5.4")
    told = Told()
    first = import_answers(asked, now=NOW, listener=told)
    assert isinstance(first, ToFillIn)
    assert "owner" in str(first.fault)
    assert "wrote features/routing.yaml" in told.said
    feature = root / "features" / "routing.yaml"
    feature.write_text(feature.read_text("utf-8") + FACTS, encoding="utf-8")
    found = import_answers(asked, now=NOW)
    assert isinstance(found, AnswersBrought)
    assert sum(found.done.counts.values()) == 240
    assert found.resting == ()
    facts = journal(root).facts()
    assert (facts.trials, facts.answered) == (240, 240)


def test_eval_sets_are_made_of_three_tools_files(tmp_path: Path) -> None:
    root = write_workspace(tmp_path / "w")
    table = SetToImport(root=root, source=file(tmp_path / "a.csv", TABLE), feature="from-table")
    told = Told()
    found = import_csv(table, Columns(id="ticket"), listener=told)
    assert [case.id for case in found.cases] == ["t-1", "t-2"]
    assert "wrote features/from-table.yaml: fill it in, then `rightsize check`" in told.said
    rows = "".join(
        json.dumps({"id": row.split(",")[0], "input": row, "target": "billing"}) + "\n"
        for row in TABLE.splitlines()[1:]
    )
    samples = file(tmp_path / "b.jsonl", rows)
    assert len(import_inspect(SetToImport(root=root, source=samples, feature="b")).cases) == 2
    config = file(tmp_path / "promptfooconfig.yaml", PROMPTFOO)
    configured = import_promptfoo(SetToImport(root=root, source=config, feature="c"))
    assert (configured.converted, configured.models) == (2, ("openai:gpt-5.4",))
    assert (root / "prompts" / "c").is_dir()
    with pytest.raises(UsageError, match="letters, digits"):
        import_csv(SetToImport(root=root, source=table.source, feature="../up"))


def test_a_log_becomes_a_traffic_file_once(tmp_path: Path) -> None:
    root = write_workspace(tmp_path / "w")
    monday = datetime(2026, 10, 5, 0, 30, tzinfo=UTC)
    rows = [
        f"{(monday + timedelta(hours=hour)).isoformat()},tickets,r{hour},5000,20"
        for hour in range(168)
    ]
    head = "timestamp,feature,request_id,input_tokens,output_tokens"
    log = file(tmp_path / "log.csv", "\n".join([head, *rows]) + "\n")
    found = import_traffic(root, log, name="2026-10.csv")
    assert found.path == root / "traffic" / "2026-10.csv"
    assert {week.feature for week in found.weeks} == {"tickets"}
    assert import_traffic(root, (log, log), name="2026-10.csv").unchanged
    with log.open("a", encoding="utf-8") as more:
        more.write("2026-10-06T00:00:00Z,tickets,s1,5000,20\n")
    with pytest.raises(UsageError, match="is there already"):
        import_traffic(root, log, name="2026-10.csv")
    with pytest.raises(UsageError, match="not a file name"):
        import_traffic(root, log, name="../up.csv")


def test_models_are_listed_and_asked(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        root = write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        told: list[ListedModel] = []
        found = models(root, ("good",), ping=True, told=told.append, now=NOW)
        assert server.log.calls
    assert told == list(found)
    assert [(one.name, one.answer) for one in found] == [("good", "answers")]
    (silent,) = models(root, ("good",), ping=True, now=NOW)
    assert isinstance(silent.answer, Silence)
    assert {one.answer for one in models(root, now=NOW)} == {"not asked"}
    with pytest.raises(UsageError, match="--model goood: not in the workspace"):
        models(root, ("goood",), now=NOW)


def test_one_replica_is_probed_and_the_search_is_told(tmp_path: Path) -> None:
    told, brief = (
        Told(),
        ProbeSettings(search=SearchPlan(first_per_s=40, repeats=1), seconds=0.2, least_requests=16),
    )
    with clocked_queue(0.008) as queue:
        shape = Shape(cases=120, candidates="good", extra="latency: {p95_s: 0.1}")
        root = write_review_workspace(tmp_path, queue.port, shape)
        with pytest.raises(UsageError, match="MODEL huge: not in the workspace"):
            probe(ReplicaToProbe(root=root, model="huge", feature="tickets"), brief)
        asked = ReplicaToProbe(root=root, model="good", feature="tickets", load_s=4.0)
        found = probe(asked, brief, listener=told, measure=queue.probe)
    assert read_probe(found.path) == found.result
    assert found.result.load_s == 4.0
    assert told.said[0].startswith(
        f"good at http://127.0.0.1:{queue.port}/v1; 30 requests one by one"
    )
    assert told.said[1].startswith("repeat 1: 40/s, 16 requests")


def test_another_tools_probe_is_taken(tmp_path: Path) -> None:
    shape = Shape(cases=120, candidates="good", extra="latency: {p95_s: 0.5}")
    root = write_review_workspace(tmp_path / "w", 9, shape)
    lines = [
        {
            "request_rate": rate, "max_concurrency": None, "errors": [""] * 4,
            "start_times": [0, 1, 2, 3], "ttfts": [first] * 4, "itls": [[]] * 4,
            "input_lens": [80] * 4, "output_lens": [2] * 4,
        }
        for rate, first in ((2.0, 0.1), (4.0, 0.9))
    ]  # fmt: skip
    path = file(tmp_path / "bench.jsonl", "\n".join(map(json.dumps, lines)))
    asked = ReplicaToProbe(root=root, model="good", feature="tickets")
    found = import_probe(asked, "vllm-bench", path, now=NOW)
    assert found.result.goodput.per_s == pytest.approx(2.2)
    assert read_probe(found.path) == found.result


@pytest.mark.ray
@pytest.mark.xdist_group("ray")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_prompt_is_tried_on_the_tune_cases(tmp_path: Path) -> None:
    with OpenAIServer(answers) as server:
        shape = Shape(cases=80, candidates="good")
        root = write_review_workspace(tmp_path / "w", server.port, shape)
        config = root / "evalsets" / "tickets" / "evalset.yaml"
        config.write_text(config.read_text("utf-8") + "tune: 20\n", encoding="utf-8")
        prompt = file(tmp_path / "mine.j2", "Which topic? {{ input }}")
        asked = PromptToTry(root=root, feature="tickets", model="good", prompt=prompt)
        tried = try_prompt(asked)
        assert len(server.log.calls) == len(tried.cases) == 20
    assert tried.mean is not None
    assert tried.prompts_tried == 1
    kept = journal(root)
    assert (kept.facts().trials, list(kept.problems())) == (20, [])
    assert kept.export(tmp_path / "rows.parquet") == 20
    before, after = kept.compact()
    assert before >= after > 0
    other = tmp_path / "other.sqlite"
    shutil.copyfile(kept.path, other)
    assert kept.merge(other).attempts == 0
