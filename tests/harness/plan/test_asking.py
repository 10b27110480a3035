from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from random import Random

import pytest

from harness.errors import UsageError
from harness.journal.trials import Trial
from harness.plan.asking import asked_facts, input_bytes
from harness.plan.model import FeaturePlan, Status
from harness.plan.planning import Selection, plan_review
from harness.record.base import Reason
from harness.workspace.fingerprints import fingerprint, without_absent
from harness.workspace.workspace import load_workspace
from providers.request import ImagePart
from tests.support.reviews import CYCLE, NOW, Shape, write, write_review_workspace
from tests.support.wire.both_ways import drawn

PNG = bytes.fromhex("89504e470d0a1a0a")
TOOLS = [{"name": "lookup", "description": "Find it", "parameters": {"type": "object"}}]


def planned(root: Path, **wanted: object) -> FeaturePlan:
    selection = Selection(**wanted)  # type: ignore[arg-type]
    workspace = load_workspace(root)
    (plan,) = plan_review(workspace, cycle=CYCLE, on=NOW.date(), wanted=selection).features
    return plan


def first_trial(plan: FeaturePlan) -> Trial:
    assert plan.incumbent is not None
    return plan.asker.trial(plan.incumbent, plan.sample.deciding[0], 0, "quality")


def edited(root: Path, old: str, new: str, name: str = "features/tickets.yaml") -> Path:
    path = root / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_review_workspace(tmp_path, 9, Shape(cases=120, candidates="good"))


def test_a_trial_is_the_same_in_every_plan_and_differs_by_repeat_and_purpose(root: Path) -> None:
    plan, again = planned(root), planned(root)
    assert plan.incumbent is not None
    case = plan.sample.deciding[0]
    prints = {
        plan.asker.trial(plan.incumbent, case, repeat, purpose).fingerprint
        for repeat in (0, 1)
        for purpose in ("quality", "latency")
    }
    assert len(prints) == 4
    assert first_trial(plan).fingerprint == first_trial(again).fingerprint


@pytest.mark.parametrize(("tokens", "seconds"), [(8, 120.0), (8000, 400.0), (64_000, 900.0)])
def test_a_long_answer_is_waited_for_as_long_as_a_slow_model_takes(
    root: Path, tokens: int, seconds: float
) -> None:
    edited(root, "max_output_tokens: 8", f"max_output_tokens: {tokens}")
    assert first_trial(planned(root)).request.timeout_s == seconds


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("max_output_tokens: 8", "max_output_tokens: 9", "features/tickets.yaml"),
        ("max_output_tokens: 8", "max_output_tokens: 8, seed: 3", "features/tickets.yaml"),
        ("Topic for", "The topic for", "prompts/tickets/default.j2"),
        (":9/v1", ":10/v1", "models/all.yaml"),
    ],
)
def test_whatever_determines_an_answer_changes_its_fingerprint(
    root: Path, old: str, new: str, name: str
) -> None:
    before = first_trial(planned(root)).fingerprint
    assert first_trial(planned(edited(root, old, new, name))).fingerprint != before


def test_a_deadline_does_not_change_an_answer(root: Path) -> None:
    before = first_trial(planned(root)).fingerprint
    edited(root, "incumbent: big", "incumbent: big\nlatency: {p95_s: 3, deadline_s: 9}")
    trial = first_trial(planned(root))
    assert trial.fingerprint == before
    assert trial.request.deadline_s == 9


def test_images_tools_and_turns_are_sent(root: Path) -> None:
    folder = root / "evalsets" / "tickets"
    (folder / "shot.png").write_bytes(PNG)
    write(folder / "tools.json", json.dumps(TOOLS))
    write(root / "prompts" / "tickets" / "default.j2", "=== system ===\nSort.\n=== turns ===\n")
    edited(
        root, "max_output_tokens: 8", "max_output_tokens: 8, tools: tools.json, cache_prompt: true"
    )
    lines = (folder / "cases.jsonl").read_text().splitlines()
    cases = [json.loads(line) for line in lines]
    image = {"type": "image", "image": "shot.png"}
    inline = {"type": "image", "image": "data:image/webp;base64,AAAA"}
    for case in cases:
        words = {"type": "text", "text": case["input"]}
        case["input"] = [{"role": "user", "content": [words, image, inline]}]
    write(folder / "cases.jsonl", "\n".join(json.dumps(case) for case in cases) + "\n")
    request = first_trial(planned(root)).request
    assert [message.role for message in request.messages] == ["system", "user"]
    assert request.messages[0].cache
    assert request.messages[1].images[0].media_type == "image/png"
    assert request.messages[1].images[1] == ImagePart(media_type="image/webp", data="AAAA")
    assert request.tools[0].name == "lookup"
    assert input_bytes(request) > len("Sort.") + len(request.messages[1].text)


