from __future__ import annotations

from typing import Any

import pytest

from harness.ask.replay.calls import CallFailure, Reply
from harness.ask.replay.governor import Governor, guess_uses, lane_of, predict_s
from harness.ask.replay.throttle import LaneLimits, Uses
from harness.journal.trials import FaultKind
from providers.completion import Completion, RateLimit, Timing, TokenUsage
from providers.provider import Endpoint
from tests.support.trials import request, trial

TRIAL = trial(1)
LANE = lane_of(TRIAL)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def governor(clock: Clock | None = None, share: float = 1.0, **limits: Any) -> Governor:
    return Governor(
        default=LaneLimits(**limits), share_of_rate_limit=share, monotonic=clock or Clock()
    )


def reply(**overrides: Any) -> Reply:
    completion = Completion(
        **{
            "text": "",
            "finish": "stop",
            "served_model": None,
            "request_id": None,
            "usage": TokenUsage(input_tokens=15, output_tokens=5),
            "timing": Timing(total_s=1.0),
            **overrides,
        }
    )
    return Reply(started_at="", result=completion, lagged=False)


def fault(kind: FaultKind, **overrides: Any) -> Reply:
    return Reply(
        started_at="", result=CallFailure(kind=kind, blame="transient", **overrides), lagged=False
    )


def fill(gov: Governor) -> list[Any]:
    slots = []
    while gov.wait_s(LANE, TRIAL) == 0:
        slots.append(gov.take(LANE, TRIAL))
    return slots


def answer_all(gov: Governor, answer: Reply) -> None:
    for slot in fill(gov):
        gov.ended(LANE, slot, answer)


def test_a_lane_starts_small_and_doubles_up_to_its_most() -> None:
    gov = governor(max_concurrency=50, start_concurrency=8)
    sizes = []
    for _ in range(5):
        slots = fill(gov)
        sizes.append(len(slots))
        assert gov.wait_s(LANE, TRIAL) == float("inf")
        for slot in slots:
            gov.ended(LANE, slot, reply())
    assert sizes[:2] == [8, 16 + 4]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 50 + 15


def test_an_idle_lane_does_not_grow() -> None:
    gov = governor(max_concurrency=50, start_concurrency=8)
    for _ in range(100):
        gov.ended(LANE, gov.take(LANE, TRIAL), reply())
    assert len(fill(gov)) == 8


def test_an_episode_of_rate_limits_cuts_once_and_waits_as_told() -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=100, start_concurrency=100)
    for slot in fill(gov):
        clock.now += 0.001
        gov.ended(LANE, slot, fault(FaultKind.RATE_LIMITED, retry_after_s=20))
    assert 19.9 < gov.wait_s(LANE, TRIAL) <= 20
    clock.now += 21
    assert len(fill(gov)) == 70
    assert gov.history()[0].cuts == 1


def test_a_second_episode_cuts_again() -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=100, start_concurrency=100)
    for _ in range(2):
        for slot in fill(gov):
            clock.now += 0.001
            gov.ended(LANE, slot, fault(FaultKind.RATE_LIMITED, retry_after_s=0))
        clock.now += 1
    assert len(fill(gov)) == 49


def test_a_server_error_pauses_growth_and_frees_its_slot() -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=50, start_concurrency=10)
    slots = fill(gov)
    gov.ended(LANE, slots[0], fault(FaultKind.OVERLOADED))
    for slot in slots[1:]:
        gov.ended(LANE, slot, reply())
    assert len(fill(gov)) == 10


def test_a_lost_worker_frees_the_slot_and_teaches_nothing() -> None:
    gov = governor(max_concurrency=4)
    for slot in fill(gov):
        gov.ended(LANE, slot, None)
    assert len(fill(gov)) == 4


