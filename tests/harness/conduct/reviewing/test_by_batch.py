"""Whole reviews whose quality pass goes through the vendors' batch APIs."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.batches import BackOff
from harness.errors import InterruptedRunError, WorkspaceError
from harness.journal.journal import Journal
from harness.journal.upkeep import show
from harness.record.base import Reason, Result, Verdict
from harness.record.stored import write_records
from harness.tell.pages import publish
from harness.workspace.workspace import load_workspace
from tests.support.batch_reviews import (
    CASES,
    IN,
    KEY,
    MODELS,
    OUT,
    Notes,
    batch_servers,
    number_of,
    right,
    run_batch_review,
    write_batch_workspace,
)
from tests.support.reviews import CYCLE, NOW, right_answer
from tests.support.wire.reply import Body, Reply, Script, WireUsage
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from harness.ask.cluster.workers import Cluster
    from harness.record.model import DecisionRecord

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning"), pytest.mark.slow]
SUBMISSION = ("/v1/messages/batches", "/v1/batches", "batchGenerateContent")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_KEY", KEY)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with InlineCluster() as found:
        yield found


def submissions(servers: Mapping[str, Any]) -> int:
    return sum(len(server.jobs.items) for server in servers.values())


def live_calls(servers: Mapping[str, Any]) -> list[Any]:
    calls = [call for server in servers.values() for call in server.calls]
    return [call for call in calls if not call.path.endswith(SUBMISSION)]


def price_of(model: str) -> Decimal:
    return next(Decimal(price) for name, _, _, price in MODELS if name == model)


def dollars(models: list[str], calls: int, share: str) -> Decimal:
    """Worked out by hand: so many calls of each model, input and output at one price."""
    tokens = Decimal(IN + OUT) / 1_000_000
    return sum((price_of(m) * tokens * calls for m in models), Decimal(0)) * Decimal(share)


ALL = [name for name, *_ in MODELS]


def test_a_review_by_batch_costs_half_and_ends_in_documents(
    tmp_path: Path, cluster: Cluster
) -> None:
    notes = Notes()
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers)
        records, ledger = run_batch_review(tmp_path, cluster, notes=notes)
        assert submissions(servers) == len(MODELS)
        assert live_calls(servers) == []
    (record,) = records
    assert (record.verdict, record.chosen) == (Verdict.DOWNGRADE, "gemini")
    assert ledger.spent_usd == dollars(ALL, CASES, "0.5")
    assert record.evidence.spend.total_usd == ledger.spent_usd
    assert ledger.reserved_usd == 0
    assert notes.ended == CASES * len(MODELS)
    assert len([line for line in notes.lines if "120 of 120 answered" in line]) == len(MODELS)
    ways = {o.option: (o.live, o.batch, o.offline) for o in record.evidence.answers or ()}
    assert ways == dict.fromkeys(ALL, (0, CASES, 0))
    out = tmp_path / "reviews" / CYCLE
    write_records(records, out)
    publish(records, out, now=NOW)
    (page,) = (out / "documents").glob("*.md")
    said = f"opus by the vendor's batch API ({CASES}); "
    assert said in page.read_text(encoding="utf-8").replace("&#39;", "'")
    for path in [path for path in out.rglob("*") if path.is_file()]:
        text = path.read_text(encoding="utf-8")
        assert KEY not in text
        assert "Ticket number" not in text


def test_run_again_asks_nobody_and_finds_the_same(tmp_path: Path, cluster: Cluster) -> None:
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers)
        (first,), _ = run_batch_review(tmp_path, cluster)
    (again,), _ = run_batch_review(tmp_path, None, run_id="run-2")
    assert again.model_dump() == first.model_dump()


def test_latency_is_measured_live(tmp_path: Path, cluster: Cluster) -> None:
    notes = Notes()
    with batch_servers() as servers:
        write_batch_workspace(
            tmp_path, servers, extra="latency: {p95_s: 20}", candidates=("gemini",)
        )
        (record,), ledger = run_batch_review(tmp_path, cluster, notes=notes)
        live = Counter(call.path.rpartition("/")[2] for call in live_calls(servers))
    # Samples that our own event loop spoilt are made up for.
    assert min(live["messages"], live["gemini:streamGenerateContent"]) >= 60
    assert len(live) == 2
    facts = record.options[0].latency
    assert facts is not None
    assert facts.n >= 60
    assert ledger.spent_usd == (
        dollars(["opus", "gemini"], CASES, "0.5")
        + dollars(["opus"], live["messages"], "1")
        + dollars(["gemini"], live["gemini:streamGenerateContent"], "1")
    )
    assert notes.stored == 0
    # A live call is expected to cost twice what one in a batch does, as the prices state.
    cheap, opus = sorted(price for price, count in notes.expected_usd.items() if count == CASES)
    assert notes.expected_usd[2 * cheap] == live["gemini:streamGenerateContent"]
    assert notes.expected_usd[2 * opus] == live["messages"]


def test_features_share_the_batches_of_a_look(tmp_path: Path, cluster: Cluster) -> None:
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers, candidates=("gemini",))
        # Of the error that both share the second gets little: a wider limit is in its reach.
        path = tmp_path / "features" / "tickets.yaml"
        text = path.read_text(encoding="utf-8").replace("risk: medium", "risk: low")
        path.write_text(text, encoding="utf-8")
        (tmp_path / "features" / "other.yaml").write_text(
            text + "evalset: tickets\n", encoding="utf-8"
        )
        prompts = tmp_path / "prompts" / "other"
        prompts.mkdir()
        (prompts / "default.j2").write_text("Subject of: {{ input }}\n", encoding="utf-8")
        records, _ = run_batch_review(tmp_path, cluster)
        sizes = [len(items) for s in servers.values() for items in s.jobs.items.values()]
    assert sizes == [2 * CASES, 2 * CASES]
    assert {record.verdict for record in records} == {Verdict.DOWNGRADE}


def worse(body: Body) -> Reply:
    """Gemini gets every fifth ticket wrong, the others every twentieth."""
    number = number_of(body)
    wrong = number % 20 == 0 or (number % 5 == 2 and "contents" in body)
    usage = WireUsage(input_tokens=IN, output_tokens=OUT)
    return Reply(text=right_answer(number + 1 if wrong else number), usage=usage)


@pytest.mark.parametrize("script", [right, worse], ids=["as good", "worse"])
def test_one_batch_a_look_and_model_and_the_finding_of_a_live_review(
    tmp_path: Path, cluster: Cluster, script: Script
) -> None:
    found: dict[str, DecisionRecord] = {}
    for batch in ("true", "false"):
        with batch_servers(script) as servers:
            root = write_batch_workspace(
                tmp_path / batch, servers, kind="ladder", candidates=("gemini", "gpt"), cases=300,
                batch=batch,
            )  # fmt: skip
            (found[batch],), _ = run_batch_review(root, cluster)
            if batch == "true":
                sizes = {v: [len(b) for b in s.jobs.items.values()] for v, s in servers.items()}
                assert live_calls(servers) == []
        (again,), _ = run_batch_review(root, None, run_id="run-2")
        assert again.model_dump() == found[batch].model_dump()
    pilot, *looks = sizes["anthropic"]
    assert pilot == 20
    assert 1 <= len(looks) <= 3
    ours, theirs = found["true"], found["false"]
    assert (ours.verdict, ours.reason_codes) == (theirs.verdict, theirs.reason_codes)
    assert [option.quality for option in ours.options] == [o.quality for o in theirs.options]
    assert [option.result for option in ours.options] == [o.result for o in theirs.options]


def far(body: Body) -> Reply:
    """Wrong one time in nine, and a smaller model one in seven: it cannot be shown on 180 cases."""
    number = number_of(body)
    wrong = number % 9 == 1 if "opus" in str(body.get("model")) else number % 7 == 3
    usage = WireUsage(input_tokens=IN, output_tokens=OUT)
    return Reply(text=right_answer(number + wrong), usage=usage)


def test_what_a_batch_brought_is_read_before_an_option_is_given_up(
    tmp_path: Path, cluster: Cluster
) -> None:
    found: dict[str, DecisionRecord] = {}
    for batch in ("true", "false"):
        with batch_servers(far) as servers:
            root = write_batch_workspace(
                tmp_path / batch, servers, kind="ladder", candidates=("gemini",), cases=180,
                batch=batch,
            )  # fmt: skip
            (found[batch],), _ = run_batch_review(root, cluster)
    live, ours = found["false"].options[0], found["true"].options[0]
    assert live.stopped is not None
    assert live.stopped.seen < live.stopped.cases == 180
    assert found["true"].evidence.spend.trials == 2 * 180
    assert (ours.reason_codes, ours.stopped) == ((Reason.QUALITY_UNDECIDED,), None)


def test_expired_items_are_asked_live_and_not_billed(tmp_path: Path, cluster: Cluster) -> None:
    notes = Notes()
    once: Counter[str] = Counter()

    def script(body: Body) -> Reply:
        name = json.dumps(body, sort_keys=True)
        once[name] += 1
        return Reply(fault="stall") if once[name] == 1 and number_of(body) < 4 else right(body)

    with batch_servers(script) as servers:
        write_batch_workspace(tmp_path, servers, candidates=("gpt", "gemini"))
        (record,), ledger = run_batch_review(tmp_path, cluster, notes=notes)
        live = live_calls(servers)
    assert len(live) == 9
    assert record.verdict is Verdict.DOWNGRADE
    assert all(option.missing is None or option.missing.candidate == 0 for option in record.options)
    asked = ["opus", "gpt", "gemini"]
    assert ledger.spent_usd == dollars(asked, CASES - 3, "0.5") + dollars(asked, 3, "1")
    assert (
        sum("117 of 120 answered; 3 expired or failed: asking live" in n for n in notes.lines) == 3
    )
    assert [(one.live, one.batch) for one in record.evidence.answers or ()] == [(3, CASES - 3)] * 3
    (again,), _ = run_batch_review(tmp_path, None, run_id="run-2")
    assert again.model_dump() == record.model_dump()


def test_what_the_model_refuses_is_its_failure_and_not_asked_again(
    tmp_path: Path, cluster: Cluster
) -> None:
    too_long = "prompt is too long; this model's maximum context length is 8 tokens"

    def script(body: Body) -> Reply:
        refused = number_of(body) < 4 and "gemini" not in json.dumps(body)
        return Reply(status=400, error_message=too_long) if refused else right(body)

    with batch_servers(script) as servers:
        write_batch_workspace(tmp_path, servers, candidates=("gpt",))
        (record,), _ = run_batch_review(tmp_path, cluster)
        assert live_calls(servers) == []
    quality = record.options[0].quality
    assert quality is not None
    assert quality.n == CASES


def test_a_batch_that_fails_whole_is_asked_live(tmp_path: Path, cluster: Cluster) -> None:
    notes = Notes()
    with batch_servers() as servers:
        servers["google"].jobs.failed = True
        servers["openai"].jobs.failed = True
        write_batch_workspace(tmp_path, servers, candidates=("gpt", "gemini"))
        (record,), ledger = run_batch_review(tmp_path, cluster, notes=notes)
        assert len(live_calls(servers)) == 2 * CASES
    assert record.verdict is Verdict.DOWNGRADE
    assert any("failed (invalid_json_line): asking live" in line for line in notes.lines)
    # Google says nothing of what a failed batch cost: its whole reservation is kept.
    assert ledger.possibly_billed_usd > 0


def test_without_room_for_the_whole_batch_nothing_of_it_is_sent(
    tmp_path: Path, cluster: Cluster
) -> None:
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers, cap="0.05")
        (record,), ledger = run_batch_review(tmp_path, cluster)
        assert submissions(servers) <= 1
        assert live_calls(servers) == []
    assert ledger.spent_usd + ledger.possibly_billed_usd <= Decimal("0.05")
    assert record.verdict is Verdict.UNDECIDED
    assert Reason.RUN_INCOMPLETE in record.reason_codes


def test_a_rejected_key_stops_the_models_batch(
    tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BATCH_KEY")
    notes = Notes()
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers)
        (record,), ledger = run_batch_review(tmp_path, cluster, notes=notes)
        assert submissions(servers) == 0
        assert live_calls(servers) == []
    assert "no batch of opus (AuthRejectedError)" in notes.lines
    assert record.verdict is Verdict.UNDECIDED
    assert (ledger.spent_usd, ledger.possibly_billed_usd, ledger.reserved_usd) == (0, 0, 0)


class Stop:
    """Presses Ctrl-C at the first pause."""

    def __call__(self, _seconds: float) -> None:
        raise KeyboardInterrupt


def test_ctrl_c_leaves_the_batches_to_the_next_run(tmp_path: Path, cluster: Cluster) -> None:
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers)
        with pytest.raises(InterruptedRunError, match="4 batches go on at the vendors"):
            run_batch_review(tmp_path, cluster, pause=Stop())
        assert submissions(servers) == len(MODELS)
        notes = Notes()
        (record,), ledger = run_batch_review(tmp_path, cluster, run_id="run-2", notes=notes)
        assert submissions(servers) == len(MODELS)
        assert live_calls(servers) == []
    assert record.verdict is Verdict.DOWNGRADE
    assert ledger.spent_usd == dollars(ALL, CASES, "0.5")
    assert (ledger.reserved_usd, ledger.possibly_billed_usd) == (0, 0)
    assert sum("is under way since" in line for line in notes.lines) == len(MODELS)
    with Journal.read(tmp_path / ".rightsize" / "journal.sqlite") as journal:
        spent = journal.spend(cycle=CYCLE)
    assert (spent.known_usd, spent.possibly_billed_usd) == (ledger.spent_usd, 0)


def test_while_a_batch_is_under_way_its_reservation_counts(
    tmp_path: Path, cluster: Cluster
) -> None:
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers)
        with pytest.raises(InterruptedRunError):
            run_batch_review(tmp_path, cluster, pause=Stop())
    with Journal.read(tmp_path / ".rightsize" / "journal.sqlite") as journal:
        spent = journal.spend(cycle=CYCLE)
    assert spent.known_usd == 0
    (seen,) = show(tmp_path / ".rightsize" / "journal.sqlite").runs
    assert (seen.in_batches, seen.interrupted) == (CASES * len(MODELS), 0)
    assert spent.possibly_billed_usd > dollars(ALL, CASES, "0.5")


def test_a_batch_that_does_not_end_is_left_to_a_later_run(tmp_path: Path, cluster: Cluster) -> None:
    notes = Notes()
    with batch_servers() as servers:
        for server in servers.values():
            server.jobs.held = True
        write_batch_workspace(tmp_path, servers, candidates=("gemini",))
        short = BackOff(first_s=1, most_s=2, window_s=5)
        (record,), _ = run_batch_review(tmp_path, cluster, notes=notes, back_off=short)
        assert record.verdict is Verdict.UNDECIDED
        assert any("has not ended; a later run reads it" in line for line in notes.lines)
        for server in servers.values():
            server.jobs.held = False
        (record,), _ = run_batch_review(tmp_path, cluster, run_id="run-2")
        assert submissions(servers) == 2
    assert record.verdict is Verdict.DOWNGRADE
    assert record.options[0].result is Result.PASS


def test_a_batch_that_is_gone_is_asked_live(tmp_path: Path, cluster: Cluster) -> None:
    notes = Notes()
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers, candidates=("gemini",))
        with pytest.raises(InterruptedRunError):
            run_batch_review(tmp_path, cluster, pause=Stop())
        for server in servers.values():
            server.jobs.gone = True
        (record,), ledger = run_batch_review(tmp_path, cluster, run_id="run-2", notes=notes)
        assert len(live_calls(servers)) == 2 * CASES
    assert record.verdict is Verdict.DOWNGRADE
    assert sum("is gone (ModelNotFoundError): asking live" in n for n in notes.lines) == 2
    assert ledger.possibly_billed_usd > dollars(["opus", "gemini"], CASES, "0.5")


def test_a_server_of_ones_own_has_no_batches(tmp_path: Path) -> None:
    with batch_servers() as servers:
        write_batch_workspace(tmp_path, servers)
    google = "  provider: google\n  api: generate-content\n"
    edit(tmp_path / "models" / "all.yaml", google, "  provider: openai-compatible\n")
    with pytest.raises(WorkspaceError, match="openai-compatible has no batch API"):
        load_workspace(tmp_path)
