"""Batches of three vendors: submitted, polled, fetched by another process than submitted."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from providers.batch import BatchAnswered, BatchFailed, BatchItem, BatchOutcome
from providers.completion import TokenUsage
from providers.errors import (
    AuthRejectedError,
    BadRequestError,
    BrokenBodyError,
    ConnectionFailedError,
    PromptTooLongError,
    TimedOutError,
)
from providers.opening import open_batch_provider
from providers.provider import Api, Endpoint, Vendor
from providers.request import Message
from providers.wire.calling import REQUEST_IDS
from providers.wire.secret import MASK
from tests.support.wire.batch_servers import (
    AnthropicBatchServer,
    GoogleBatchServer,
    OpenAIBatchServer,
)
from tests.support.wire.reply import Body, Reply, WireUsage
from tests.support.wire.vendors import KEY, a_request

if TYPE_CHECKING:
    from tests.support.wire.server import WireServer

TOO_LONG = "prompt is too long; this model's maximum context length is 8 tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendors:
    vendor: Vendor
    api: Api
    server: type[WireServer]
    base_path: str = ""

    def at(self, server: WireServer) -> Endpoint:
        base_url = server.origin + self.base_path
        return Endpoint(vendor=self.vendor, api=self.api, base_url=base_url)


BATCHES = [
    Vendors(vendor="openai", api="chat", server=OpenAIBatchServer, base_path="/v1"),
    Vendors(vendor="openai", api="responses", server=OpenAIBatchServer, base_path="/v1"),
    Vendors(vendor="anthropic", api="messages", server=AnthropicBatchServer),
    Vendors(vendor="google", api="generate-content", server=GoogleBatchServer),
]
every_batch = pytest.mark.parametrize("case", BATCHES, ids=lambda c: f"{c.vendor}-{c.api}")


def item(name: str, **overrides: object) -> BatchItem:
    turns = (Message(role="user", text=name),)
    return BatchItem(id=name, request=a_request(messages=turns, **overrides))


def by_text(body: Body) -> Reply:
    """Each item's own text says how it ends."""
    text = json.dumps(body)
    if "too-long" in text:
        return Reply(status=400, error_message=TOO_LONG)
    if "late" in text:
        return Reply(fault="stall")
    usage = WireUsage(input_tokens=20, output_tokens=6, cache_read_tokens=5, reasoning_tokens=2)
    return Reply(text="fine", usage=usage, finish="length" if "cut" in text else "stop")


async def fetched(case: Vendors, server: WireServer) -> dict[str, BatchOutcome]:
    submitting = open_batch_provider(case.at(server), key=KEY)
    items = [item("good"), item("cut", stream=True, deadline_s=3.0), item("too-long"), item("late")]
    batch_id = await submitting.submit(items)
    await submitting.aclose()
    resuming = open_batch_provider(case.at(server), key=KEY)
    assert (await resuming.poll(batch_id)).stage == "running"
    assert (await resuming.poll(batch_id)).stage == "ended"
    outcomes = await resuming.fetch(batch_id)
    await resuming.aclose()
    return {outcome.id: outcome for outcome in outcomes}


@every_batch
async def test_a_batch_from_submission_to_results(case: Vendors) -> None:
    with case.server(by_text) as server:
        outcomes = await fetched(case, server)
        assert len(server.calls) == 1
    assert set(outcomes) == {"good", "cut", "too-long", "late"}
    good, cut = outcomes["good"], outcomes["cut"]
    assert isinstance(good, BatchAnswered)
    assert (good.answer.text, good.answer.finish) == ("fine", "stop")
    assert good.answer.usage == TokenUsage(
        input_tokens=20, output_tokens=6, cache_read_tokens=5, reasoning_tokens=2
    )
    assert isinstance(cut, BatchAnswered)
    assert cut.answer.finish == "length"
    long, late = outcomes["too-long"], outcomes["late"]
    assert isinstance(long, BatchFailed)
    assert type(long.error) is PromptTooLongError
    assert isinstance(late, BatchFailed)
    assert type(late.error) is TimedOutError


@every_batch
async def test_what_is_not_billed_in_a_batch(case: Vendors) -> None:
    with case.server(by_text) as server:
        outcomes = await fetched(case, server)
    for name in ("too-long", "late"):
        failed = outcomes[name]
        assert isinstance(failed, BatchFailed)
        # Google says nothing of expired items.
        assert failed.error.billable == (name == "late" and case.vendor == "google")


@every_batch
async def test_a_batch_of_two_models_or_of_twins_is_refused(case: Vendors) -> None:
    with case.server() as server:
        provider = open_batch_provider(case.at(server), key=KEY)
        with pytest.raises(BadRequestError, match="one model, not of 2"):
            await provider.submit([item("a"), item("b", model="other")])
        with pytest.raises(BadRequestError, match="two items of the batch have one id"):
            await provider.submit([item("a"), item("a")])
        with pytest.raises(BadRequestError, match="not of 0"):
            await provider.submit([])
        await provider.aclose()