@pytest.mark.parametrize(
    ("granted", "share"),
    [
        pytest.param({"requests_per_minute": 600}, 0.5, id="requests by configuration"),
        pytest.param({"tokens_per_minute": 12000}, 0.5, id="tokens by configuration"),
    ],
)
def test_a_share_of_what_is_granted_is_used_and_never_exceeded(
    granted: dict[str, int], share: float
) -> None:
    clock = Clock()
    gov = governor(clock, share, max_concurrency=50, start_concurrency=50, **granted)
    gov.ended(LANE, gov.take(LANE, TRIAL), reply())
    sent: list[float] = []
    while clock.now < 100 + 300:
        wait = gov.wait_s(LANE, TRIAL)
        if wait > 0:
            clock.now += wait
            continue
        sent.append(clock.now)
        gov.ended(LANE, gov.take(LANE, TRIAL), reply())
    for start in range(105, 330, 7):
        within = sum(start <= at < start + 60 for at in sent)
        assert 0.95 * 300 <= within <= 300


def test_headers_replace_what_the_configuration_says() -> None:
    clock = Clock()
    gov = governor(clock, 0.5, max_concurrency=50, requests_per_minute=60_000)
    told = reply(rate_limit=RateLimit(requests_limit=60, requests_remaining=59))
    gov.ended(LANE, gov.take(LANE, TRIAL), told)
    assert gov.wait_s(LANE, TRIAL) >= 0
    gov.take(LANE, TRIAL)
    assert gov.wait_s(LANE, TRIAL) == pytest.approx(2.04, abs=0.05)


@pytest.mark.parametrize(
    ("told", "per_minute"),
    [
        pytest.param({"output_tokens_limit": 500}, 50, id="output"),
        pytest.param({"input_tokens_limit": 1200}, 50, id="input, less what a cache gave"),
    ],
)
def test_each_direction_of_tokens_has_its_own_limit(told: dict[str, int], per_minute: int) -> None:
    """Anthropic's: a call takes 5 out, and 15 in of which 3 come from the cache."""
    clock = Clock()
    gov = governor(clock, 0.5, max_concurrency=50)
    usage = TokenUsage(input_tokens=15, output_tokens=5, cache_read_tokens=3)
    answer = reply(usage=usage, rate_limit=RateLimit(tokens_limit=10**6, **told))
    gov.ended(LANE, gov.take(LANE, TRIAL), answer)
    sent = 0
    while clock.now < 100 + 600:
        wait = gov.wait_s(LANE, TRIAL)
        if wait > 0:
            clock.now += wait
            continue
        sent += 1
        gov.ended(LANE, gov.take(LANE, TRIAL), answer)
    assert 0.95 * per_minute * 10 <= sent <= per_minute * 10


def test_what_is_left_below_our_share_is_left_to_production() -> None:
    gov = governor(share=0.5, max_concurrency=50)
    told = reply(rate_limit=RateLimit(tokens_limit=6000, tokens_remaining=2000))
    gov.ended(LANE, gov.take(LANE, TRIAL), told)
    assert gov.wait_s(LANE, TRIAL) == pytest.approx(10)


def test_a_dead_lane_admits_nobody_and_keeps_its_first_reason() -> None:
    gov = governor()
    gov.stop(LANE, "AuthRejectedError")
    gov.stop(LANE, "other")
    assert gov.wait_s(LANE, TRIAL) == float("inf")
    assert gov.stopped(LANE) == "AuthRejectedError"


def test_lanes_are_by_address_key_and_model() -> None:
    lanes = {
        lane_of(trial(1)),
        lane_of(trial(2)),
        lane_of(trial(3, request=request("x", model="large"))),
        lane_of(trial(4, endpoint=Endpoint(vendor="openai", api="chat", key_name="A"))),
        lane_of(trial(5, endpoint=Endpoint(vendor="openai", api="chat", key_name="B"))),
    }
    assert len(lanes) == 4


