"""Who may be asked: what `auto` names, what a model lacks, which prompt it gets."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest

from harness.plan.planned_options import climb, plan_option
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason
from harness.workspace.workspace import load_workspace
from tests.support.reviews import CYCLE, EVALSET, FEATURE, NOW, POLICY, write

if TYPE_CHECKING:
    from pathlib import Path

    from harness.plan.model import FeaturePlan

ON = NOW.date()
MODELS = """\
big: {{provider: openai-compatible, base_url: "http://127.0.0.1:9/v1", may_see: [customer],
  efforts: [low, high], price: [{{from: 2026-09-01, input: 4, output: 4, source: quote}}]}}
small: {{provider: openai-compatible, base_url: "http://127.0.0.1:9/v1", may_see: [customer],
  family: little, price: [{{from: 2026-09-01, input: 1, output: 1, source: quote}}]{small}}}
dear: {{provider: openai-compatible, base_url: "http://127.0.0.1:9/v1", may_see: [customer],
  price: [{{from: 2026-09-01, input: 9, output: 9, source: quote}}]}}
thinker: {{provider: openai-compatible, base_url: "http://127.0.0.1:9/v1", may_see: [customer],
  efforts: [low, high], price: [{{from: 2026-09-01, input: 2, output: 2, source: quote}}]}}
settled: {{provider: openai-compatible, base_url: "http://127.0.0.1:9/v1", may_see: [customer],
  efforts: [low, high], effort: low,
  price: [{{from: 2026-09-01, input: 2, output: 2, source: quote}}]}}
"""
DOT = base64.b64encode(b"\x89PNG").decode()


def workspace(root: Path, *, candidates: str, small: str = "", image: bool = False) -> Path:
    write(root / "policy.yaml", POLICY.format(cap="10", kind="holm"))
    write(root / "models" / "all.yaml", MODELS.format(small=small))
    text = FEATURE.format(candidates="CANDIDATES", extra="")
    text = text.replace("[CANDIDATES]", candidates).replace("incumbent: big", "incumbent: big@high")
    write(root / "features" / "tickets.yaml", text)
    write(
        root / "prompts" / "tickets" / "default.j2",
        "=== turns ===\n" if image else "any of: {{ input }}\n",
    )
    write(root / "evalsets" / "tickets" / "evalset.yaml", EVALSET)
    shown = [{"type": "image", "image": f"data:image/png;base64,{DOT}"}] if image else []
    lines = [
        {
            "id": f"t-{n}",
            "input": [{"role": "user", "content": [{"type": "text", "text": "what?"}, *shown]}]
            if n == 7
            else f"ticket {n}",
            "target": "billing",
            "metadata": {"channel": "mail"},
        }
        for n in range(300)
    ]
    write(root / "evalsets" / "tickets" / "cases.jsonl", "\n".join(map(json.dumps, lines)) + "\n")
    return root


def planned(root: Path) -> FeaturePlan:
    plan = plan_review(load_workspace(root), cycle=CYCLE, on=ON, wanted=Selection())
    return plan.features[0]


def test_auto_names_what_is_cheaper_and_every_effort_of_a_model_without_its_own(
    tmp_path: Path,
) -> None:
    plan = planned(workspace(tmp_path, candidates="auto"))
    names = [option.name for option in plan.options]
    assert sorted(names) == ["settled", "small", "thinker@high", "thinker@low"]
    assert {o.name: o.effort for o in plan.options} == {
        "small": None,
        "settled": "low",
        "thinker@low": "low",
        "thinker@high": "high",
    }


def test_an_effort_of_todays_model_is_a_candidate_of_its_own(tmp_path: Path) -> None:
    root = workspace(tmp_path, candidates="[big@low]")
    ladder = climb(load_workspace(root), "tickets", on=ON)
    (rung,) = ladder.rungs
    assert (ladder.incumbent.effort, rung.effort, rung.model) == ("high", "low", "big")
    feature = load_workspace(root).features["tickets"]
    assert ladder.incumbent.params_sha256(feature) != rung.params_sha256(feature)


LACKING = [
    pytest.param(", capabilities: [tools]", True, "takes no images, and case t-7 has one"),
    pytest.param(", capabilities: [images]", True, None),
    pytest.param("", True, None, id="nobody knows"),
    pytest.param(", capabilities: [tools]", False, None),
    pytest.param(", window_tokens: 60", False, "its window of 60 tokens is under the 88 needed"),
]


@pytest.mark.parametrize(("small", "image", "why"), LACKING)
def test_what_a_model_lacks_is_a_reason_before_the_run(
    tmp_path: Path, small: str, why: str | None, *, image: bool
) -> None:
    root = workspace(tmp_path, candidates="[small, thinker@low]", small=small, image=image)
    option = next(o for o in planned(root).options if o.name == "small")
    assert option.excluded == (None if why is None else Reason.CAPABILITY_GAP)
    if why is not None:
        assert option.note == why


def test_a_model_that_retired_is_not_asked(tmp_path: Path) -> None:
    root = workspace(tmp_path, candidates="[small]", small=", retires_on: 2026-11-01")
    (option,) = planned(root).options
    assert option.excluded is Reason.MODEL_RETIRING


def test_the_most_specific_prompt_wins_and_its_hash_goes_with_the_option(tmp_path: Path) -> None:
    root = workspace(tmp_path, candidates="[small, dear]")
    folder = root / "prompts" / "tickets"

    def of(model: str) -> tuple[str, str]:
        prompt = plan_option(load_workspace(root), "tickets", model, on=ON).prompt
        return prompt.path.rpartition("/")[2], prompt.sha256

    assert of("small") == of("dear") == ("default.j2", of("big@low")[1])
    write(folder / "little.j2", "little: {{ input }}\n")
    assert of("small")[0] == "little.j2"
    write(folder / "small.j2", "small: {{ input }}\n")
    assert of("small")[0] == "small.j2"
    assert of("dear")[0] == "default.j2"
    assert of("small")[1] != of("dear")[1]
