from __future__ import annotations

import asyncio
from typing import Any

import pytest

from harness.ask.replay.calls import Call, CallFailure, Reply, blame, fault_of
from harness.ask.replay.worker import (
    TICK_S,
    FairSemaphore,
    LagMeter,
    Worker,
    open_with_key,
    open_worker,
    utc_now,
)
from harness.journal.trials import FaultKind
from providers import errors
from providers.completion import Completion, Timing
from providers.errors import AuthRejectedError, BadRequestError, ProviderError
from providers.provider import Endpoint
from providers.request import ModelRequest
from tests.support.load_server import load_server
from tests.support.own_clock import leaping, own_loop
from tests.support.trials import request

ENDPOINT = Endpoint(vendor="openai-compatible", api="chat")


class Scripted:
    def __init__(self, script: Any) -> None:
        self.script = script
        self.most = self.inside = 0
        self.closed = False

    async def complete(self, _request: ModelRequest) -> Completion:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.script()
        finally:
            self.inside -= 1
        return Completion(
            text="yes",
            finish="stop",
            served_model=None,
            request_id=None,
            usage=None,
            timing=Timing(total_s=0.0),
        )

    async def aclose(self) -> None:
        self.closed = True


def worker(provider: Any) -> Worker:
    """On the clock of the loop that runs: how busy the machine is makes no call late."""
    return Worker(
        open_provider=lambda _: provider,
        utc_now=lambda: "now",
        monotonic=lambda: asyncio.get_running_loop().time(),
    )


def call(**overrides: Any) -> Call:
    return Call(**{"endpoint": ENDPOINT, "request": request("hello"), **overrides})


@leaping
async def test_a_call_brings_its_completion_and_its_start() -> None:
    hands = worker(Scripted(lambda: asyncio.sleep(0)))
    reply = await hands(call())
    assert isinstance(reply.result, Completion)
    assert (reply.started_at, reply.lagged) == ("now", False)
    await hands.aclose()


@leaping
async def test_a_lane_has_at_most_its_width_on_the_wire() -> None:
    provider = Scripted(lambda: asyncio.sleep(0.01))
    hands = worker(provider)
    await asyncio.gather(*(hands(call(lane="a", width=3)) for _ in range(20)))
    assert provider.most == 3
    await hands.aclose()
    assert provider.closed


@leaping
async def test_a_gate_that_is_widened_lets_more_in() -> None:
    semaphore = FairSemaphore()
    semaphore.width = 1
    inside: list[int] = []
    leave = asyncio.Event()

    async def visit(number: int) -> None:
        async with semaphore.slot():
            inside.append(number)
            await leave.wait()

    visits = [asyncio.create_task(visit(number)) for number in range(4)]
    await asyncio.sleep(0.01)
    assert inside == [0]
    semaphore.width = 3
    visits.append(asyncio.create_task(visit(4)))
    await asyncio.sleep(0.01)
    assert inside == [0, 1, 2]
    visits[3].cancel()
    leave.set()
    await asyncio.gather(*visits, return_exceptions=True)
    assert inside == [0, 1, 2, 4]


@pytest.mark.parametrize(
    ("blocked_s", "then_s", "lagged"),
    [
        pytest.param(0.08, 0.05, True, id="seen by the meter"),
        pytest.param(0.08, 0.0, True, id="up to the end"),
        pytest.param(0.01, 0.05, False, id="too short to tell"),
    ],
)
@leaping
async def test_a_blocked_loop_marks_the_calls_that_it_touched(
    blocked_s: float, then_s: float, *, lagged: bool
) -> None:
    async def block() -> None:
        own_loop().wait(blocked_s)
        await asyncio.sleep(then_s)

    hands = worker(Scripted(block))
    assert (await hands(call())).lagged is lagged
    await hands.aclose()


@leaping
async def test_a_quiet_loop_is_not_late_and_stopping_twice_is_harmless() -> None:
    meter = LagMeter(own_loop().time)
    meter.start()
    await asyncio.sleep(5 * TICK_S)
    assert not meter.late_since(0)
    meter.stop()
    meter.stop()