def test_history_tells_what_happened() -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=5, requests_per_minute=600)
    slots = [gov.take(LANE, TRIAL) for _ in range(3)]
    clock.now += 2
    for slot, end in zip(
        slots, (reply(), fault(FaultKind.RATE_LIMITED), fault(FaultKind.OVERLOADED)), strict=True
    ):
        gov.ended(LANE, slot, end)
    (seen,) = gov.history()
    assert (seen.calls, seen.answered, seen.rate_limited, seen.overloaded) == (3, 1, 1, 1)
    assert (seen.most_in_flight, seen.tokens, seen.active_s) == (3, 20, 2)
    assert (seen.requests_per_minute, seen.tokens_per_minute) == (600, None)


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        pytest.param({"max_concurrency": 10}, 20, id="concurrency alone"),
        pytest.param({"max_concurrency": 10, "requests_per_minute": 60}, 200, id="requests"),
        pytest.param({"max_concurrency": 10, "tokens_per_minute": 600}, 2000, id="tokens"),
    ],
)
def test_predicted_time_is_that_of_the_slowest_limit(
    limits: dict[str, int], seconds: float
) -> None:
    predicted = predict_s(LaneLimits(**limits), calls=100, tokens=10_000, busy_s=200, share=0.5)
    assert predicted == pytest.approx(seconds)


def test_tokens_are_guessed_from_the_prompt_and_the_longest_answer() -> None:
    guess = guess_uses(trial(1, text="x" * 400))
    assert (guess.tokens, guess.input_tokens, guess.output_tokens) == (110, 100, 10)


def test_a_wide_calm_lane_keeps_calls_ready_at_the_workers() -> None:
    gov = governor(max_concurrency=100, start_concurrency=100)
    assert len(fill(gov)) == 130
    assert gov.width(LANE, 4) == 25
    assert gov.history()[0].most_in_flight == 100


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"max_concurrency": 15}, id="narrow"),
        pytest.param({"max_concurrency": 100, "tokens_per_minute": 10**9}, id="paced"),
    ],
)
def test_a_narrow_or_paced_lane_keeps_none_ready(limits: dict[str, int]) -> None:
    gov = governor(start_concurrency=100, **limits)
    fill(gov)
    assert gov.width(LANE, 2) is None
    assert gov.history()[0].most_in_flight <= limits["max_concurrency"]


def test_a_lane_that_was_pushed_back_keeps_none_ready_for_a_minute() -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=100, start_concurrency=100)
    slots = fill(gov)
    clock.now += 1
    gov.ended(LANE, slots.pop(), fault(FaultKind.RATE_LIMITED, retry_after_s=0))
    assert gov.width(LANE, 1) is None
    clock.now += 61
    assert gov.width(LANE, 1) == 70


@pytest.mark.parametrize("calm_s", [60.0, 60.5])
def test_the_minute_has_to_be_over(calm_s: float) -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=100, start_concurrency=100)
    gov.ended(LANE, fill(gov)[0], fault(FaultKind.RATE_LIMITED, retry_after_s=0))
    clock.now += calm_s
    assert gov.width(LANE, 1) == (70 if calm_s > 60 else None)


@pytest.mark.parametrize(("most", "ready"), [(15, 0), (16, 4), (17, 5)])
def test_sixteen_at_once_are_a_wide_lane(most: int, ready: int) -> None:
    gov = governor(max_concurrency=most, start_concurrency=most)
    assert len(fill(gov)) == most + ready


@pytest.mark.parametrize(("workers", "width"), [(1, 100), (3, 33), (100, 1), (101, 1), (1000, 1)])
def test_each_worker_has_its_whole_part_of_a_lane_and_at_least_one(
    workers: int, width: int
) -> None:
    found = governor(max_concurrency=100, start_concurrency=100).width(LANE, workers)
    assert (found, type(found)) == (width, int)


def test_unless_told_otherwise_a_lane_starts_with_16_and_has_at_most_64() -> None:
    gov = Governor(monotonic=Clock())
    slots = fill(gov)
    assert len(slots) == 16 + 4
    for _ in range(12):
        for slot in slots:
            gov.ended(LANE, slot, reply())
        slots = fill(gov)
    assert len(slots) == 64 + 19


def test_unless_told_otherwise_all_that_is_granted_is_ours_and_no_more() -> None:
    clock = Clock()
    gov = Governor(default=LaneLimits(requests_per_minute=60), monotonic=clock)
    assert gov.wait_s(LANE, TRIAL) == 0
    gov.take(LANE, TRIAL)
    assert gov.wait_s(LANE, TRIAL) == pytest.approx(1 / 0.98)


