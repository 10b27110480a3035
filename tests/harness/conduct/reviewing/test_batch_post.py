"""Features asked by batch and features asked live, each at its own pace."""

from __future__ import annotations

import time
from collections import Counter
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from harness.ask.cluster.workers import InlineCluster
from harness.ask.replay.batches import BackOff
from tests.benchmarks.replay.reviews import decided
from tests.support.batch_reviews import (
    KEY,
    Notes,
    batch_servers,
    run_batch_review,
    write_batch_workspace,
)
from tests.support.reviews import FEATURE, MODEL, answers, write
from tests.support.wire.openai_server import OpenAIServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from harness.ask.cluster.workers import Cluster
    from harness.conduct.reviewing.progress import OptionProgress
    from tests.support.wire.reply import Body, Reply

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.slow,
    pytest.mark.no_cover,
]
BY_BATCH, LIVE = "tickets", "letters"
OFTEN = BackOff(first_s=0.01, most_s=0.05)
LONG_S = 60.0
"""Longer than anything here takes unless it waits for what never comes."""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BATCH_KEY", KEY)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with InlineCluster() as found:
        yield found


class Looks(Notes):
    """Counts each feature's looks, and tells at each."""

    def __init__(self, seen: Callable[[Counter[str]], None] = lambda _looks: None) -> None:
        super().__init__()
        self.count: Counter[str] = Counter()
        self._seen = seen

    def stood(self, standing: OptionProgress) -> None:
        self.count[standing.feature] += 1
        self._seen(self.count)


def write_mixed_workspace(root: Path, servers: Mapping[str, Any], live_port: int) -> Path:
    """One feature is asked by batch, the other live, of models that nobody else asks."""
    write_batch_workspace(
        root, servers, kind="ladder", candidates=("gemini", "gpt"), cases=300, cap="20"
    )
    prices = {"big": "4.00", "good": "0.50"}
    models = (MODEL.format(name=n, port=live_port, price=p) for n, p in prices.items())
    write(root / "models" / "live.yaml", "".join(models))
    feature = FEATURE.format(candidates="good", extra="evalset: tickets")
    write(root / "features" / f"{LIVE}.yaml", feature)
    write(root / "prompts" / LIVE / "default.j2", "Topic for letters of: {{ input }}\n")
    return root


def undisturbed(root: Path, cluster: Cluster) -> tuple[list[dict[str, Any]], Counter[str]]:
    """What is found, and in how many looks; both take more than one."""
    looks = Looks()
    with batch_servers() as servers, OpenAIServer(answers) as live:
        write_mixed_workspace(root, servers, live.port)
        records, ledger = run_batch_review(root, cluster, notes=looks, back_off=OFTEN)
    assert ledger.reserved_usd == 0
    assert min(looks.count[BY_BATCH], looks.count[LIVE]) > 1
    return decided(records), looks.count


def test_a_slow_lane_holds_no_batches_back(tmp_path: Path, cluster: Cluster) -> None:
    """No live answer comes before the feature that is asked by batch has ended its looks."""
    expected, calm = undisturbed(tmp_path / "calm", cluster)
    ended, in_time = Event(), list[bool]()

    def gated(body: Body) -> Reply:
        in_time.append(ended.wait(LONG_S))
        ended.set()
        return answers(body)

    def seen(looks: Counter[str]) -> None:
        if looks[BY_BATCH] == calm[BY_BATCH]:
            ended.set()

    with batch_servers() as servers, OpenAIServer(gated) as live:
        root = write_mixed_workspace(tmp_path / "gated", servers, live.port)
        records, ledger = run_batch_review(root, cluster, notes=Looks(seen), back_off=OFTEN)
        assert set(live.log.by_hash.values()) == {1}
    assert in_time
    assert all(in_time)
    assert decided(records) == expected
    assert ledger.spent_usd == sum(record.evidence.spend.total_usd for record in records)


def test_batches_under_way_hold_no_live_lane_back(tmp_path: Path, cluster: Cluster) -> None:
    """No batch ends before the feature that is asked live has ended its looks."""
    expected, calm = undisturbed(tmp_path / "calm", cluster)
    looks_by_batch: list[int] = []

    def hold(jobs: Mapping[str, Any], *, held: bool) -> None:
        for server in jobs.values():
            server.jobs.held = held

    with batch_servers() as servers, OpenAIServer(answers) as live:

        def seen(looks: Counter[str]) -> None:
            if looks[LIVE] == calm[LIVE] and not looks_by_batch:
                looks_by_batch.append(looks[BY_BATCH])
                hold(servers, held=False)

        hold(servers, held=True)
        root = write_mixed_workspace(tmp_path / "held", servers, live.port)
        records, ledger = run_batch_review(
            root, cluster, notes=Looks(seen), back_off=OFTEN, pause=time.sleep
        )
    assert looks_by_batch == [0]
    assert decided(records) == expected
    assert ledger.reserved_usd == 0
