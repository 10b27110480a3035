"""A page says that another model answered only where another one did."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.record.parts import Target
from harness.tell.appendix.evidence import others_served
from harness.tell.pages import to_document
from reports.render import render
from tests.support.record_parts import a_target
from tests.support.reviews import (
    NOW,
    Shape,
    answers,
    inline_cluster,
    run_review,
    write_review_workspace,
)
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply


def served(asked: str, *names: str, served_as: str | None = None) -> Target:
    over = {"version": asked, "served_versions": names, "served_as": served_as}
    return a_target("m").model_copy(update=over)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-5-mini", "gpt-5-mini"),
        ("gpt-5-mini", "gpt-5-mini-2025-08-07"),
        ("gpt-4", "gpt-4-0613"),
        ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5-20251001"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5-20251001"),
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5-20251001"),
        ("mistral-small-latest", "mistral-small-2503"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("openai/gpt-5", "gpt-5-2025-08-07"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5-7b-instruct"),
    ],
)
def test_other_forms_of_a_name_are_the_model(asked: str, answered: str) -> None:
    assert others_served(served(asked, answered)) == []


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-5", "gpt-5-mini"),
        ("gpt-5-mini", "gpt-5"),
        ("gpt-5-mini-2025-08-07", "gpt-5-mini-2025-11-01"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5-20260101"),
        ("claude-haiku-4-5", "claude-haiku-4"),
        ("llama-8b", "llama-70b"),
        ("smollm2-135m", "smollm2-135m-instruct-q4_1"),
    ],
)
def test_another_model_or_version_is_named(asked: str, answered: str) -> None:
    assert others_served(served(asked, answered)) == [answered]


def test_a_server_of_ours_answers_by_its_weights() -> None:
    weights = "smollm2-135m-instruct-q4_1"
    assert others_served(served("smollm2-135m", weights, served_as=weights)) == []
    both = served("smollm2-135m", weights, "other-q4_1", served_as=weights)
    assert others_served(both) == ["other-q4_1"]


def named(body: Body) -> Reply:
    """As vendors do: an alias is answered by the version behind it."""
    return replace(answers(body), model=f"{body['model']}-2026-08-07")


def another(body: Body) -> Reply:
    return replace(answers(body), model=f"{body['model']}-lite")


@pytest.mark.parametrize(("script", "flagged"), [(named, 0), (another, 2)])
def test_a_review_flags_another_model_alone(tmp_path: Path, script: object, flagged: int) -> None:
    with OpenAIServer(script) as server, inline_cluster() as cluster:  # type: ignore[arg-type]
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        (record,) = run_review(tmp_path, cluster)
    assert record.current.served_versions[0].startswith("big-")
    assert render(to_document(record, NOW), to="md").count("NOT AS ASKED") == flagged


def test_weights_that_we_serve_are_as_asked(tmp_path: Path) -> None:
    """llama.cpp answers whatever it is asked by the name that it was started under."""

    def weights(body: Body) -> Reply:
        return replace(answers(body), model=f"{body['model']}-instruct-q4_1")

    with OpenAIServer(weights) as server, inline_cluster() as cluster:
        write_review_workspace(tmp_path, server.port, Shape(cases=120, candidates="good"))
        models = tmp_path / "models" / "all.yaml"
        text = models.read_text("utf-8").replace(
            f"base_url: http://127.0.0.1:{server.port}/v1",
            "serve: {engine: llama-cpp, weights: ./w.gguf}",
        )
        models.write_text(text, "utf-8")
        (tmp_path / "w.gguf").write_bytes(b"GGUF")
        at = f"http://127.0.0.1:{server.port}/v1"
        (record,) = run_review(tmp_path, cluster, served={"big": at, "good": at})
    assert record.current.served_versions == ("big-instruct-q4_1",)
    assert "NOT AS ASKED" not in render(to_document(record, NOW), to="md")