def pushed_back(clock: Clock, *, window: int, kind: FaultKind = FaultKind.OVERLOADED) -> Governor:
    """A lane of this width whose doubling has ended, with nothing in flight."""
    gov = governor(clock, max_concurrency=1000, start_concurrency=window)
    slots = fill(gov)
    gov.ended(LANE, slots[0], fault(kind))
    for slot in slots[1:]:
        gov.ended(LANE, slot, None)
    return gov


def rounds(gov: Governor, count: int) -> list[int]:
    """How many calls each round of answers has."""
    sizes = []
    for _ in range(count):
        slots = fill(gov)
        sizes.append(len(slots))
        for slot in slots:
            gov.ended(LANE, slot, reply())
    return sizes


def test_after_a_server_error_a_lane_grows_by_nearly_one_a_round_from_a_second_on() -> None:
    clock = Clock()
    gov = pushed_back(clock, window=10)
    clock.now += 0.75
    assert rounds(gov, 3) == [10, 10, 10]
    clock.now += 0.25
    assert rounds(gov, 5) == [10, 10, 11, 12, 13]


def test_after_a_rate_limit_a_lane_grows_by_nearly_one_a_round() -> None:
    clock = Clock()
    gov = pushed_back(clock, window=10, kind=FaultKind.RATE_LIMITED)
    clock.now += 1
    assert rounds(gov, 4) == [7, 7, 8, 9]


def test_no_lane_is_cut_below_four() -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=100, start_concurrency=20)
    for _ in range(9):
        clock.now += 2
        for slot in fill(gov):
            clock.now += 0.001
            gov.ended(LANE, slot, fault(FaultKind.RATE_LIMITED, retry_after_s=0))
    clock.now += 2
    assert len(fill(gov)) == 4


def test_a_lane_that_is_narrower_from_the_start_stays_so() -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=2, start_concurrency=2)
    for slot in fill(gov):
        gov.ended(LANE, slot, fault(FaultKind.RATE_LIMITED, retry_after_s=0))
    clock.now += 1
    assert len(fill(gov)) == 2


def test_a_call_sent_at_the_very_moment_of_a_cut_belongs_to_it() -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=100, start_concurrency=100)
    for slot in fill(gov):
        gov.ended(LANE, slot, fault(FaultKind.RATE_LIMITED, retry_after_s=0))
    assert gov.history()[0].cuts == 1


@pytest.mark.parametrize(
    ("told", "wait_s"),
    [
        pytest.param(None, 1, id="a 429 that does not say when"),
        pytest.param(0.5, 0.5, id="as it says"),
        pytest.param(9999, 300, id="never longer than five minutes"),
    ],
)
def test_a_rate_limit_holds_the_lane(told: float | None, wait_s: float) -> None:
    gov = governor(max_concurrency=10)
    gov.ended(LANE, gov.take(LANE, TRIAL), fault(FaultKind.RATE_LIMITED, retry_after_s=told))
    assert gov.wait_s(LANE, TRIAL) == pytest.approx(wait_s)


def test_a_lane_without_a_call_has_no_history() -> None:
    gov = governor()
    gov.wait_s(LANE, TRIAL)
    (seen,) = gov.history()
    assert (seen.calls, seen.answered, seen.rate_limited, seen.overloaded, seen.cuts) == (0,) * 5
    assert (seen.most_in_flight, seen.tokens, seen.active_s) == (0, 0, 0.0)
    assert gov.take_history() == []


def test_history_that_was_taken_begins_again() -> None:
    gov = governor(max_concurrency=5)
    gov.ended(LANE, gov.take(LANE, TRIAL), reply())
    assert [seen.calls for seen in gov.take_history()] == [1]
    assert gov.take_history() == []
    gov.ended(LANE, gov.take(LANE, TRIAL), reply())
    assert [(seen.calls, seen.answered) for seen in gov.take_history()] == [(1, 1)]


def test_a_lane_is_named_by_its_address_or_else_its_vendor() -> None:
    assert lane_of(trial(1)).provider == "openai-compatible"
    own = Endpoint(vendor="openai-compatible", api="chat", base_url="http://127.0.0.1:1/v1")
    assert lane_of(trial(1, endpoint=own)).provider == "http://127.0.0.1:1/v1"


