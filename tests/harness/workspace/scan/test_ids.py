"""Which texts name a known model."""

from __future__ import annotations

import pytest

from harness.workspace.scan.tree import may_name_a_model, model_named

IDS = frozenset(
    {
        "gpt-4o",
        "gpt-4o-2024-05-13",
        "claude-haiku-4-5",
        "gemini-2.5-pro",
        "command",
        "o1",
        "llama:free",
    }
)


@pytest.mark.parametrize(
    ("text", "model_id"),
    [
        ("gpt-4o", "gpt-4o"),
        (" gpt-4o ", "gpt-4o"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-latest", "gpt-4o"),
        ("openai/gpt-4o", "gpt-4o"),
        ("openai:gpt-4o", "gpt-4o"),
        ("litellm_proxy/openai/gpt-4o", "gpt-4o"),
        ("/gpt-4o", "gpt-4o"),
        ("claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("claude-haiku-4-5@latest", "claude-haiku-4-5"),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("bedrock/eu.anthropic.claude-haiku-4-5-20251001-v1:0", "claude-haiku-4-5"),
        ("models/gemini-2.5-pro-002", "gemini-2.5-pro"),
        ("llama:free", "llama:free"),
        ("gpt-4o is down", None),
        ("gpt-4oh", None),
        ("my-gpt-4o", None),
        ("https://example.com/gpt-4o", None),
        ("", None),
    ],
)
def test_forms(text: str, model_id: str | None) -> None:
    assert model_named(text, "x", IDS) == model_id
    if model_id is not None:
        assert may_name_a_model(f"a = '{text}';", IDS)


@pytest.mark.parametrize("word", ["command", "o1"])
def test_a_plain_word_needs_a_key_that_speaks_of_a_model(word: str) -> None:
    assert model_named(word, "kind", IDS) is None
    assert model_named(word, "llm.chat", IDS) == word
    assert model_named(word, "REASONING_MODEL", IDS) == word


def test_a_file_without_an_id_is_not_read_further() -> None:
    assert not may_name_a_model("model = 'other-model'", IDS)
