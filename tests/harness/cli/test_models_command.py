"""`rightsize models`, with and without asking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.errors import ExitCode
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply
from tests.support.workspaces import write_workspace

if TYPE_CHECKING:
    from pathlib import Path

KEY = "sk-secret-key-of-the-tests"
MODELS = """\
alpha:
  provider: openai-compatible
  tier: small
  base_url: {base_url}
  key: RIGHTSIZE_TEST_KEY
  region: eu
  may_see: [internal]
  window_tokens: 32768
  retires_on: 2027-03-31
  price: [{{from: 2026-01-01, input: 0.25, output: 1.50, source: invoice}}]
beta:
  provider: openai-compatible
  base_url: http://127.0.0.1:9/v1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_workspace(tmp_path / "w")


def listed(
    root: Path, capsys: pytest.CaptureFixture[str], *more: str, base_url: str = "http://127.0.0.1:9"
) -> tuple[int, str]:
    text = MODELS.format(base_url=base_url)
    (root / "models" / "more.yaml").write_text(text, encoding="utf-8")
    code = run(["models", "-w", str(root), "-m", "alpha", "-m", "beta", *more])
    return code, capsys.readouterr().out


def test_a_model_asked_in_batches_shows_both_prices(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "models" / "more.yaml").write_text(
        "gamma:\n  provider: openai\n  batch: true\n"
        "  price: [{from: 2026-01-01, input: 0.25, output: 1.50, batch: 0.5, source: invoice}]\n",
        encoding="utf-8",
    )
    assert run(["models", "-w", str(root), "-m", "gamma"]) == ExitCode.OK
    out = capsys.readouterr().out
    assert "USD 0.25 in, 1.5 out per million (in batches 0.125 and 0.75)" in out


def test_the_list_calls_nobody(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = listed(root, capsys)
    assert code == ExitCode.OK
    assert out == (
        "alpha: small, openai-compatible, eu\n"
        "    USD 0.25 in, 1.5 out per million; 32,768 tokens, retires on 2027-03-31;"
        " may see internal\n"
        "beta: no tier, openai-compatible, no region stated\n"
        "    no price; window not known, retirement not known; may see nothing\n"
    )


def test_a_model_that_is_not_there_is_an_error(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["models", "-w", str(root), "-m", "smal"]) == ExitCode.USAGE_ERROR
    said = "--model smal: not in the workspace; did you mean `small`?\n"
    assert capsys.readouterr().err == said


def test_ping_asks_each_model_once(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIGHTSIZE_TEST_KEY", KEY)
    with OpenAIServer() as server:
        code, out = listed(root, capsys, "--ping", base_url=server.base_url)
        assert len(server.calls) == 1
    assert code == ExitCode.USAGE_ERROR
    lines = out.splitlines()
    assert lines[2] == "    answers"
    assert lines[5] == "    does not answer: openai-compatible: no connection"
    assert KEY not in out


def test_ping_says_what_is_wrong_with_a_key(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RIGHTSIZE_TEST_KEY", raising=False)
    code, out = listed(root, capsys, "--ping", "-m", "alpha")
    assert code == ExitCode.USAGE_ERROR
    assert "does not answer: no environment variable RIGHTSIZE_TEST_KEY" in out
    monkeypatch.setenv("RIGHTSIZE_TEST_KEY", KEY)
    with OpenAIServer(lambda _body: Reply(status=401, error_code="invalid_api_key")) as server:
        _code, out = listed(root, capsys, "--ping", base_url=server.base_url)
    assert "does not answer: openai-compatible: status 401, invalid_api_key" in out


def test_a_model_of_ours_is_not_asked_before_it_is_served(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = "own:\n  provider: openai-compatible\n  serve: {engine: llama-cpp, weights: small}\n"
    (root / "models" / "own.yaml").write_text(served, encoding="utf-8")
    assert run(["models", "-w", str(root), "-m", "own", "--ping"]) == ExitCode.OK
    assert "served here when it is needed" in capsys.readouterr().out


def test_ping_says_what_is_wrong_with_an_endpoint(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "models" / "gemini.yaml").write_text("gem:\n  provider: google\n", encoding="utf-8")
    assert run(["models", "-w", str(root), "-m", "gem", "--ping"]) == ExitCode.USAGE_ERROR
    assert "does not answer: google: no key" in capsys.readouterr().out


def test_models_that_were_replaced_are_told_with_the_current_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = write_workspace(tmp_path / "w")
    old = "claude-haiku-4-5: {provider: anthropic, may_see: [public]}\n"
    (root / "models" / "old.yaml").write_text(old, encoding="utf-8")
    assert run(["models", "-w", str(root), "--refresh"]) == 0
    shown = capsys.readouterr().out
    assert "claude-haiku-4-5 (USD 1 in, 5 out): the current one is claude-haiku-5-5" in shown
    assert "anthropic sells as well: claude-haiku-5-5" in shown
    assert (root / "models" / "old.yaml").read_text(encoding="utf-8") == old


def test_json_is_all_that_stands_on_standard_output(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Proposals and errors, too; the error's line stands on the other output as ever."""
    assert run(["models", "-w", str(root), "--json", "--refresh"]) == ExitCode.OK
    whole = json.loads(capsys.readouterr().out)
    assert whole["models"]
    assert whole["proposals"]
    for words in (["plan", "-w", "nowhere"], ["why", "x", "-w", str(root)], ["report", "--odd"]):
        assert run([*words, "--json"]) == ExitCode.USAGE_ERROR
        said = capsys.readouterr()
        told = json.loads(said.out)
        assert told["exit_code"] == ExitCode.USAGE_ERROR
        assert told["error"] == said.err.splitlines()
        assert said.err