def raising(error: Exception) -> Any:
    async def script() -> None:
        raise error

    return script


async def test_an_error_keeps_its_facts_and_no_text() -> None:
    error = errors.RateLimitedError(
        "secret prompt", status=429, request_id="r1", retry_after_s=3.0, billable=False
    )
    reply = await worker(Scripted(raising(error)))(call())
    assert reply.result == CallFailure(
        kind=FaultKind.RATE_LIMITED,
        blame="transient",
        status=429,
        request_id="r1",
        retry_after_s=3.0,
        billable=False,
    )
    assert "secret" not in repr(reply)


async def test_any_other_error_ends_its_call_only() -> None:
    reply = await worker(Scripted(raising(KeyError("x"))))(call())
    assert reply.result == CallFailure(
        kind=FaultKind.UNEXPECTED, exception="KeyError", blame="request"
    )
    assert reply.result.error == "KeyError"


async def test_a_missing_key_stops_the_lane_without_a_call() -> None:
    hands = Worker(open_provider=open_with_key({}), utc_now=utc_now)
    reply = await hands(call(endpoint=Endpoint(vendor="openai", api="chat", key_name="NO_KEY")))
    assert isinstance(reply.result, CallFailure)
    assert (reply.result.blame, reply.result.billable) == ("lane", False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("RateLimitedError", "transient"),
        ("BrokenBodyError", "transient"),
        ("PromptTooLongError", "model"),
        ("ContentBlockedError", "model"),
        ("DeadlineExceededError", "model"),
        ("AuthRejectedError", "lane"),
        ("ModelNotFoundError", "lane"),
        ("SdkMissingError", "lane"),
        ("BadRequestError", "request"),
        ("ProviderError", "request"),
    ],
)
def test_whom_an_error_is_charged_to(name: str, expected: str) -> None:
    kind: type[ProviderError] = getattr(errors, name)
    assert blame(kind("x")) == expected


def test_every_fault_of_a_provider_is_kept_by_its_class() -> None:
    leaves = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    leaves = [
        kind for kind in leaves if issubclass(kind, ProviderError) and not kind.__subclasses__()
    ]
    assert [fault_of(kind("x")).kind.value for kind in leaves] == [k.__name__ for k in leaves]
    vague = fault_of(errors.TransientError("x", status=599))
    assert (vague.kind, vague.error, vague.status) == (FaultKind.UNEXPECTED, "TransientError", 599)


def test_a_class_of_exception_goes_with_an_unexpected_fault_only() -> None:
    for kind, exception in ((FaultKind.OVERLOADED, "KeyError"), (FaultKind.UNEXPECTED, None)):
        with pytest.raises(ValueError, match="goes with an unexpected one only"):
            CallFailure(kind=kind, blame="request", exception=exception)


async def test_a_real_worker_asks_a_real_server_with_the_key_of_its_environment() -> None:
    with load_server() as server:
        endpoint = Endpoint(
            vendor="openai-compatible", api="chat", base_url=server.base_url, key_name="KEY"
        )
        opened = open_with_key({"KEY": "k"})
        hands = Worker(open_provider=opened, utc_now=utc_now)
        asked = request("item-1 is it?", model="load-1")
        reply = await hands(call(endpoint=endpoint, request=asked))
        await hands.aclose()
        assert isinstance(reply, Reply)
        assert isinstance(reply.result, Completion)
        assert reply.result.text == "yes item-1"


async def test_the_factory_builds_a_worker_that_refuses_a_forbidden_address() -> None:
    hands = open_worker()
    endpoint = Endpoint(vendor="openai-compatible", api="chat", base_url="http://192.0.2.1/v1")
    reply = await hands(call(endpoint=endpoint))
    await hands.aclose()
    assert isinstance(reply.result, CallFailure)
    assert reply.result.error == BadRequestError.__name__
    assert AuthRejectedError.__name__ not in reply.result.error
