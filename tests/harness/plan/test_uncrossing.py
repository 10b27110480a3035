"""What `check` says of a program whose candidate is another vendor's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.conduct.checking import check_workspace
from tests.support.program_reviews import write_program_workspace
from tests.support.reviews import Shape, write
from tests.support.workspaces import edit

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """\
from openai import OpenAI
client = OpenAI()
reply = client.chat.completions.create(model="big", messages=[], {fields})
same = client.seed == 3 and reply.logprobs
"""
MODELS = "models/all.yaml"


def said(root: Path, fields: str, entry: str) -> list[str]:
    """Warnings of `check` for one candidate with such an entry."""
    write_program_workspace(root, 9, shape=Shape(cases=20, candidates="good"))
    own = "good:\n  provider: openai-compatible\n  base_url: http://127.0.0.1:9/v1\n"
    edit(root / MODELS, own, f"good:\n{entry}")
    write(root / "programs" / "tickets" / "chain.py", SOURCE.format(fields=fields))
    report = check_workspace(root, has_price=lambda *_: None)
    assert report.errors == ()
    return [str(one) for one in report.warnings if "candidates" in str(one)]


CLAUDE = "  provider: anthropic\n  key: K\n"
GEMINI = "  provider: google\n  key: K\n"


@pytest.mark.parametrize(
    ("fields", "entry", "names"),
    [
        ("seed=7", CLAUDE, ["'seed', which chain.py names", "state `omit: [seed]`"]),
        ("seed=7", CLAUDE + "  omit: [seed]\n", None),
        ("seed=7", GEMINI, None),
        ("**{'logit_bias': {1: 2}}", GEMINI, ["'logit_bias'"]),
        ("presence_penalty=0.5", CLAUDE, ["omit: [presence_penalty]"]),
        ("presence_penalty=0.5", GEMINI, None),
        ("stop=['END'], temperature=0, top_p=1, tools=[], response_format={}", CLAUDE, None),
        ("seed=7, logprobs=True", "  provider: openai\n  key: K\n", None),
        ("tools=[]", CLAUDE + "  capabilities: [images]\n", ["takes no tools, and chain.py"]),
    ],
)
def test_what_cannot_cross_is_said_before_anything_is_asked(
    tmp_path: Path, fields: str, entry: str, names: list[str] | None
) -> None:
    found = said(tmp_path, fields, entry)
    if names is None:
        assert found == []
    else:
        (line,) = found
        assert line.startswith("features/tickets.yaml:")
        assert all(name in line for name in names)
