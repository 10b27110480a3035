"""A program as a model: asked line by line, ended with everything that it started."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from providers.completion import TokenUsage
from providers.errors import (
    BadRequestError,
    BrokenBodyError,
    ConnectionFailedError,
    ModelNotFoundError,
    ProgramFailedError,
    ProviderError,
    TimedOutError,
)
from providers.opening import open_provider
from providers.provider import Endpoint, Provider
from tests.support.own_clock import OwnClockLoop, run_standing
from tests.support.wire.vendors import a_request

PROGRAM = """\
import json, os, subprocess, sys, time
for line in sys.stdin:
    asked = json.loads(line)
    word = asked["input"]
    said = {"id": asked["id"], "answer": word.upper()}
    if word == "error": said = {"id": asked["id"], "error": "no"}
    if word == "env": said["answer"] = ",".join(sorted(os.environ))
    if word == "pid": said["answer"] = str(os.getpid())
    if word == "child": said["answer"] = str(subprocess.Popen(["sleep", "600"]).pid)
    if word == "hang":
        open("hangs", "w").close()
        sys.stdin.read()
        open("told to end", "w").close()
        time.sleep(600)
    if word == "exit": sys.exit(3)
    if word == "babble": print("Loading weights", flush=True)
    if word == "other": said["id"] = "77"
    if word == "loud": sys.stderr.write("x" * 1_000_000)
    if word == "long": said["answer"] = "x" * 20_000_000
    if word == "half": sys.stdout.write("{"); sys.exit(0)
    if word == "pours":
        subprocess.Popen(["sleep", "600"], start_new_session=True)
        for _ in range(100): sys.stdout.write("y" * 2**20)
    if word == "turns": said["answer"] = json.dumps(asked["messages"])
    print(json.dumps(said), flush=True)
"""


@pytest.fixture
def endpoint(tmp_path: Path) -> Endpoint:
    (tmp_path / "program.py").write_text(PROGRAM)
    return Endpoint(
        vendor="command",
        api="lines",
        command=(sys.executable, "program.py"),
        folder=str(tmp_path),
    )


async def told(provider: Provider, word: str, **changes: object) -> str:
    request = a_request(**changes)
    last = replace(request.messages[-1], text=word)
    found = await provider.complete(replace(request, messages=(*request.messages[:-1], last)))
    assert found.usage == TokenUsage(input_tokens=0, output_tokens=0)
    return f"{found.finish}: {found.text}"


async def test_one_process_answers_one_request_after_the_other(endpoint: Endpoint) -> None:
    provider = open_provider(endpoint, key=None)
    assert await told(provider, "billing") == "stop: BILLING"
    assert await told(provider, "error") == "refusal: "
    first = await told(provider, "pid")
    assert await told(provider, "loud") == "stop: LOUD"
    assert await told(provider, "pid") == first
    assert '"role": "system"' in await told(provider, "turns")
    await provider.aclose()


async def test_it_sees_no_key(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    provider = open_provider(endpoint, key=None)
    seen = await told(provider, "env")
    await provider.aclose()
    assert "PATH" in seen
    assert "KEY" not in seen


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("exit", "ended without an answer"),
        ("babble", "no JSON line"),
        ("other", "no {id, answer}"),
        ("long", "a line of more than"),
        ("pours", "a line of more than|no JSON line"),
        ("half", "no JSON line"),
    ],
)
async def test_a_fault_on_a_case_is_the_program_s_and_the_next_gets_a_new_process(
    endpoint: Endpoint, word: str, error: str
) -> None:
    provider = open_provider(endpoint, key=None)
    first = await told(provider, "pid")
    with pytest.raises(ProgramFailedError, match=error):
        await told(provider, word)
    second = await told(provider, "pid")
    assert second != first
    await provider.aclose()
    for pid in (first, second):
        await _ends(pid)


def test_one_that_hangs_has_failed_and_is_killed_where_it_does_not_end(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    async def test(loop: OwnClockLoop) -> None:
        provider = open_provider(endpoint, key=None)
        first = await told(provider, "pid")
        loop.pass_when((tmp_path / "hangs").exists, 61)
        loop.pass_when((tmp_path / "told to end").exists, 3)
        with pytest.raises(ProgramFailedError, match="no answer in time"):
            await told(provider, "hang", timeout_s=60.0)
        second = await told(provider, "pid")
        assert second != first
        await provider.aclose()
        assert not _runs(first)
        assert not _runs(second)

    run_standing(test)


@pytest.mark.parametrize(
    ("program", "error", "timeout_s"),
    [
        ("raise SystemExit(1)", ConnectionFailedError, 60.0),
        ("import time; time.sleep(600)", TimedOutError, 1.5),
        ("print('loading', flush=True); import time; time.sleep(600)", BrokenBodyError, 60.0),
    ],
)
async def test_a_program_that_read_nothing_did_not_come_up_and_may_be_asked_again(
    endpoint: Endpoint, tmp_path: Path, program: str, error: type[ProviderError], timeout_s: float
) -> None:
    (tmp_path / "program.py").write_text(program)
    provider = open_provider(endpoint, key=None)
    with pytest.raises(error):
        await told(provider, "x", timeout_s=timeout_s)
    await provider.aclose()


async def test_what_it_started_ends_with_it(endpoint: Endpoint) -> None:
    provider = open_provider(endpoint, key=None)
    child = await told(provider, "child")
    assert _runs(child)
    await provider.aclose()
    await _ends(child)


async def _ends(answer: str) -> None:
    """Wait for the end of an answer's process."""
    for _ in range(6000):
        if not _runs(answer):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(answer)


def _runs(answer: str) -> bool:
    """Whether the process of an answer runs; a zombie does not."""
    stat = Path(f"/proc/{int(answer.rpartition(' ')[2])}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_what_cannot_be_started_is_told(endpoint: Endpoint) -> None:
    gone = replace(endpoint, command=("no-such-program",))
    provider = open_provider(gone, key=None)
    with pytest.raises(ModelNotFoundError, match="no-such-program: No such file"):
        await told(provider, "x")
    await provider.aclose()
    with pytest.raises(BadRequestError, match="needs `command:`"):
        open_provider(replace(endpoint, command=()), key=None)
