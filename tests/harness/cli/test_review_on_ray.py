"""`rightsize review` in this process, on a real local Ray or without, and a real server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.cli.main import run
from harness.conduct.running import MOST_WITHOUT_RAY, Reviewed, RunSettings, review
from harness.errors import ExitCode
from tests.support.reviews import CYCLE, Shape, answers, write_review_workspace
from tests.support.wire.holding import Gate, held
from tests.support.wire.openai_server import OpenAIServer

pytestmark = [
    pytest.mark.ray,
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


AT = 40
"""So many are answered before Ctrl-C, and all that wait then are answered after it."""
LONGEST_S = 300


def ctrl_c(review: subprocess.Popen[str], server: OpenAIServer, gate: Gate) -> str:
    """Press it in mid-review, as a terminal does: at the whole process group; what was said."""
    while len(server.log.calls) <= AT and review.poll() is None:
        time.sleep(0.02)
    os.killpg(review.pid, signal.SIGINT)
    gate.open()
    said, errors = review.communicate(timeout=LONGEST_S)
    assert review.returncode == ExitCode.INTERRUPTED, said + errors
    return errors


@pytest.mark.parametrize("cases", [260, 150])
def test_an_interrupted_review_goes_on_and_writes_documents(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cases: int
) -> None:
    """Of many calls the first are made before Ray is there, and the interrupt may come then."""
    whole, gate = 2 * cases, Gate(AT)
    with OpenAIServer(held(answers, gate)) as server:
        shape = Shape(cases=cases, candidates="good", ray="auto")
        root = write_review_workspace(tmp_path, server.port, shape)
        arguments = ["review", "-w", str(root), "--cycle", CYCLE, "--yes"]
        first = subprocess.Popen(
            [
                Path(sys.executable).with_name("rightsize"),
                *arguments,
                "--otlp",
                tmp_path / "1.jsonl",
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert "run the same command again to go on" in ctrl_c(first, server, gate)
        asked = len(server.log.calls)
        assert AT < asked < whole
        assert run([*arguments, "--otlp", str(tmp_path / "2.jsonl")]) == ExitCode.OK
        text = capsys.readouterr().out
        assert (len(server.log.calls), max(server.log.by_hash.values())) == (whole, 1)
    assert "DOWNGRADE 1   JUSTIFY 0   UNDECIDED 0" in text
    assert "look 1 of 1" in text
    assert "0 trials missing" in text
    spans = [(tmp_path / f"{run}.jsonl").read_text("utf-8").count('"spanId"') for run in (1, 2)]
    assert (0 < spans[0] <= asked, sum(spans)) == (True, whole)
    pages = {path.name for path in (root / "reviews" / CYCLE / "documents").iterdir()}
    assert pages == {"tickets.md", "tickets.html"}
    assert (root / ".rightsize" / "journal.sqlite").stat().st_mode & 0o077 == 0
    # So few calls need no Ray.
    assert (root / ".rightsize" / "ray-token").exists() == (whole > MOST_WITHOUT_RAY)


def ray_is_watched() -> bool:
    """Whether the process is there that outlives Ray, to end what Ray may leave."""
    children = psutil.Process().children()
    return any("watchdog.py" in word for child in children for word in child.cmdline())


def test_what_was_found_is_told_while_ray_still_ends(tmp_path: Path) -> None:
    told: list[tuple[bool, bool]] = []

    def look(found: Reviewed) -> None:
        told.append((ray_is_watched(), (found.folder / "documents" / "tickets.html").is_file()))

    with OpenAIServer(answers) as server:
        shape = Shape(cases=150, candidates="good", ray="always")
        root = write_review_workspace(tmp_path, server.port, shape)
        review(root, cycle=CYCLE, settings=RunSettings(found=look))
    assert told == [(True, True)]
    assert not ray_is_watched()


def test_a_remote_cluster_without_a_token_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    root = write_review_workspace(tmp_path, 9, Shape(cases=150, candidates="good"))
    arguments = ["review", "-w", str(root), "--yes", "--address", "127.0.0.1:6379"]
    assert run(arguments) == ExitCode.USAGE_ERROR
    assert "token" in capsys.readouterr().err