def test_a_guess_is_whole_tokens_of_one_request() -> None:
    guess = guess_uses(trial(1, text="x" * 403))
    assert guess == (1, 110, 100, 10)
    assert isinstance(guess.tokens, int)


@pytest.mark.parametrize(("calls", "seconds"), [(5, 40), (1, 200), (0.5, 200)])
def test_fewer_calls_than_a_lane_is_wide_cannot_fill_it(calls: float, seconds: float) -> None:
    limits = LaneLimits(max_concurrency=10)
    found = predict_s(limits, calls=calls, tokens=0, busy_s=200, share=1)
    assert found == pytest.approx(seconds)


def test_a_call_that_takes_no_slot_sets_nothing_aside() -> None:
    assert Uses() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("grants", "fits"),
    [
        ({"tokens_limit": 10_000}, True),
        ({"tokens_limit": 5_000}, False),
        ({"input_tokens_limit": 1_000}, True),
        ({"input_tokens_limit": 900, "tokens_limit": 50_000}, False),
        # Of Anthropic's `tokens` the tightest limit is told, its output limit perhaps.
        ({"input_tokens_limit": 1_000, "tokens_limit": 100, "output_tokens_limit": 100}, True),
        ({"requests_limit": 1}, True),
    ],
)
def test_a_request_larger_than_a_minute_grants_is_refused_for_good(
    grants: dict[str, int], *, fits: bool
) -> None:
    gov = governor()
    asked = trial(2, request=request("x" * 4_000, max_output_tokens=5_000))
    slot = gov.take(LANE, asked)
    refused = fault(FaultKind.RATE_LIMITED, rate_limit=RateLimit(**grants), retry_after_s=60.0)
    judged = gov.judged(LANE, slot, refused)
    gov.ended(LANE, slot, judged)
    assert isinstance(judged.result, CallFailure)
    assert judged.result.blame == ("transient" if fits else "request")
    assert gov.wait_s(LANE, TRIAL) == (60.0 if fits else 0.0)


def test_what_a_refused_request_had_set_aside_is_given_back() -> None:
    gov = governor(tokens_per_minute=6_000)
    asked = trial(2, request=request("x", max_output_tokens=60_000))
    assert gov.wait_s(LANE, asked) == 0
    slot = gov.take(LANE, asked)
    assert gov.wait_s(LANE, TRIAL) > 500
    gov.ended(LANE, slot, gov.judged(LANE, slot, fault(FaultKind.RATE_LIMITED)))
    assert gov.wait_s(LANE, TRIAL) == 0


HUNG, QUICK = trial(1, feature="hung"), trial(2, feature="quick")


@pytest.mark.parametrize("most", [4, 8, 64])
def test_a_feature_whose_calls_all_hang_leaves_the_others_a_place(most: int) -> None:
    """However long it was alone, and however wide the lane had grown by then."""
    clock = Clock()
    gov = governor(clock, max_concurrency=most, features=3)
    for _ in range(8):
        slots = []
        while gov.wait_s(LANE, HUNG) == 0:
            slots.append(gov.take(LANE, HUNG))
        for slot in slots:
            gov.ended(LANE, slot, reply())
    hung = 0
    while gov.wait_s(LANE, HUNG) == 0:
        gov.take(LANE, HUNG)
        hung += 1
    assert hung >= most // 2
    clock.now += 60
    for _ in range(3):
        slot = gov.take(LANE, QUICK)
        assert gov.wait_s(LANE, HUNG) > 0
        gov.ended(LANE, slot, reply())
        assert gov.wait_s(LANE, QUICK) == 0
    assert gov.history()[0].most_in_flight <= most


def test_a_lane_of_one_feature_has_all_of_its_places() -> None:
    gov = governor(max_concurrency=8, start_concurrency=8)
    assert len(fill(gov)) == 8


def test_no_call_waits_at_a_worker_behind_calls_that_may_hang() -> None:
    clock = Clock()
    gov = governor(clock, max_concurrency=64, start_concurrency=64, features=2)
    slots = fill(gov)
    clock.now += 6
    gov.ended(LANE, slots[-1], reply())
    assert gov.wait_s(LANE, TRIAL) > 0
    assert gov.width(LANE, 1) is None