@pytest.mark.parametrize("case", [BATCHES[0], BATCHES[3]], ids=lambda case: case.vendor)
async def test_a_batch_that_fails_as_a_whole(case: Vendors) -> None:
    with case.server() as server:
        provider = open_batch_provider(case.at(server), key=KEY)
        batch_id = await provider.submit([item("a")])
        server.jobs.failed = True  # type: ignore[attr-defined]
        status = await provider.poll(batch_id)
        await provider.aclose()
    assert status.stage == "failed"
    assert status.reason in {"invalid_json_line", "JOB_STATE_FAILED"}


async def test_a_google_batch_without_results_is_broken() -> None:
    case = BATCHES[3]
    with case.server() as server:
        provider = open_batch_provider(case.at(server), key=KEY)
        batch_id = await provider.submit([item("a")])
        with pytest.raises(BrokenBodyError, match="without a file"):
            await provider.fetch(batch_id)
        await provider.aclose()


@every_batch
async def test_nobody_listens(case: Vendors) -> None:
    endpoint = Endpoint(vendor=case.vendor, api=case.api, base_url="http://127.0.0.1:9/v1")
    provider = open_batch_provider(endpoint, key=KEY)
    with pytest.raises(ConnectionFailedError) as raised:
        await provider.submit([item("a")])
    await provider.aclose()
    assert raised.value.__context__ is None


REFUSED: list[tuple[Endpoint, str]] = [
    (Endpoint(vendor="openai-compatible", api="chat"), "no batches"),
    (Endpoint(vendor="anthropic", api="messages", platform="bedrock"), "no batches on bedrock"),
    (Endpoint(vendor="openai", api="chat", platform="azure"), "no batches on azure"),
    (Endpoint(vendor="google", api="generate-content", platform="vertex"), "no batches on vertex"),
    (Endpoint(vendor="openai", api="chat", base_url="http://llm.example"), "base_url"),
]


@pytest.mark.parametrize(("endpoint", "why"), REFUSED)
def test_where_there_are_no_batches(endpoint: Endpoint, why: str) -> None:
    with pytest.raises(BadRequestError, match=why):
        open_batch_provider(endpoint, key=KEY)


def test_googles_batches_need_a_key() -> None:
    with pytest.raises(AuthRejectedError):
        open_batch_provider(Endpoint(vendor="google", api="generate-content"), key=None)


def echo(body: Body) -> Reply:
    """A server that says the key wherever it can say something."""
    if "refused" in json.dumps(body):
        return Reply(status=400, error_code=KEY_SAID, error_message=f"no model for {KEY_SAID}")
    headers = dict.fromkeys(REQUEST_IDS, KEY_SAID)
    return Reply(text=f"I am {KEY_SAID}", model=KEY_SAID, service_tier=KEY_SAID, headers=headers)


KEY_SAID = "a-long-key-of-a-service"


@every_batch
async def test_a_key_that_comes_back_in_a_batch_is_kept_nowhere(case: Vendors) -> None:
    with case.server(echo) as server:
        provider = open_batch_provider(case.at(server), key=KEY_SAID)
        batch_id = await provider.submit([item("good"), item("refused"), item(f"x-{KEY_SAID}")])
        while (await provider.poll(batch_id)).stage == "running":
            pass
        outcomes = await provider.fetch(batch_id)
        await provider.aclose()
    assert len(outcomes) == 3
    kept = [repr(vars(one.error)) + str(one.error) for one in outcomes if hasattr(one, "error")]
    kept += [repr(one) for one in outcomes]
    assert len(kept) == 4
    assert not [text for text in kept if KEY_SAID[3:16] in text]


@pytest.mark.parametrize("case", [BATCHES[0], BATCHES[3]], ids=lambda case: case.vendor)
async def test_a_batch_whose_id_is_the_key_is_lost_and_says_it_nowhere(case: Vendors) -> None:
    with case.server() as server:
        server.jobs.named = f"batches/{KEY_SAID}"  # type: ignore[attr-defined]
        provider = open_batch_provider(case.at(server), key=KEY_SAID)
        with pytest.raises(BrokenBodyError) as raised:
            await provider.submit([item("good")])
        await provider.aclose()
    assert KEY_SAID not in str(raised.value)


async def test_the_reason_of_a_failed_batch_is_not_the_key() -> None:
    with BATCHES[0].server() as server:
        provider = open_batch_provider(BATCHES[0].at(server), key="invalid_json_line")
        batch_id = await provider.submit([item("a")])
        server.jobs.failed = True  # type: ignore[attr-defined]
        status = await provider.poll(batch_id)
        await provider.aclose()
    assert status.reason == MASK
