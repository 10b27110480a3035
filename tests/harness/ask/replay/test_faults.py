from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from harness.ask.cluster.workers import InlineCluster
from tests.benchmarks.replay.faults import capped, storm
from tests.benchmarks.replay.kills import kill_loop
from tests.benchmarks.replay.reviews import SMALL, killed_reviews
from tests.support.load_server import load_server
from tests.support.standing_cluster import StandingCluster


def test_a_storm_loses_nothing_and_the_ledger_agrees_with_the_server(tmp_path: Path) -> None:
    with StandingCluster(timeout_s=60.0) as cluster:
        seen = storm(cluster, tmp_path, total=400, timeout_s=60.0, meanwhile=cluster.timing_out)
    assert min(seen["faults"].values()) > 0
    assert (seen["settled"], seen["answered"], seen["double"]) == (400, 400, 0)
    assert (seen["attempts"], seen["attempts_differ"]) == (seen["requests"], 0)
    assert seen["ledger_usd"] == seen["server_usd"]
    assert seen["possibly_billed"] == seen["unknown_at_server"]
    assert seen["reserved_usd"] == 0


def test_no_random_run_bills_more_than_its_cap(tmp_path: Path) -> None:
    with InlineCluster() as cluster, load_server() as server:
        for seed in range(15):
            folder = tmp_path / str(seed)
            billed, ledger = capped(cluster, folder, server.base_url, Random(seed))
            assert billed <= ledger.spent_usd + ledger.possibly_billed_usd <= ledger.cap_usd


def test_killed_drivers_pay_twice_at_most_for_what_was_in_flight(tmp_path: Path) -> None:
    seen = kill_loop(tmp_path, total=1200, kills=3, kind="inline", seed=3)
    assert seen["settled"] == seen["right"] == 1200
    assert 0 < seen["paid_twice"] <= seen["sent_and_not_committed"]


def test_kills_and_shuffled_latencies_change_neither_verdicts_nor_looks(tmp_path: Path) -> None:
    seen = killed_reviews(
        tmp_path, shape=SMALL, kills=2, kind="inline", seed=3, most=150, most_s=0.03
    )
    assert seen["equal"]
    assert max(seen["looks"]) > 1
    assert seen["paid_twice"] <= seen["sent_and_not_committed"]


pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning"),
    pytest.mark.slow,
]
