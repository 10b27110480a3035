"""A model that refuses a parameter, a request that fits in no minute: asked a few times only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.calls import without_the_request
from harness.conduct.reviewing.progress import Silent
from harness.record.base import Result
from harness.workspace.endpoints import params_sha256
from harness.workspace.workspace import load_workspace
from providers.request import Message, ModelRequest
from tests.support.reviews import Shape, answers, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply

CASES = 120
SENTENCE = "`temperature` is deprecated for this model."
TOO_LARGE = "Request too large for m on tokens per min (TPM): Limit 30000, Requested 36278."


class Told(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def refusing(body: Body) -> Reply:
    if body["model"] == "good" and "temperature" in body:
        return Reply(status=400, error_code="invalid_request_error", error_message=SENTENCE)
    return answers(body)


def never_fitting(body: Body) -> Reply:
    if "Ticket number 7\\n" in str(body) or "Ticket number 7'" in str(body):
        return Reply(status=429, error_code="rate_limit_exceeded", error_message=TOO_LARGE)
    return answers(body)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "rightsizing"


def reviewed(
    root: Path, script: Callable[[Body], Reply]
) -> tuple[dict[str, int], list[str], Result]:
    told = Told()
    with OpenAIServer(script) as server, InlineCluster() as cluster:
        path = root / "models" / "all.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(":9/v1", f":{server.port}/v1"), encoding="utf-8")
        (record,) = run_review(root, cluster, progress=told)
        asked = [str(call.body["model"]) for call in server.calls]
    good = next(one for one in record.options if one.target.option == "good")
    return {name: asked.count(name) for name in set(asked)}, told.notes, good.result


def test_a_refused_parameter_is_told_after_a_few_calls(root: Path) -> None:
    write_review_workspace(root, 9, Shape(cases=CASES, candidates="good"))
    calls, notes, result = reviewed(root, refusing)
    assert calls["good"] < 30
    (note,) = [one for one in notes if "were refused" in one]
    assert note.startswith("good: 5 calls in a row were refused (BadRequestError, status 400: ")
    assert SENTENCE in note
    assert "`omit: [temperature]`" in note
    assert result is Result.UNDECIDED


def test_a_parameter_can_be_left_out_by_model(root: Path) -> None:
    write_review_workspace(root, 9, Shape(cases=CASES, candidates="good"))
    before = load_workspace(root)
    path = root / "models" / "all.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("good:\n", "good:\n  omit: [temperature]\n"), encoding="utf-8")
    calls, notes, _ = reviewed(root, refusing)
    assert calls["good"] == CASES
    assert not any("were refused" in one for one in notes)
    feature = before.features["tickets"]
    without = before.models["good"].model_copy(update={"omit": ("temperature",)})
    digests = [params_sha256("good", one, feature, effort=None) for one in
               (before.models["good"], without)]  # fmt: skip
    assert digests[0] != digests[1]


def test_a_request_that_fits_in_no_minute_fails_once(root: Path) -> None:
    write_review_workspace(root, 9, Shape(cases=CASES, candidates="good"))
    calls, _, _ = reviewed(root, never_fitting)
    assert calls == {"big": CASES, "good": CASES}


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (SENTENCE, True),
        ("Invalid value: 'my secret plan for the merger'", False),
        ("bad: merger", True),
        (None, False),
    ],
)
def test_a_sentence_that_quotes_the_request_is_not_shown(said: str | None, *, kept: bool) -> None:
    asked = ModelRequest(
        model="m",
        messages=(Message(role="user", text="Tell of my  secret plan\nfor the merger"),),
        max_output_tokens=1,
    )
    assert (without_the_request(said, asked) is not None) == kept
