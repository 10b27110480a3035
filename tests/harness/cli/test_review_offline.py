"""`rightsize review` with a model of our own whose quality pass needs no server."""

from __future__ import annotations

import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from harness.ask.serving.states import list_servers
from harness.cli.main import run
from harness.errors import ExitCode
from harness.plan.planning import Selection, plan_review
from harness.workspace.state import logs_folder
from harness.workspace.workspace import load_workspace
from tests.support.gpus import list_gpus
from tests.support.reviews import CYCLE, NOW, Shape, answers, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
on_ray = [pytest.mark.ray, pytest.mark.xdist_group("ray")]
SUPPORT = Path(__file__).parents[2] / "support"
CASES = 150
OWN = """\
right:
  provider: openai-compatible
  may_see: [public, internal, customer]
  gpu: h100
  price: [{{from: 2026-09-01, input: 0.2, output: 0.2, source: quote}}]
  serve:
    engine: command
    command: [{python}, {server}, "{{port}}", --tickets]
    offline: {{replicas: {replicas}, command: [{python}, {engine}, "{{input}}", "{{output}}"{how}]}}
    gpus: {gpus}
    ttl_s: 120
"""
POLICY = """\
gpus: {h100: {on_demand: 3.90, spot: 1.60, as_of: 2026-10-01, source: quote}}
gpu_quota: {support: 2}
"""
LIVE = (
    "SELECT count(*) FROM attempts JOIN trials USING (fingerprint) "
    "WHERE batch IS NULL AND option = 'right' AND purpose = ?"
)
OFFLINE = "SELECT count(*) FROM attempts WHERE batch LIKE 'offline-%'"
LONGEST_S = 180.0


@pytest.fixture(autouse=True)
def three_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose vendor's tool lists three GPUs."""
    list_gpus(tmp_path, 3, monkeypatch)


def workspace(  # noqa: PLR0913  # each is what one test varies
    root: Path, port: int, *, extra: str = "", how: str = "", replicas: int = 3, gpus: int = 1
) -> Path:
    write_review_workspace(root, port, Shape(cases=CASES, candidates="right", extra=extra))
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text() + POLICY)
    facts = {"python": sys.executable, "server": SUPPORT / "scripted_server.py"}
    own = OWN.format(
        engine=SUPPORT / "scripted_offline.py", how=how, replicas=replicas, gpus=gpus, **facts
    )
    (root / "models" / "own.yaml").write_text(own)
    return root


@pytest.fixture
def port() -> Iterator[int]:
    with OpenAIServer(answers) as server:
        yield server.port


def asked(root: Path, sql: str, *given: str) -> int:
    with sqlite3.connect(root / ".rightsize" / "journal.sqlite") as journal:
        found: int = journal.execute(sql, given).fetchone()[0]
    journal.close()
    return found


def record(root: Path) -> dict[str, object]:
    (path,) = (root / "reviews" / CYCLE / "records").iterdir()
    return json.loads(path.read_text())


def command(root: Path) -> list[str]:
    return ["review", "-w", str(root), "--cycle", CYCLE, "--yes"]