def test_a_prompt_that_cannot_be_filled_in_names_the_case(root: Path) -> None:
    plan = planned(root)
    write(root / "prompts" / "tickets" / "default.j2", "{{ metadata.nowhere }} {{ input }}")
    assert plan.incumbent is not None
    with pytest.raises(UsageError, match=r"prompts/tickets/default\.j2"):
        planned(root)


def test_no_traffic_blocks_the_feature_alone(root: Path) -> None:
    lines = (root / "features" / "tickets.yaml").read_text().splitlines()
    kept = [line for line in lines if not line.startswith("traffic:")]
    write(root / "features" / "tickets.yaml", "\n".join(kept) + "\n")
    plan = planned(root)
    assert (plan.status, plan.reasons) == (Status.BLOCKED, (Reason.TRAFFIC_MISSING,))


def test_a_window_that_is_too_small_is_a_capability_gap(root: Path) -> None:
    edited(root, "good:\n", "good:\n  window_tokens: 50\n", "models/all.yaml")
    plan = planned(root)
    assert plan.status is Status.ANSWERED
    assert plan.reasons == (Reason.CAPABILITY_GAP,)
    assert "window of 50 tokens" in plan.note


def test_a_retired_model_is_not_asked(root: Path) -> None:
    edited(root, "good:\n", "good:\n  retires_on: 2026-11-01\n", "models/all.yaml")
    assert planned(root).reasons == (Reason.MODEL_RETIRING,)


def test_auto_takes_what_is_cheaper_and_permitted(root: Path) -> None:
    edited(root, "candidates: [good]", "candidates: auto")
    assert [option.name for option in planned(root).asked] == ["bad", "good"]
    assert [option.name for option in planned(root, models=("good",)).asked] == ["good"]


def test_proven_parts_stand_in_the_design(root: Path) -> None:
    name = "evalsets/tickets/evalset.yaml"
    edited(root, "{mail: {margin: 30}}", "{mail: {margin: 30, protect: proven}}", name)
    edited(root, "margin: 5}]", "margin: 5, protect: proven}]", name)
    design = planned(root).design
    assert design is not None
    assert [part.name for part in design.proven] == ["channel = mail", "format"]


def test_too_few_clusters_are_refused(root: Path) -> None:
    name = "evalsets/tickets/evalset.yaml"
    edited(root, "unit: tickets", "unit: tickets\ncluster: channel", name)
    plan = planned(root)
    assert plan.status is Status.TOO_SMALL
    assert "in 2 clusters are worth 2 independent ones" in plan.note


def test_graded_scores_get_an_interval_for_bounded_means(root: Path) -> None:
    name = "evalsets/tickets/evalset.yaml"
    edited(root, "unit: tickets", "unit: tickets\nrepeats: 2", name)
    design = planned(root).design
    assert design is not None
    assert design.method == "gaffke"


def test_a_price_of_another_service_tier_is_no_price(root: Path) -> None:
    edited(root, "max_output_tokens: 8", "max_output_tokens: 8, service_tier: flex")
    plan = planned(root)
    assert (plan.status, plan.reasons) == (Status.BLOCKED, (Reason.PRICE_MISSING,))


def test_a_price_that_is_too_old_is_no_price(root: Path) -> None:
    edited(root, "prices: 36500", "prices: 30", "policy.yaml")
    plan = planned(root)
    assert plan.reasons == (Reason.PRICE_MISSING,)
    assert "last confirmed 84 days ago" in plan.note


def test_what_tells_requests_apart_is_what_their_whole_dictionary_says() -> None:
    rng = Random(5)
    for _ in range(50):
        request = drawn(rng)
        facts, whole = asked_facts(request), asdict(request)
        left_out = {name: whole.pop(name) for name in set(whole) - set(facts)}
        assert set(left_out) == {
            "timeout_s",
            "deadline_s",
            "stream",
            "passed",
            "question",
            "logprobs",
        }
        whole["messages"] = [without_absent(each) for each in whole["messages"]]
        assert fingerprint(facts) == fingerprint(whole)
