"""A review that this machine cannot make is refused before Ray starts, by model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cli.main import run
from harness.conduct.access import missing
from harness.errors import ExitCode
from harness.workspace.endpoints import endpoint_of
from harness.workspace.model_file import ModelConfig
from providers.opening import missing_sdk, open_batch_provider, open_provider
from providers.provider import Endpoint
from tests.support.reviews import (
    CYCLE,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def config(**changes: object) -> ModelConfig:
    return ModelConfig.model_validate({"provider": "openai"} | changes)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose models need a key that is not there."""
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    made = write_review_workspace(tmp_path, 9, Shape(cases=150, candidates="good"))
    for path in (made / "models").glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("  may_see", "  key: NO_SUCH_KEY\n  may_see"), "utf-8")
    return made


def test_a_trial_of_a_prompt_without_its_key_asks_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["try", "tickets", "-w", str(root), "-m", "good"]) == ExitCode.USAGE_ERROR
    assert capsys.readouterr().err.splitlines()[0] == (
        "good: no environment variable NO_SUCH_KEY (`key:` in its models/ file)"
    )
    assert not (root / ".rightsize" / "journal.sqlite").exists()


def test_a_review_without_its_keys_asks_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["review", "-w", str(root), "--cycle", CYCLE, "--yes"]) == ExitCode.USAGE_ERROR
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert said.out == "", "it is told before the plan is worked out"
    assert lines == [
        "big: no environment variable NO_SUCH_KEY (`key:` in its models/ file)",
        "good: no environment variable NO_SUCH_KEY (`key:` in its models/ file)",
        "nothing was asked",
    ]
    assert not (root / "reviews").exists()


def test_a_plan_warns_of_the_keys_that_its_review_would_lack(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["plan", "-w", str(root), "--cycle", CYCLE]) == ExitCode.OK
    assert capsys.readouterr().err.splitlines() == [
        "warning: big: no environment variable NO_SUCH_KEY (`key:` in its models/ file)",
        "warning: good: no environment variable NO_SUCH_KEY (`key:` in its models/ file)",
    ]


def test_what_is_not_asked_needs_no_key(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(root / "features" / "tickets.yaml", "requests_per_month: 1000000", "requests_per_month: 1")
    assert run(["review", "-w", str(root), "--cycle", CYCLE, "--yes"]) == ExitCode.OK
    assert "JUSTIFY 1" in capsys.readouterr().out


def test_what_the_journal_has_needs_no_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with OpenAIServer(answers) as server, inline_cluster() as cluster:
        made = write_review_workspace(tmp_path, server.port, Shape(cases=150, candidates="good"))
        models = made / "models" / "all.yaml"
        with_key = models.read_text("utf-8").replace("  may_see", "  key: NO_SUCH_KEY\n  may_see")
        models.write_text(with_key, "utf-8")
        monkeypatch.setenv("NO_SUCH_KEY", "k")
        run_review(made, cluster)
    monkeypatch.delenv("NO_SUCH_KEY")
    assert run(["review", "-w", str(made), "--cycle", CYCLE, "--yes"]) == ExitCode.OK
    assert "DOWNGRADE 1" in capsys.readouterr().out


def test_a_model_with_its_key_and_its_sdk_lacks_nothing() -> None:
    assert list(missing("m", config(key="KEY"), {"KEY": "k"})) == []
    assert list(missing("m", config(), {})) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"provider": "anthropic"},
            "anthropic is not installed: pip install 'model-rightsizing[anthropic]'",
        ),
        (
            {"provider": "openai-compatible"},
            "openai is not installed: pip install 'model-rightsizing[openai]'",
        ),
        (
            {"provider": "google", "sdk": "google-generativeai"},
            (
                "google.generativeai is not installed: "
                "pip install 'model-rightsizing[google-generativeai]'"
            ),
        ),
    ],
)
def test_an_sdk_that_is_not_there_is_named_with_its_extra(
    changes: dict[str, object], said: str
) -> None:
    assert missing_sdk(endpoint_of(config(**changes)), lambda _: None) == said


def test_a_package_that_is_not_there_has_no_module_either() -> None:
    def find(name: str) -> object:
        raise ModuleNotFoundError(name)

    said = missing_sdk(endpoint_of(config(provider="google")), find)
    assert said == "google.genai is not installed: pip install 'model-rightsizing[google]'"


def test_an_sdk_that_is_there_is_opened() -> None:
    endpoint = Endpoint(vendor="openai", api="chat", base_url="http://127.0.0.1:9/v1")
    assert missing_sdk(endpoint) is None
    assert open_provider(endpoint, key="k") is not None
    assert open_batch_provider(endpoint, key="k") is not None