class TestOnRay:
    pytestmark = on_ray

    def test_no_server_is_started_where_none_is_asked(
        self, tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        root = workspace(tmp_path / "w", port)
        assert run(command(root)) == ExitCode.OK
        text = capsys.readouterr().out
        # Three GPUs, and a quota of two.
        assert "offline: right in 2 at once" in text
        assert "starting" not in text
        assert "DOWNGRADE 1" in text
        assert "0 trials missing" in text
        assert (asked(root, OFFLINE), asked(root, LIVE, "quality")) == (CASES, 0)
        logs = root / ".rightsize" / "logs"
        said = {path.name: path.read_text() for path in logs.glob("*.log")}
        assert set(said) == {"right.offline.1.log", "right.offline.2.log"}
        assert {log.splitlines()[0].split()[1] for log in said.values()} == {"0", "1"}
        assert all("75 requests" in log for log in said.values())
        assert all(path.stat().st_mode & 0o077 == 0 for path in logs.glob("*.log"))
        # Two GPUs held at their spot price until the engine said that it reads.
        spend = record(root)["evidence"]["spend"]  # type: ignore[index]
        assert 0 < Decimal(spend["gpu_usd"]) < 2 * Decimal("1.60") / 60
        page = next((root / "reviews" / CYCLE / "documents").glob("*.md")).read_text()
        assert f"right offline on own hardware ({CASES}); latency always live" in page
        assert run(command(root)) == ExitCode.OK
        again = capsys.readouterr().out
        assert "offline: right" not in again
        assert re.search(r"^spent USD 0.00 \(USD [\d.]+ in this cycle\);", again, re.MULTILINE)
        assert asked(root, OFFLINE) == CASES

    def test_without_room_for_its_loading_nothing_is_started(
        self, tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Two processes that may live for 120 s: 2 * 120 * 1.60 / 3600 = 0.107 USD."""
        root = workspace(tmp_path / "w", port)
        assert run([*command(root), "--max-spend", "0.10"]) == ExitCode.BUDGET_REFUSED
        found = capsys.readouterr()
        assert "Of it for loading right on GPUs: USD 0.16 expected" in found.out
        assert "offline:" not in found.out
        assert found.err == (
            "loading right for up to 240 s may cost USD 0.11 of GPU time, USD 0.10 are left of the "
            "cap; raise max_spend_usd, or lower serve.ready_s (offline: serve.ttl_s)\n"
        )
        assert asked(root, "SELECT count(*) FROM attempts") == 0
        assert asked(root, "SELECT count(*) FROM loads") == 0

    def test_latency_is_always_the_server_s(
        self, tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        root = workspace(tmp_path / "w", port, extra="latency: {p95_s: 30}")
        assert run(command(root)) == ExitCode.OK
        text = capsys.readouterr().out
        assert text.index("offline: right in 2") < text.index("starting right")
        assert "DOWNGRADE 1" in text
        assert asked(root, OFFLINE) == CASES
        assert asked(root, LIVE, "quality") == 0
        assert asked(root, LIVE, "latency") >= 60
        (option,) = record(root)["options"]  # type: ignore[misc]
        assert option["latency"]["n"] >= 60

    def test_what_it_could_not_answer_is_asked_of_its_server(
        self, tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        root = workspace(tmp_path / "w", port, how=", --crash")
        assert run(command(root)) == ExitCode.OK
        text = capsys.readouterr().out
        assert "right: its offline run ended with code 1: torch.OutOfMemoryError: CUDA out" in text
        assert "starting right" in text
        assert "DOWNGRADE 1" in text
        assert asked(root, LIVE, "quality") > 0

    def test_what_no_look_read_was_paid_for_and_is_not_called_saved(
        self, tmp_path: Path, port: int
    ) -> None:
        root = workspace(tmp_path / "w", port, how=", --wrong")
        policy = root / "policy.yaml"
        policy.write_text(policy.read_text().replace("kind: holm", "kind: ladder"))
        assert run(command(root)) == ExitCode.OK
        found = record(root)
        spend = found["evidence"]["spend"]  # type: ignore[index]
        incumbent = asked(root, "SELECT count(*) FROM trials WHERE option = 'big'")
        assert incumbent < CASES
        # Of the model that was dropped every case was paid for: the incumbent's alone are saved.
        assert spend["trials_saved"] == CASES - incumbent
        assert spend["trials"] < CASES + incumbent
        paid = Decimal(asked(root, "SELECT sum(cost_usd * 1e9) FROM attempts")) / 10**9
        assert Decimal(spend["total_usd"]) == pytest.approx(paid + Decimal(spend["gpu_usd"]))

    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill -9", "Ctrl-C"])
    def test_interrupted_it_leaves_nothing_and_is_answered_anew(
        self, tmp_path: Path, port: int, how: signal.Signals
    ) -> None:
        mark = tmp_path / "mark"
        root = workspace(tmp_path / "w", port, how=f", --hang, {mark}", replicas=1)
        line = [sys.executable, "-m", "harness.cli", *command(root)]
        pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        first = subprocess.Popen(line, **pipe)  # type: ignore[call-overload]
        wait_for(lambda: first.poll() is not None or (mark.exists() and " " in mark.read_text()))
        assert first.poll() is None, first.communicate()[0]
        pid, folder = mark.read_text().split()
        (held,) = list_servers(logs_folder(root), datetime.now(UTC))
        assert (held.model, held.gpus, held.teams) == ("right", 1, ("support",))
        first.send_signal(how)
        said, _ = first.communicate(timeout=LONGEST_S)
        if how is signal.SIGINT:
            assert first.returncode == ExitCode.INTERRUPTED, said
            assert "1 batches were ended" in said
        wait_for(lambda: not psutil.pid_exists(int(pid)))
        wait_for(lambda: not Path(folder).exists())
        assert list_servers(logs_folder(root), datetime.now(UTC)) == ()
        second = subprocess.Popen(line, **pipe)  # type: ignore[call-overload]
        said, _ = second.communicate(timeout=LONGEST_S)
        assert second.returncode == ExitCode.OK, said
        assert "its run was ended" in said
        assert "DOWNGRADE 1" in said
        assert asked(root, OFFLINE) == 2 * CASES
        assert asked(root, LIVE, "quality") == 0


def wait_for(seen: object, within_s: float = LONGEST_S) -> None:
    until = time.monotonic() + within_s
    while not seen():  # type: ignore[operator]
        assert time.monotonic() < until
        time.sleep(0.1)


def test_the_plan_says_what_is_answered_without_a_server(
    tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    root = workspace(tmp_path / "w", port)
    policy = root / "policy.yaml"
    policy.write_text(policy.read_text().replace("kind: holm", "kind: ladder"))
    assert run(["plan", "-w", str(root), "--cycle", CYCLE]) == ExitCode.OK
    assert "Offline: right in up to 3 at once; every case is answered" in capsys.readouterr().out
    loaded = load_workspace(root)
    # A few cases are not worth a load of their own.
    live = loaded.all_live()
    serve = live.models["right"].serve
    assert serve is not None
    assert serve.offline is None
    offline, stopping = (
        plan_review(each, cycle=CYCLE, on=NOW.date(), wanted=Selection()) for each in (loaded, live)
    )
    all_cases, fewer = offline.features[0].money, stopping.features[0].money
    assert all_cases is not None
    assert fewer is not None
    assert all_cases.expected_usd > fewer.expected_usd
    assert all_cases.worst_usd == fewer.worst_usd
    # Three processes of 120 s, their time to live, and the server, which may load for 600 s.
    assert offline.loads[0].worst_usd == round(Decimal("1.60") * (3 * 120 + 600) / 3600, 12)
    assert offline.loads[0].expected_usd < offline.loads[0].worst_usd


@pytest.mark.parametrize(
    ("serve", "message"),
    [
        ("engine: llama-cpp, weights: w, offline: {}", "llama-cpp answers through its server only"),
        ("engine: vllm, weights: w, offline: {command: [a]}", "vllm has its own"),
        ("engine: command, command: [a], offline: {command: [a]}", "{input} and {output}"),
        ("engine: vllm, weights: w, offline: {replicas: 0}", "greater than 0"),
    ],
    ids=["llama-cpp", "vllm-command", "no-files", "none"],
)
def test_an_engine_that_reads_no_file_is_a_problem_of_the_entry(
    tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str], serve: str, message: str
) -> None:
    root = workspace(tmp_path / "w", port)
    (root / "w").mkdir()
    (root / "models" / "own.yaml").write_text(
        "right:\n  provider: openai-compatible\n  may_see: [customer]\n"
        f"  price: [{{from: 2026-09-01, input: 0.2, output: 0.2, source: q}}]\n"
        f"  serve: {{{serve}}}\n"
    )
    assert run(["check", "-w", str(root)]) == ExitCode.USAGE_ERROR
    said = capsys.readouterr()
    assert message in said.out + said.err
    assert "serve.offline" in said.out + said.err
