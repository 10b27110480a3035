"""Each feature goes at its own pace, and finds what it found in lockstep with the others."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal
from threading import Event, Lock
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.judged import judged_answers, write_judged_workspace
from tests.support.lockstep import review_in_lockstep
from tests.support.paces import QUICK, SLOW, Watch, late_answers, write_paced_workspace
from tests.support.reviews import Shape, answers, inline_cluster, run_review, write_review_workspace
from tests.support.wire.openai_server import OpenAIServer
from tests.support.wire.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.conduct.reviewing.progress import OptionProgress
    from harness.record.model import DecisionRecord
    from tests.support.wire.reply import Body, Script

pytestmark = [pytest.mark.slow, pytest.mark.no_cover]

GENERATED = {"generated_at", "etag"}
LONG_S = 60.0
"""Longer than anything here takes unless it waits for what never comes."""


def dumps(records: Sequence[DecisionRecord]) -> list[dict[str, Any]]:
    return [record.model_dump(exclude=GENERATED) for record in records]


def delayed(script: Script, delay_s: float) -> Script:
    def late(body: Body) -> Reply:
        reply = script(body)
        return Reply(text=reply.text, usage=reply.usage, delay_s=delay_s)

    return late


def test_a_slow_lane_holds_back_only_those_who_ask_it(tmp_path: Path) -> None:
    """The slow model answers nothing until the feature that does not ask it has ended its looks."""
    with OpenAIServer(answers) as fast, OpenAIServer(late_answers) as late:
        write_paced_workspace(tmp_path / "calm", fast.port, late.port)
        calm = Watch()
        with inline_cluster() as cluster:
            run_review(tmp_path / "calm", cluster, progress=calm)
    looks = calm.of(QUICK)
    assert len({look for _, look, _ in looks}) > 1
    ended, answered_after_it = Event(), list[bool]()

    def seen(_standing: OptionProgress) -> None:
        if watch.of(QUICK) == looks:
            ended.set()

    def gated(body: Body) -> Reply:
        answered_after_it.append(ended.wait(LONG_S))
        ended.set()
        return late_answers(body)

    watch = Watch(seen)
    with OpenAIServer(answers) as fast, OpenAIServer(gated) as late, inline_cluster() as cluster:
        write_paced_workspace(tmp_path / "gated", fast.port, late.port)
        run_review(tmp_path / "gated", cluster, progress=watch)
    assert answered_after_it
    assert all(answered_after_it)
    assert [s.feature for s in watch.stands] == [QUICK] * len(looks) + [SLOW] * len(calm.of(SLOW))
    assert watch.of(SLOW) == calm.of(SLOW)


def test_at_a_twentieth_of_the_pace_both_find_the_same(tmp_path: Path) -> None:
    """Who ends first is shown above, by an event and not by seconds."""
    with (
        OpenAIServer(delayed(answers, 0.0025)) as fast,
        OpenAIServer(delayed(late_answers, 0.05)) as late,
        inline_cluster() as cluster,
    ):
        roots = [
            write_paced_workspace(tmp_path / name, fast.port, late.port, concurrency=12)
            for name in ("own pace", "lockstep")
        ]
        ours = run_review(roots[0], cluster)
        in_lockstep = run_review(roots[1], cluster, reviewer=review_in_lockstep)
    assert dumps(ours) == dumps(in_lockstep)


MANY = Shape(
    cases=300, candidates="bad, good", kind="ladder", features=("letters", "mails", "tickets")
)


def test_findings_do_not_depend_on_the_pace(tmp_path: Path) -> None:
    """Features whose answers take times of their own, against a review in lockstep."""

    def paced(body: Body) -> Reply:
        text = str(body["messages"])
        delay_s = next(0.01 * n for n, name in enumerate(MANY.features) if f"for {name}" in text)
        return delayed(answers, delay_s)(body)

    with OpenAIServer(paced) as server, inline_cluster() as cluster:
        roots = [
            write_review_workspace(tmp_path / name, server.port, MANY)
            for name in ("own pace", "lockstep")
        ]
        ours = run_review(roots[0], cluster)
        in_lockstep = run_review(roots[1], cluster, reviewer=review_in_lockstep)
        asked = server.log.by_hash
    assert dumps(ours) == dumps(in_lockstep)
    assert set(asked.values()) == {2}
    again = run_review(roots[0], None, run_id="run-2")
    assert dumps(again) == dumps(ours)


@pytest.mark.parametrize("options", ["", ", compare: with-incumbent"])
def test_judged_features_find_what_they_found_in_lockstep(tmp_path: Path, options: str) -> None:
    shape = Shape(cases=120, candidates="good", kind="ladder", features=("mails", "tickets"))
    with OpenAIServer(judged_answers) as server, inline_cluster() as cluster:
        roots = [
            write_judged_workspace(tmp_path / name, server.port, shape, options=options)
            for name in ("own pace", "lockstep")
        ]
        ours = run_review(roots[0], cluster)
        in_lockstep = run_review(roots[1], cluster, reviewer=review_in_lockstep)
    assert dumps(ours) == dumps(in_lockstep)


class Alone:
    """Notices when a streamed (a latency) call shares the server with any other call."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = Counter[bool]()
        self.streamed = self.shared = 0

    def __call__(self, body: Body) -> Reply:
        streamed = bool(body.get("stream"))
        with self._lock:
            self._inside[streamed] += 1
            self.streamed += streamed
            others = self._inside[False] + self._inside[True] - 1
            self.shared += others > 0 and self._inside[True] > 0
        time.sleep(0.001)
        with self._lock:
            self._inside[streamed] -= 1
        return answers(body)


def test_latency_is_measured_while_no_other_feature_asks(tmp_path: Path) -> None:
    """Two servers, so that a call at one would not be seen at the other's queue."""
    alone = Alone()
    with OpenAIServer(alone) as fast, OpenAIServer(alone) as late, inline_cluster() as cluster:
        shape = Shape(
            cases=300, candidates="good", kind="ladder", features=(QUICK, SLOW),
            extra="latency: {p95_s: 60}",
        )  # fmt: skip
        write_paced_workspace(tmp_path, fast.port, late.port, shape)
        records = run_review(tmp_path, cluster)
    assert alone.streamed >= 240
    assert alone.shared == 0
    assert all(record.options[0].latency is not None for record in records)


def test_features_at_their_own_pace_keep_the_cap(tmp_path: Path) -> None:
    with (
        OpenAIServer(answers) as fast,
        OpenAIServer(delayed(late_answers, 0.02)) as late,
        inline_cluster() as cluster,
    ):
        shape = Shape(
            cases=400, candidates="good", kind="ladder", features=(QUICK, SLOW), cap="0.1"
        )
        write_paced_workspace(tmp_path, fast.port, late.port, shape)
        stopped = run_review(tmp_path, cluster)
        prices = {"big": Decimal(4), "good": Decimal("0.5"), "late": Decimal("0.5")}
        calls = [*fast.log.calls, *late.log.calls]
        billed = sum((82 * prices[call.body["model"]] for call in calls), Decimal(0)) / 1_000_000
        write_paced_workspace(
            tmp_path, fast.port, late.port,
            Shape(cases=400, candidates="good", kind="ladder", features=(QUICK, SLOW)),
        )  # fmt: skip
        whole = run_review(tmp_path, cluster, run_id="run-2")
        times = {**fast.log.by_hash, **late.log.by_hash}
    assert Decimal("0.09") < billed <= Decimal("0.1")
    assert sum(record.evidence.spend.total_usd for record in stopped) == billed
    assert set(times.values()) == {1}
    assert [record.chosen for record in whole] == ["good", "late"]
