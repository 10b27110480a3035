"""A model that refuses, is closed for long, or hangs: asked little, and nobody else waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.calls import without_the_request
from harness.conduct.reviewing.progress import OptionProgress, Silent
from harness.record.base import Result
from harness.workspace.endpoints import params_sha256
from harness.workspace.workspace import load_workspace
from providers.request import Message, ModelRequest
from tests.support.reviews import Shape, answers, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Body, Reply

if TYPE_CHECKING:
    from aiohttp import web

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


def limited_as(headers: dict[str, str], *, long_only: bool) -> Callable[[Body], Reply]:
    def script(body: Body) -> Reply:
        refused = len(str(body)) > 100_000 if long_only else body["model"] == "good"
        return Reply(status=429, headers=headers) if refused else answers(body)

    return script


def test_a_request_larger_than_a_minutes_limit_fails_once_without_words(root: Path) -> None:
    write_review_workspace(root, 9, Shape(cases=CASES, candidates="good"))
    cases = root / "evalsets" / "tickets" / "cases.jsonl"
    long = f"Ticket number 7 {'x' * 500_000}"
    cases.write_text(cases.read_text().replace('"Ticket number 7"', f'"{long}"'))
    grants = {"x-ratelimit-limit-tokens": "100000", "x-ratelimit-remaining-tokens": "100000"}
    script = limited_as({**grants, "retry-after": "200"}, long_only=True)
    calls, notes, _ = reviewed(root, script)
    assert calls == {"big": CASES, "good": CASES}
    told = [one for one in notes if "larger than what the provider grants in a minute" in one]
    assert sorted(one.partition(":")[0] for one in told) == ["big", "good"]


def test_a_model_that_is_closed_for_the_day_is_not_tried_all_day(root: Path) -> None:
    write_review_workspace(root, 9, Shape(cases=CASES, candidates="good"))
    calls, notes, result = reviewed(root, limited_as({"retry-after": "86400"}, long_only=False))
    assert calls["good"] < 30
    (note,) = [one for one in notes if "told to come back" in one]
    assert "in 86,400 s; nothing more is asked of it" in note
    assert result is Result.UNDECIDED


class Hanging(OpenAIServer):
    """Answers nothing that says `word` before it is let go; after a minute it gives up."""

    def __init__(self, word: str) -> None:
        super().__init__(answers)
        self.word = word
        self.let_go = threading.Event()
        self.gave_up = False

    async def answer(self, request: web.Request) -> web.StreamResponse:
        waited = 0
        while self.word in await request.text() and not self.let_go.is_set():
            await asyncio.sleep(0.05)
            waited += 1
            if waited == 1200:
                self.gave_up = True
                self.let_go.set()
        return await super().answer(request)


class Watch(Silent):
    """Lets the hanging model go when the other feature is through."""

    def __init__(self, server: Hanging) -> None:
        self._server = server

    def stood(self, standing: OptionProgress) -> None:
        if standing.feature == "quick" and standing.cases == standing.of_cases:
            self._server.let_go.set()


def test_a_model_that_hangs_delays_no_other_feature(root: Path) -> None:
    shape = Shape(cases=200, candidates="good", kind="ladder", features=("hung", "quick"))
    with Hanging('"slow"') as server, InlineCluster() as cluster:
        write_review_workspace(root, server.port, shape)
        models = root / "models" / "all.yaml"
        big = models.read_text().partition("good:")[0]
        models.write_text(models.read_text() + big.replace("big:", "slow:"))
        feature = root / "features" / "hung.yaml"
        feature.write_text(feature.read_text().replace("incumbent: big", "incumbent: slow"))
        records = run_review(root, cluster, progress=Watch(server))
    assert not server.gave_up
    assert {one.feature.id for one in records} == {"hung", "quick"}


def test_a_feature_whose_calls_all_hang_delays_no_other_on_the_same_model(root: Path) -> None:
    shape = Shape(cases=200, candidates="good", kind="ladder", features=("hung", "quick"))
    with Hanging("Topic for hung of") as server, InlineCluster() as cluster:
        write_review_workspace(root, server.port, shape)
        records = run_review(root, cluster, progress=Watch(server))
    assert not server.gave_up
    assert {one.feature.id for one in records} == {"hung", "quick"}
